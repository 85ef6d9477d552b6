import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats.delimited_text import split_around, split_quoted


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("a,b,,", ["a", "b", "", ""]),
        ('a,"b,""c""",d', ["a", 'b,"c"', "d"]),
        ('a,b"c,d', ["a", 'b"c', "d"]),
        ('"a"b,c', ["ab", "c"]),
        ('"",x', ["", "x"]),
        ('a,"open', None),
        ("", [""]),
    ],
)
def test_split_quoted(text: str, fields: list[str] | None) -> None:
    assert split_quoted(text) == fields


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.text('ab,"\n;', max_size=6), min_size=2, max_size=5))
def test_what_csv_writes_is_read_back(rows: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(rows)
    assert split_quoted(out.getvalue()) == rows


def test_split_around_takes_the_surplus_into_the_loose_field() -> None:
    assert split_around("a b c d e f", " ", 4, 2) == ["a", "b", "c d e", "f"]
    assert split_around("a b c", " ", 3, 1) == ["a", "b", "c"]
    assert split_around("a b", " ", 3, 1) is None
