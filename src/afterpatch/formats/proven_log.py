"""Reader of logs without a header whose lines are many: most are counted without being touched.

Enters: a stream and a :class:`ProvenLog`. Leaves: one piece per block. A log brings two
descriptions of its lines: a vector proof, which counts and dates most of them without touching one,
and a pattern, which cuts what a rule wants and judges every line the proof could not vouch for.
What the pattern does not match is a gap.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.block_lines import BlockLines, decode
from afterpatch.formats.exact_lines import BAD_TIME
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_scan import NO_TIME
from afterpatch.formats.table_reader import UNENDED
from afterpatch.formats.text_blocks import (
    BLOCK_BYTES,
    Block,
    LongLine,
    all_fit,
    head_text,
    read_blocks,
)
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    RAW,
    RECORD,
    TIME,
    Batch,
    Declared,
    Logsource,
    Piece,
    Wanted,
)
from afterpatch.model.places import Gap, Item
from afterpatch.model.times import HOUR_US

_HEAD_LINES: Final = 20
_NULS: Final = re.compile(rb"\0+")
_LINE: Final = "@line"
TORN: Final = "two records on one line"

Proof = Callable[[BlockLines], tuple[Offsets, Offsets]]


@dataclass(frozen=True, slots=True)
class ProvenLog:
    """What one log's lines are.

    name      coverage name.
    patterns  of the whole line, the first that matches counts; with named groups out of
              ``groups``. Syntax that ``re`` and polars read alike: no look-around, ASCII classes.
    groups    ``time`` first.
    torn      over the groups: where a matched line is two records written into each other.
    prove     block -> lines (ascending) that surely match and are not torn, and their times in
              microseconds. It may leave out lines; it never adds one.
    times     texts of the group ``time`` -> microseconds, NO_TIME where unreadable.
    columns   groups as matched -> the columns of a batch, in a fixed order.
    """

    name: str
    logsource: Logsource
    patterns: tuple[str, ...]
    groups: tuple[str, ...]
    torn: pl.Expr
    prove: Proof
    times: Callable[[pl.Series], Offsets]
    columns: Callable[[pl.DataFrame], pl.DataFrame]


def read_proven_log(
    stream: BinaryIO,
    item: Item,
    wanted: Wanted | None,
    log: ProvenLog,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Piece]:
    """Yield one piece per block; see :class:`afterpatch.formats.format.Reader`."""
    gaps = GapRuns(item.name)
    for part in read_blocks(stream, block_bytes):
        if isinstance(part, LongLine):
            gaps.add(part.number, f"line of {part.size_bytes} bytes is too long")
            continue
        piece = _Block(part, log, wanted, gaps).read()
        if not part.ended:
            gaps.add(part.first + len(part.breaks) - 1, UNENDED, records=0)
        yield _counted(piece, gaps.take())
    yield _counted(Piece(), gaps.close())


def half_of_first_lines(head: bytes, fits: Callable[[str], object]) -> bool:
    """Whether at least half of the first lines fit, for recognising a log without a header."""
    lines = _first_lines(head)
    return all_fit(lines, fits, but=len(lines) // 2)


@lru_cache(maxsize=2)
def _first_lines(head: bytes) -> tuple[str, ...]:
    """Those that hold text. Remembered, because several formats ask."""
    found = head_text(head).split("\n", _HEAD_LINES)[:_HEAD_LINES]
    lines = (line.removesuffix("\r") for line in found)
    return tuple(line for line in lines if line.strip("\0 \t"))


def declares(log: ProvenLog) -> Callable[[bytes, Item], Declared]:
    """What every such log holds (``Format.declared``): its columns are always the same.

    Found out when first asked: importing a format must run nothing of polars, whose threads a
    worker forked later would miss.
    """

    @cache
    def declared() -> Declared:
        nothing = pl.DataFrame(schema=dict.fromkeys(log.groups[1:], pl.String))
        return Declared(log.logsource, frozenset(log.columns(nothing).columns))

    return lambda head, item: declared()


def _counted(piece: Piece, gaps: tuple[Gap, ...]) -> Piece:
    lost = sum(gap.records for gap in gaps)
    return replace(piece, gaps=gaps, records=piece.events + piece.skipped + lost)


class _Block:
    """One block being read."""

    def __init__(self, block: Block, log: ProvenLog, wanted: Wanted | None, gaps: GapRuns) -> None:
        self.lines = BlockLines(block)
        self.log = log
        self.wanted = wanted
        self.gaps = gaps

    def read(self) -> Piece:
        """Prove, judge what is left, cut what is wanted."""
        lines = self.lines
        proven, proven_times = self._proven()
        left = np.ones(len(lines), dtype=np.bool_)
        left[proven] = False
        left &= lines.ends > lines.starts
        judged, skipped = self._judged(np.flatnonzero(left))
        blank = len(lines) - len(proven) - int(left.sum())
        judged_times = judged.get_column(TIME).to_numpy()
        dated = np.concatenate((proven_times, judged_times[judged_times != NO_TIME]))
        hours, counts = np.unique(dated // HOUR_US, return_counts=True)
        observed = dict(zip(hours.tolist(), counts.tolist(), strict=True))
        return Piece(
            events=len(proven) + judged.height,
            skipped=blank + skipped,
            batches=tuple(self._batch(proven, proven_times, judged)),
            observed={self.log.name: observed} if observed else {},
            first_us=int(dated.min()) if len(dated) else None,
            last_us=int(dated.max()) if len(dated) else None,
        )

    def _proven(self) -> tuple[Offsets, Offsets]:
        lines = self.lines
        proven, times = self.log.prove(lines)
        if b"\0" not in lines.data:
            return proven, times
        touched = np.searchsorted(lines.block.breaks, np.flatnonzero(lines.buffer == 0))
        whole = ~np.isin(proven, touched)
        return proven[whole], times[whole]

    def _judged(self, lines: Offsets) -> tuple[pl.DataFrame, int]:
        """Lines matched one by one: the events among them; how many were blank."""
        numbers, texts, faults, blank = [], [], [], 0
        for line in lines.tolist():
            raw = self.lines.raw(line)
            parts = [decode(part) for part in _NULS.split(raw) if part]
            if nuls := raw.count(b"\0"):
                lost = f"{nuls} NUL bytes in place of text"
                faults.append((line, lost, 0 if parts else 1))
            for text in parts:
                if text.strip():
                    numbers.append(line)
                    texts.append(text)
                else:
                    blank += 1
        frame = self._dated(self._matched(numbers, texts))
        stamped = pl.col("time").is_not_null()
        torn = stamped & self.log.torn
        kinds = pl.when(torn).then(pl.lit(TORN)).when(~stamped).then(pl.lit(self._unknown()))
        undated = pl.when(pl.col(TIME) == NO_TIME).then(pl.lit(BAD_TIME))
        found = frame.with_columns(kinds.alias("@fault"), undated.alias("@undated"))
        for line, fault, late in found.select(_LINE, "@fault", "@undated").iter_rows():
            if fault or late:
                faults.append((line, fault or late, 1 if fault else 0))
        for line, reason, records in sorted(faults, key=lambda fault: fault[0]):
            self.gaps.add(self.lines.number(line), reason, records)
        return found.filter(pl.col("@fault").is_null()).drop("@fault", "@undated"), blank

    def _unknown(self) -> str:
        return f"not a line of this log ({self.log.name})"

    def _matched(self, lines: list[int], texts: list[str]) -> pl.DataFrame:
        """Lines cut into groups; ``time`` is null where no pattern matches."""
        log, raw = self.log, pl.Series(RAW, texts, dtype=pl.String)
        open_rows = pl.DataFrame([pl.Series("row", range(len(texts)), dtype=pl.Int64), raw])
        found = [pl.DataFrame(schema={"row": pl.Int64} | dict.fromkeys(log.groups, pl.String))]
        for pattern in log.patterns:
            if open_rows.height:
                cut = open_rows.get_column(RAW).str.extract_groups(pattern).struct.unnest()
                matched = cut.get_column("time").is_not_null()
                row = open_rows.get_column("row")
                found.append(cut.insert_column(0, row).filter(matched))
                open_rows = open_rows.filter(~matched)
        found.append(open_rows.select("row"))
        groups = pl.concat(found, how="diagonal").sort("row").drop("row")
        return groups.with_columns(pl.Series(_LINE, lines, dtype=pl.Int64), raw)

    def _dated(self, frame: pl.DataFrame) -> pl.DataFrame:
        stamps = frame.get_column("time")
        times = np.full(frame.height, NO_TIME, dtype=np.int64)
        times[stamps.is_not_null().to_numpy()] = self.log.times(stamps.drop_nulls())
        return frame.with_columns(pl.Series(TIME, times))

    def _batch(self, proven: Offsets, times: Offsets, judged: pl.DataFrame) -> Iterator[Batch]:
        """The wanted events cut into columns."""
        marks = self._wanted_lines()
        if marks is not None:
            chosen = marks[proven]
            proven, times = proven[chosen], times[chosen]
            judged = judged.filter(marks[judged.get_column(_LINE).to_numpy()])
        cut = self._matched(proven.tolist(), [self.lines.text(line) for line in proven.tolist()])
        cut = cut.with_columns(pl.Series(TIME, times))
        frame = pl.concat((cut, judged)).sort(_LINE, maintain_order=True)
        if not frame.height:
            return
        reserved = frame.select(
            pl.when(pl.col(TIME) != NO_TIME).then(TIME).alias(TIME),
            (pl.col(_LINE) + self.lines.block.first).alias(RECORD),
            pl.col(RAW).str.slice(0, MAX_RAW_CHARS),
        )
        groups = frame.select(self.log.groups[1:])
        yield Batch(self.log.logsource, reserved.hstack(self.log.columns(groups)))

    def _wanted_lines(self) -> Mask | None:
        if self.wanted is None:
            return None
        marks = np.zeros(len(self.lines), dtype=np.bool_)
        offsets = self.wanted.offsets(self.lines.data)
        marks[np.searchsorted(self.lines.block.breaks, offsets)] = True
        return marks
