"""Law: sliding windows find what a search of all stretches of time finds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.sigma.ast import Correlation
from afterpatch.detect.sigma.correlation import Row, correlate
from afterpatch.model.hits import RuleInfo

INFO = RuleInfo("c", "", "high", "sigma-correlation")
rows = st.lists(
    st.builds(
        Row,
        st.sampled_from(["a", "b", "z"]),
        st.integers(0, 40),
        st.dictionaries(st.sampled_from(["g", "v"]), st.sampled_from(["1", "2", "x"])),
    ),
    max_size=14,
)
correlation = st.one_of(
    st.builds(
        Correlation,
        st.just(INFO),
        st.just("event_count"),
        st.just(("a", "b")),
        st.integers(0, 12),
        st.sampled_from([(), ("g",)]),
        st.sampled_from(["gt", "gte", "lt", "lte", "eq", "neq"]),
        st.integers(0, 4),
    ),
    st.builds(
        Correlation,
        st.just(INFO),
        st.just("value_count"),
        st.just(("a", "b")),
        st.integers(0, 12),
        st.sampled_from([(), ("g",)]),
        st.sampled_from(["gt", "gte", "lt", "lte", "eq", "neq"]),
        st.integers(0, 3),
        st.just(("v",)),
    ),
    st.builds(
        Correlation,
        st.just(INFO),
        st.sampled_from(["temporal", "temporal_ordered"]),
        st.just(("a", "b")),
        st.integers(0, 12),
        st.sampled_from([(), ("g",)]),
        threshold=st.just(2),
    ),
)


def satisfied(rule: Correlation, window: list[Row]) -> bool:
    if rule.kind == "temporal_ordered":
        return any(
            one.rule == "a" and two.rule == "b" and one.time_us <= two.time_us
            for one in window
            for two in window
        )
    number = {
        "event_count": len(window),
        "value_count": len({row.fields["v"] for row in window if "v" in row.fields}),
        "temporal": len({row.rule for row in window}),
    }[rule.kind]
    wanted = rule.threshold
    return {
        "gt": number > wanted,
        "gte": number >= wanted,
        "lt": number < wanted,
        "lte": number <= wanted,
        "eq": number == wanted,
        "neq": number != wanted,
    }[rule.comparison]


def obvious(rule: Correlation, found: list[Row]) -> set[str]:
    """Groups in which some window (a set of rows that no row can be added to) satisfies."""
    groups: dict[str, list[Row]] = {}
    for row in found:
        if row.rule in rule.rules and all(name in row.fields for name in rule.group_by):
            groups.setdefault("".join(row.fields[name] for name in rule.group_by), []).append(row)
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


@settings(max_examples=100, deadline=None)
@given(correlation, rows, st.randoms())
def test_sliding_equals_searching(rule: Correlation, found: list[Row], random) -> None:
    stretches = list(correlate([rule], found))
    assert {"".join(s.group.values()) for s in stretches} == obvious(rule, found)
    shuffled = found[:]
    random.shuffle(shuffled)
    again = list(correlate([rule], shuffled))
    flat = [[(r.rule, r.time_us) for r in s.rows] for s in stretches]
    assert flat == [[(r.rule, r.time_us) for r in s.rows] for s in again]
    for stretch in stretches:
        instants = [row.time_us for row in stretch.rows]
        assert instants == sorted(instants)
