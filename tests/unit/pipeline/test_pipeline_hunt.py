"""Sums add up to the same whatever the order, and copies count once."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.model.hits import Hit
from afterpatch.model.hunts import HitSum, Hunted
from afterpatch.model.places import Fact, Item, Place, Source
from afterpatch.model.readings import Reading
from afterpatch.pipeline import hunt_tally
from afterpatch.pipeline.hunt_tally import HuntTally
from afterpatch.pipeline.ledger import Ledger

START = datetime(2021, 3, 3, tzinfo=UTC)
KEY = ("r", frozenset[int]())


def hit(source: str, record: int, minutes: int | None = 0, rule: str = "r") -> Hit:
    when = None if minutes is None else START + timedelta(minutes=minutes)
    return Hit(rule, when, Place(source, record), {}, "")


def summed(*hits: Hit) -> Hunted:
    total = HitSum(0, None, None, ())
    for one in hits:
        total = total.plus(HitSum(1, one.time, one.time, (one,)), 3)
    return Hunted({KEY: total}, evaluated=frozenset({"r"}))


def reading(
    name: str, found: Hunted, sha256: str = "", host: str = "", root: str = "EX"
) -> Reading:
    item = Item(name, None, name, root, (name,), 9)
    facts = (Fact("host.name", host, None, Place(name, 1)),) if host else ()
    source = Source(item, sha256 or name.ljust(64, "0"), 9, "evtx", "header")
    return Reading(source, facts=facts, hunted=found)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.one_of(st.none(), st.integers(0, 5)))), st.randoms())  # fmt: skip
def test_any_order_and_any_grouping_gives_one_total(
    rows: list[tuple[str, int, int | None]], chance: random.Random
) -> None:
    hits = [hit(*row) for row in rows]
    parts = [summed(one) for one in hits]
    whole = HuntTally(3)
    for part in parts:
        whole.add(part)
    chance.shuffle(parts)
    halves = HuntTally(3), HuntTally(3)
    for part in parts:
        chance.choice(halves).add(part)
    merged = HuntTally(3)
    for half in halves:
        merged.add(half.total())
    assert merged.total() == whole.total()
    if hits:
        total = whole.total().sums[KEY]
        assert total.count == len(hits)
        assert len(total.examples) == min(3, len(hits))


def test_the_ledger_keeps_machines_of_one_root_apart() -> None:
    ledger = Ledger(3)
    for name, host in (("a", "ex01"), ("b", "ex02"), ("c", "ex01")):
        stripped = ledger.take(reading(name, summed(hit(name, 1)), host=host))
        assert stripped.hunted == Hunted()
    assert ledger.of(["a", "c"]).sums[KEY].count == 2
    assert ledger.of(["b"]).sums[KEY].count == 1
    assert ledger.of([]).sums == {}


@pytest.mark.parametrize("order", [("a", "z"), ("z", "a")])
def test_copies_count_once_and_are_shown_at_the_kept_place(order: tuple[str, str]) -> None:
    ledger = Ledger(3)
    for name in order:
        ledger.take(reading(name, summed(hit(name, 1)), sha256="c" * 64))
    total = ledger.of(order).sums[KEY]
    assert total.count == 1
    assert [one.place.source for one in total.examples] == ["a"]


def test_equal_files_of_two_collections_are_two() -> None:
    ledger = Ledger(3)
    for name, root in (("a", "EX01"), ("b", "EX02")):
        ledger.take(reading(name, summed(hit(name, 1)), sha256="c" * 64, root=root))
    assert [ledger.of([name]).sums[KEY].count for name in "ab"] == [1, 1]


def test_what_correlations_read_is_bounded_and_what_is_cut_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hunt_tally, "MAX_FEEDING", 10)
    tally = HuntTally(3)
    for record in reversed(range(35)):
        tally.add(replace(Hunted(), feeding=(hit("a", record, record),)))
    total = tally.total()
    assert [one.place.record for one in total.feeding] == list(range(10))
    assert total.overflow == {"r": 25}
    assert tally.total() == total
