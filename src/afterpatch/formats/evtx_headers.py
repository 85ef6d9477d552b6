"""What the headers of an EVTX file promise, and what became of it.

In: header bytes, and per chunk how many records were met. Out: gaps and notices for everything that
was promised and is not there. Will not: read records.

Source of the layout: J. Metz, "Windows XML Event Log (EVTX) format" (libevtx).
"""

import struct
import zlib
from itertools import pairwise
from typing import Final, NamedTuple

from afterpatch.formats.windows_events import EventCollector

FILE_MAGIC: Final = b"ElfFile\0"
CHUNK_MAGIC: Final = b"ElfChnk\0"
HEADER_BYTES: Final = 4_096
CHUNK_BYTES: Final = 65_536
CHUNK_HEADER_BYTES: Final = 512
RECORD_MAGIC: Final = 0x2A2A
RECORD_HEADER_BYTES: Final = 24
LEAST_RECORD_BYTES: Final = RECORD_HEADER_BYTES + 4  # behind a record, its size again
MAX_RECORDS_PER_CHUNK: Final = (CHUNK_BYTES - CHUNK_HEADER_BYTES) // LEAST_RECORD_BYTES
MAX_MISSING: Final = 100_000_000  # a larger hole in the numbering is a damaged number
_DIRTY: Final = 1
_EMPTY: Final = frozenset({(0, 0), (2**64 - 1, 2**64 - 1), (1, 2**64 - 1)})


class FileHeader(NamedTuple):
    """The part of the file header that promises something."""

    chunks: int
    next_record: int
    is_dirty: bool


class ChunkHeader(NamedTuple):
    """The part of a chunk's header that promises something: its record numbers."""

    first: int
    last: int

    @property
    def records(self) -> int:
        """Records promised; outside 0 … MAX_RECORDS_PER_CHUNK the header is damaged."""
        is_empty = self.last + 1 == self.first or self in _EMPTY
        return 0 if is_empty else self.last - self.first + 1

    @property
    def is_believable(self) -> bool:
        """Whether so many records fit into a chunk."""
        return 0 <= self.records <= MAX_RECORDS_PER_CHUNK


def chunk_header(chunk: bytes | memoryview) -> ChunkHeader:
    """The header of a chunk that has at least that."""
    return ChunkHeader(*struct.unpack_from("<QQ", chunk, 8))


def has_right_checksums(chunk: bytes | memoryview) -> bool:
    """CRC-32 of the chunk's header and of its records, as the chunk states them."""
    (free_space, of_records) = struct.unpack_from("<II", chunk, 48)
    (of_header,) = struct.unpack_from("<I", chunk, 124)
    header = zlib.crc32(chunk[128:CHUNK_HEADER_BYTES], zlib.crc32(chunk[:120]))
    records = zlib.crc32(chunk[CHUNK_HEADER_BYTES:free_space])
    return (of_header, of_records) == (header, records)


def unlisted(chunk: bytes | bytearray | memoryview) -> tuple[int, int]:
    """(how many, where they end) of whole records behind the last one that the header counts.

    A log copied while it was written to has such: records are written before the header is. They
    must continue the numbering; anything else there is left from an earlier use of the chunk.
    """
    (last,) = struct.unpack_from("<Q", chunk, 32)
    (at,) = struct.unpack_from("<I", chunk, 48)
    count = 0
    while CHUNK_HEADER_BYTES <= at <= len(chunk) - 28:
        magic, size, record = struct.unpack_from("<IIQ", chunk, at)
        if magic != RECORD_MAGIC or record != last + count + 1 or not 28 <= size <= len(chunk) - at:
            break
        if struct.unpack_from("<I", chunk, at + size - 4) != (size,):
            break
        count += 1
        at += size
    return count, at


class Account:
    """The promises of one file; says to a collector what was not kept."""

    def __init__(self, head: bytes, collector: EventCollector) -> None:
        self._collector = collector
        self._promised: list[ChunkHeader] = []
        self._found = 0
        self._header = self._read(head)

    def _read(self, head: bytes) -> FileHeader | None:
        if not head:
            self._collector.lose("file", "the file is empty (0 bytes)", 0)
            return None
        if len(head) < HEADER_BYTES:
            reason = f"cut inside the file header after {len(head)} bytes"
            self._collector.lose("file", reason, 0)
            return None
        if head.startswith(CHUNK_MAGIC):
            self._collector.lose("file header", "no file header; the file begins with a chunk", 0)
            return None
        if not head.startswith(FILE_MAGIC):
            reason = "damaged file header; chunks were read without it"
            self._collector.lose("file header", reason, 0)
            return None
        (next_record,) = struct.unpack_from("<Q", head, 24)
        (chunks,) = struct.unpack_from("<H", head, 42)
        (flags,) = struct.unpack_from("<I", head, 120)
        return FileHeader(chunks, next_record, bool(flags & _DIRTY))

    def no_chunk(self, place: str) -> None:
        """Bytes in the place of a chunk that do not begin like one."""
        self._found += 1
        self._collector.lose(place, "no chunk header; up to 64 KiB of events not read", 0)

    def chunk(
        self, place: str, header: ChunkHeader, met: int, *, is_sound: bool, more: int = 0
    ) -> None:
        """A chunk in which ``met`` records were met, good or bad; sound = right checksums.

        more  how many of them the header does not count, see :func:`unlisted`.
        """
        self._found += 1
        if more:
            reason = f"{more} records that the chunk's header does not count yet were read as well"
            self._collector.note("layout", f"{place}: {reason}")
            header = header._replace(last=header.last + more)
        if not header.is_believable:
            reason = "damaged chunk header; its number of records is not known"
            self._collector.lose(place, reason, 0)
        if not is_sound:
            reason = "checksum does not fit; written to, or torn by a copy"
            self._collector.note("checksum", f"{place}: {reason}")
        if header.is_believable and header.records:
            if met < header.records:
                reason = f"chunk header promises {header.records} records, {met} were found"
                self._collector.lose(place, reason, header.records - met)
            self._promised.append(header)

    def close(self) -> None:
        """Compare the whole with what the file header and the numbering promise."""
        for before, after in pairwise(sorted(self._promised)):
            hole = after.first - before.last - 1
            if hole > 0:
                self._lose_numbers(before.last + 1, after.first - 1, "missing between chunks")
        if self._header is None:
            return
        last = max((numbers.last for numbers in self._promised), default=0)
        tail = self._header.next_record - last - 1
        if self._promised and 0 < tail <= MAX_MISSING:
            reason = "promised by the file header, not in the file"
            self._lose_numbers(last + 1, self._header.next_record - 1, reason)
        elif self._found < self._header.chunks:
            reason = f"file header counts {self._header.chunks} chunks, {self._found} are there"
            self._collector.lose("file", reason, 0)
        if self._header.is_dirty:
            self._collector.note(
                "layout",
                "the log was open when it was copied: its newest events may not have been in the "
                "file",
            )

    def _lose_numbers(self, first: int, last: int, reason: str) -> None:
        place = f"record numbers {first} to {last}"
        if last - first >= MAX_MISSING:
            self._collector.lose(place, f"{reason}; the numbers are not believable", 0)
        else:
            self._collector.lose(place, reason, last - first + 1)
