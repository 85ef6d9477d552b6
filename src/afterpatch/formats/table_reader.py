"""Reader of logs with a column header: bytes -> pieces.

Enters: a stream, a syntax, and what a header means (:class:`Table`). Leaves: one piece per block.
Lines that the vector steps prove regular are counted, dated and searched for builds and host names
without any code per line; only lines some rule wants are cut into columns. Every other line is
read exactly, one by one: it is an event, a documented skip, or part of a gap.
It will not guess: a line with the wrong number of columns is never bent into shape.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import numpy as np

from afterpatch.formats.bit_index import Mask
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.cell_tests import cell_marks
from afterpatch.formats.dated_facts import BuildRuns, HostNames
from afterpatch.formats.exact_lines import ExactLines
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_scan import Columns, find_columns
from afterpatch.formats.regular_lines import regular_lines
from afterpatch.formats.segment import Segment
from afterpatch.formats.table_log import MAX_COLUMNS, Head, Syntax, Table
from afterpatch.formats.text_blocks import BLOCK_BYTES, Block, LongLine, read_blocks
from afterpatch.model.batches import Batch, Piece, Wanted
from afterpatch.model.places import Item

Plan = Callable[[Head, Item], Table]

UNENDED: Final = "last line has no line end: it may be cut"
NO_HEADER: Final = "no #Fields line before it"


def read_table_log(
    stream: BinaryIO,
    item: Item,
    wanted: Wanted | None,
    syntax: Syntax,
    plan: Plan,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Piece]:
    """Yield one piece per block of a log; see :class:`afterpatch.formats.format.Reader`."""
    reader = _Reader(item, wanted, syntax, plan)
    for part in read_blocks(stream, block_bytes):
        if isinstance(part, LongLine):
            yield reader.read_long_line(part)
        else:
            yield reader.read_block(part)
    yield reader.finish()


class _Reader:
    """State that outlives a block: header, open gap, current build, a record not yet closed."""

    def __init__(self, item: Item, wanted: Wanted | None, syntax: Syntax, plan: Plan) -> None:
        self.item = item
        self.wanted = wanted
        self.syntax = syntax
        self.plan = plan
        self.head = Head()
        self.table: Table | None = None
        self.gaps = GapRuns(item.name)
        self.builds = BuildRuns(item.name)
        self.hosts = HostNames(item.name)
        self.held: Block | None = None

    def read_block(self, block: Block) -> Piece:
        """Read whole lines; a record still open at their end waits for the next block."""
        if self.held is not None:
            block, self.held = block.after(self.held.data), None
        return self._read(block, final=not block.ended)

    def read_long_line(self, line: LongLine) -> Piece:
        """Count a line that was too long to keep."""
        piece = self._read_held()
        self.gaps.add(line.number, f"line of {line.size_bytes} bytes is too long")
        return piece

    def finish(self) -> Piece:
        """What remains at the end of the source."""
        held = self._read_held()
        gaps = self.gaps.close()
        return replace(
            held,
            records=held.records + sum(gap.records for gap in gaps),
            gaps=(*held.gaps, *gaps),
            facts=(*held.facts, *self.builds.close()),
        )

    def _read_held(self) -> Piece:
        if self.held is None:
            return Piece()
        held, self.held = self.held, None
        return self._read(held, final=True)

    def _read(self, block: Block, final: bool) -> Piece:
        walk = _BlockWalk(self, block, final)
        walk.read()
        if not block.ended:
            self.gaps.add(block.first + len(block.breaks) - 1, UNENDED, records=0)
        return walk.piece()

    def set_head(self, head: Head) -> None:
        """Follow the header; the table changes only when the header does."""
        if head == self.head:
            return
        self.head = head
        usable = self.syntax.fewest <= len(head.fields) <= MAX_COLUMNS
        self.table = self.plan(head, self.item) if usable else None


class _BlockWalk:
    """One block being read: segments between header lines, each under one table."""

    def __init__(self, reader: _Reader, block: Block, final: bool) -> None:
        self.reader = reader
        self.final = final
        self.lines = BlockLines(block)
        self.wanted = self._wanted_lines()
        self.events = 0
        self.skipped = 0
        self.batches: list[Batch] = []
        self.observed: dict[str, dict[int, int]] = {}
        self.range_us: list[int] = []

    def read(self) -> None:
        """Walk the block from header line to header line."""
        lines, syntax = self.lines, self.reader.syntax
        columns = find_columns(
            lines.data,
            lines.buffer,
            lines.starts,
            lines.ends,
            ord(syntax.separator),
            syntax.quoted,
        )
        at = 0
        for line in self._header_candidates():
            head = self.reader.head.after(lines.text(line), syntax)
            if head is None:
                continue
            self._read_segment(columns, at, line)
            self.reader.set_head(head)
            self.skipped += 1
            at = line + 1
        self._read_segment(columns, at, len(lines))

    def piece(self) -> Piece:
        """Everything read, with the gaps and facts finished so far."""
        reader = self.reader
        gaps = reader.gaps.take()
        return Piece(
            records=self.events + self.skipped + sum(gap.records for gap in gaps),
            events=self.events,
            skipped=self.skipped,
            batches=tuple(self.batches),
            gaps=gaps,
            facts=(*reader.builds.take(), *reader.hosts.take()),
            observed=self.observed,
            first_us=min(self.range_us, default=None),
            last_us=max(self.range_us, default=None),
        )

    def _wanted_lines(self) -> Mask | None:
        if self.reader.wanted is None:
            return None
        marks = np.zeros(len(self.lines), dtype=np.bool_)
        offsets = self.reader.wanted.offsets(self.lines.data)
        marks[np.searchsorted(self.lines.block.breaks, offsets)] = True
        return marks

    def _wanted_of(self, segment: Segment) -> Mask | None:
        """The wanted lines, those that single columns ask for among them."""
        cells = self.reader.wanted.cells if self.reader.wanted else ()
        if self.wanted is None or not cells:
            return self.wanted
        marks = self.wanted.copy()
        table, syntax = segment.table, self.reader.syntax
        marks[segment.regular] |= cell_marks(
            cells, table.names, segment.columns, self.lines.buffer, segment.regular,
            quoted=syntax.quoted, empty=table.empty,
        )  # fmt: skip
        marks[[event.line for event in segment.exact]] = True
        return marks

    def _header_candidates(self) -> list[int]:
        """Lines whose first byte may start a header line: rare, so looked at one by one."""
        lines = self.lines
        names = "".join(name[0] for name in self.reader.syntax.header_names)
        may_start = np.zeros(256, dtype=np.bool_)
        may_start[list(f"#{names}".encode() + b"\xef")] = True
        first = lines.buffer[np.minimum(lines.starts, len(lines.buffer) - 1)]
        found: list[int] = np.flatnonzero(may_start[first] & (lines.ends > lines.starts)).tolist()
        return found

    def _read_segment(self, columns: Columns, low: int, high: int) -> None:
        """Read lines ``low`` to ``high``, none of which is a header line."""
        if low == high:
            return
        reader, lines, table = self.reader, self.lines, self.reader.table
        pending = np.zeros(len(lines), dtype=np.bool_)
        pending[low:high] = lines.ends[low:high] > lines.starts[low:high]
        blank = high - low - int(pending.sum())
        if table is not None and table.summary:
            self.skipped += high - low
            return
        if table is None:
            self.skipped += blank
            for line in np.flatnonzero(pending).tolist():
                reader.gaps.add(lines.number(line), NO_HEADER)
            return
        regular, times = regular_lines(lines, columns, reader.syntax, table, low, high)
        exact = ExactLines(lines, reader.syntax, table, reader.gaps, self.final)
        if len(regular) + blank < high - low:
            pending[low:high] = True
            pending[regular] = False
            exact.read(pending)
            self.skipped += exact.skipped
        else:
            self.skipped += blank
        if exact.held is not None:
            self._hold(exact.held)
        segment = Segment(lines, columns, reader.syntax, table, regular, times, exact.events)
        self._take(segment)

    def _hold(self, line: int) -> None:
        """Put the open record and the lines after it back for the next block."""
        lines = self.lines
        start = int(lines.starts[line])
        breaks = lines.block.breaks[line:] - start
        self.reader.held = Block(lines.data[start:], breaks, lines.number(line))

    def _take(self, segment: Segment) -> None:
        """Add a segment's events to the piece and its sightings to the source's facts."""
        if not len(segment):
            return
        self.events += len(segment)
        for log, hour, count in segment.hours():
            hours = self.observed.setdefault(log, {})
            hours[hour] = hours.get(hour, 0) + count
        self.range_us += segment.time_range()
        for sighting in segment.builds():
            self.reader.builds.see(sighting)
        for sighting in segment.hosts():
            self.reader.hosts.see(sighting)
        batch = segment.batch(None if segment.table.unfiltered else self._wanted_of(segment))
        if batch is not None:
            self.batches.append(batch)
