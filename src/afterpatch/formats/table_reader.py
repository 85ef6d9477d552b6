"""Reader of logs with a column header: bytes -> pieces.

Enters: a stream, a syntax, and what a header means (:class:`Table`). Leaves: one piece per block.
Lines that the vector steps prove regular are counted, dated and searched for builds and host names
without any code per line; only lines some rule wants are cut into columns. Every other line is
read exactly, one by one: it is an event, a documented skip, or part of a gap.
It will not guess: a line with the wrong number of columns is never bent into shape.
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.dated_facts import BuildRuns, HostNames, Sighting
from afterpatch.formats.delimited_text import split_quoted
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_scan import NO_TIME, Columns, find_columns, read_times, text_runs
from afterpatch.formats.table_log import MAX_COLUMNS, Head, Syntax, Table
from afterpatch.formats.text_blocks import BLOCK_BYTES, Block, LongLine, read_blocks
from afterpatch.model.batches import MAX_RAW_CHARS, RAW, RECORD, TIME, Batch, Piece, Wanted
from afterpatch.model.places import Fact, Item
from afterpatch.model.times import HOUR_US

Plan = Callable[[Head, Item], Table]

# A record may span lines when a quoted field holds line breaks; these bound the search for its end.
MAX_JOINED_LINES: Final = 256
MAX_JOINED_BYTES: Final = 1 << 20
MAX_JOIN_ATTEMPTS: Final = 4

UNENDED: Final = "last line has no line end: it may be cut"
NO_HEADER: Final = "no #Fields line before it"
OPEN_QUOTE: Final = "quoted field does not end"
BAD_TIME: Final = "time not readable"

_NULS = re.compile(rb"\0+")
_TWO_RECORDS = re.compile(r" \d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


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


class _Exact(NamedTuple):
    """An event that was read by itself. ``line``..``last`` are indices in its block."""

    line: int
    last: int
    time_us: int | None
    fields: list[str]
    raw: str


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
        self.held = Block(b"", np.zeros(0, dtype=np.int64), 1)

    def read_block(self, block: Block, final: bool = False) -> Piece:
        """Read whole lines; a record still open at their end waits for the next block."""
        block = block.after(self.held.data)
        self.held = Block(b"", block.breaks[:0], 1)
        work = _BlockWork(self, block, final or not block.ended)
        work.read_segments()
        if not block.ended:
            self.gaps.add(block.first + len(block.breaks) - 1, UNENDED, records=0)
        return self._piece(work)

    def read_long_line(self, line: LongLine) -> Piece:
        """Count a line that was too long to keep."""
        piece = self._finish_held()
        self.gaps.add(line.number, f"line of {line.size_bytes} bytes is too long")
        return piece

    def finish(self) -> Piece:
        """What remains at the end of the source."""
        held = self._finish_held()
        gaps = self.gaps.close()
        return Piece(
            records=held.records + sum(gap.records for gap in gaps),
            events=held.events,
            skipped=held.skipped,
            batches=held.batches,
            gaps=(*held.gaps, *gaps),
            facts=(*held.facts, *self.builds.close()),
            observed=held.observed,
            first_us=held.first_us,
            last_us=held.last_us,
        )

    def set_head(self, head: Head) -> None:
        """Follow the header; the table changes only when the header does."""
        if head == self.head:
            return
        self.head = head
        usable = 1 < len(head.fields) <= MAX_COLUMNS
        self.table = self.plan(head, self.item) if usable else None

    def _finish_held(self) -> Piece:
        if not self.held.data:
            return Piece()
        held, self.held = self.held, Block(b"", self.held.breaks[:0], 1)
        return self.read_block(held, final=True)

    def _piece(self, work: "_BlockWork") -> Piece:
        gaps = self.gaps.take()
        facts: list[Fact] = [*self.builds.take(), *self.hosts.take()]
        return Piece(
            records=work.events + work.skipped + sum(gap.records for gap in gaps),
            events=work.events,
            skipped=work.skipped,
            batches=tuple(work.batches),
            gaps=gaps,
            facts=tuple(facts),
            observed=work.observed,
            first_us=work.first_us,
            last_us=work.last_us,
        )


class _BlockWork:
    """One block being read: segments between header lines, each under one table."""

    def __init__(self, reader: _Reader, block: Block, final: bool) -> None:
        self.reader = reader
        self.syntax = reader.syntax
        self.block = block
        self.final = final
        self.data = block.data
        self.buffer = block.buffer
        self.starts, self.ends = block.spans()
        self.wanted = self._wanted_lines()
        self.events = 0
        self.skipped = 0
        self.batches: list[Batch] = []
        self.observed: dict[str, dict[int, int]] = {}
        self.first_us: int | None = None
        self.last_us: int | None = None

    def read_segments(self) -> None:
        """Walk the block from header line to header line."""
        syntax = self.syntax
        separator = ord(syntax.separator)
        columns = find_columns(
            self.data, self.buffer, self.starts, self.ends, separator, syntax.quoted
        )
        at = 0
        for line in self._header_candidates():
            head = self.reader.head.after(self._text(line), syntax)
            if head is None:
                continue
            self._read_segment(columns, at, line)
            self.reader.set_head(head)
            self.skipped += 1
            at = line + 1
        self._read_segment(columns, at, len(self.starts))

    def _wanted_lines(self) -> Mask | None:
        if self.reader.wanted is None:
            return None
        lines = np.zeros(len(self.starts), dtype=np.bool_)
        offsets = self.reader.wanted.offsets(self.data)
        lines[np.searchsorted(self.block.breaks, offsets)] = True
        return lines

    def _header_candidates(self) -> list[int]:
        """Lines whose first byte may start a header line: rare, so looked at one by one."""
        names = "".join(name[0] for name in self.syntax.header_names)
        may_start = np.zeros(256, dtype=np.bool_)
        may_start[list(f"#{names}".encode() + b"\xef")] = True
        first = self.buffer[np.minimum(self.starts, len(self.buffer) - 1)]
        return np.flatnonzero(may_start[first] & (self.ends > self.starts)).tolist()

    def _read_segment(self, columns: Columns, low: int, high: int) -> None:
        table = self.reader.table
        empty = self.ends[low:high] <= self.starts[low:high]
        if table is None:
            self.skipped += int(empty.sum())
            for line in np.flatnonzero(~empty).tolist():
                self.reader.gaps.add(self.block.first + low + line, NO_HEADER)
            return
        regular, times = self._regular_lines(columns, table, low, high)
        pending = np.ones(high - low, dtype=np.bool_)
        pending[regular - low] = False
        slow = _ExactReading(self, table, pending, empty, low)
        exact = slow.read()
        self.skipped += slow.skipped
        segment = _Segment(self, columns, table, regular, times, exact)
        segment.tally()
        segment.emit()

    def _regular_lines(
        self, columns: Columns, table: Table, low: int, high: int
    ) -> tuple[Offsets, Offsets]:
        """Lines proven to have the header's columns and a readable time, and those times."""
        fits = columns.clean[low:high] & (columns.count[low:high] == len(table.names) - 1)
        clock = table.clock
        if not clock.template:
            fits[:] = False
        if b"\0" in self.data:
            nul = np.flatnonzero(self.buffer == 0)
            touched = np.searchsorted(self.block.breaks, nul) - low
            fits[touched[(touched >= 0) & (touched < high - low)]] = False
        lines = np.flatnonzero(fits) + low
        if not len(lines):
            return lines, lines
        at = columns.column_starts(lines, clock.columns[0])
        separator = ord(self.syntax.separator)
        times = read_times(self.buffer, at, self.ends[lines], clock.template, separator)
        dated = times != NO_TIME
        return lines[dated], times[dated] + clock.day_us

    def _text(self, line: int) -> str:
        return _decode(self.data[self.starts[line] : self.ends[line]])


