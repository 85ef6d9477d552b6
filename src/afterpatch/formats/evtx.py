"""Windows event logs (EVTX): file bytes -> events, with every missing record accounted for.

In: a seekable stream. Out: pieces of Windows events, ``@record`` = EventRecordID, ``@raw`` = the
event as JSON. The file is walked chunk by chunk: each 64 KiB chunk stands alone, so it is given to
the ``evtx`` parser behind a file header of our own. A damaged header, a torn last chunk or a wiped
chunk in the middle then costs nothing beyond itself, and what each chunk's own header promises is
compared with what could be read. Will not: render messages, carve unallocated space.

Source of the layout: J. Metz, "Windows XML Event Log (EVTX) format" (libevtx).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO, Final, NamedTuple, cast

import evtx
import orjson

from afterpatch.formats.format import Format
from afterpatch.formats.windows_events import EventCollector
from afterpatch.formats.windows_shapes import from_event_xml
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Item

FILE_MAGIC: Final = b"ElfFile\0"
CHUNK_MAGIC: Final = b"ElfChnk\0"
HEADER_BYTES: Final = 4_096
CHUNK_BYTES: Final = 65_536
_CHUNK_HEADER_BYTES: Final = 512
MAX_RECORDS_PER_CHUNK: Final = (CHUNK_BYTES - _CHUNK_HEADER_BYTES) // 28  # 28 = an empty record
MAX_MISSING: Final = 100_000_000  # a larger hole in the numbering is a damaged number
_DIRTY: Final = 1


class FileHeader(NamedTuple):
    """The part of the file header that promises something."""

    chunks: int
    next_record: int
    is_dirty: bool


class ChunkNumbers(NamedTuple):
    """First and last record number a chunk's header promises."""

    first: int
    last: int


def recognise(head: bytes, item: Item) -> str:
    """ "header" by its magic; "file name" for a ``.evtx`` whose first bytes are damaged."""
    if head.startswith(FILE_MAGIC):
        return "header"
    is_named_so = item.origin.casefold().endswith(".evtx")
    if is_named_so and (not head or CHUNK_MAGIC in head or not head.strip(b"\0")):
        return "file name"
    return ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Every event of the file in chunk order; gaps name the chunk or the record numbers."""
    del wanted  # no raw-text prefilter: strings in EVTX are UTF-16 and shared between records
    collector = EventCollector(item.name)
    header = _read_header(stream.read(HEADER_BYTES), collector)
    promised: list[ChunkNumbers] = []
    found = 0
    for number, chunk in enumerate(_chunks(stream)):
        if chunk.count(0) == len(chunk):
            continue  # allocated, never written
        found += 1
        numbers = _read_chunk(number, chunk, collector)
        if numbers is not None:
            promised.append(numbers)
        if collector.full:
            yield collector.piece()
    _account(header, found, promised, collector)
    yield collector.last_piece()


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        while len(chunk) < CHUNK_BYTES and (more := stream.read(CHUNK_BYTES - len(chunk))):
            chunk += more
        yield chunk


def _read_header(head: bytes, collector: EventCollector) -> FileHeader | None:
    if not head:
        collector.lose("file", "the file is empty (0 bytes)", 0)
        return None
    if len(head) < HEADER_BYTES:
        collector.lose("file", f"cut inside the file header after {len(head)} bytes", 0)
        return None
    if not head.startswith(FILE_MAGIC):
        collector.lose("file header", "damaged file header; chunks were read without it", 0)
        return None
    (next_record,) = struct.unpack_from("<Q", head, 24)
    (chunks,) = struct.unpack_from("<H", head, 42)
    (flags,) = struct.unpack_from("<I", head, 120)
    return FileHeader(chunks, next_record, bool(flags & _DIRTY))


def _read_chunk(number: int, chunk: bytes, collector: EventCollector) -> ChunkNumbers | None:
    """Read one chunk; what its header promises, or None when the header is unusable."""
    place = f"chunk {number}"
    if len(chunk) < CHUNK_BYTES:
        collector.lose(place, f"cut after {len(chunk)} of {CHUNK_BYTES} bytes", 0)
        chunk = chunk.ljust(CHUNK_BYTES, b"\0")
    if not chunk.startswith(CHUNK_MAGIC):
        collector.lose(place, "no chunk header; up to 64 KiB of events not read", 0)
        return None
    first, last = struct.unpack_from("<QQ", chunk, 8)
    is_empty = last + 1 == first or (first, last) in _EMPTY
    count = 0 if is_empty else last - first + 1
    if not 0 <= count <= MAX_RECORDS_PER_CHUNK:
        collector.lose(place, "damaged chunk header; its number of records is not known", 0)
    if not _has_right_checksums(chunk):
        collector.note("checksum", f"{place}: checksum does not fit; written to, or torn by a copy")
    met = _read_records(place, chunk, collector)
    if not 0 <= count <= MAX_RECORDS_PER_CHUNK:
        return None
    if met < count:
        collector.lose(
            place, f"chunk header promises {count} records, {met} were found", count - met
        )
    return None if is_empty else ChunkNumbers(first, last)


def _has_right_checksums(chunk: bytes) -> bool:
    """CRC-32 of the chunk's header and of its records, as the chunk states them."""
    (free_space, of_records) = struct.unpack_from("<II", chunk, 48)
    (of_header,) = struct.unpack_from("<I", chunk, 124)
    header = zlib.crc32(chunk[128:_CHUNK_HEADER_BYTES], zlib.crc32(chunk[:120]))
    records = zlib.crc32(chunk[_CHUNK_HEADER_BYTES:free_space])
    return (of_header, of_records) == (header, records)


