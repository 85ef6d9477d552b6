"""Packet captures -> packets: pcap and pcapng, either byte order, micro- and nanoseconds.

Enters: a stream. Leaves: packets in file order, and faults where the file breaks off. Every length
in the file is checked before it is believed; memory is bounded by one block. It knows nothing of
what packets hold. (The framing is a page of code; the Python libraries for it either trust every
length, as dpkt 1.9.8 does, or are under the GPL.)

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

MAX_BLOCK_BYTES: Final = 16 << 20  # snapshot lengths are at most 256 KiB in practice
_PCAP_MAGIC: Final = {0xA1B2C3D4: 1_000_000, 0xA1B23C4D: 1_000_000_000}
_SECTION, _INTERFACE, _PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_OPTION_RESOLUTION, _OPTION_OFFSET = 9, 14


class Packet(NamedTuple):
    """``link``: link-layer type. ``cut``: the capture kept fewer bytes than were on the wire."""

    time_us: int | None
    link: int
    data: bytes
    cut: bool


class Broken(NamedTuple):
    """The file cannot be read on from here."""

    reason: str


class _Interface(NamedTuple):
    link: int
    ticks: int  # per second
    offset_s: int
    snap_bytes: int


def is_capture(head: bytes) -> bool:
    """Whether the first bytes are those of a pcap or pcapng file."""
    if len(head) < 12:
        return False
    magics = {struct.unpack(order + "I", head[:4])[0] for order in "<>"}
    if head[:4] == _SECTION.to_bytes(4, "big"):
        return _BYTE_ORDER in {struct.unpack(order + "I", head[8:12])[0] for order in "<>"}
    return not magics.isdisjoint(_PCAP_MAGIC)


def packets(stream: BinaryIO) -> Iterator[Packet | Broken]:
    """Every packet, and at most one :class:`Broken`, which is last. Content never raises."""
    magic = _exactly(stream, 4)
    if magic == _SECTION.to_bytes(4, "big"):
        yield from _Blocks(stream).read()
        return
    for order in "<>":
        ticks = _PCAP_MAGIC.get(struct.unpack(order + "I", magic)[0]) if len(magic) == 4 else None
        if ticks:
            yield from _pcap(stream, order, ticks)
            return
    yield Broken("the file does not begin like a packet capture")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """``size`` bytes, fewer only at the end."""
    parts: list[bytes] = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _pcap(stream: BinaryIO, order: str, ticks: int) -> Iterator[Packet | Broken]:
    head = _exactly(stream, 20)
    if len(head) < 20:
        yield Broken("the file ends inside its header")
        return
    link = struct.unpack(order + "I", head[16:])[0] & 0xFFFF
    record = struct.Struct(order + "IIII")
    while head := _exactly(stream, record.size):
        if len(head) < record.size:
            yield Broken("the file ends inside a packet's header")
            return
        seconds, fraction, kept, length = record.unpack(head)
        if kept > MAX_BLOCK_BYTES:
            yield Broken(f"a packet claims {kept} bytes; the rest of the file was not read")
            return
        data = _exactly(stream, kept)
        if len(data) < kept:
            yield Broken("the file ends inside a packet")
            return
        yield Packet(seconds * 1_000_000 + fraction * 1_000_000 // ticks, link, data, kept < length)


class _Blocks:
    """The blocks of a pcapng file."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.order = "<"
        self.interfaces: list[_Interface] = []

    def read(self) -> Iterator[Packet | Broken]:
        """Packets of every section; the first block's type was read already."""
        kind = _SECTION
        while True:
            body = self._body(kind)
            if isinstance(body, Broken):
                yield body
                return
            if kind == _INTERFACE:
                self.interfaces.append(self._interface(body))
            elif kind in (_ENHANCED, _PACKET, _SIMPLE):
                packet = self._packet(kind, body)
                if packet is None:
                    yield Broken("a packet block contradicts itself; the rest was not read")
                    return
                yield packet
            head = _exactly(self.stream, 4)
            if not head:
                return
            if len(head) < 4:
                yield Broken("the file ends inside a block's header")
                return
            kind = int(struct.unpack(self.order + "I", head)[0])

    def _body(self, kind: int) -> bytes | Broken:
        """A block without its type and lengths; a section header sets the byte order."""
        head = _exactly(self.stream, 8 if kind == _SECTION else 4)
        if len(head) < 4:
            return Broken("the file ends inside a block's header")
        if kind == _SECTION:
            orders = [o for o in "<>" if head[4:] == struct.pack(o + "I", _BYTE_ORDER)]
            if not orders:
                return Broken("a section header without byte order; the rest was not read")
            self.order, self.interfaces = orders[0], []
        length = struct.unpack(self.order + "I", head[:4])[0]
        rest = length - 4 - len(head)
        if length % 4 or rest < 4 or length > MAX_BLOCK_BYTES:
            return Broken(f"a block claims {length} bytes; the rest of the file was not read")
        body = _exactly(self.stream, rest)
        if len(body) < rest:
            return Broken("the file ends inside a block")
        if body[-4:] != head[:4]:
            return Broken("a block's two lengths differ; the rest of the file was not read")
        return body[:-4]

    def _interface(self, body: bytes) -> _Interface:
        if len(body) < 8:
            return _Interface(-1, 1_000_000, 0, 0)
        link, _, snap_bytes = struct.unpack(self.order + "HHI", body[:8])
        ticks, offset_s, at = 1_000_000, 0, 8
        while at + 4 <= len(body):
            code, size = struct.unpack(self.order + "HH", body[at : at + 4])
            value = body[at + 4 : at + 4 + size]
            if code == _OPTION_RESOLUTION and len(value) == 1:
                exponent = min(value[0] & 0x7F, 63)
                ticks = 2**exponent if value[0] & 0x80 else 10 ** min(exponent, 18)
            elif code == _OPTION_OFFSET and len(value) == 8:
                offset_s = struct.unpack(self.order + "q", value)[0]
            elif code == 0:
                break
            at += 4 + size + -size % 4
        return _Interface(link, ticks, offset_s, snap_bytes)

    def _packet(self, kind: int, body: bytes) -> Packet | None:
        if kind == _SIMPLE:
            if len(body) < 4 or not self.interfaces:
                return None
            length = struct.unpack(self.order + "I", body[:4])[0]
            kept = min(length, len(body) - 4)
            return Packet(None, self.interfaces[0].link, body[4 : 4 + kept], kept < length)
        if len(body) < 20:
            return None
        form = "IIIII" if kind == _ENHANCED else "HHIIII"
        fields = struct.unpack(self.order + form, body[:20])
        high, low, kept, length = fields[-4:]
        if fields[0] >= len(self.interfaces) or kept > len(body) - 20:
            return None
        interface = self.interfaces[fields[0]]
        ticks = (high << 32) | low
        time_us: int | None = interface.offset_s * 1_000_000 + ticks * 1_000_000 // interface.ticks
        if time_us is None or not 0 <= time_us < 1 << 53:
            time_us = None
        return Packet(time_us, interface.link, body[20 : 20 + kept], kept < length)