class _ExactReading:
    """Lines the vector steps could not vouch for, one by one."""

    def __init__(
        self, work: _BlockWork, table: Table, pending: Mask, empty: Mask, low: int
    ) -> None:
        self.work = work
        self.table = table
        self.pending = pending
        self.empty = empty
        self.low = low
        self.gaps = work.reader.gaps
        self.skipped = 0
        self.events: list[_Exact] = []

    def read(self) -> list[_Exact]:
        """Events among the pending lines; the rest is skipped, held or a gap."""
        if not self.pending.any():
            return []
        next_line = 0
        for line in np.flatnonzero(self.pending).tolist():
            if line < next_line:
                continue
            if self.empty[line]:
                self.skipped += 1
                continue
            next_line = self._read_line(line)
        return self.events

    def _read_line(self, line: int) -> int:
        """Read the record that starts at this line; the first line after it."""
        at = self.low + line
        raw = self.work.data[self.work.starts[at] : self.work.ends[at]]
        if b"\0" in raw:
            self._read_around_nuls(at, raw)
            return line + 1
        text = _decode(raw)
        fields = self._split(text)
        if fields is None:
            return self._read_joined(line, raw)
        self._record(at, at, text, fields)
        return line + 1

    def _split(self, text: str) -> list[str] | None:
        return self.work.syntax.split(text, len(self.table.names), self.table.loose)

    def _read_around_nuls(self, at: int, raw: bytes) -> None:
        """A crash leaves runs of NUL where text was never written; text around them counts."""
        number = self.work.block.first + at
        lost = raw.count(b"\0")
        texts = [_decode(part) for part in _NULS.split(raw) if part]
        self.gaps.add(number, f"{lost} NUL bytes in place of text", records=0 if texts else 1)
        for text in texts:
            fields = self._split(text)
            if fields is None:
                self.gaps.add(number, OPEN_QUOTE)
            else:
                self._record(at, at, text, fields)

    def _record(self, at: int, last: int, text: str, fields: list[str]) -> None:
        number = self.work.block.first + at
        if not text.strip():
            self.skipped += 1
            return
        expected = len(self.table.names)
        if len(fields) != expected:
            self.gaps.add(number, f"{len(fields)} columns, not {expected}", lines=last - at + 1)
            return
        loose = self.table.loose
        if loose is not None and _TWO_RECORDS.search(f" {fields[loose]} "):
            self.gaps.add(number, "two records on one line")
            return
        time_us = self.table.clock.read(fields)
        if time_us is None:
            self.gaps.add(number, BAD_TIME, records=0)
        self.events.append(_Exact(at, last, time_us, fields, text))

    def _read_joined(self, line: int, raw: bytes) -> int:
        """A quoted field goes on in the next lines, as long as those are no records themselves."""
        work = self.work
        quotes, attempts = raw.count(b'"'), 0
        start = work.starts[self.low + line]
        for after in range(line + 1, line + MAX_JOINED_LINES):
            if after == len(self.pending):
                if self.low + after == len(work.starts) and not work.final:
                    return self._hold(line)
                break
            at = self.low + after
            if not self.pending[after] or work.ends[at] - start > MAX_JOINED_BYTES:
                break
            quotes += work.data.count(b'"', work.starts[at], work.ends[at])
            if quotes % 2 or b'"' not in work.data[work.starts[at] : work.ends[at]]:
                continue
            text = _decode(work.data[start : work.ends[at]])
            fields = self._split(text)
            if fields is not None and len(fields) == len(self.table.names):
                self._record(self.low + line, at, text, fields)
                return after + 1
            attempts += 1
            if attempts == MAX_JOIN_ATTEMPTS:
                break
        self.gaps.add(work.block.first + self.low + line, OPEN_QUOTE)
        return line + 1

    def _hold(self, line: int) -> int:
        """Put the open record and the lines after it back for the next block."""
        work = self.work
        start = int(work.starts[self.low + line])
        breaks = work.block.breaks[self.low + line :] - start
        work.reader.held = Block(work.data[start:], breaks, work.block.first + self.low + line)
        return len(self.pending)


