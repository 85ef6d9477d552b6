"""Packet captures made here, packet by packet."""

import io
import struct
from collections.abc import Sequence

import dns.message
import dns.rrset
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats import pcap, pcap_flows
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import Batch, Piece
from afterpatch.model.places import Item

ITEM = Item("x.pcap", None, "x.pcap", "r", ("x.pcap",), 0)
START = 1614657906
CLIENT, SERVER = "10.0.0.5", "203.0.113.9"


def ipv4(source: str, target: str, protocol: int, body: bytes) -> bytes:
    raw = [bytes(map(int, address.split("."))) for address in (source, target)]
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0)
    return head + raw[0] + raw[1] + body


def udp(source: str, sport: int, target: str, dport: int, data: bytes) -> bytes:
    return ipv4(source, target, 17, struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data)


def tcp(source: str, sport: int, target: str, dport: int, seq: int, flags: int, data: bytes = b"") -> bytes:  # fmt: skip
    head = struct.pack(">HHIIBBHHH", sport, dport, seq, 0, 0x50, flags, 1024, 0, 0)
    return ipv4(source, target, 6, head + data)


def ethernet(packet: bytes, kind: int = 0x0800, vlan: bool = False) -> bytes:
    tag = struct.pack(">HH", 0x8100, 7) if vlan else b""
    return bytes(12) + tag + struct.pack(">H", kind) + packet


def capture(packets: Sequence[bytes], order: str = "<", nano: bool = False) -> bytes:
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, 1)
    fraction = 500_000_000 if nano else 500_000
    return head + b"".join(
        struct.pack(order + "IIII", START + at, fraction, len(data), len(data)) + data
        for at, data in enumerate(packets)
    )


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def capture_ng(packets: Sequence[bytes], order: str = "<") -> bytes:
    section = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
    option = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)  # nanoseconds
    parts = [block(0x0A0D0D0A, section, order)]
    parts.append(block(1, struct.pack(order + "HHI", 1, 0, 65535) + option, order))
    for at, data in enumerate(packets):
        ticks = (START + at) * 1_000_000_000 + 500_000_000
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))  # fmt: skip
        parts.append(block(6, head + data, order))
    return b"".join(parts)


def read(data: bytes) -> list[Piece]:
    pieces = list(pcap.read(io.BytesIO(data), ITEM))
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
    return pieces


def rows(pieces: list[Piece], service: str) -> list[dict[str, object]]:
    batches: list[Batch] = [b for p in pieces for b in p.batches if b.logsource.service == service]
    frames = [batch.frame for batch in batches]
    return pl.concat(frames).to_dicts() if frames else []


def question(name: str = "www.example.com") -> bytes:
    return ethernet(udp(CLIENT, 53211, "10.0.0.53", 53, dns.message.make_query(name, "A").to_wire()))  # fmt: skip


def answer(name: str = "www.example.com") -> bytes:
    reply = dns.message.make_response(dns.message.make_query(name, "A"))
    reply.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", "web.example.net."))
    reply.answer.append(dns.rrset.from_text("web.example.net.", 60, "IN", "A", SERVER))
    return ethernet(udp("10.0.0.53", 53, CLIENT, 53211, reply.to_wire()))


def hello(name: str) -> bytes:
    entry = b"\0" + struct.pack(">H", len(name)) + name.encode()
    server_name = struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    versions = struct.pack(">HHBHH", 43, 5, 4, 0x0304, 0x0303)
    extensions = versions + server_name
    body = struct.pack(">H", 0x0303) + bytes(32) + b"\0" + struct.pack(">HH", 2, 0x1301) + b"\1\0"
    body += struct.pack(">H", len(extensions)) + extensions
    shake = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(shake)) + shake


REQUEST = b"POST /api?x=1 HTTP/1.1\r\nHost: c2.example.net\r\nUser-Agent: ua/1.0\r\nCookie: a=b\r\n\r\nbody"  # fmt: skip
SYN, SYN_ACK, DATA = 0x02, 0x12, 0x18


def session(dport: int, *parts: bytes) -> list[bytes]:
    found = [tcp(CLIENT, 40000, SERVER, dport, 999, SYN), tcp(SERVER, dport, CLIENT, 40000, 7, SYN_ACK)]  # fmt: skip
    seq = 1000
    for part in parts:
        found.append(tcp(CLIENT, 40000, SERVER, dport, seq, DATA, part))
        seq += len(part)
    found.append(tcp(SERVER, dport, CLIENT, 40000, 8, DATA, b"x" * 100))
    return [ethernet(packet) for packet in found]


