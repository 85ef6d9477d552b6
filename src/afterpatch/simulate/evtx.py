"""Windows event logs (EVTX) from scratch: chunks, nested Binary XML, names, checksums.

Enters: events. Leaves: the bytes of a log, as a system that writes into a fresh file lays them out:
names and templates stand where they are first used in a chunk and are pointed to from then on.
Will not: name hashes and their table in the chunk header, which readers do without.

Source of the layout: [MS-EVEN6] 2.2.12, J. Metz "Windows XML Event Log (EVTX) format" (libevtx).
"""

import struct
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from afterpatch.simulate.evtx_events import Event, inline, instance
from afterpatch.simulate.evtx_parts import Body, Instance, Node, Sub, Value, filetime

CHUNK_BYTES: Final = 65_536
CHUNK_HEADER_BYTES: Final = 512
FILE_HEADER_BYTES: Final = 4_096
_FRAGMENT: Final = b"\x0f\x01\x01\x00"
_END: Final = b"\0"


class Chunk:
    """One chunk being written. ``first`` is the number of its first record."""

    def __init__(self, first: int) -> None:
        self._out = bytearray(CHUNK_HEADER_BYTES)
        self._names: dict[str, int] = {}
        self._templates: dict[Node, int] = {}
        self._first = self._next = first
        self._last_at = 0

    def add(self, body: Body, when: datetime) -> bool:
        """Write one record; False = no room for it."""
        names, templates, size = dict(self._names), dict(self._templates), len(self._out)
        _, stamp = filetime(when)
        self._out += struct.pack("<IIQ", 0x2A2A, 0, self._next) + stamp + _FRAGMENT
        self._body(body)
        self._out += _END
        self._out += b"\0" * (-(len(self._out) - size + 4) % 8)
        length = len(self._out) - size + 4
        self._out += struct.pack("<I", length)
        struct.pack_into("<I", self._out, size + 4, length)
        if len(self._out) > CHUNK_BYTES:
            del self._out[size:]
            self._names, self._templates = names, templates
            return False
        self._last_at = size
        self._next += 1
        return True

    def bytes(self) -> bytes:
        """The whole chunk, with its header."""
        out, last = self._out, self._next - 1
        records = zlib.crc32(out[CHUNK_HEADER_BYTES:])
        struct.pack_into(
            "<8sQQQQIIII", out, 0, b"ElfChnk\0", self._first, last, self._first, last, 128,
            self._last_at, len(out), records,
        )  # fmt: skip
        header = zlib.crc32(out[128:CHUNK_HEADER_BYTES], zlib.crc32(out[:120]))
        struct.pack_into("<I", out, 124, header)
        return bytes(out).ljust(CHUNK_BYTES, b"\0")

    def _body(self, body: Body) -> None:
        if isinstance(body, Node):
            self._element(body, in_template=False)
            return
        known = self._templates.get(body.template)
        self._out += struct.pack("<BBI", 0x0C, 1, _number_of(body.template))
        if known is None:
            known = self._templates[body.template] = len(self._out) + 4
            self._out += struct.pack("<I", known)
            self._definition(body.template)
        else:
            self._out += struct.pack("<I", known)
        self._values(body.values)

    def _definition(self, template: Node) -> None:
        start = len(self._out)
        self._out += struct.pack("<I", 0) + _guid_of(template) + bytes(4) + _FRAGMENT
        self._element(template, in_template=True)
        self._out += _END
        struct.pack_into("<I", self._out, start + 20, len(self._out) - start - 24)

    def _values(self, values: "Sequence[Value | Instance]") -> None:
        self._out += struct.pack("<I", len(values))
        at = len(self._out)
        self._out += bytes(4 * len(values))
        for value in values:
            start = len(self._out)
            if isinstance(value, Instance):
                kind = 0x21
                self._out += _FRAGMENT
                self._body(value)
                self._out += _END
            else:
                kind, raw = value
                self._out += raw
            struct.pack_into("<HB", self._out, at, len(self._out) - start, kind)
            at += 4

    def _element(self, node: Node, *, in_template: bool) -> None:
        self._out.append(0x41 if node.attributes else 0x01)
        self._out += b"\xff\xff" if in_template else b""
        size_at = len(self._out)
        self._out += bytes(4)
        self._name(node.name)
        if node.attributes:
            self._sized(lambda: self._attributes(node.attributes))
        self._out.append(0x02)
        for part in node.content:
            if isinstance(part, Node):
                self._element(part, in_template=in_template)
            else:
                self._text(part)
        self._out.append(0x04)
        struct.pack_into("<I", self._out, size_at, len(self._out) - size_at - 4)

    def _attributes(self, attributes: Sequence[tuple[str, str | Sub]]) -> None:
        for place, (name, value) in enumerate(attributes, start=1):
            self._out.append(0x06 if place == len(attributes) else 0x46)
            self._name(name)
            self._text(value)

    def _sized(self, write: Callable[[], None]) -> None:
        at = len(self._out)
        self._out += bytes(4)
        write()
        struct.pack_into("<I", self._out, at, len(self._out) - at - 4)

    def _text(self, part: str | Sub) -> None:
        if isinstance(part, Sub):
            token = 0x0E if part.is_optional else 0x0D
            self._out += struct.pack("<BHB", token, part.number, part.kind)
        else:
            raw = part.encode("utf-16-le")
            self._out += struct.pack("<BBH", 0x05, 0x01, len(raw) // 2) + raw

    def _name(self, name: str) -> None:
        known = self._names.get(name)
        if known is not None:
            self._out += struct.pack("<I", known)
            return
        raw = name.encode("utf-16-le")
        place = self._names[name] = len(self._out) + 4
        self._out += struct.pack("<IIHH", place, 0, 0, len(raw) // 2) + raw + b"\0\0"


def _guid_of(template: Node) -> bytes:
    return uuid.uuid5(uuid.NAMESPACE_URL, repr(template)).bytes_le


def _number_of(template: Node) -> int:
    return int.from_bytes(_guid_of(template)[:4], "little")


def chunks(
    bodies: Iterable[tuple[datetime, Callable[[int], Body]]], first: int = 1
) -> Iterator[bytes]:
    """Chunks of records; a body is made from its record's number."""
    chunk, record = Chunk(first), first
    is_empty = True
    for when, body in bodies:
        if not chunk.add(body(record), when):
            if is_empty:
                raise ValueError("an event larger than a chunk")
            yield chunk.bytes()
            chunk = Chunk(record)
            if not chunk.add(body(record), when):
                raise ValueError("an event larger than a chunk")
        is_empty = False
        record += 1
    if not is_empty:
        yield chunk.bytes()


def header(chunk_count: int, next_record: int, *, is_dirty: bool = False) -> bytes:
    """The header of a file with these chunks. Its count of chunks has 16 bits."""
    out = bytearray(FILE_HEADER_BYTES)
    struct.pack_into(
        "<8sQQQIHHHH", out, 0, b"ElfFile\0", 0, max(chunk_count - 1, 0), next_record, 128, 1, 3,
        FILE_HEADER_BYTES, chunk_count & 0xFFFF,
    )  # fmt: skip
    struct.pack_into("<II", out, 120, int(is_dirty), zlib.crc32(out[:120]))
    return bytes(out)


def log(events: Sequence[Event], first: int = 1, *, forwarded: bool = False) -> bytes:
    """A whole log; ``forwarded`` = without templates."""
    make = inline if forwarded else instance
    found = list(
        chunks(
            (
                (event.when, lambda record, event=event: make(event, record))  # type: ignore[misc]
                for event in events
            ),
            first,
        )
    )
    return header(len(found), first + len(events)) + b"".join(found)
