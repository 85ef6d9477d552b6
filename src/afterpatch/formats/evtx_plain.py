"""One chunk of EVTX, record by record, with the ``evtx`` package: the careful way.

In: the bytes of a chunk. Out: its events, or gaps, in a collector. A chunk stands alone, so it is
given to the parser behind a file header of our own: whatever is wrong elsewhere costs nothing here.
This is how damaged and unusual chunks are read, how the original text of a record is made, and what
the columnar reader is compared with in tests. Texts are the package's, but for the seventh digit of
times (:mod:`afterpatch.formats.evtx_ticks`). Will not: render messages, carve unallocated space.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, cast

import evtx
import orjson

from afterpatch.formats.evtx_headers import (
    CHUNK_BYTES,
    CHUNK_HEADER_BYTES,
    FILE_MAGIC,
    HEADER_BYTES,
    MAX_RECORDS_PER_CHUNK,
    unlisted,
)
from afterpatch.formats.evtx_ticks import marked, with_ticks
from afterpatch.formats.windows_events import EventCollector
from afterpatch.formats.windows_flat import FlatEvent, flat_event, text
from afterpatch.formats.windows_shapes import EventParts, event_parts


class Record(NamedTuple):
    """One record: its JSON and number, or why it cannot be read. ``lost``: records lost by that."""

    text: str
    number: int
    fault: str = ""
    lost: int = 1


def records_of(chunk: bytes) -> Iterator[Record]:
    """Every record of one chunk, good or bad, with times to 100 ns. Never raises for content."""
    prepared = _prepared(chunk)
    with_marks, times = marked(prepared)
    others = _parsed(with_marks)
    for record in _parsed(prepared):
        shown = with_ticks(record.text, next(others, _NO_RECORD).text, times)
        yield Record(shown, record.number, record.fault, record.lost)


def _parsed(chunk: bytes | bytearray) -> Iterator[Record]:
    """As the package reads them."""
    try:
        parser = evtx.PyEvtxParser(io.BytesIO(_LONE_CHUNK_HEADER + chunk), 1)
        records = cast("Iterator[dict[str, Any]]", parser.records_json())
    except Exception as error:  # noqa: BLE001  (the parser raises many types; each becomes a gap)
        yield Record("", 0, f"chunk not readable: {brief(error)}", 0)
        return
    for _ in range(MAX_RECORDS_PER_CHUNK):
        try:
            record = next(records)
        except StopIteration:
            return
        except (KeyboardInterrupt, SystemExit):
            raise
        except RuntimeError as error:
            yield Record("", 0, f"record not readable: {brief(error)}")
        except BaseException as error:  # noqa: BLE001  (a panic in the parser's Rust code)
            yield Record("", 0, f"the parser gave up inside this chunk: {brief(error)}", 0)
            return
        else:
            yield Record(record["data"], record["event_record_id"])


def event_of(record: Record) -> tuple[FlatEvent | None, int, str]:
    """(the event or None, its number, why there is none)."""
    if record.fault:
        return None, record.number, record.fault
    try:
        document = orjson.loads(record.text)
    except orjson.JSONDecodeError as error:
        return None, record.number, f"record not readable: {brief(error)}"
    parts = event_parts(document) if isinstance(document, dict) else None
    event = _flat(parts) if parts else None
    if event is None:
        return None, record.number, "no event id; not an event"
    fallback = record.number if record.number < 2**63 else 0
    return event, fallback if event.record is None else event.record, ""


def _flat(parts: EventParts) -> FlatEvent | None:
    return flat_event(
        record=parts.record,
        # A time that is no FILETIME but some number is none of ours to interpret: read as text.
        when=text(parts.when),
        channel=parts.channel,
        provider=parts.provider,
        event_id=parts.event_id,
        computer=parts.computer,
        fields=parts.fields,
    )


def read_chunk(place: str, chunk: bytes, collector: EventCollector, first: int | None) -> int:
    """Hand every record of one chunk to the collector; how many were met, good or bad.

    ``first``: the place (``@at``) of the first one, for events that are to say theirs.
    """
    met = 0
    for order, record in enumerate(records_of(chunk)):
        event, number, fault = event_of(record)
        if event is not None:
            at = None if first is None else first + order
            collector.add(event, number, record.text, at)
        elif record.fault:
            collector.lose(place, fault, record.lost)
        else:
            collector.lose(f"{place}, record {record.number}", fault)
        met += record.lost
    return met


def _prepared(chunk: bytes) -> bytes:
    """The whole chunk: tables of names and templates wiped, uncounted records counted.

    The tables only save the parser the way to where a name or template stands anyway. Damaged, they
    cost it the whole chunk, and where their chains run in a circle it never comes back.
    """
    whole = bytearray(chunk.ljust(CHUNK_BYTES, b"\0"))
    whole[_TABLES_AT:CHUNK_HEADER_BYTES] = bytes(CHUNK_HEADER_BYTES - _TABLES_AT)
    more, end = unlisted(whole)
    if more:
        (last,) = struct.unpack_from("<Q", whole, 32)
        struct.pack_into("<Q", whole, 32, last + more)
        struct.pack_into("<I", whole, 48, end)
    return bytes(whole)


def brief(error: BaseException) -> str:
    """An error in one short line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _lone_chunk_header() -> bytes:
    """A valid header for a file of one chunk."""
    header = bytearray(HEADER_BYTES)
    struct.pack_into("<8sQQQIHHHH", header, 0, FILE_MAGIC, 0, 0, 1, 128, 1, 3, HEADER_BYTES, 1)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    return bytes(header)


_NO_RECORD: Final = Record("", 0)
_TABLES_AT: Final = 128
_LONE_CHUNK_HEADER: Final = _lone_chunk_header()