_EMPTY: Final = frozenset({(0, 0), (2**64 - 1, 2**64 - 1), (1, 2**64 - 1)})


def _read_records(place: str, chunk: bytes, collector: EventCollector) -> int:
    """Hand every record of one whole chunk to the collector; how many were met, good or bad."""
    met = 0
    try:
        parser = evtx.PyEvtxParser(io.BytesIO(_LONE_CHUNK_HEADER + chunk), 1)
        records = cast("Iterator[dict[str, Any]]", parser.records_json())
    except Exception as error:  # noqa: BLE001  (the parser raises many types; each becomes a gap)
        collector.lose(place, f"chunk not readable: {_brief(error)}", 0)
        return 0
    while met < MAX_RECORDS_PER_CHUNK:
        try:
            record = next(records)
        except StopIteration:
            break
        except (KeyboardInterrupt, SystemExit):
            raise
        except RuntimeError as error:
            collector.lose(place, f"record not readable: {_brief(error)}")
        except BaseException as error:  # noqa: BLE001  (a panic in the parser's Rust code)
            collector.lose(place, f"the parser gave up inside this chunk: {_brief(error)}", 0)
            break
        else:
            _take(place, record["data"], record["event_record_id"], collector)
        met += 1
    return met


def _take(place: str, data: str, number: int, collector: EventCollector) -> None:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        collector.lose(f"{place}, record {number}", f"record not readable: {_brief(error)}")
        return
    event = from_event_xml(document) if isinstance(document, dict) else None
    if event is None:
        collector.lose(f"{place}, record {number}", "no event id; not an event")
        return
    fallback = number if number < 2**63 else 0
    collector.add(event, fallback if event.record is None else event.record, data)


def _account(
    header: FileHeader | None, found: int, promised: list[ChunkNumbers], collector: EventCollector
) -> None:
    """Compare the whole with what the file header and the numbering promise."""
    for before, after in pairwise(sorted(promised)):
        hole = after.first - before.last - 1
        if hole > 0:
            place = f"record numbers {before.last + 1} to {after.first - 1}"
            reason = "missing between chunks"
            if hole > MAX_MISSING:
                collector.lose(place, f"{reason}; the numbers are not believable", 0)
            else:
                collector.lose(place, reason, hole)
    if header is None:
        return
    last = max((numbers.last for numbers in promised), default=0)
    tail = header.next_record - last - 1
    if promised and 0 < tail <= MAX_MISSING:
        place = f"record numbers {last + 1} to {header.next_record - 1}"
        collector.lose(place, "promised by the file header, not in the file", tail)
    elif found < header.chunks:
        shortfall = f"file header counts {header.chunks} chunks, {found} are there"
        collector.lose("file", shortfall, 0)
    if header.is_dirty:
        collector.note(
            "layout",
            "the log was open when it was copied: its newest events may not have been in the file",
        )


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _lone_chunk_header() -> bytes:
    """A valid header for a file of one chunk."""
    header = bytearray(HEADER_BYTES)
    struct.pack_into("<8sQQQIHHHH", header, 0, FILE_MAGIC, 0, 0, 1, 128, 1, 3, HEADER_BYTES, 1)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    return bytes(header)


_LONE_CHUNK_HEADER: Final = _lone_chunk_header()

FORMAT: Final = Format(kind="evtx", recognise=recognise, read=read)