@pytest.mark.parametrize(
    "data",
    [
        capture([question(), answer()]),
        capture([question(), answer()], ">"),
        capture([question(), answer()], "<", nano=True),
        capture_ng([question(), answer()]),
        capture_ng([question(), answer()], ">"),
    ],
    ids=["little", "big", "nano", "ng-little", "ng-big"],
)
def test_dns_in_every_framing(data: bytes) -> None:
    known, reason = recognise(data, ITEM)
    assert known is not None
    assert (known.kind, reason) == ("pcap", "magic")
    pieces = read(data)
    assert [gap for piece in pieces for gap in piece.gaps] == []
    asked, told = rows(pieces, "dns")
    assert asked["@time"] == START * 1_000_000 + 500_000
    ends = {"src_ip": CLIENT, "src_port": "53211", "dst_ip": "10.0.0.53", "dst_port": "53", "protocol": "udp"}  # fmt: skip
    names = {"query": "www.example.com", "record_type": "A"}
    assert asked | ends | names | {"action": "query", "answer": None, "rcode": None} == asked
    assert told | ends | names | {"action": "reply", "answer": f"web.example.net\n{SERVER}", "rcode": "NOERROR"} == told  # fmt: skip
    (flow,) = rows(pieces, "flow")
    assert flow | ends | {"packets_out": "1", "packets_in": "1", "duration": "1.000000"} == flow
    assert pieces[0].observed == {"pcap": {START // 3600: 2}}


@pytest.mark.parametrize("cut", [0, 1, 20, 60])
def test_a_server_name_in_one_or_two_packets(cut: int) -> None:
    whole = hello("mail.example.net")
    parts = [part for part in (whole[:cut], whole[cut:]) if part]
    (tls,) = rows(read(capture(session(443, *parts))), "tls")
    assert (tls["sni"], tls["version"]) == ("mail.example.net", "TLSv1.3")
    assert (tls["src_ip"], tls["dst_ip"], tls["dst_port"]) == (CLIENT, SERVER, "443")
    assert tls["@record"] == 3


def test_requests_and_the_conversation_they_are_in() -> None:
    pieces = read(capture(session(8080, REQUEST)))
    (request,) = rows(pieces, "http")
    expected = {"method": "POST", "uri": "/api?x=1", "host": "c2.example.net", "user_agent": "ua/1.0", "cookie": "a=b"}  # fmt: skip
    assert request | expected == request
    (flow,) = rows(pieces, "flow")
    assert (flow["packets_out"], flow["packets_in"], flow["protocol"]) == ("2", "2", "tcp")
    assert flow["bytes_out"] == str(40 + 40 + len(REQUEST))


def test_a_capture_that_began_with_the_answer_knows_who_opened() -> None:
    (flow,) = rows(read(capture(session(443)[1:])), "flow")
    assert (flow["src_ip"], flow["dst_ip"], flow["packets_in"]) == (CLIENT, SERVER, "2")


def test_silence_and_a_new_opening_end_a_conversation() -> None:
    first = tcp(CLIENT, 40000, SERVER, 443, 1, SYN)
    again = [*session(443), *session(443)]
    assert len(rows(read(capture(again)), "flow")) == 2
    late = capture([ethernet(first)]) + capture([ethernet(first)])[24:].replace(
        struct.pack("<I", START), struct.pack("<I", START + 3600)
    )
    assert len(rows(read(late), "flow")) == 2


def test_open_conversations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcap_flows, "MAX_FLOWS", 3)
    many = [ethernet(udp(CLIENT, port, SERVER, 9, b"x")) for port in range(1, 11)]
    flows = rows(read(capture(many)), "flow")
    assert sorted(int(str(flow["src_port"])) for flow in flows) == list(range(1, 11))


def test_other_packets_are_skipped_and_bad_ones_are_gaps() -> None:
    bad = ethernet(b"\x41" + bytes(19))
    arp, vlan = ethernet(bytes(28), 0x0806), question()[:12] + ethernet(b"", vlan=True)[12:16] + question()[12:]  # fmt: skip
    pieces = read(capture([arp, bad, vlan, ethernet(b"\x45")]))
    gaps = [gap for piece in pieces for gap in piece.gaps]
    assert [(gap.place, gap.records) for gap in gaps] == [("packet 2", 1), ("packet 4", 1)]
    assert sum(piece.skipped for piece in pieces) == 1
    assert len(rows(pieces, "dns")) == 1


@pytest.mark.parametrize("whole", [capture([question(), answer()]), capture_ng([question(), answer()])])  # fmt: skip
def test_a_cut_file_is_a_gap_at_every_length(whole: bytes) -> None:
    is_ng = whole[:4] == b"\x0a\x0d\x0d\x0a"
    for size in range(12, len(whole)):
        gaps = [gap for piece in read(whole[:size]) for gap in piece.gaps]
        ends = _ends_at_block(whole, size) if is_ng else size in (24, 40 + len(question()))
        assert bool(gaps) != ends, size


def _ends_at_block(data: bytes, size: int) -> bool:
    at = 0
    while at < size:
        at += struct.unpack("<I", data[at + 4 : at + 8])[0]
    return at == size


def test_lengths_are_not_believed() -> None:
    head = capture([])
    huge = head + struct.pack("<IIII", START, 0, 0x7FFFFFFF, 10) + b"x"
    (gap,) = read(huge)[-1].gaps
    assert "claims" in gap.reason
    for length in (0, 4, 8, 13, 0xFFFFFFF0):
        ng = capture_ng([]) + struct.pack("<II", 6, length) + bytes(64)
        assert read(ng)[-1].gaps


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_bytes_are_accounted_for(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([capture([question(), answer(), *session(443, hello("a.b"))]), capture_ng([question(), answer()])]))  # fmt: skip
    spoilt = bytearray(whole)
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=8)):  # fmt: skip
        spoilt[at] = byte
    read(bytes(spoilt))
    read(data.draw(st.sampled_from([b"", whole[:24]])) + data.draw(st.binary(max_size=200)))
