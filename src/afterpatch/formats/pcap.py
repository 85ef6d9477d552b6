"""Packet captures: conversations, DNS messages, TLS server names and HTTP requests.

Enters: pcap or pcapng. Leaves: rows with neutral columns (``model.network``): a flow per
conversation, a row per DNS message, per TLS client hello and per HTTP/1 request head. A record is a
packet; ``@record`` is the first packet a row was made of, ``@raw`` its bytes as hexadecimal.
Packets that are not IP are skipped. Streams are followed only until their first message is whole,
in order, and at most ``MAX_HEAD_BYTES`` far: this reads heads, it does not rebuild files.

Memory is bounded: by the table of :mod:`afterpatch.formats.pcap_flows`, and by ``MAX_HELLOS``.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats import pcap_messages as messages
from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.pcap_flows import Flow, Flows, Row, ends, turned
from afterpatch.formats.pcap_headers import SYN, TCP, BadHeader, Segment, segment
from afterpatch.formats.pcap_messages import MAX_HEAD_BYTES
from afterpatch.formats.pcap_packets import Broken, Packet, is_capture, packets
from afterpatch.model.batches import RAW, RECORD, TIME, Batch, Logsource, Piece, Wanted
from afterpatch.model.network import DNS, FLOW, HTTP, TLS
from afterpatch.model.places import Item
from afterpatch.model.times import HOUR_US

MAX_HELLOS: Final = 2_000
BLOCK_PACKETS: Final = 20_000
MAX_RAW_BYTES: Final = 512
MAX_FLOW_RAW_BYTES: Final = 96  # the headers: many conversations are open at once
LOG: Final = "pcap"

_FLOW: Final = Logsource("firewall", "pcap", "flow")
_COLUMNS: Final = {
    Logsource("dns", "pcap", "dns"): ("action", *DNS),
    _FLOW: FLOW,
    Logsource("proxy", "pcap", "http"): (*HTTP, "cookie", "content_type", "if_none_match"),
    Logsource("", "pcap", "tls"): TLS,
}
LOGSOURCES: Final = tuple(_COLUMNS)
_SOURCES: Final = {source.service: source for source in _COLUMNS}
_SEQUENCES: Final = 0xFFFF_FFFF


class _Reader:
    """Open conversations and the rows of the current block."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.gaps = GapRuns(item.name)
        self.flows = Flows()
        self.hellos = 0  # conversations whose client hello is not whole yet
        self.number = 0
        self._start_block()

    def _start_block(self) -> None:
        self.rows: dict[str, list[Row]] = {service: [] for service in _SOURCES}
        self.events = self.skipped = 0
        self.observed: dict[int, int] = {}
        self.times: list[int] = []

    @property
    def full(self) -> bool:
        """Whether it is time to take a piece."""
        return self.events + self.skipped >= BLOCK_PACKETS

    def add(self, packet: Packet) -> None:
        """One packet: an event, a skip or a gap."""
        self.number += 1
        try:
            found = segment(packet.link, packet.data)
        except BadHeader as error:
            self.gaps.add(self.number, str(error))
            return
        if found is None:
            self.skipped += 1
            return
        self.events += 1
        if packet.time_us is not None:
            self.times.append(packet.time_us)
            hour = packet.time_us // HOUR_US
            self.observed[hour] = self.observed.get(hour, 0) + 1
        self._follow(found, packet)

    def _follow(self, found: Segment, packet: Packet) -> None:
        flow, side = self.flows.follow(
            found, self.number, packet.time_us, packet.data[:MAX_FLOW_RAW_BYTES].hex()
        )
        for over in self.flows.ended():
            self._close(over)
        if not found.payload:
            if found.flags & SYN and side == 0:
                flow.next_sequence = (found.sequence + 1) & _SEQUENCES
        elif 53 in (found.src_port, found.dst_port):
            self._dns(found, packet)
        elif found.protocol == TCP and side == 0:
            self._stream(flow, found, packet)

    def _close(self, flow: Flow) -> None:
        if flow.hello:
            self._hello(flow)
        self.rows["flow"].append(flow.row())

    def _dns(self, found: Segment, packet: Packet) -> None:
        from afterpatch.formats.pcap_dns import dns_message  # slow to import

        payload = found.payload
        if found.protocol == TCP:
            if len(payload) < 2 or int.from_bytes(payload[:2], "big") != len(payload) - 2:
                return
            payload = payload[2:]
        told = dns_message(payload)
        if told is None:
            if not packet.cut:
                self.gaps.add(self.number, "no DNS message, or a broken one", records=0)
            return
        row, is_reply = told
        asker = ends(turned(found) if is_reply else found)
        self.rows["dns"].append(Row(packet.time_us, self.number, _raw(packet), {**row, **asker}))

    def _stream(self, flow: Flow, found: Segment, packet: Packet) -> None:
        """The opening side of a TCP conversation: a client hello, or requests."""
        in_order = flow.next_sequence in (None, found.sequence)
        if in_order:
            flow.next_sequence = (found.sequence + len(found.payload)) & _SEQUENCES
        if flow.hello:
            flow.hello += found.payload if in_order else b""
        elif messages.may_be_hello(found.payload) and not flow.hello_record:
            flow.hello, flow.hello_record = found.payload, self.number
            self.hellos += 1
        else:
            request = messages.http_request(found.payload)
            if request is not None:
                fields = {**request, **flow.ends()}
                self.rows["http"].append(Row(packet.time_us, self.number, _raw(packet), fields))
            return
        size = min(messages.hello_size(flow.hello) or MAX_HEAD_BYTES, MAX_HEAD_BYTES)
        if len(flow.hello) >= size or self.hellos > MAX_HELLOS:
            self._hello(flow)

    def _hello(self, flow: Flow) -> None:
        data, flow.hello = flow.hello, b""
        self.hellos -= 1
        told = messages.client_hello(data)
        if told is not None:
            raw = data[:MAX_RAW_BYTES].hex()
            fields = {**told, **flow.ends()}
            self.rows["tls"].append(Row(flow.last_us, flow.hello_record, raw, fields))

    def end(self) -> None:
        """Close every conversation."""
        for flow in self.flows.ended(every=True):
            self._close(flow)

    def piece(self, *, last: bool = False) -> Piece:
        """What came since the last piece."""
        gaps = self.gaps.take() + (self.gaps.close() if last else ())
        gaps = tuple(replace(g, place=g.place.replace("line", "packet")) for g in gaps)
        piece = Piece(
            records=self.events + self.skipped + sum(gap.records for gap in gaps),
            events=self.events,
            skipped=self.skipped,
            batches=tuple(
                Batch(_SOURCES[service], _frame(_SOURCES[service], rows))
                for service, rows in sorted(self.rows.items())
                if rows
            ),
            gaps=gaps,
            observed={LOG: self.observed} if self.observed else {},
            first_us=min(self.times, default=None),
            last_us=max(self.times, default=None),
        )
        self._start_block()
        return piece


