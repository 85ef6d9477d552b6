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

import bisect
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from afterpatch.detect.sigma.ast import And, Comparison, Correlation, FieldTest, Node, Not, Or

_COMPARE: Final[Mapping[Comparison, Callable[[float, float], bool]]] = {
    "lt": lambda mine, wanted: mine < wanted,
    "lte": lambda mine, wanted: mine <= wanted,
    "gt": lambda mine, wanted: mine > wanted,
    "gte": lambda mine, wanted: mine >= wanted,
    "eq": lambda mine, wanted: mine == wanted,
    "neq": lambda mine, wanted: mine != wanted,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One match of one rule. ``key`` is the caller's own handle, handed back untouched."""

    rule: str
    time_us: int
    fields: Mapping[str, str]
    key: int = 0


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
            key = _values(correlation, row, correlation.group_by)
            if key is not None:
                groups.setdefault(key, []).append(row)
    order = {rule: position for position, rule in reversed(list(enumerate(correlation.rules)))}
    for key in sorted(groups):
        members = sorted(groups[key], key=lambda row: (row.time_us, order[row.rule], row.key))
        spans = _chains if correlation.kind == "temporal_ordered" else _windows
        group = dict(zip(correlation.group_by, key, strict=True))
        for first, last in _merged(spans(correlation, members)):
            yield Stretch(correlation, group, tuple(members[first : last + 1]))


def _values(correlation: Correlation, row: Row, fields: Iterable[str]) -> tuple[str, ...] | None:
    """The row's values of the fields, aliases resolved; None when one is absent."""
    found = []
    for field in fields:
        name = correlation.aliases.get(field, {}).get(row.rule, field)
        value = row.fields.get(name)
        if value is None:
            return None
        found.append(value)
    return tuple(found)


def _windows(correlation: Correlation, rows: list[Row]) -> Iterator[tuple[int, int]]:
    """(first, last) positions of the windows that satisfy the condition."""
    measure = _measure_for(correlation)
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
        measure = _measure_for(correlation)
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


class _Measure:
    """What a correlation compares, kept up to date while its window slides."""

    def __init__(self, correlation: Correlation) -> None:
        self.correlation = correlation

    def add(self, row: Row) -> None:
        """The window grows at its end."""
        raise NotImplementedError

    def remove(self, row: Row) -> None:
        """The window shrinks at its start."""
        raise NotImplementedError

    def value(self) -> float | None:
        """The number to compare; None = nothing to measure."""
        raise NotImplementedError

    def holds(self) -> bool:
        """Whether the condition holds for the window as it is."""
        value = self.value()
        wanted = self.correlation
        return value is not None and all(
            _COMPARE[comparison](value, threshold)
            for comparison, threshold in ((wanted.comparison, wanted.threshold), *wanted.also)
        )


class _EventCount(_Measure):
    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self.count = 0

    def add(self, row: Row) -> None:
        self.count += 1

    def remove(self, row: Row) -> None:
        self.count -= 1

    def value(self) -> float:
        return self.count


class _Distinct(_Measure):
    """``value_count``: distinct values of the fields (rows lacking one add nothing)."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self.seen: Counter[object] = Counter()

    def label(self, row: Row) -> object:
        return _values(self.correlation, row, self.correlation.fields)

    def add(self, row: Row) -> None:
        label = self.label(row)
        if label is not None:
            self.seen[label] += 1

    def remove(self, row: Row) -> None:
        label = self.label(row)
        if label is not None:
            self.seen[label] -= 1
            if not self.seen[label]:
                del self.seen[label]

    def value(self) -> float:
        return len(self.seen)


class _Temporal(_Distinct):
    """``temporal``: distinct rules, or a boolean expression over which were seen."""

    def label(self, row: Row) -> object:
        return row.rule

    def holds(self) -> bool:
        expression = self.correlation.expression
        return super().holds() if expression is None else _seen(expression, self.seen)


class _Numbers(_Measure):
    """``value_sum``, ``_avg``, ``_median``, ``_percentile`` over the rows that have a number."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self.numbers: list[float] = []

    def _number(self, row: Row) -> float | None:
        found = _values(self.correlation, row, self.correlation.fields)
        try:
            number = float(found[0]) if found else None
        except ValueError:
            return None
        # NaN and infinities are texts, not measurements.
        return number if number is not None and abs(number) < float("inf") else None

    def add(self, row: Row) -> None:
        number = self._number(row)
        if number is not None:
            bisect.insort(self.numbers, number)

    def remove(self, row: Row) -> None:
        number = self._number(row)
        if number is not None:
            del self.numbers[bisect.bisect_left(self.numbers, number)]

    def value(self) -> float | None:
        if not self.numbers:
            return None
        match self.correlation.kind:
            case "value_sum":
                return sum(self.numbers)
            case "value_avg":
                return statistics.fmean(self.numbers)
            case "value_percentile":
                return percentile(self.numbers, self.correlation.percentile)
        return statistics.median(self.numbers)


def percentile(ascending: list[float], percent: float) -> float:
    """Linear interpolation between the closest ranks (the usual default of databases)."""
    position = (len(ascending) - 1) * percent / 100
    below = int(position)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (position - below)


def _measure_for(correlation: Correlation) -> _Measure:
    match correlation.kind:
        case "event_count":
            return _EventCount(correlation)
        case "value_count":
            return _Distinct(correlation)
        case "temporal" | "temporal_ordered":
            return _Temporal(correlation)
    return _Numbers(correlation)


def _seen(node: Node, rules: Mapping[object, int]) -> bool:
    match node:
        case FieldTest():
            return node.field in rules
        case Not(item):
            return not _seen(item, rules)
        case And(items):
            return all(_seen(item, rules) for item in items)
        case Or(items):
            return any(_seen(item, rules) for item in items)
