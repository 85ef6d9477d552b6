"""Windows event logs (EVTX): file bytes -> events, with every missing record accounted for.

In: a stream. Out: pieces of Windows events, ``@record`` = EventRecordID. Each 64 KiB chunk stands
alone: a damaged header, a torn last chunk or a wiped chunk in the middle costs nothing beyond
itself, and what each chunk's own header promises is compared with what could be read.

Two ways to read, one answer. :func:`read` takes every record apart with the ``evtx`` package and
keeps its JSON as ``@raw``. :func:`read_columns` reads sound chunks as the tables they are
(:mod:`afterpatch.formats.evtx_columns`) and leaves all others to the first way; it makes only the
columns that are wanted, and the original text of single records on demand (:func:`texts`).
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from afterpatch.formats.evtx_headers import (
    CHUNK_BYTES,
    CHUNK_MAGIC,
    FILE_MAGIC,
    HEADER_BYTES,
    Account,
    chunk_header,
    has_right_checksums,
    unlisted,
)
from afterpatch.formats.evtx_plain import brief, read_chunk
from afterpatch.formats.evtx_texts import by_chunk, place_of, texts_of
from afterpatch.formats.format import Format
from afterpatch.formats.windows_events import EventCollector
from afterpatch.model.batches import ColumnsWanted, Piece, Wanted
from afterpatch.model.places import Item

if TYPE_CHECKING:
    from afterpatch.formats.evtx_blocks import BlockReader

# To load compiled code (0.4 s) takes as long as to read this many chunks of events plainly.
PLAIN_CHUNKS: Final = 160
BLOCK_CHUNKS: Final = 256  # 16 MiB: about 20,000 events of a busy log


def expect(size_bytes: int) -> None:
    """So much of event logs is coming to this process and its forks: get ready if it is worth it.

    Without this word, the first chunks are read plainly, since they may be the only ones.
    """
    if size_bytes > PLAIN_CHUNKS * CHUNK_BYTES:
        _met.chunks = max(_met.chunks, PLAIN_CHUNKS)
        _block_reader()


def is_named_so(origin: str) -> bool:
    """Whether a path says event log, whatever the bytes say."""
    return origin.casefold().endswith(".evtx")


def recognise(head: bytes, item: Item) -> str:
    """ "header" by the magic of file or chunk; "file name" for a damaged ``.evtx``."""
    if head.startswith((FILE_MAGIC, CHUNK_MAGIC)):
        return "header"
    if is_named_so(item.origin) and (not head or CHUNK_MAGIC in head or not head.strip(b"\0")):
        return "file name"
    return ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Every event of the file in chunk order; gaps name the chunk or the record numbers."""
    del wanted  # no raw-text prefilter: strings in EVTX are UTF-16 and shared between records
    collector = EventCollector(item.name)
    yield from _read(stream, collector, None, None)


def read_columns(stream: BinaryIO, item: Item, wanted: ColumnsWanted | None) -> Iterator[Piece]:
    """As :func:`read`, with ``@at`` for ``@raw`` and the columns ``wanted`` only (all if None)."""
    collector = EventCollector(item.name)
    yield from _read(stream, collector, _reader_for, wanted)


def texts(stream: BinaryIO, item: Item, places: Collection[int]) -> Iterator[tuple[int, str]]:
    """(place, JSON) of the events at these places, in chunk order."""
    del item
    head = stream.read(HEADER_BYTES)
    first = 0 if head.startswith(CHUNK_MAGIC) else HEADER_BYTES  # see _blocks
    at = len(head)
    for number, orders in sorted(by_chunk(places).items()):
        start = first + number * CHUNK_BYTES
        begun = head if start < at else b""
        _skip(stream, start + len(begun) - at)
        chunk = begun + stream.read(CHUNK_BYTES - len(begun))
        at = start + len(chunk)
        if chunk.startswith(CHUNK_MAGIC):
            for order, text in texts_of(chunk, orders):
                yield place_of(number, order), text


def _skip(stream: BinaryIO, size_bytes: int) -> None:
    if stream.seekable():
        stream.seek(size_bytes, os.SEEK_CUR)
        return
    while size_bytes > 0 and (passed := stream.read(min(size_bytes, BLOCK_CHUNKS * CHUNK_BYTES))):
        size_bytes -= len(passed)