def _raw(packet: Packet) -> str:
    return packet.data[:MAX_RAW_BYTES].hex()


def _frame(source: Logsource, rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            pl.Series(TIME, [row.time_us for row in rows], dtype=pl.Int64),
            pl.Series(RECORD, [row.record for row in rows], dtype=pl.Int64),
            pl.Series(RAW, [row.raw for row in rows], dtype=pl.String),
            *(
                pl.Series(name, [row.fields.get(name) for row in rows], dtype=pl.String)
                for name in _COLUMNS[source]
            ),
        ]
    )


def _recognise(head: bytes, item: Item) -> str:
    del item
    return "magic" if is_capture(head) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Yield one piece per block of packets; every row is in a batch, ``wanted`` is not asked.

    Shape:   neutral columns; flows, dns, tls, http. Units: time UTC; duration seconds, sizes bytes
             of IP packets, as text.
    Gaps:    packets whose headers contradict themselves, a file that breaks off. Content never
             raises.
    """
    del wanted
    reader = _Reader(item)
    for packet in packets(stream):
        if isinstance(packet, Broken):
            reader.gaps.add(reader.number + 1, packet.reason, records=0)
            break
        reader.add(packet)
        if reader.full:
            yield reader.piece()
    reader.end()
    yield reader.piece(last=True)


FORMAT: Final = Format("pcap", _recognise, read)
