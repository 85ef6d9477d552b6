"""Logs of one JSON object per event: lines, one array, or objects one after the other.

Enters: a stream and a :class:`JsonShape`, which says what an object is. Leaves: pieces of at most
``BLOCK_RECORDS`` events. Every object is decoded, counted and dated; only those some rule wants
become rows. Nested objects become dotted names, the values of a list stand one per line.
``@record`` is the line number, or the number of the object.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import orjson

from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.json_columns import Document
from afterpatch.formats.json_elements import MAX_ELEMENT_BYTES, Element, elements, is_lines
from afterpatch.formats.json_lines import Dull, FlatShape, dull_lines
from afterpatch.formats.json_tables import Row, batches_of, raw_text
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.segment import count_hours
from afterpatch.formats.text_blocks import LongLine, read_blocks
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item, Notice
from afterpatch.model.times import HOUR_US

BLOCK_RECORDS: Final = 2_048  # small blocks keep Python's collector from walking all objects
BLOCK_BYTES: Final = 8 << 20
BAD_TIME: Final = "time not readable"
NO_EVENT: Final = "JSON, but not an event of this log"


class Kind(NamedTuple):
    """What an object is: its log source and the coverage name of its log."""

    logsource: Logsource
    log: str


@dataclass(frozen=True, slots=True)
class JsonShape:
    """What the objects of a log are.

    kind     (object, item) -> what it is; None when it is no event of this log.
    skip     objects that are there by the log's own rules and are no events.
    when     object -> (microseconds in UTC or None, whether the text named its zone).
    inner    object -> the part that holds the fields.
    flat     of a log of flat objects, one per line: what tells the kind and time of most of them.
    """

    kind: Callable[[Document, Item], Kind | None]
    when: Callable[[Document], tuple[int | None, bool]]
    skip: Callable[[Document], bool] = lambda document: False
    inner: Callable[[Document], Document] = lambda document: document
    flat: FlatShape | None = None


def read_json_log(
    stream: BinaryIO,
    item: Item,
    wanted: Wanted | None,
    shape: JsonShape,
    declared: Logsource | None = None,
) -> Iterator[Piece]:
    """Yield one piece per block; see :class:`afterpatch.formats.format.Reader`.

    ``declared`` is the log source ``wanted`` was made for; events of any other are always given.
    """
    reader = _Reader(item, wanted, shape, declared)
    peeked = Peeked(stream)
    if shape.flat and wanted and is_lines(peeked.head):
        yield from _read_lines(peeked, reader, wanted, shape.flat)
        return
    waiting: list[Element] = []
    size = 0
    for element in elements(peeked):
        waiting.append(element)
        size += len(element.text)
        if len(waiting) >= BLOCK_RECORDS or size >= BLOCK_BYTES:
            yield reader.read(waiting)
            waiting, size = [], 0
    yield reader.read(waiting, last=True)


def _read_lines(
    stream: BinaryIO, reader: "_Reader", wanted: Wanted, flat: FlatShape
) -> Iterator[Piece]:
    """Most lines are counted a block at a time; the others are decoded one by one."""
    for part in read_blocks(stream, max_line_bytes=MAX_ELEMENT_BYTES):
        if isinstance(part, LongLine):
            fault = f"line of {part.size_bytes} bytes is too long"
            yield reader.read([Element(part.number, b"", fault)], [True])
            continue
        lines = BlockLines(part)
        dull = dull_lines(lines, wanted, flat, reader.kind_of, reader.declared)
        yield _counted(dull)
        left = np.ones(len(lines), dtype=np.bool_)
        left[dull.lines] = False
        at = np.flatnonzero(left).tolist()
        for low in range(0, len(at), BLOCK_RECORDS):
            some = at[low : low + BLOCK_RECORDS]
            chosen = [Element(lines.number(line), lines.raw(line).strip()) for line in some]
            yield reader.read(chosen, dull.wanted[some].tolist())
    yield reader.read([], [], last=True)


def _counted(dull: Dull) -> Piece:
    observed: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for number, name in enumerate(dull.names):
        for _, hour, count in count_hours(name, dull.times[dull.logs == number]):
            observed[name][hour] += count
    count = len(dull.lines)
    return Piece(
        records=count,
        events=count,
        observed={name: dict(hours) for name, hours in observed.items()},
        first_us=int(dull.times.min()) if count else None,
        last_us=int(dull.times.max()) if count else None,
    )


class _Reader:
    """Counts and gaps of one source."""

    def __init__(
        self, item: Item, wanted: Wanted | None, shape: JsonShape, declared: Logsource | None
    ) -> None:
        self.item, self.wanted, self.shape, self.declared = item, wanted, shape, declared
        self.gaps = GapRuns(item.name)
        self.zoneless = 0

    def kind_of(self, name: str | None) -> tuple[Logsource, str]:
        """The kind of a flat object that has a time."""
        assert self.shape.flat is not None
        document = {self.shape.flat.time: 0.0} | (
            {} if name is None else {self.shape.flat.name: name}
        )
        kind = self.shape.kind(document, self.item)
        assert kind is not None
        return kind

    def read(
        self, block: list[Element], wanted: list[bool] | None = None, *, last: bool = False
    ) -> Piece:
        """One block of elements. ``wanted``: which somebody asks for, where that is known."""
        rows: defaultdict[Logsource, list[Row]] = defaultdict(list)
        logs: list[str] = []
        times: list[int | None] = []
        skipped = 0
        for element, is_wanted in zip(block, wanted or self._wanted(block), strict=True):
            document = self._document(element)
            if document is None:
                skipped += not element.text and not element.fault
                continue
            if self.shape.skip(document):
                skipped += 1
                continue
            kind = self.shape.kind(document, self.item)
            if kind is None:
                self.gaps.add(element.number, NO_EVENT)
                continue
            time_us = self._when(document, element.number)
            logs.append(kind.log)
            times.append(time_us)
            if is_wanted or kind.logsource != self.declared:
                inner = self.shape.inner(document)
                row = Row(time_us, element.number, raw_text(element), inner)
                rows[kind.logsource].append(row)
        batches = batches_of(rows, self.gaps)
        gaps = self.gaps.take() + (self.gaps.close() if last else ())
        dated = [time_us for time_us in times if time_us is not None]
        return Piece(
            records=len(logs) + skipped + sum(gap.records for gap in gaps),
            events=len(logs),
            skipped=skipped,
            batches=batches,
            gaps=gaps,
            notices=tuple(self._notices()) if last else (),
            observed=_observed(logs, times),
            first_us=min(dated, default=None),
            last_us=max(dated, default=None),
        )

    def _wanted(self, block: list[Element]) -> list[bool]:
        """Which elements the prefilter asks for; it sees each as one line."""
        if self.wanted is None:
            return [True] * len(block)
        texts = [element.text.replace(b"\n", b" ") for element in block]
        ends = np.cumsum([len(line) + 1 for line in texts])
        marks = np.zeros(len(block), dtype=np.bool_)
        offsets = self.wanted.offsets(b"".join(line + b"\n" for line in texts))
        marks[np.searchsorted(ends, offsets, side="right")] = True
        found: list[bool] = marks.tolist()
        return found

    def _document(self, element: Element) -> Document | None:
        """The object, or None: a blank line, or a gap."""
        if element.fault:
            self.gaps.add(element.number, element.fault)
            return None
        if not element.text:
            return None
        try:
            document: Any = orjson.loads(element.text)
        except orjson.JSONDecodeError as error:
            document = _patched(element.text)
            if document is None:
                self.gaps.add(element.number, f"not valid JSON: {error.msg}")
                return None
        if not isinstance(document, dict):
            self.gaps.add(element.number, NO_EVENT)
            return None
        return document

    def _when(self, document: Document, number: int) -> int | None:
        time_us, zoned = self.shape.when(document)
        if time_us is None:
            self.gaps.add(number, BAD_TIME, records=0)
        elif not zoned:
            self.zoneless += 1
        return time_us

    def _notices(self) -> Iterator[Notice]:
        if self.zoneless:
            yield Notice(
                "clock",
                self.item.name,
                f"{self.zoneless} times name no time zone and were taken as UTC; nothing in the "
                "file can confirm that",
            )


def _patched(raw: bytes) -> Any:
    """Bytes that are no UTF-8 are shown as such; the rest of the object still counts."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        try:
            return orjson.loads(raw.decode("utf-8", "replace"))
        except orjson.JSONDecodeError:
            return None
    return None


def _observed(logs: list[str], times: list[int | None]) -> dict[str, dict[int, int]]:
    hours = (None if time_us is None else time_us // HOUR_US for time_us in times)
    observed: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for (log, hour), count in Counter(zip(logs, hours, strict=True)).items():
        if hour is not None:
            observed[log][hour] = count
    return dict(observed)
