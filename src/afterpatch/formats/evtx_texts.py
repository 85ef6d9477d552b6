"""The original text of single records of an EVTX chunk, as JSON by the ``evtx`` package.

In: a chunk and which of its records, by their order in it. Out: their texts. The package reads
chunks record by record; so that it need not take apart all of them for a few, it gets a copy of the
chunk in which the records between two asked for are one, which it reads as the first of them.
"""

import struct
from collections.abc import Collection, Iterator

from afterpatch.formats.evtx_headers import (
    CHUNK_BYTES,
    CHUNK_HEADER_BYTES,
    LEAST_RECORD_BYTES,
    MAX_RECORDS_PER_CHUNK,
    RECORD_MAGIC,
)
from afterpatch.formats.evtx_plain import Record, records_of

PLACE_BITS = MAX_RECORDS_PER_CHUNK.bit_length()


def place_of(chunk: int, order: int) -> int:
    """Where a record's text is found again: its chunk's number in the file, its own in that."""
    return chunk << PLACE_BITS | order


def by_chunk(places: Collection[int]) -> dict[int, set[int]]:
    """Chunk's number -> the orders of the records asked for in it."""
    found: dict[int, set[int]] = {}
    for place in places:
        found.setdefault(place >> PLACE_BITS, set()).add(place & (1 << PLACE_BITS) - 1)
    return found


def texts_of(chunk: bytes, orders: Collection[int]) -> Iterator[tuple[int, str]]:
    """(order, text) of those that can be read."""
    records = _some_of(chunk, sorted(orders)) or enumerate(records_of(chunk))
    for order, record in records:
        if order in orders and not record.fault:
            yield order, record.text


def _some_of(chunk: bytes, orders: list[int]) -> list[tuple[int, Record]] | None:
    """These records without all others between them; None = read all."""
    starts = _starts(chunk)
    if not starts or not 0 <= orders[0] <= orders[-1] < len(starts) - 1:
        return None
    short = bytearray(chunk)
    met: list[int] = []  # what the package will meet
    following = 0
    for order in orders:
        if following < order:
            skipped_bytes = starts[order] - starts[following]
            struct.pack_into("<I", short, starts[following] + 4, skipped_bytes)
            met.append(-1)
        met.append(order)
        following = order + 1
    struct.pack_into("<I", short, 48, starts[following])
    found = list(zip(met, records_of(bytes(short)), strict=False))
    numbers = [struct.unpack_from("<Q", chunk, starts[order] + 8)[0] for order in orders]
    read = [(order, record) for order, record in found if order >= 0]
    return read if [record.number for _, record in read] == numbers else None


def _starts(chunk: bytes) -> list[int]:
    """Where the records of a chunk begin, and at last where the last one ends; [] = no chain."""
    if len(chunk) != CHUNK_BYTES:
        return []
    (end,) = struct.unpack_from("<I", chunk, 48)
    at, starts = CHUNK_HEADER_BYTES, []
    while at + LEAST_RECORD_BYTES <= min(end, CHUNK_BYTES):
        magic, size = struct.unpack_from("<II", chunk, at)
        if magic != RECORD_MAGIC or size < LEAST_RECORD_BYTES or at + size > CHUNK_BYTES:
            return []
        starts.append(at)
        at += size
    return [*starts, at]