class _Segment:
    """The events of one segment: counted by log and hour, searched for facts, put into a batch."""

    def __init__(
        self,
        work: _BlockWork,
        columns: Columns,
        table: Table,
        lines: Offsets,
        times: Offsets,
        exact: list[_Exact],
    ) -> None:
        self.work = work
        self.columns = columns
        self.table = table
        self.lines = lines
        self.times = times
        self.exact = exact

    def tally(self) -> None:
        """Count events and hours, note builds and host names."""
        self.work.events += len(self.lines) + len(self.exact)
        if not self.work.events:
            return
        self._count_hours()
        self._note_range()
        reader, table = self.work.reader, self.table
        if table.build_column is not None:
            for sighting in self._sightings(table.build_column, 4):
                reader.builds.see(sighting)
        if table.build_text is not None:
            for sighting in self._builds_in_text(table.build_text):
                reader.builds.see(sighting)
        if table.host_column is not None:
            for sighting in self._sightings(table.host_column, 1):
                reader.hosts.see(sighting)

    def emit(self) -> None:
        """Cut the wanted lines into columns."""
        work, wanted = self.work, self.work.wanted
        lines, times, exact = self.lines, self.times, self.exact
        if wanted is not None:
            chosen = wanted[lines]
            lines, times = lines[chosen], times[chosen]
            # A record over several lines is rare and always given: a prefilter sees lines.
            exact = [one for one in exact if wanted[one.line] or one.last > one.line]
        rows = list(exact)
        for line, time_us in zip(lines.tolist(), times.tolist(), strict=True):
            text = work._text(line)
            fields = work.syntax.split(text, len(self.table.names), None)
            rows.append(_Exact(line, line, time_us, fields or [], text))
        if rows:
            rows.sort(key=lambda row: row.line)
            frame = self.table.extend(self._frame(rows))
            work.batches.append(Batch(self.table.logsource, frame))

    def _frame(self, rows: list[_Exact]) -> pl.DataFrame:
        first, absent = self.work.block.first, self.work.syntax.absent
        series = [
            pl.Series(TIME, [row.time_us for row in rows], dtype=pl.Int64),
            pl.Series(RECORD, [first + row.line for row in rows], dtype=pl.Int64),
            pl.Series(RAW, [row.raw[:MAX_RAW_CHARS] for row in rows], dtype=pl.String),
        ]
        for name, column in zip(
            self.table.names, zip(*(row.fields for row in rows), strict=True), strict=True
        ):
            values = [None if v == absent else v for v in column] if absent else column
            series.append(pl.Series(name, values, dtype=pl.String))
        return pl.DataFrame(series)

    def _count_hours(self) -> None:
        table, column = self.table, self.table.log_column
        if column is None:
            self._count(table.log, self.times)
        else:
            runs, values = self._runs(column, 1, self.lines[:0])
            bounds = [*runs.tolist(), len(self.lines)]
            by_log: dict[str, list[Offsets]] = {}
            for value, low, high in zip(values, bounds, bounds[1:], strict=False):
                by_log.setdefault(table.log_name(value), []).append(self.times[low:high])
            for log, times in by_log.items():
                self._count(log, np.concatenate(times))
        for one in self.exact:
            log = table.log if column is None else table.log_name(one.fields[column])
            if one.time_us is not None:
                self._count(log, np.array([one.time_us], dtype=np.int64))

    def _count(self, log: str, times: Offsets) -> None:
        if not len(times):
            return
        counts = self.work.observed.setdefault(log, {})
        # Logs are written in order: an hour is a long run, and runs are few.
        hours = times // HOUR_US
        heads = np.flatnonzero(np.diff(hours, prepend=NO_TIME) != 0)
        events = np.diff(heads, append=len(hours))
        for hour, count in zip(hours[heads].tolist(), events.tolist(), strict=True):
            counts[hour] = counts.get(hour, 0) + count

    def _note_range(self) -> None:
        times = [one.time_us for one in self.exact if one.time_us is not None]
        if len(self.times):
            times += [int(self.times.min()), int(self.times.max())]
        work = self.work
        if times:
            known = [us for us in (work.first_us, work.last_us) if us is not None]
            work.first_us, work.last_us = min(known + times), max(known + times)

    def _runs(self, column: int, width: int, cuts: Offsets) -> tuple[Offsets, list[str]]:
        """Where a column's text changes among the regular lines, and the text from there on."""
        if not len(self.lines):
            return self.lines, []
        starts, ends = self.columns.column(self.lines, column, width)
        runs = text_runs(self.work.buffer, starts, ends, cuts)
        data = self.work.data
        spans = zip(starts[runs].tolist(), ends[runs].tolist(), strict=True)
        return runs, [_unquoted(_decode(data[low:high])) for low, high in spans]

    def _sightings(self, column: int, width: int) -> list[Sighting]:
        """First and last record of each run of one text, the exactly read lines among them."""
        first = self.work.block.first
        cuts = np.searchsorted(self.lines, [one.line for one in self.exact])
        runs, values = self._runs(column, width, cuts.astype(np.int64))
        found = [
            Sighting(first + one.line, one.time_us, ",".join(one.fields[column : column + width]))
            for one in self.exact
        ]
        bounds = [*runs.tolist(), len(self.lines)]
        for value, low, high in zip(values, bounds, bounds[1:], strict=False):
            for at in (low, high - 1):
                found.append(Sighting(first + int(self.lines[at]), int(self.times[at]), value))
        return sorted(found, key=lambda sighting: sighting.line)

    def _builds_in_text(self, pattern: re.Pattern[bytes]) -> list[Sighting]:
        """The last match of each event's text."""
        work = self.work
        when: dict[int, int | None] = dict(
            zip(self.lines.tolist(), self.times.tolist(), strict=True)
        )
        owner = {at: one.line for one in self.exact for at in range(one.line, one.last + 1)}
        when |= {one.line: one.time_us for one in self.exact}
        found: dict[int, str] = {}
        for match in pattern.finditer(work.data):
            line = int(np.searchsorted(work.block.breaks, match.start()))
            line = owner.get(line, line)
            if line in when:
                found[line] = match[1].decode("ascii", "replace")
        first = work.block.first
        return [Sighting(first + line, when[line], found[line]) for line in sorted(found)]


def _decode(raw: bytes) -> str:
    """Text that shows every byte: what is no UTF-8 appears as ``\\xNN``."""
    return raw.decode("utf-8", errors="backslashreplace")


def _unquoted(text: str) -> str:
    if '"' not in text:
        return text
    return ",".join(split_quoted(text) or [text])
