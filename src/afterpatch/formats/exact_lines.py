"""Lines the vector steps could not vouch for, read one by one.

Enters: the pending lines of a segment. Leaves: events, a count of documented skips, gaps, and
perhaps a record that is still open at the block's end and must wait for the next block.
Quoted fields may hold line breaks, so a record may span lines; lines that are records by themselves
are never swallowed by a quote that does not end.
"""

import re
from typing import Final

import numpy as np

from afterpatch.formats.bit_index import Mask
from afterpatch.formats.block_lines import BlockLines, ExactEvent, decode
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.table_log import Syntax, Table

MAX_JOINED_LINES: Final = 256
MAX_JOINED_BYTES: Final = 1 << 20
MAX_JOIN_ATTEMPTS: Final = 4

OPEN_QUOTE: Final = "quoted field does not end"
BAD_TIME: Final = "time not readable"

_NULS = re.compile(rb"\0+")
_TWO_RECORDS = re.compile(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


class ExactLines:
    """The exact reading of one segment's pending lines.

    events   what was understood, in line order.
    skipped  blank lines.
    held     the line from which on everything waits for the next block, or None.
    """

    def __init__(
        self, lines: BlockLines, syntax: Syntax, table: Table, gaps: GapRuns, final: bool
    ) -> None:
        self.lines = lines
        self.syntax = syntax
        self.table = table
        self.gaps = gaps
        self.final = final
        self.events: list[ExactEvent] = []
        self.skipped = 0
        self.held: int | None = None

    def read(self, pending: Mask) -> None:
        """Read the lines marked in ``pending``, one mark per line of the block."""
        next_line = 0
        for line in np.flatnonzero(pending).tolist():
            if line < next_line:
                continue  # inside a record that was joined
            next_line = self._read_line(line, pending)
            if self.held is not None:
                return

    def _read_line(self, line: int, pending: Mask) -> int:
        """Read the record that starts at this line; the first line after it."""
        raw = self.lines.raw(line)
        if b"\0" in raw:
            self._read_around_nuls(line, raw)
            return line + 1
        text = decode(raw)
        fields = self._split(text)
        if fields is None:
            return self._read_joined(line, pending)
        self._record(line, line, text, fields)
        return line + 1

    def _split(self, text: str) -> list[str] | None:
        return self.syntax.split(text, len(self.table.names), self.table.loose)

    def _read_around_nuls(self, line: int, raw: bytes) -> None:
        """A crash leaves runs of NUL where text was never written; text around them counts."""
        number = self.lines.number(line)
        lost = raw.count(b"\0")
        texts = [decode(part) for part in _NULS.split(raw) if part]
        self.gaps.add(number, f"{lost} NUL bytes in place of text", records=0 if texts else 1)
        for text in texts:
            fields = self._split(text)
            if fields is None:
                self.gaps.add(number, OPEN_QUOTE)
            else:
                self._record(line, line, text, fields)

    def _record(self, line: int, last: int, text: str, fields: list[str]) -> None:
        if not text.strip():
            self.skipped += 1
            return
        number, expected = self.lines.number(line), len(self.table.names)
        if len(fields) != expected:
            self.gaps.add(number, f"{len(fields)} columns, not {expected}")
            return
        loose = self.table.loose
        if loose is not None and _TWO_RECORDS.search(f" {fields[loose]} "):
            self.gaps.add(number, "two records on one line")
            return
        time_us = self.table.clock.read(fields)
        if time_us is None and not self.table.clock.timeless:
            self.gaps.add(number, BAD_TIME, records=0)
        self.events.append(ExactEvent(line, last, time_us, fields, text))

    def _read_joined(self, line: int, pending: Mask) -> int:
        """A quoted field goes on in the next lines, as long as those are no records themselves."""
        lines = self.lines
        start = lines.starts[line]
        quotes, attempts = lines.raw(line).count(b'"'), 0
        for after in range(line + 1, line + MAX_JOINED_LINES):
            if after == len(lines) and not self.final:
                self.held = line
                return after
            if after == len(lines) or not pending[after]:
                break
            if lines.ends[after] - start > MAX_JOINED_BYTES or attempts == MAX_JOIN_ATTEMPTS:
                break
            more = lines.raw(after).count(b'"')
            quotes += more
            if not more or quotes % 2:
                continue
            text = decode(lines.data[start : lines.ends[after]])
            fields = self._split(text)
            if fields is not None and len(fields) == len(self.table.names):
                self._record(line, after, text, fields)
                return after + 1
            attempts += 1
        self.gaps.add(lines.number(line), OPEN_QUOTE)
        return line + 1
