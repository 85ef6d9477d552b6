"""The Linux audit log (auditd): ``type=EXECVE msg=audit(1364481363.243:24287): argc=2 a0="ls"``.

Enters: lines as auditd writes them, raw or enriched, with ``node=`` or a syslog head in front.
Leaves: one event per record (line), because that is what rules are written for: ``type``, the
record's own fields, those of a nested ``msg='…'``, and ``serial``, which the records of one event
share. ``@record`` is the line number. Most lines are counted a block at a time; those a rule asks
for, and those that are not quite usual, are read one by one (``auditd_records``).

Source: auditd.conf(5), ``log_format``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np

from afterpatch.formats.auditd_lines import AuditLines, Proven
from afterpatch.formats.auditd_records import HEAD, MAX_PAIRS, record
from afterpatch.formats.bit_index import Mask
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.document_rows import Row, frames
from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_reader import MAX_LINE_BYTES
from afterpatch.formats.segment import count_hours
from afterpatch.formats.text_blocks import BLOCK_BYTES, LongLine, head_text, read_blocks
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    Batch,
    Declared,
    Logsource,
    Piece,
    Wanted,
)
from afterpatch.model.places import Fact, Item, Place
from afterpatch.model.times import HOUR_US, from_us

LOGSOURCE: Final = Logsource("", "linux", "auditd")
LOG: Final = "linux:auditd"
BLOCK_RECORDS: Final = 4_096
MAX_NODES: Final = 100
UNKNOWN: Final = "not a record of the audit log"
TOO_MANY: Final = f"more than {MAX_PAIRS} fields: only the first were read"
_DECLARED: Final = Declared(LOGSOURCE, derived=frozenset({"serial"}))


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    if "msg=audit(" not in text:
        return ""
    return "content" if any(map(HEAD.match, text.split("\n", 20)[:20])) else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None = None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield the pieces of each block; see :class:`afterpatch.formats.format.Reader`.

    Units:   time UTC, as the kernel stamped it.
    Gaps:    lines that are no record, or too long to hold. Content never raises.
    """
    reader = _Reader(item)
    for part in read_blocks(stream, block_bytes, MAX_LINE_BYTES):
        if isinstance(part, LongLine):
            if wanted is not None:
                wanted.offsets(b"\n")  # who counts lines counts this one, too
            reader.add_long(part.number)
            continue
        lines = BlockLines(part)
        left = np.ones(len(lines), dtype=np.bool_)
        if wanted is not None:
            usual = AuditLines(lines)
            left[usual.proven.lines] = False
            left |= _asked(usual, wanted)
            reader.count(lines, usual.proven, ~left)
        for line in np.flatnonzero(left).tolist():
            reader.add(lines.number(line), lines.raw(line).decode("utf-8", "replace"))
            if reader.read >= BLOCK_RECORDS:
                yield reader.piece()
        reader.end_block()
    yield reader.piece(last=True)


def _asked(usual: AuditLines, wanted: Wanted) -> Mask:
    """Lines that some rule may match."""
    text = usual.searchable()
    marks = text.unsure
    marks[np.searchsorted(text.breaks, wanted.offsets(text.text))] = True
    return marks


class _Reader:
    """Counts and gaps of one source."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self._gaps = GapRuns(item.name)
        self._nodes: dict[str, None] = {}
        self._ahead: list[tuple[int, int, str]] = []
        self._start()

    def _start(self) -> None:
        self.read = self._events = self._skipped = 0
        self._facts: list[Fact] = []
        self._hours: Counter[int] = Counter()
        self._range: list[int] = []
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)

    def count(self, lines: BlockLines, proven: Proven, dull: Mask) -> None:
        """The records of a block that nobody asks for. Nodes are named when their line comes."""
        times = proven.times[dull[proven.lines]]
        if len(times):
            self._events += len(times)
            for _, hour, count in count_hours(LOG, times):
                self._hours[hour] += count
            self._range += [int(times.min()), int(times.max())]
        named = reversed(proven.nodes)
        self._ahead = [(lines.number(line), time_us, node) for line, time_us, node in named]

    def add_long(self, number: int) -> None:
        """A line too long to hold."""
        self._gaps.add(number, "line is too long")

    def add(self, number: int, line: str) -> None:
        """One line, read by itself."""
        self._name_before(number)
        self.read += 1
        found = record(line)
        if found is None:
            if line.strip():
                self._gaps.add(number, UNKNOWN)
            else:
                self._skipped += 1
            return
        if found.node:
            self._name(number, found.time_us, found.node)
        if found.is_cut:
            self._gaps.add(number, TOO_MANY, records=0)
        self._events += 1
        self._hours[found.time_us // HOUR_US] += 1
        self._range.append(found.time_us)
        row = Row(found.time_us, number, line[:MAX_RAW_CHARS], found.fields)
        self._rows[found.kind].append(row)

    def _too_wide(self, record: int) -> None:
        self._gaps.add(record, TOO_MANY, records=0)

    def end_block(self) -> None:
        """No line of this block is left to be read by itself."""
        while self._ahead:
            self._name(*self._ahead.pop())

    def _name_before(self, number: int) -> None:
        while self._ahead and self._ahead[-1][0] < number:
            self._name(*self._ahead.pop())

    def _name(self, number: int, time_us: int, node: str) -> None:
        if node not in self._nodes and len(self._nodes) < MAX_NODES:
            self._nodes[node] = None
            kind = "host.fqdn" if "." in node else "host.name"
            place = Place(self._item.name, number)
            self._facts.append(Fact(kind, node, from_us(time_us), place, {"from": "audit log"}))

    def piece(self, *, last: bool = False) -> Piece:
        """What came since the last piece."""
        gaps = self._gaps.take() + (self._gaps.close() if last else ())
        piece = Piece(
            records=self._events + self._skipped + sum(gap.records for gap in gaps),
            events=self._events,
            skipped=self._skipped,
            batches=tuple(
                Batch(LOGSOURCE, frame)
                for _, rows in sorted(self._rows.items())
                for frame in frames(rows, self._too_wide)
            ),
            gaps=gaps,
            facts=tuple(self._facts),
            observed={LOG: dict(sorted(self._hours.items()))} if self._hours else {},
            first_us=min(self._range, default=None),
            last_us=max(self._range, default=None),
        )
        self._start()
        return piece


FORMAT: Final = Format(
    "linux-audit",
    _recognise,
    read,
    marks=("msg=audit(",),
    prefilter="logsource",
    logsource=LOGSOURCE,
    declared=lambda head, item: _DECLARED,
    spelling="keyed",
)
