"""Logs of one event per line without a column header: a pattern says what a line is.

Enters: a stream and a :class:`LineShape`. Leaves: one piece per block. Every line is tested against
the shape's patterns, whole blocks at a time and without any code per line; only the lines some rule
wants are cut into columns. Lines the shape names as details belong to the event before them.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.block_lines import decode
from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_shape import LineShape
from afterpatch.formats.segment import count_hours
from afterpatch.formats.text_blocks import BLOCK_BYTES, Block, LongLine, head_text, read_blocks
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    RAW,
    RECORD,
    TIME,
    Batch,
    Declared,
    Piece,
    Wanted,
)
from afterpatch.model.places import Item, Notice

UNENDED: Final = "last line has no line end: it may be cut"
UNKNOWN: Final = "not a line this log is known to have"
BAD_TIME: Final = "time not readable"
# Details of one packet; beyond this they are cut off from their event.
MAX_HELD_BYTES: Final = 1 << 20


def read_line_log(
    stream: BinaryIO,
    item: Item,
    wanted: Wanted | None,
    shape: LineShape,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Piece]:
    """Yield one piece per block of a log; see :class:`afterpatch.formats.format.Reader`."""
    reader = _Reader(item, wanted, shape)
    for part in read_blocks(stream, block_bytes):
        if isinstance(part, LongLine):
            yield reader.read_long_line(part)
        else:
            yield reader.read_block(part)
    yield reader.finish()


def line_log_format(
    kind: str,
    shape: LineShape,
    needle: str,
    head: str,
    invented: Collection[str] = (),
) -> Format:
    """The format of such a log without any header: its lines tell it.

    needle    text that every event has; looked for first, because ``head`` costs more.
    head      pattern of the part of an event by which a source is known.
    invented  columns that ``shape`` makes up.
    """
    pattern = re.compile(head)
    declared = Declared(shape.logsource, invented=frozenset(invented))

    def recognise(data: bytes, item: Item) -> str:
        del item
        text = head_text(data)
        return "content" if needle in text and pattern.search(text) else ""

    def read(
        stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
    ) -> Iterator[Piece]:
        """Gaps: an event that is not whole, text that is no log line, a time that is none."""
        return read_line_log(stream, item, wanted, shape, block_bytes)

    return Format(
        kind,
        recognise,
        read,
        marks=(needle,),
        prefilter="logsource",
        logsource=shape.logsource,
        declared=lambda data, item: declared,
    )


class _Reader:
    """State that outlives a block: gaps, the clock, an event whose details may go on."""

    def __init__(self, item: Item, wanted: Wanted | None, shape: LineShape) -> None:
        self.item, self.wanted, self.shape = item, wanted, shape
        self.gaps = GapRuns(item.name)
        self.times = shape.times(item)
        self.held: tuple[Block, Mask] | None = None

    def read_block(self, block: Block) -> Piece:
        """Read whole lines; an event whose details may go on waits for the next block."""
        marks = self._marks(block)
        if self.held is not None:
            before, earlier = self.held
            block, marks = block.after(before.data), np.concatenate((earlier, marks))
            self.held = None
        return self._read(block, marks, final=not block.ended)

    def read_long_line(self, line: LongLine) -> Piece:
        """Count a line that was too long to keep."""
        piece = self._read_held()
        self.gaps.add(line.number, f"line of {line.size_bytes} bytes is too long")
        return piece

    def finish(self) -> Piece:
        """What remains at the end of the source."""
        held = self._read_held()
        gaps = self.gaps.close()
        notices = (Notice(topic, self.item.name, text) for topic, text in self.times.in_words())
        return replace(
            held,
            records=held.records + sum(gap.records for gap in gaps),
            gaps=(*held.gaps, *gaps),
            notices=tuple(notices),
        )

    def _read_held(self) -> Piece:
        if self.held is None:
            return Piece()
        (block, marks), self.held = self.held, None
        return self._read(block, marks, final=True)

    def _marks(self, block: Block) -> Mask:
        marks = np.full(len(block.breaks), self.wanted is None, dtype=np.bool_)
        if self.wanted is not None:
            marks[np.searchsorted(block.breaks, self.wanted.offsets(block.data))] = True
        return marks

    def _read(self, block: Block, marks: Mask, *, final: bool) -> Piece:
        lines = _lines(block)
        is_event = _mask(lines.str.contains(self.shape.event))
        if self.shape.detail and not final:
            count = self._hold(block, marks, is_event)
            lines, is_event, marks = lines.head(count), is_event[:count], marks[:count]
        skipped = self._account(block.first, lines, is_event)
        if not block.ended:
            self.gaps.add(block.first + len(block.breaks) - 1, UNENDED, records=0)
        events = np.flatnonzero(is_event)
        times = self._times(block.first, lines, events)
        batch = self._batch(block.first, lines, events, times, marks)
        gaps = self.gaps.take()
        dated = times.drop_nulls().to_numpy()
        observed: dict[int, int] = {}
        for _, hour, count in count_hours(self.shape.log, dated):
            observed[hour] = observed.get(hour, 0) + count
        return Piece(
            records=len(events) + skipped + sum(gap.records for gap in gaps),
            events=len(events),
            skipped=skipped,
            batches=() if batch is None else (batch,),
            gaps=gaps,
            observed={self.shape.log: observed} if observed else {},
            first_us=int(dated.min()) if len(dated) else None,
            last_us=int(dated.max()) if len(dated) else None,
        )

    def _hold(self, block: Block, marks: Mask, is_event: Mask) -> int:
        """Put the last event and the lines after it back; how many lines remain."""
        found = np.flatnonzero(is_event)
        if not len(found):
            return len(is_event)
        last = int(found[-1])
        start = int(block.breaks[last - 1]) + 1 if last else 0
        if len(block.data) - start > MAX_HELD_BYTES:
            return len(is_event)
        rest = Block(block.data[start:], block.breaks[last:] - start, block.first + last)
        self.held = rest, marks[last:]
        return last

    def _account(self, first: int, lines: pl.Series, is_event: Mask) -> int:
        """Every line that is no event: how many are skipped by rule; the others are gaps."""
        others = np.flatnonzero(~is_event)
        texts = lines.gather(others)
        known = _mask(texts.str.contains(self.shape.skip)) & ~_mask(
            texts.str.contains(self.shape.mark)
        )
        known |= _mask(texts.str.strip_chars() == "")
        if self.shape.detail:
            known |= _mask(texts.str.contains(self.shape.detail))
        for line in others[~known].tolist():
            self.gaps.add(first + line, UNKNOWN)
        return int(known.sum())

    def _times(self, first: int, lines: pl.Series, events: Offsets) -> pl.Series:
        texts = lines.gather(events).str.extract(self.shape.time, 1)
        times = self.times.read(texts)
        for line in events[_mask(times.is_null())].tolist():
            self.gaps.add(first + line, BAD_TIME, records=0)
        return times

    def _batch(
        self, first: int, lines: pl.Series, events: Offsets, times: pl.Series, marks: Mask
    ) -> Batch | None:
        starts = events if self.shape.detail else None
        hit = marks[events] if starts is None else _any_between(marks, events)
        rows = np.flatnonzero(hit)
        if not len(rows):
            return None
        chosen = lines.gather(events[rows])
        columns = chosen.str.extract_groups(self.shape.event).struct.unnest()
        reserved = [
            times.gather(rows).alias(TIME),
            pl.Series(RECORD, events[rows] + first, dtype=pl.Int64),
            chosen.str.slice(0, MAX_RAW_CHARS).alias(RAW),
        ]
        frame = pl.DataFrame(reserved).hstack(self.shape.finish(columns))
        if self.shape.attach is not None:
            frame = self.shape.attach(_details(lines, events, rows), frame)
        return Batch(self.shape.logsource, frame)


def _details(lines: pl.Series, events: Offsets, rows: Offsets) -> pl.DataFrame:
    """The lines below each chosen event, with the row of the batch they belong to."""
    ends = np.append(events[1:], len(lines))
    counts = ends[rows] - events[rows] - 1
    owner = np.repeat(np.arange(len(rows)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = events[rows][owner] + 1 + within
    return pl.DataFrame({"owner": owner, "line": lines.gather(at)})


def _any_between(marks: Mask, events: Offsets) -> Mask:
    """Whether any line from an event up to the next is marked."""
    if not len(events):
        return marks[:0]
    return np.logical_or.reduceat(marks, events)


def _lines(block: Block) -> pl.Series:
    data = block.data.replace(b"\r\n", b"\n") if b"\r" in block.data else block.data
    whole = pl.Series([decode(data)], dtype=pl.String)
    return whole.str.split("\n").explode().head(len(block.breaks))


def _mask(series: pl.Series) -> Mask:
    return np.array(series.fill_null(value=False).to_numpy(), dtype=np.bool_)
