"""Windows event logs (EVTX) from scratch: templates, nested Binary XML, names, checksums.

Enters: events. Leaves: the bytes of a log, as a system that writes into a fresh file lays them out:
names and templates stand where they are first used in a chunk and are pointed to from then on.
Will not: name hashes and their table in the chunk header, which readers do without.

Source of the layout: [MS-EVEN6] 2.2.12, J. Metz "Windows XML Event Log (EVTX) format" (libevtx).
"""

import struct
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

CHUNK_BYTES: Final = 65_536
CHUNK_HEADER_BYTES: Final = 512
FILE_HEADER_BYTES: Final = 4_096
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_NAMESPACE: Final = "http://schemas.microsoft.com/win/2004/08/events/event"
_FRAGMENT: Final = b"\x0f\x01\x01\x00"
_END: Final = b"\0"


@dataclass(frozen=True, slots=True)
class Sub:
    """The place of substitution ``number`` of a template."""

    number: int
    kind: int = 0x01
    is_optional: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """An XML element. Content: texts, substitutions, elements."""

    name: str
    content: "tuple[str | Sub | Node, ...]" = ()
    attributes: tuple[tuple[str, "str | Sub"], ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """A template with values: (type, bytes), or another instance (type 0x21)."""

    template: Node
    values: "Sequence[Value | Instance]"


Value: TypeAlias = tuple[int, bytes]
Body: TypeAlias = Instance | Node


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``data`` are its fields by name; a text or a typed value.

    ``tick``: the last of the seven digits that Windows gives ``when``.
    """

    when: datetime
    channel: str
    provider: str
    event_id: int
    computer: str
    data: Mapping[str, "str | Value"] = field(default_factory=dict)
    tick: int = 0


def text(value: str) -> Value:
    """A string as event providers write it."""
    return 0x01, value.encode("utf-16-le")


def texts(values: Iterable[str]) -> Value:
    """An array of strings, as classic events write their data."""
    return 0x81, b"".join(value.encode("utf-16-le") + b"\0\0" for value in values)


def number(value: int, kind: int = 0x08) -> Value:
    """An integer; ``kind`` is its type: 0x04 … 0x0a, 0x14 and 0x15 for hexadecimal."""
    formats = {0x03: "b", 0x04: "B", 0x05: "h", 0x06: "H", 0x07: "i", 0x08: "I", 0x09: "q"}
    formats |= {0x0A: "Q", 0x14: "I", 0x15: "Q"}
    return kind, struct.pack("<" + formats[kind], value)


def filetime(when: datetime, tick: int = 0) -> Value:
    """A moment, in units of 100 ns; ``tick`` more of them than ``when`` can say."""
    return 0x11, struct.pack("<Q", (when - _EPOCH) // timedelta(microseconds=1) * 10 + tick)


def guid(value: str) -> Value:
    """A GUID."""
    return 0x0F, uuid.UUID(value).bytes_le


def sid(value: str) -> Value:
    """A security identifier, ``S-1-5-18``."""
    revision, authority, *rest = map(int, value.split("-")[1:])
    head = struct.pack("<BB", revision, len(rest)) + authority.to_bytes(6, "big")
    return 0x13, head + struct.pack(f"<{len(rest)}I", *rest)


NULL: Final[Value] = (0x00, b"")

SYSTEM: Final = Node(
    "Event",
    (
        Node(
            "System",
            (
                Node("Provider", (), (("Name", Sub(0)), ("Guid", Sub(1, 0x0F)))),
                Node("EventID", (Sub(3, 0x06),), (("Qualifiers", Sub(2, 0x06)),)),
                Node("Version", (Sub(4, 0x04),)),
                Node("Level", (Sub(5, 0x04),)),
                Node("Task", (Sub(6, 0x06),)),
                Node("Opcode", (Sub(7, 0x04),)),
                Node("Keywords", (Sub(8, 0x15),)),
                Node("TimeCreated", (), (("SystemTime", Sub(9, 0x11)),)),
                Node("EventRecordID", (Sub(10, 0x0A),)),
                Node("Correlation", (), (("ActivityID", Sub(11, 0x0F)),)),
                Node("Execution", (), (("ProcessID", Sub(12, 0x08)), ("ThreadID", Sub(13, 0x08)))),
                Node("Channel", (Sub(14),)),
                Node("Computer", (Sub(15),)),
                Node("Security", (), (("UserID", Sub(16, 0x13)),)),
            ),
        ),
        Sub(17, 0x21),
    ),
    (("xmlns", _NAMESPACE),),
)


def data_template(names: Iterable[str], kinds: Iterable[int]) -> Node:
    """``<EventData><Data Name="…">`` for fields of these types; a name "" is left out."""
    fields = (
        Node("Data", (Sub(place, kind),), (("Name", name),) if name else ())
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True))
    )
    return Node("EventData", tuple(fields))


def instance(event: Event, record: int) -> Instance:
    """An event as Windows writes it: the system's template, and in it the provider's own."""
    values = [text(one) if isinstance(one, str) else one for one in event.data.values()]
    own = data_template(event.data, [kind for kind, _ in values])
    return Instance(
        SYSTEM,
        (
            text(event.provider), NULL, NULL, number(event.event_id, 0x06), number(0, 0x04),
            number(4, 0x04), number(0, 0x06), number(0, 0x04), number(0x8000000000000000, 0x15),
            filetime(event.when, event.tick), number(record, 0x0A), NULL, number(4), number(8),
            text(event.channel), text(event.computer), sid("S-1-5-18"), Instance(own, values),
        ),
    )  # fmt: skip


def inline(event: Event, record: int) -> Node:
    """An event without a template, as a collector of forwarded events writes it."""
    when = event.when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    plain = ((name, one) for name, one in event.data.items() if isinstance(one, str))
    return Node(
        "Event",
        (
            Node(
                "System",
                (
                    Node("Provider", (), (("Name", event.provider),)),
                    Node("EventID", (str(event.event_id),)),
                    Node("TimeCreated", (), (("SystemTime", when),)),
                    Node("EventRecordID", (str(record),)),
                    Node("Channel", (event.channel,)),
                    Node("Computer", (event.computer,)),
                ),
            ),
            Node("EventData", tuple(Node("Data", (one,), (("Name", n),)) for n, one in plain)),
        ),
        (("xmlns", _NAMESPACE),),
    )


class _Full(Exception):  # noqa: N818  (no error: the next chunk begins)
    pass


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
