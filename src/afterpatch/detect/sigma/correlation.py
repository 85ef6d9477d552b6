"""Correlation rules over other rules' matches, on one host or across hosts.

Enters: correlations and compact rows (rule id, time, fields) in any order. Leaves: the stretches of
time in which a correlation's condition held, with the rows that made it hold.
Will not do: read events; invent a time for a row that has none (such rows take no part).

Windows slide. Within one group, sorted by time, a *window* is a longest run of rows whose first
and last are at most ``timespan`` apart (both ends included): no row can be added to it. The
condition is asked of every window, and satisfied windows that share rows become one stretch. For
conditions that more rows can only help (``gte``, temporal) this equals asking at every moment; for
``lt``, ``eq`` and the like it is the only reading that a quiet edge of a burst cannot fool.
Where the specification is silent: a row that lacks a ``group-by`` field takes no part; rows of
equal time count as being in the author's order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from afterpatch.detect.sigma.ast import Correlation
from afterpatch.detect.sigma.measures import Row as Row
from afterpatch.detect.sigma.measures import measure_for, values_of


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows, by time, during which a correlation held without a break; ``group`` as name -> text."""

    correlation: Correlation
    group: Mapping[str, str]
    rows: tuple[Row, ...]


def correlate(correlations: Iterable[Correlation], rows: Iterable[Row]) -> Iterator[Stretch]:
    """Every stretch of every correlation, in correlation order, then group, then time.

    A correlation may read another one: that one's stretches count as its rows, at their last time,
    carrying the group's values. Where order and nearness matter (the temporal kinds) it reads every
    moment the other one held: what came just after that may come before the stretch was over.
    Correlations must come after those they read.
    """
    by_rule: dict[str, list[Row]] = {}
    moments: dict[str, list[Row]] = {}
    for row in rows:
        by_rule.setdefault(row.rule, []).append(row)
    for correlation in correlations:
        temporal = correlation.kind in ("temporal", "temporal_ordered")
        for stretch in _stretches(correlation, by_rule | moments if temporal else by_rule):
            chained = [
                Row(correlation.info.id, row.time_us, stretch.group, row.key)
                for row in _moments(correlation, stretch.rows)
            ]
            moments.setdefault(correlation.info.id, []).extend(chained)
            by_rule.setdefault(correlation.info.id, []).append(chained[-1])
            yield stretch


def _stretches(correlation: Correlation, by_rule: Mapping[str, list[Row]]) -> Iterator[Stretch]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for rule in dict.fromkeys(correlation.rules):
        for row in by_rule.get(rule, ()):
            key = values_of(correlation, row, correlation.group_by)
            if key is not None:
                groups.setdefault(key, []).append(row)
    order = {rule: position for position, rule in reversed(list(enumerate(correlation.rules)))}
    for key in sorted(groups):
        members = sorted(groups[key], key=lambda row: (row.time_us, order[row.rule], row.key))
        spans = _chains if correlation.kind == "temporal_ordered" else _windows
        group = dict(zip(correlation.group_by, key, strict=True))
        for first, last in _merged(spans(correlation, members)):
            yield Stretch(correlation, group, tuple(members[first : last + 1]))


def _windows(correlation: Correlation, rows: list[Row]) -> Iterator[tuple[int, int]]:
    """(first, last) positions of the windows that satisfy the condition."""
    measure = measure_for(correlation)
    end = 0
    for start in range(len(rows)):
        grown = end
        while (
            end < len(rows) and rows[end].time_us - rows[start].time_us <= correlation.timespan_us
        ):
            measure.add(rows[end])
            end += 1
        if end > grown and measure.holds():
            yield start, end - 1
        measure.remove(rows[start])


def _chains(correlation: Correlation, rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """(first, last) positions of the rows around each "all rules, in this order" in time.

    ``latest[k]`` is the latest position from which the first k+1 rules follow one another so far.
    """
    wanted = correlation.rules
    latest: list[int] = [-1] * len(wanted)
    for position, row in enumerate(rows):
        for step in reversed(range(len(wanted))):
            if wanted[step] != row.rule:
                continue
            latest[step] = position if step == 0 else latest[step - 1]
            if step == len(wanted) - 1 and latest[step] >= 0:
                start = latest[step]
                if row.time_us - rows[start].time_us <= correlation.timespan_us:
                    yield start, position


def _moments(correlation: Correlation, rows: Sequence[Row]) -> Iterator[Row]:
    """Rows of a stretch at which the correlation held, looking back; the last one always."""
    held: set[int] = set()
    if correlation.kind == "temporal_ordered":
        held = {last for _, last in _chains(correlation, rows)}
    elif correlation.comparison in ("gt", "gte") and not correlation.also:
        measure = measure_for(correlation)
        start = 0
        for position, row in enumerate(rows):
            measure.add(row)
            while row.time_us - rows[start].time_us > correlation.timespan_us:
                measure.remove(rows[start])
                start += 1
            if measure.holds():
                held.add(position)
    return (rows[position] for position in sorted(held | {len(rows) - 1}))


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that share a row become one. Starts and ends both ascend in the input."""
    current: tuple[int, int] | None = None
    for first, last in spans:
        if current is not None and first <= current[1]:
            current = (min(current[0], first), max(current[1], last))
            continue
        if current is not None:
            yield current
        current = (first, last)
    if current is not None:
        yield current
