"""EVTX: every event read, every missing one accounted for.

The files are built here, byte by byte, after libevtx's description of the format.
"""

import io
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterpatch.formats import evtx
from afterpatch.model.batches import Piece
from afterpatch.model.places import Item

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "evtx" / "attack-samples"
CHUNK = 65_536


class BinXml:
    """Writes elements with plain text values; names are stored where first used."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.out = bytearray(b"\x0f\x01\x01\x00")

    def _name(self, name: str) -> None:
        here = self.at + len(self.out) + 4
        self.out += struct.pack("<I", here)
        self.out += struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def element(self, name: str, content, **attributes: str) -> None:
        token = 0x41 if attributes else 0x01
        self.out += struct.pack("<BI", token, 0)
        size_at = len(self.out) - 4
        self._name(name)
        if attributes:
            self.out += b"\0\0\0\0"
            list_at = len(self.out)
            for place, (key, value) in enumerate(attributes.items(), start=1):
                self.out += bytes([0x06 if place == len(attributes) else 0x46])
                self._name(key)
                self._text(value)
            struct.pack_into("<I", self.out, list_at - 4, len(self.out) - list_at)
        self.out += b"\x02"
        if callable(content):
            content()
        elif content:
            self._text(content)
        self.out += b"\x04"
        struct.pack_into("<I", self.out, size_at, len(self.out) - size_at - 4)

    def _text(self, value: str) -> None:
        self.out += struct.pack("<BBH", 0x05, 0x01, len(value)) + value.encode("utf-16-le")


def event(at, number, *, channel="Security", provider="P", event_id="1", computer="mx01.a.example",
          when="2021-03-02T04:05:06.789Z", data=None):  # fmt: skip
    xml = BinXml(at)

    def system():
        xml.element("Provider", "", Name=provider)
        xml.element("EventID", event_id)
        xml.element("TimeCreated", "", SystemTime=when)
        xml.element("EventRecordID", str(number))
        xml.element("Channel", channel)
        xml.element("Computer", computer)

    def event_data():
        for name, value in (data or {}).items():
            xml.element("Data", value, **({"Name": name} if name else {}))

    def both():
        xml.element("System", system)
        if data is not None:
            xml.element("EventData", event_data)

    xml.element("Event", both)
    return bytes(xml.out) + b"\0"


def chunk(first, events):
    """One chunk; ``events`` are dicts of keyword arguments for :func:`event`."""
    out = bytearray(512)
    for number, values in enumerate(events, start=first):
        body = event(len(out) + 24, number, **values)
        size = 24 + len(body) + 4
        padding = -size % 8
        size += padding
        out += struct.pack("<IIQQ", 0x2A2A, size, number, 132_591_000_000_000_000)
        out += body + b"\0" * padding + struct.pack("<I", size)
    last = first + len(events) - 1
    free = len(out)
    struct.pack_into("<8sQQQQIIII", out, 0, b"ElfChnk\0", first, last, first, last, 128, 0, free,
                     zlib.crc32(out[512:]))  # fmt: skip
    struct.pack_into("<I", out, 124, zlib.crc32(out[128:512], zlib.crc32(out[:120])))
    return bytes(out).ljust(CHUNK, b"\0")


def log(*chunks, chunk_count=None, next_record=None, flags=0):
    header = bytearray(4096)
    if next_record is None:
        next_record = max((struct.unpack_from("<Q", c, 16)[0] for c in chunks), default=0) + 1
    count = len(chunks) if chunk_count is None else chunk_count
    struct.pack_into("<8sQQQIHHHH", header, 0, b"ElfFile\0", 0, max(count - 1, 0), next_record,
                     128, 1, 3, 4096, count)  # fmt: skip
    struct.pack_into("<II", header, 120, flags, zlib.crc32(header[:120]))
    return bytes(header) + b"".join(chunks)


def item(origin="C:/Windows/System32/winevt/Logs/Security.evtx"):
    return Item("case/a.evtx", None, origin, "case", ("a.evtx",), 0)


def read(data: bytes) -> list[Piece]:
    """Read both ways: they must say the same."""
    pieces = list(evtx.FORMAT.read(io.BytesIO(data), item(), None))
    columns = list(evtx.read_columns(io.BytesIO(data), item(), None))
    for piece in (*pieces, *columns):
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert sum(batch.frame.height for batch in piece.batches) == piece.events
    assert gaps(columns) == gaps(pieces)
    assert events(columns) == events(pieces)
    assert [p.observed for p in columns] == [p.observed for p in pieces]
    assert [p.facts for p in columns] == [p.facts for p in pieces]
    return pieces


def gaps(pieces):
    return [gap for piece in pieces for gap in piece.gaps]


def events(pieces):
    return sum(piece.events for piece in pieces)


def test_an_event_becomes_a_row_with_its_own_field_names():
    [piece] = read(log(chunk(7, [{"data": {"TargetUserName": "anna", "LogonType": "3"}}])))
    [batch] = piece.batches
    row = batch.frame.row(0, named=True)
    assert batch.logsource == ("", "windows", "security")
    assert row["@record"] == 7
    assert row["@time"] == 1_614_657_906_789_000
    assert row["TargetUserName"] == "anna"
    assert row["LogonType"] == "3"
    assert (row["Channel"], row["Provider_Name"], row["EventID"]) == ("Security", "P", "1")
    assert row["Computer"] == "mx01.a.example"
    assert '"anna"' in row["@raw"]


def test_coverage_and_host_name_come_from_the_events():
    [piece] = read(log(chunk(1, [{}, {"computer": "MX01"}])))
    assert piece.observed == {"windows:Security": {448_516: 2}}
    assert [(f.name, f.value) for f in piece.facts] == [
        ("host.fqdn", "mx01.a.example"),
        ("host.name", "MX01"),
    ]
    assert piece.facts[0].time == datetime(2021, 3, 2, 4, 5, 6, 789_000, UTC)


def test_unnamed_data_are_joined_and_numbered():
    xml_with_two = {"data": {"": "one"}}
    [piece] = read(log(chunk(1, [xml_with_two])))
    row = piece.batches[0].frame.row(0, named=True)
    assert (row["Data"], row["param1"]) == ("one", "one")


def test_each_event_id_gets_its_log_source():
    sysmon = {"channel": "Microsoft-Windows-Sysmon/Operational",
              "provider": "Microsoft-Windows-Sysmon"}  # fmt: skip
    [piece] = read(log(chunk(1, [{**sysmon, "event_id": "11"}, {**sysmon, "event_id": "1"}])))
    assert [batch.logsource.category for batch in piece.batches] == [
        "file_event",
        "process_creation",
    ]


def test_many_chunks_and_unused_space():
    data = log(chunk(1, [{}] * 3), chunk(4, [{}] * 2), b"\0" * CHUNK, chunk_count=2)
    pieces = read(data)
    assert events(pieces) == 5
    assert gaps(pieces) == []


def test_a_ring_buffer_starts_anywhere():
    pieces = read(log(chunk(105, [{}] * 2), chunk(101, [{}] * 4), next_record=107))
    assert events(pieces) == 6
    assert gaps(pieces) == []


@pytest.mark.parametrize("magic", [b"\0" * 8, b"ElfFilX\0"])
def test_chunks_are_read_behind_a_damaged_file_header(magic):
    data = magic + log(chunk(1, [{}] * 3))[8:]
    pieces = read(data)
    assert events(pieces) == 3
    assert "header" in gaps(pieces)[0].reason
    assert evtx.FORMAT.recognise(data, item())


def test_a_torn_last_chunk_gives_its_whole_records_and_a_gap_for_the_rest():
    whole = chunk(1, [{"data": {"A": "x" * 500}}] * 20)
    pieces = read(log(whole)[: 4096 + 12_000])
    assert 0 < events(pieces) < 20
    assert events(pieces) + sum(gap.records for gap in gaps(pieces)) == 20
    assert any("cut after 12000" in gap.reason for gap in gaps(pieces))


def test_missing_chunks_are_counted():
    one, two, three = (chunk(first, [{}] * 5) for first in (1, 6, 11))
    hole = gaps(read(log(one, three)))
    assert [(gap.place, gap.records) for gap in hole] == [("record numbers 6 to 10", 5)]
    tail = gaps(read(log(one, two, chunk_count=3, next_record=16)))
    assert [(gap.place, gap.records) for gap in tail] == [("record numbers 11 to 15", 5)]


@pytest.mark.parametrize("damage", [b"\xff" * 512, b"\0" * 512])
def test_a_wiped_chunk_is_named_and_counted(damage):
    one, two, three = (chunk(first, [{}] * 5) for first in (1, 6, 11))
    found = gaps(read(log(one, damage + two[512:], three, next_record=16)))
    assert sum(gap.records for gap in found) == 5
    assert any(gap.place == "chunk 1" for gap in found)


def test_a_chunk_that_promises_more_than_it_holds():
    lying = bytearray(chunk(1, [{}] * 2))
    struct.pack_into("<Q", lying, 16, 9)
    found = gaps(read(log(bytes(lying), next_record=10)))
    assert sum(gap.records for gap in found) == 7


def test_unbelievable_numbers_do_not_become_counts():
    lying = bytearray(chunk(1, [{}] * 2))
    struct.pack_into("<Q", lying, 16, 2**60)
    found = gaps(read(log(bytes(lying), chunk(3, [{}]), next_record=4)))
    assert found
    assert sum(gap.records for gap in found) < 10


@pytest.mark.parametrize("size", [0, 1, 100, 4095])
def test_less_than_a_header_is_a_gap(size):
    assert gaps(read(log(chunk(1, [{}]))[:size]))


def test_a_header_alone_is_a_gap_only_if_it_promises_chunks():
    assert gaps(read(log(chunk_count=1, next_record=5)))
    assert not gaps(read(log()))


def test_a_log_copied_while_open_is_said():
    pieces = read(log(chunk(1, [{}]), flags=1))
    assert any("open" in n.text for piece in pieces for n in piece.notices)


def test_recognises_by_header_only():
    assert evtx.FORMAT.recognise(b"ElfFile\0", item("x")) == "header"
    assert evtx.FORMAT.recognise(b"PK\3\4", item()) == ""
    assert evtx.FORMAT.recognise(b"", item()) == "file name"
    assert evtx.FORMAT.recognise(b"hello", item("a.txt")) == ""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 4096 + 2 * CHUNK - 1))
def test_any_cut_leaves_a_gap_and_loses_no_record_unsaid(cut):
    pieces = read(WHOLE[:cut])
    assert gaps(pieces)
    assert events(pieces) <= 30
    if cut >= 4096 + CHUNK + 512:  # the second chunk's own header says what it should hold
        assert events(pieces) + sum(gap.records for gap in gaps(pieces)) == 30


WHOLE = log(
    chunk(1, [{"data": {"A": "x" * 800}}] * 15), chunk(16, [{"data": {"A": "x" * 800}}] * 15)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4096 + 8_000), st.integers(0, 255)), max_size=20))
def test_damage_never_raises(damage):
    data = bytearray(WHOLE)
    for place, value in damage:
        data[place] = value
    read(bytes(data))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="public EVTX samples are not on this machine")
def test_every_event_of_the_public_samples_is_read():
    total = 0
    for path in sorted(SAMPLES.rglob("*.evtx")):
        pieces = read(path.read_bytes())
        assert gaps(pieces) == [], path.name
        total += events(pieces)
    assert total == 8_255


def test_a_file_without_its_header_is_read_from_the_first_chunk_on():
    data = log(chunk(1, [{}] * 3), chunk(4, [{}] * 2))[4096:]
    assert evtx.FORMAT.recognise(data, item("x")) == "header"
    pieces = read(data)
    assert events(pieces) == 5
    assert [gap.place for gap in gaps(pieces)] == ["file header"]


@pytest.mark.parametrize("is_sealed", [True, False])
def test_records_that_the_chunk_header_does_not_count_yet_are_read(is_sealed):
    whole = bytearray(chunk(1, [{}] * 6))
    three = bytearray(chunk(1, [{}] * 3))
    whole[:128] = three[:128] if is_sealed else whole[:8] + three[8:52] + whole[52:128]
    pieces = read(log(bytes(whole), next_record=7))
    assert events(pieces) == 6
    assert gaps(pieces) == []
    notes = [notice.text for piece in pieces for notice in piece.notices]
    assert any("3 records that the chunk's header does not count yet" in note for note in notes)
    assert any("checksum" in note for note in notes) is not is_sealed


def test_what_is_left_of_an_earlier_use_of_a_chunk_is_no_record():
    whole = bytearray(chunk(1, [{}] * 6))
    at = len(chunk(1, [{}] * 3).rstrip(b"\0"))
    three = chunk(1, [{}] * 3)
    (free,) = struct.unpack_from("<I", three, 48)
    assert at <= free
    whole[:128] = three[:128]
    struct.pack_into("<Q", whole, free + 8, 77)
    pieces = read(log(bytes(whole), next_record=4))
    assert events(pieces) == 3
    assert gaps(pieces) == []
