"""Law: sliding windows find what a search of all stretches of time finds."""

import statistics
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.sigma.ast import And, Correlation, FieldTest, Not, Or
from afterpatch.detect.sigma.correlation import Row, correlate
from afterpatch.model.hits import RuleInfo

INFO = RuleInfo("c", "", "high", "sigma-correlation")
COMPARISONS = {
    "gt": lambda number, wanted: number > wanted,
    "gte": lambda number, wanted: number >= wanted,
    "lt": lambda number, wanted: number < wanted,
    "lte": lambda number, wanted: number <= wanted,
    "eq": lambda number, wanted: number == wanted,
    "neq": lambda number, wanted: number != wanted,
}
NUMBERS = ["value_sum", "value_avg", "value_median", "value_percentile"]
FIELDS = st.sampled_from(["g", "h", "v", "w"])
rows = st.lists(
    st.builds(
        Row,
        st.sampled_from(["a", "b", "c", "z"]),
        st.integers(0, 40),
        st.dictionaries(FIELDS, st.sampled_from(["1", "2", "-3", "2.5", "x", "nan", "inf"])),
    ),
    max_size=14,
)
seen = st.sampled_from(["a", "b", "c"]).map(lambda rule: FieldTest(rule, "exists", "true"))
expression = st.recursive(
    seen,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=4,
)


def build(kind: st.SearchStrategy[str], **more: st.SearchStrategy) -> st.SearchStrategy:
    usual = {
        "rules": st.sampled_from([("a", "b"), ("a",), ("b", "a", "c")]),
        "timespan_us": st.integers(0, 12),
        # One group over fields that the rules call differently.
        "group_by": st.sampled_from([(), ("g",), ("g", "h"), ("alias",)]),
        "aliases": st.just({"alias": {"a": "g", "b": "h"}, "value": {"a": "v", "b": "w"}}),
    }
    return st.builds(Correlation, info=st.just(INFO), kind=kind, **(usual | more))


compared = {
    "comparison": st.sampled_from(list(COMPARISONS)),
    "threshold": st.integers(0, 4),
    "also": st.sampled_from([(), (("lte", 3.0),), (("neq", 2.0),)]),
}
correlation = st.one_of(
    build(st.just("event_count"), **compared),
    build(
        st.just("value_count"),
        fields=st.sampled_from([("v",), ("value",), ("v", "w")]),
        **compared,
    ),
    build(
        st.sampled_from(NUMBERS),
        fields=st.sampled_from([("v",), ("value",)]),
        percentile=st.sampled_from([0.0, 50.0, 90.0, 100.0]),
        **compared,
    ),
    build(st.just("temporal"), threshold=st.integers(1, 3)),
    build(st.just("temporal"), expression=expression),
    build(st.just("temporal_ordered"), threshold=st.integers(1, 3)),
)


def value(rule: Correlation, row: Row, field: str) -> str | None:
    return row.fields.get(rule.aliases.get(field, {}).get(row.rule, field))


def values(rule: Correlation, window: list[Row]) -> Iterator[tuple[str, ...]]:
    for row in window:
        found = tuple(value(rule, row, field) for field in rule.fields)
        if None not in found:
            yield found


def in_order(rules: tuple[str, ...], window: list[Row]) -> bool:
    """Whether the rules follow one another, whatever is between; at one time any order will do."""
    reached = {0: float("-inf")}  # so many rules so far -> the earliest time that was so
    for step, rule in enumerate(rules):
        times = [r.time_us for r in window if r.rule == rule and r.time_us >= reached[step]]
        if not times:
            return False
        reached[step + 1] = min(times)
    return True


def is_seen(node: object, window: list[Row]) -> bool:
    match node:
        case FieldTest(rule):
            return any(row.rule == rule for row in window)
        case Not(item):
            return not is_seen(item, window)
        case And(items):
            return all(is_seen(item, window) for item in items)
        case Or(items):
            return any(is_seen(item, window) for item in items)


def measured(rule: Correlation, window: list[Row]) -> float | None:
    if rule.kind == "event_count":
        return len(window)
    if rule.kind == "value_count":
        return len(set(values(rule, window)))
    if rule.kind == "temporal":
        return len({row.rule for row in window})
    numbers = sorted(float(v) for (v,) in values(rule, window) if v not in ("x", "nan", "inf"))
    if not numbers:
        return None
    if rule.kind == "value_percentile":
        at = (len(numbers) - 1) * rule.percentile / 100
        low, high = numbers[int(at)], numbers[min(int(at) + 1, len(numbers) - 1)]
        return low + (high - low) * (at - int(at))
    return {
        "value_sum": sum,
        "value_avg": statistics.fmean,
        "value_median": statistics.median,
    }[rule.kind](numbers)


def satisfied(rule: Correlation, window: list[Row]) -> bool:
    if rule.kind == "temporal_ordered":
        return in_order(rule.rules, window)
    if rule.expression is not None:
        return is_seen(rule.expression, window)
    number = measured(rule, window)
    wanted = ((rule.comparison, rule.threshold), *rule.also)
    return number is not None and all(COMPARISONS[how](number, limit) for how, limit in wanted)


def obvious(rule: Correlation, found: list[Row]) -> set[str]:
    """Groups in which some window (a set of rows that no row can be added to) satisfies."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        key = [value(rule, row, name) for name in rule.group_by]
        if row.rule in rule.rules and None not in key:
            groups.setdefault("|".join(key), []).append(row)
    hits = set()
    for name, members in groups.items():
        starts = sorted({row.time_us for row in members})
        windows = [
            frozenset(
                i for i, row in enumerate(members) if 0 <= row.time_us - s <= rule.timespan_us
            )
            for s in starts
        ]
        largest = [one for one in windows if not any(one < other for other in windows)]
        if any(satisfied(rule, [members[i] for i in window]) for window in largest):
            hits.add(name)
    return hits


@settings(max_examples=400, deadline=None)
@given(correlation, rows, st.randoms())
def test_sliding_equals_searching(rule: Correlation, found: list[Row], random) -> None:
    stretches = list(correlate([rule], found))
    assert {"|".join(s.group.values()) for s in stretches} == obvious(rule, found)
    shuffled = found[:]
    random.shuffle(shuffled)
    again = list(correlate([rule], shuffled))
    flat = [[(r.rule, r.time_us) for r in s.rows] for s in stretches]
    assert flat == [[(r.rule, r.time_us) for r in s.rows] for s in again]
    for stretch in stretches:
        instants = [row.time_us for row in stretch.rows]
        assert instants == sorted(instants)
