"""Correlation kinds, window edges, groups, order, aliases, chains."""

import pytest

from afterpatch.detect.sigma.ast import And, Correlation, FieldTest, Not, Or
from afterpatch.detect.sigma.correlation import Row, correlate
from afterpatch.detect.sigma.measures import percentile
from afterpatch.model.hits import RuleInfo

SECOND = 1_000_000


def correlation(kind: str, rules: tuple[str, ...] = ("a",), **more) -> Correlation:
    info = RuleInfo(more.pop("id", "c"), "", "high", "sigma-correlation")
    return Correlation(info, kind, rules, more.pop("timespan_us", 10 * SECOND), **more)


def row(rule: str, seconds: float, key: int = 0, **fields: str) -> Row:
    return Row(rule, int(seconds * SECOND), fields, key)


def times(correlations, rows) -> list[list[float]]:
    each = correlations if isinstance(correlations, list) else [correlations]
    return [[r.time_us / SECOND for r in stretch.rows] for stretch in correlate(each, rows)]


def test_the_window_includes_both_its_ends() -> None:
    two = correlation("event_count", threshold=2)
    assert times(two, [row("a", 0), row("a", 10)]) == [[0, 10]]
    assert times(two, [row("a", 0), row("a", 10.001)]) == []


def test_overlapping_windows_are_one_stretch_and_others_are_not() -> None:
    three = correlation("event_count", threshold=3)
    rows = [row("a", at) for at in (0, 4, 8, 12, 16, 100, 101, 102, 200)]
    assert times(three, rows) == [[0, 4, 8, 12, 16], [100, 101, 102]]


def test_order_of_input_does_not_matter() -> None:
    three = correlation("event_count", threshold=3)
    rows = [row("a", at) for at in (0, 4, 8, 100, 12)]
    assert times(three, rows[::-1]) == times(three, rows) == [[0, 4, 8, 12]]


def test_groups_do_not_mix_and_rows_without_the_group_stay_out() -> None:
    two = correlation("event_count", threshold=2, group_by=("ip",))
    rows = [row("a", 0, ip="1"), row("a", 1, ip="2"), row("a", 2), row("a", 3, ip="1"), row("a", 4)]
    [stretch] = correlate([two], rows)
    assert stretch.group == {"ip": "1"}
    assert [r.time_us for r in stretch.rows] == [0, 3 * SECOND]


@pytest.mark.parametrize(
    ("comparison", "threshold", "fires"),
    [
        *(("gt", 2, 1), ("gt", 3, 0), ("gte", 3, 1), ("lt", 4, 1), ("lt", 3, 0), ("lte", 3, 1)),
        *(("eq", 3, 1), ("eq", 2, 0), ("neq", 3, 0), ("neq", 1, 1)),
    ],
)
def test_comparisons_are_asked_of_whole_windows(
    comparison: str, threshold: int, fires: int
) -> None:
    counted = correlation("event_count", comparison=comparison, threshold=threshold)
    assert len(times(counted, [row("a", 0), row("a", 1), row("a", 2)])) == fires


def test_value_count_counts_distinct_values() -> None:
    two = correlation("value_count", threshold=2, fields=("user",))
    assert times(two, [row("a", 0, user="x"), row("a", 1, user="x"), row("a", 2)]) == []
    assert times(two, [row("a", 0, user="x"), row("a", 1, user="y")]) == [[0, 1]]


@pytest.mark.parametrize(
    ("kind", "threshold", "fires"),
    [
        ("value_sum", 60, True),
        ("value_sum", 61, False),
        ("value_avg", 20, True),
        ("value_avg", 20.1, False),
        ("value_median", 10, True),
        ("value_median", 10.5, False),
        ("value_percentile", 34, True),  # 10, 10, 40: the 90th lies at 10 + 0.8 * 30
        ("value_percentile", 34.1, False),
    ],
)
def test_measures_over_numbers(kind: str, threshold: float, fires: bool) -> None:
    measured = correlation(kind, threshold=threshold, fields=("n",), percentile=90)
    rows = [row("a", i, n=n) for i, n in enumerate(["10", "10", "40", "x", "nan", "-inf"])]
    assert bool(times(measured, rows)) is fires


def test_percentile_interpolates() -> None:
    assert percentile([1, 2, 3, 4], 50) == 2.5
    assert percentile([7], 99) == 7
    assert percentile([1, 2], 100) == 2


def test_temporal_needs_every_rule_in_any_order() -> None:
    both = correlation("temporal", ("a", "b"), threshold=2)
    assert times(both, [row("b", 0), row("a", 9)]) == [[0, 9]]
    assert times(both, [row("b", 0), row("a", 11)]) == []
    assert times(both, [row("a", 0), row("a", 1)]) == []


def test_temporal_ordered_needs_the_order() -> None:
    chain = correlation("temporal_ordered", ("a", "b", "c"), threshold=3)
    assert times(chain, [row("a", 0), row("b", 1), row("c", 2)]) == [[0, 1, 2]]
    assert times(chain, [row("b", 0), row("a", 1), row("c", 2)]) == []
    assert times(chain, [row("a", 0), row("a", 5), row("b", 8), row("c", 14)]) == [[5, 8, 14]]
    assert times(chain, [row("a", 0), row("b", 8), row("c", 14)]) == []
    assert times(chain, [row("c", 0), row("b", 0), row("a", 0)]) == [[0, 0, 0]]


def test_a_rule_may_stand_twice_in_an_ordered_chain() -> None:
    chain = correlation("temporal_ordered", ("a", "a", "b"), threshold=3)
    assert times(chain, [row("a", 0), row("b", 1)]) == []
    assert times(chain, [row("a", 0), row("a", 1), row("b", 2)]) == [[0, 1, 2]]


def seen(rule: str) -> FieldTest:
    return FieldTest(rule, "exists", "true")


def test_boolean_conditions_over_rules() -> None:
    expression = And((seen("a"), Or((seen("b"), seen("c"))), Not(seen("d"))))
    mixed = correlation("temporal", ("a", "b", "c", "d"), expression=expression)
    assert times(mixed, [row("a", 0), row("c", 1)]) == [[0, 1]]
    assert times(mixed, [row("a", 0), row("c", 1), row("d", 2)]) == []
    assert times(mixed, [row("a", 0)]) == []


def test_aliases_name_each_rules_own_field() -> None:
    aliases = {"ip": {"a": "c-ip", "b": "ClientIpAddress"}}
    both = correlation("temporal", ("a", "b"), threshold=2, group_by=("ip",), aliases=aliases)
    rows = [
        row("a", 0, **{"c-ip": "1"}),
        row("b", 1, ClientIpAddress="1"),
        row("b", 1, ClientIpAddress="2"),
    ]
    [stretch] = correlate([both], rows)
    assert stretch.group == {"ip": "1"}


def test_correlations_feed_on_correlations() -> None:
    many = correlation("event_count", threshold=2, id="many", group_by=("ip",))
    then = correlation("temporal_ordered", ("many", "b"), threshold=2, id="then", group_by=("ip",))
    rows = [row("a", 0, ip="1"), row("a", 1, ip="1"), row("b", 5, ip="1"), row("b", 5, ip="2")]
    stretches = [(s.correlation.info.id, len(s.rows)) for s in correlate([many, then], rows)]
    assert stretches == [("many", 2), ("then", 2)]
