"""The original text behind a claim, read again from the evidence."""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from afterpatch.evidence.discover import discover
from afterpatch.evidence.hashing import HashingReader
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.formats.format import HEAD_BYTES
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import RAW, RECORD, RESERVED, Batch, Cell, Logsource
from afterpatch.model.places import Item, Place

NEWLINE = 0x0A


@dataclass(frozen=True, slots=True)
class Original:
    """What stands at a place of the evidence now; ``sha256`` is that of its file now.

    ``texts``: of all records with that number, in the file's order.
    """

    texts: tuple[str, ...]
    sha256: str


class _LinePicker:
    """A prefilter that asks for given line numbers: blocks come in order and end at line ends."""

    cells: tuple[Cell, ...] = ()

    def __init__(self, lines: Iterable[int]) -> None:
        self._lines = np.array(sorted(lines), dtype=np.int64)
        self._before = 0

    def offsets(self, block: bytes | bytearray | memoryview) -> npt.NDArray[np.int64]:
        ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == NEWLINE)
        starts = np.concatenate(([0], ends + 1)).astype(np.int64)
        starts = starts[starts < len(block)]  # what follows a last line end is the next block's
        index = self._lines - 1 - self._before
        self._before += len(ends)
        return starts[index[(index >= 0) & (index < len(starts))]]


def originals(paths: Sequence[str], places: Iterable[Place]) -> Mapping[Place, Original]:
    """Place -> its record, for every place that can still be found under ``paths``."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for place in places:
        wanted[place.source].add(place.record)
    found: dict[Place, Original] = {}
    with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
        scratch = Path(folder)
        for item in discover(paths, scratch).items:
            if item.name in wanted:
                found.update(_read(item, wanted[item.name], scratch))
    return found


def _read(item: Item, records: set[int], scratch: Path) -> dict[Place, Original]:
    texts: dict[int, list[str]] = {}
    try:
        with open_item(item, scratch, seekable=True) as plain:
            stream = HashingReader(plain)
            for record, text in _records(stream, item, records, scratch):
                texts.setdefault(record, []).append(text)
            sha256, _ = stream.finish()
    except Unreadable:
        return {}
    return {
        Place(item.name, record): Original(tuple(found), sha256) for record, found in texts.items()
    }


def _records(
    stream: HashingReader, item: Item, records: set[int], scratch: Path
) -> Iterator[tuple[int, str]]:
    if 0 in records and recognise(stream.peek(HEAD_BYTES), item)[0]:
        yield 0, stream.peek(HEAD_BYTES)[:2000].decode("utf-8", "replace")
    for batch in _batches(stream, item, records, scratch):
        for record, raw in batch.frame.select(RECORD, RAW).iter_rows():
            if record in records:
                yield record, raw


def _batches(
    stream: HashingReader, item: Item, records: set[int] | None, scratch: Path
) -> Iterator[Batch]:
    """The events of one source; of formats that can pick lines, only ``records`` (None = all)."""
    known, _ = recognise(stream.peek(HEAD_BYTES), item)
    if known is None:
        return
    if known.seekable:
        with open_item(item, scratch, seekable=True) as seekable:
            for piece in known.read(seekable, item, None):
                yield from piece.batches
    else:
        picker = _LinePicker(records) if known.prefilter and records is not None else None
        for piece in known.read(stream, item, picker):
            yield from piece.batches


@dataclass(frozen=True, slots=True)
class EventFound:
    """One event as the rules see it."""

    place: Place
    logsource: Logsource
    fields: Mapping[str, str | None]


def events_at(
    paths: Sequence[str], source: str | None = None, record: int | None = None
) -> Iterator[EventFound]:
    """Events under ``paths``; only of one source (by name) and record where given."""
    records = None if record is None else {record}
    with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
        scratch = Path(folder)
        for item in discover(paths, scratch).items:
            if source in (None, item.name):
                yield from _events(item, records, scratch)


def _events(item: Item, records: set[int] | None, scratch: Path) -> Iterator[EventFound]:
    try:
        with open_item(item, scratch) as plain:
            for batch in _batches(HashingReader(plain), item, records, scratch):
                for row in batch.frame.iter_rows(named=True):
                    at = row[RECORD] or 0
                    if records is None or at in records:
                        fields = {n: v for n, v in row.items() if n not in RESERVED}
                        yield EventFound(Place(item.name, at), batch.logsource, fields)
    except Unreadable:
        return
