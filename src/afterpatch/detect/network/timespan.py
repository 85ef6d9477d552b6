"""Which time a ranking is about: the last window of the logs, whatever one bad clock says."""

from collections import Counter
from typing import Final

import polars as pl

HOUR_US: Final = 3_600 * 1_000_000
_LONE_US: Final = 7 * 24 * HOUR_US  # a gap this long sets rows apart …
_LONE_SHARE: Final = 0.001  # … and so few of them are held to be a clock's fault


class Hours:
    """Rows per hour; false when there are none."""

    def __init__(self) -> None:
        self._rows: Counter[int] = Counter()

    def __bool__(self) -> bool:
        return bool(self._rows)

    def add(self, times: pl.Series) -> None:
        """Count microseconds since 1970."""
        counted = (times // HOUR_US).value_counts()
        self._rows.update(dict(counted.iter_rows()))

    def window(self, length_us: int) -> tuple[int, int]:
        """First and last microsecond: the last ``length_us``, less what lies alone far away."""
        groups: list[list[int]] = []
        for hour in sorted(self._rows):
            if groups and (hour - groups[-1][-1]) * HOUR_US <= _LONE_US:
                groups[-1].append(hour)
            else:
                groups.append([hour])
        few = _LONE_SHARE * self._rows.total()
        while len(groups) > 1 and self._count(groups[-1]) <= few:
            groups.pop()
        while len(groups) > 1 and self._count(groups[0]) <= few:
            groups.pop(0)
        if not groups:
            return 0, 0
        end = (groups[-1][-1] + 1) * HOUR_US - 1
        return max(groups[0][0] * HOUR_US, end - length_us + 1), end

    def _count(self, hours: list[int]) -> int:
        return sum(self._rows[hour] for hour in hours)
