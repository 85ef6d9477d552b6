"""Heads made to keep a format from deciding: recognising stays quick whatever the bytes are."""

import time

import pytest

from afterpatch.formats.registry import FORMATS
from afterpatch.model.places import Item

HEAD_BYTES = 65_536
# Pieces of what the formats look for, and of nothing.
PIECES = [
    *(b" ", b"\n", b"1", b"{", b"[ ", b'{"a":', b'"results": ', b'{"x":1,', b'"rrname"'),
    *(b'{"event_type":', b'"uid":"C', b"client 1#1 ", b"client @0x", b"dnsmasq: query["),
    *(b"unbound: info: 1.1 a A ", b"3/2/2021 ", b"3/2/2021 4:05:06 AM 0E70 PACKET "),
    *(b"#fields\t", b"\n#fields", b"#separator ", b"firstSeen,", b"a,", b"Mar  2 04:05:06 "),
    *(b"\xff\xfe{\0", b"\x0a\x0d\x0d\x0a", b"\xd4\xc3\xb2\xa1", b"2021-03-02 "),
]
PLACES = [Item("x", None, f"C:/{name}.log", "r", ("x",), 0) for name in ("dns", "conn" * 5_000)]


@pytest.mark.parametrize("piece", PIECES)
def test_no_head_takes_long(piece: bytes) -> None:
    for start in (b"", b"{", b"[{"):
        head = (start + piece * (HEAD_BYTES // len(piece)))[:HEAD_BYTES]
        for known in FORMATS:
            for item in PLACES:
                began = time.process_time()
                known.recognise(head, item)
                assert time.process_time() - began < 1.0, known.kind
