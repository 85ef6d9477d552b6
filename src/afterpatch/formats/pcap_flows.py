"""Conversations between two ends, and the table of those that are open.

Enters: segments, with the number and time of their packets. Leaves: one row per conversation when
it ends: by silence, by a new opening between the same ends, or to make room. Memory is bounded:
past ``MAX_FLOWS`` the longest silent one ends, and if it goes on, that is another row.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from afterpatch.formats.pcap_headers import ACK, SYN, TCP, UDP, Segment

MAX_FLOWS: Final = 100_000
IDLE_US: Final = 600_000_000  # ten minutes of silence end a conversation
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
_Key = tuple[int, str, int, str, int]


class Row(NamedTuple):
    """What packets told: ``record`` is the first packet, ``raw`` bytes in hexadecimal."""

    time_us: int | None
    record: int
    raw: str
    fields: Mapping[str, str | None]


def ends(one: Segment) -> dict[str, str | None]:
    """Both ends of a segment, by neutral names."""
    ports = one.protocol in (TCP, UDP)
    return {
        "src_ip": one.src_ip,
        "src_port": str(one.src_port) if ports else None,
        "dst_ip": one.dst_ip,
        "dst_port": str(one.dst_port) if ports else None,
        "protocol": _PROTOCOLS.get(one.protocol, str(one.protocol)),
    }


@dataclass(slots=True)
class Flow:
    """A conversation; index 0 is the side that opened it."""

    first: Segment
    record: int
    raw: str
    start_us: int | None
    last_us: int | None
    sizes: list[int] = field(default_factory=lambda: [0, 0])
    counts: list[int] = field(default_factory=lambda: [0, 0])
    next_sequence: int | None = None
    hello: bytes = b""
    hello_record: int = 0

    def ends(self) -> dict[str, str | None]:
        """Both ends, by neutral names."""
        return ends(self.first)

    def row(self) -> Row:
        """The conversation as a whole."""
        lasted = 0
        if self.start_us is not None and self.last_us is not None:
            lasted = max(0, self.last_us - self.start_us)
        fields = self.ends() | {
            "bytes_out": str(self.sizes[0]),
            "bytes_in": str(self.sizes[1]),
            "packets_out": str(self.counts[0]),
            "packets_in": str(self.counts[1]),
            "duration": f"{lasted // 1_000_000}.{lasted % 1_000_000:06d}",
        }
        return Row(self.start_us, self.record, self.raw, fields)


class Flows:
    """The open conversations, the longest silent one first."""

    def __init__(self) -> None:
        self._open: OrderedDict[_Key, Flow] = OrderedDict()
        self._ended: list[Flow] = []

    def follow(
        self, found: Segment, number: int, time_us: int | None, raw: str
    ) -> tuple[Flow, int]:
        """The conversation a segment belongs to, and which side sent it (0 opened it)."""
        flow, side = self._find(found, time_us)
        if flow is None:
            first, side = found, 0
            if found.protocol == TCP and found.flags & (SYN | ACK) == (SYN | ACK):
                first, side = turned(found), 1  # the capture began with the answer
            first = first._replace(payload=b"")
            flow = Flow(first, number, raw, time_us, time_us)
            while len(self._open) >= MAX_FLOWS:
                self._ended.append(self._open.popitem(last=False)[1])
            self._open[_key(first)] = flow
        flow.sizes[side] += found.size_bytes
        flow.counts[side] += 1
        flow.last_us = flow.last_us if time_us is None else time_us
        return flow, side

    def ended(self, *, every: bool = False) -> Iterator[Flow]:
        """Conversations that ended since the last call; with ``every`` also the open ones."""
        found, self._ended = self._ended, []
        yield from found
        if every:
            yield from self._open.values()
            self._open.clear()

    def _find(self, found: Segment, time_us: int | None) -> tuple[Flow | None, int]:
        for side, key in enumerate((_key(found), _key(turned(found)))):
            flow = self._open.get(key)
            if flow is None:
                continue
            opens = found.protocol == TCP and found.flags & (SYN | ACK) == SYN
            if _is_over(flow, time_us) or (opens and flow.counts[1 - side]):
                self._ended.append(self._open.pop(key))
                break
            self._open.move_to_end(key)
            return flow, side
        return None, 0


def turned(found: Segment) -> Segment:
    """The same segment seen from its other end."""
    return found._replace(
        src_ip=found.dst_ip,
        src_port=found.dst_port,
        dst_ip=found.src_ip,
        dst_port=found.src_port,
    )


def _key(one: Segment) -> _Key:
    return one.protocol, one.src_ip, one.src_port, one.dst_ip, one.dst_port


def _is_over(flow: Flow, time_us: int | None) -> bool:
    return time_us is not None and flow.last_us is not None and time_us - flow.last_us > IDLE_US
