"""Unread lines -> gaps: one per unbroken run of lines lost for one reason, a bounded number.

Enters: line numbers in ascending order. Leaves: gaps whose record counts add up exactly, whatever
the number of bad lines and however the text was cut into blocks.
"""

from typing import Final

from afterpatch.model.places import Gap

MAX_GAPS: Final = 1000


class GapRuns:
    """Collects the gaps of one source."""

    def __init__(self, source: str, limit: int = MAX_GAPS) -> None:
        self._source = source
        self._left = limit
        self._done: list[Gap] = []
        self._open: _Run | None = None
        self._rest: _Run | None = None
        self._rest_gaps = 0

    def add(self, line: int, reason: str, records: int = 1, lines: int = 1) -> None:
        """``lines`` lines from ``line`` hold ``records`` records that were not understood."""
        run = self._open
        if run and run.reason == reason and run.last <= line <= run.last + 1:
            run.last = line + lines - 1
            run.records += records
            return
        self._finish_run()
        self._open = _Run(reason, line, line + lines - 1, records)

    def take(self) -> tuple[Gap, ...]:
        """The gaps finished since the last call."""
        done, self._done = self._done, []
        return tuple(done)

    def close(self) -> tuple[Gap, ...]:
        """The remaining gaps; past the limit they are one gap with the exact sum."""
        self._finish_run()
        if self._rest:
            self._rest.reason = f"{self._rest_gaps} more gaps, not listed one by one"
            self._done.append(self._rest.gap(self._source))
        return self.take()

    def _finish_run(self) -> None:
        run, self._open = self._open, None
        if run is None:
            return
        if self._left:
            self._left -= 1
            self._done.append(run.gap(self._source))
            return
        self._rest_gaps += 1
        if self._rest is None:
            self._rest = run
        else:
            self._rest.last = run.last
            self._rest.records += run.records


class _Run:
    __slots__ = ("first", "last", "reason", "records")

    def __init__(self, reason: str, first: int, last: int, records: int) -> None:
        self.reason, self.first, self.last, self.records = reason, first, last, records

    def gap(self, source: str) -> Gap:
        one = self.first == self.last
        place = f"line {self.first}" if one else f"lines {self.first}-{self.last}"
        return Gap(source, place, self.reason, self.records)
