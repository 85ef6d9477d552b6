"""A packet's headers: link layer, IP, TCP or UDP -> one :class:`Segment`.

Enters: the bytes of one packet. Leaves: who sent how much to whom, and the payload. Fragments after
the first have no ports. Anything that is not IP is None; headers that contradict the bytes at hand
raise :class:`BadHeader`, and nothing else is raised.

Sources: RFC 791, 8200, 9293, 768; IEEE 802.1Q; tcpdump.org, "Link-layer header types".
"""

import ipaddress
import struct
from functools import lru_cache
from typing import Final, NamedTuple

TCP, UDP = 6, 17
SYN, ACK, FIN, RST = 0x02, 0x10, 0x01, 0x04

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN: Final = (0x8100, 0x88A8, 0x9100)
_LOOPBACK_IP: Final = {2: _IPV4, 24: _IPV6, 28: _IPV6, 30: _IPV6}
_EXTENSIONS: Final = (0, 43, 60)  # hop-by-hop, routing, destination options
_FRAGMENT: Final = 44
_MAX_EXTENSIONS: Final = 8


class BadHeader(Exception):  # noqa: N818  (an answer about the evidence)
    """A header does not fit the bytes that are there."""


class Segment(NamedTuple):
    """``size_bytes``: the IP packet's length on the wire. Ports are 0 where there are none."""

    protocol: int
    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    size_bytes: int
    flags: int
    sequence: int
    payload: bytes


def segment(link: int, data: bytes) -> Segment | None:
    """The packet's headers and payload; None when it is not IP. Raises BadHeader."""
    try:
        kind, at = _network(link, data)
        if kind == _IPV4:
            return _ipv4(data, at)
        if kind == _IPV6:
            return _ipv6(data, at)
    except (struct.error, IndexError) as error:
        raise BadHeader("a header is cut") from error
    return None


def _network(link: int, data: bytes) -> tuple[int, int]:
    """EtherType, and where the network header starts."""
    if link == 1:  # Ethernet
        kind, at = _type_at(data, 12), 14
        for _ in range(4):
            if kind not in _VLAN:
                break
            kind, at = _type_at(data, at + 2), at + 4
        return kind, at
    if link in (12, 14, 101, 228, 229):  # raw IP
        return {4: _IPV4, 6: _IPV6}.get(data[0] >> 4, 0), 0
    if link == 113:  # Linux cooked
        return _type_at(data, 14), 16
    if link == 276:  # Linux cooked, version 2
        return _type_at(data, 0), 20
    if link in (0, 108):  # BSD loopback, in the byte order of its machine
        family = {int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big")}
        return next((_LOOPBACK_IP[f] for f in family if f in _LOOPBACK_IP), 0), 4
    return 0, 0


def _type_at(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", data, at)[0])


@lru_cache(maxsize=65_536)
def _address(raw: bytes) -> str:
    return str(ipaddress.ip_address(raw))


def _ipv4(data: bytes, at: int) -> Segment:
    first, _, total, _, fragment, _, protocol = struct.unpack_from(">BBHHHBB", data, at)
    size = (first & 0x0F) * 4
    if first >> 4 != 4 or size < 20:
        raise BadHeader("an IPv4 header contradicts itself")
    total = total or len(data) - at  # 0: segmentation was left to the network card
    source, target = struct.unpack_from(">4s4s", data, at + 12)
    ends = _address(source), _address(target)
    return _transport(data[at + size : at + total], protocol, ends, total, fragment & 0x1FFF > 0)


def _ipv6(data: bytes, at: int) -> Segment:
    first, length, protocol, _, source, target = struct.unpack_from(">IHBB16s16s", data, at)
    if first >> 28 != 6:
        raise BadHeader("an IPv6 header contradicts itself")
    end = at + 40 + (length or len(data) - at - 40)
    at += 40
    later = False
    for _ in range(_MAX_EXTENSIONS):
        if protocol in _EXTENSIONS:
            protocol, size = struct.unpack_from(">BB", data, at)
            at += 8 + size * 8
        elif protocol == _FRAGMENT:
            protocol, _, offset = struct.unpack_from(">BBH", data, at)
            later = offset >> 3 > 0
            at += 8
        else:
            break
    return _transport(
        data[at:end], protocol, (_address(source), _address(target)), 40 + length, later
    )


def _transport(
    data: bytes, protocol: int, ends: tuple[str, str], size_bytes: int, later: bool
) -> Segment:
    source, target = ends
    if later or protocol not in (TCP, UDP):
        return Segment(protocol, source, 0, target, 0, size_bytes, 0, 0, b"")
    if protocol == UDP:
        source_port, target_port = struct.unpack_from(">HH", data)
        return Segment(UDP, source, source_port, target, target_port, size_bytes, 0, 0, data[8:])
    source_port, target_port, sequence, _, offset, flags = struct.unpack_from(">HHIIBB", data)
    head = (offset >> 4) * 4
    if head < 20:
        raise BadHeader("a TCP header contradicts itself")
    return Segment(
        TCP, source, source_port, target, target_port, size_bytes, flags, sequence, data[head:]
    )
