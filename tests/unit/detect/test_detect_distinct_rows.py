"""One row stands for all rows of its text."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.detect.distinct_rows import distinct_rows


@given(st.lists(st.one_of(st.none(), st.sampled_from("abcde"), st.text(max_size=3)), max_size=300))
def test_every_row_is_stood_for_by_its_own_text(texts: list[str | None]) -> None:
    first, stands_for = distinct_rows(pl.Series(texts, dtype=pl.String))
    assert [texts[row] for row in stands_for.tolist()] == texts
    assert set(first.tolist()) == set(stands_for.tolist())
    assert {texts[row] for row in first.tolist()} == set(texts)
    assert first.tolist() == sorted(first.tolist())


def test_more_texts_than_places_in_the_table_are_all_there() -> None:
    texts = pl.Series([f"text{n % 60_000}" for n in range(120_000)])
    first, stands_for = distinct_rows(texts)
    assert (texts.gather(stands_for) == texts).all()
    assert texts.gather(first).n_unique() == 60_000