def _read(
    stream: BinaryIO,
    collector: EventCollector,
    reader_for: "Callable[[list[bool], EventCollector], BlockReader | None] | None",
    wanted: ColumnsWanted | None,
) -> Iterator[Piece]:
    head = stream.read(HEADER_BYTES)
    account = Account(head, collector)
    before = 0
    for block in _blocks(stream, head):
        chunks = _split(block)
        sound = [_is_sound(chunk) for chunk in chunks]
        reader = reader_for(sound, collector) if reader_for else None
        met: Sequence[int | None] = [None] * len(chunks)
        if reader:
            met = reader.read(block, sound, wanted, collector, before)
        for number, (chunk, is_sound, count) in enumerate(zip(chunks, sound, met, strict=True)):
            place = before + number
            _take(place, chunk, account, collector, is_sound, count, on_demand=bool(reader_for))
            if collector.full:
                yield collector.piece()
        before += len(chunks)
    account.close()
    yield collector.last_piece()


def _take(
    number: int,
    chunk: memoryview,
    account: Account,
    collector: EventCollector,
    is_sound: bool,
    met: int | None,
    *,
    on_demand: bool,
) -> None:
    """Account for one chunk; read it first if that was not done (``met`` is None).

    on_demand  whether its events are to say where their text is found, in place of the text.
    """
    place = f"chunk {number}"
    if met is None and not np.frombuffer(chunk, np.uint8).any():
        return  # allocated, never written
    if len(chunk) < CHUNK_BYTES:
        collector.lose(place, f"cut after {len(chunk)} of {CHUNK_BYTES} bytes", 0)
    if chunk[:8].tobytes() != CHUNK_MAGIC:
        account.no_chunk(place)
        return
    whole = bytes(chunk).ljust(CHUNK_BYTES, b"\0") if met is None else chunk
    if met is None:
        met = read_chunk(place, bytes(whole), collector, place_of(number, 0) if on_demand else None)
    more, _ = unlisted(whole)
    is_right = is_sound or (more > 0 and has_right_checksums(whole))
    account.chunk(place, chunk_header(whole), met, is_sound=is_right, more=more)


def _blocks(stream: BinaryIO, head: bytes) -> Iterator[memoryview]:
    """The file behind its header, some whole chunks at a time; the last may be cut.

    A file whose header was lost altogether begins with its first chunk. A block is good until the
    next is asked for: fresh memory for each would take a third of the time of reading.
    """
    room = np.empty(BLOCK_CHUNKS * CHUNK_BYTES, np.uint8).data  # what is never filled costs nothing
    begun = head if head.startswith(CHUNK_MAGIC) else b""
    room[: len(begun)] = begun
    filled = len(begun)
    while True:
        while more := stream.readinto(room[filled:]):  # type: ignore[attr-defined]
            filled += more
        if not filled:
            return
        yield room[:filled]
        filled = 0


def _split(block: memoryview) -> list[memoryview]:
    return [block[at : at + CHUNK_BYTES] for at in range(0, len(block), CHUNK_BYTES)]


def _is_sound(chunk: memoryview) -> bool:
    """Whether a chunk is whole, its checksums are right, and its header counts all records."""
    return (
        len(chunk) == CHUNK_BYTES
        and chunk[:8].tobytes() == CHUNK_MAGIC
        and has_right_checksums(chunk)
        and not unlisted(chunk)[0]
    )


@dataclass(slots=True)
class _Met:
    """Sound chunks that this process has met so far."""

    chunks: int = 0


_met: Final = _Met()


def _reader_for(sound: list[bool], collector: EventCollector) -> "BlockReader | None":
    """What reads these chunks: the columnar reader, once it is worth its start."""
    _met.chunks += sum(sound)
    if _met.chunks <= PLAIN_CHUNKS:
        return None
    reader, fault = _block_reader()
    if reader is None:
        collector.note("speed", f"event logs are read one record at a time: {fault}")
    return reader


@lru_cache(maxsize=1)
def _block_reader() -> "tuple[BlockReader | None, str]":
    """The columnar reader of this process, or why there is none.

    Imported when there is enough to read: to load it takes most of a second.
    """
    try:
        from afterpatch.formats.evtx_blocks import BlockReader

        return BlockReader(), ""
    except ImportError as error:
        return None, f"numba is not usable here ({brief(error)})"
    except Exception as error:  # noqa: BLE001  (whatever a compiler finds wrong with this machine)
        return None, f"compiling failed ({brief(error)})"


FORMAT: Final = Format(
    kind="evtx", recognise=recognise, read=read, read_columns=read_columns, texts=texts
)
