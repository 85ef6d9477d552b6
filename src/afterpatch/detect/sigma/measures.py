"""What a correlation compares, kept up to date while its window slides over rows.

Enters: a correlation, rows that come and go. Leaves: whether its condition holds for the rows that
are in. Will not do: choose windows.
"""

import bisect
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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


def values_of(correlation: Correlation, row: Row, fields: Iterable[str]) -> tuple[str, ...] | None:
    """The row's values of the fields, aliases resolved; None when one is absent."""
    found = []
    for field in fields:
        name = correlation.aliases.get(field, {}).get(row.rule, field)
        value = row.fields.get(name)
        if value is None:
            return None
        found.append(value)
    return tuple(found)


class Measure:
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


class _EventCount(Measure):
    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self.count = 0

    def add(self, row: Row) -> None:
        self.count += 1

    def remove(self, row: Row) -> None:
        self.count -= 1

    def value(self) -> float:
        return self.count


class _Distinct(Measure):
    """``value_count``: distinct values of the fields (rows lacking one add nothing)."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self.seen: Counter[object] = Counter()

    def label(self, row: Row) -> object:
        return values_of(self.correlation, row, self.correlation.fields)

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


class _Numbers(Measure):
    """``value_sum``, ``_avg``, ``_median``, ``_percentile`` over the rows that have a number."""

    def __init__(self, correlation: Correlation) -> None:
        super().__init__(correlation)
        self.numbers: list[float] = []

    def _number(self, row: Row) -> float | None:
        found = values_of(self.correlation, row, self.correlation.fields)
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


def measure_for(correlation: Correlation) -> Measure:
    """A measure with no rows in."""
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
