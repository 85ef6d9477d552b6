"""EVTX as columns: the same events, cells, gaps and coverage as record by record."""

import io
import struct
from datetime import UTC, datetime, timedelta

import pytest
from evtx_rows import (
    ITEM,
    Asking,
    assert_same,
    columns,
    originals,
    originals_again,
    plain,
    rest,
    rows,
)

from afterpatch.formats import evtx
from afterpatch.simulate import evtx as write
from afterpatch.simulate import evtx_parts as parts
from afterpatch.simulate.evtx_events import SYSTEM, Event, inline, instance
from afterpatch.simulate.evtx_parts import Node, Sub

WHEN = datetime(2021, 3, 2, 4, 5, 6, 789_012, UTC)
SYSMON = "Microsoft-Windows-Sysmon"


def event(data=None, *, channel="Security", provider="P", event_id=1, second=0):
    when = WHEN + timedelta(seconds=second)
    return Event(when, channel, provider, event_id, "mx01.a.example", data or {})


def sysmon(event_id, second=0, **data):
    data = {"UtcTime": f"2021-03-02 04:05:{6 + second:02}.789", **data}
    channel = f"{SYSMON}/Operational"
    return event(data, channel=channel, provider=SYSMON, event_id=event_id, second=second)


def cell(data: bytes, name: str):
    [piece] = columns(data)
    [batch] = piece.batches
    return batch.frame[name].to_list()


def test_events_of_many_kinds_and_chunks():
    some = [
        sysmon(1, i % 50, Image=f"C:\\{i % 7}.exe", CommandLine=f"cmd /c {i}") for i in range(500)
    ]
    some += [
        sysmon(12, EventType=kind, TargetObject="HKLM\\x")
        for kind in ("CreateKey", "DeleteKey", "x")
    ]
    some += [event({"LogonType": parts.number(3), "TargetUserName": "ä𝄞"}, event_id=4624)] * 40
    some += [
        event(
            {"NewProcessName": "C:\\a.exe"},
            provider="Microsoft-Windows-Security-Auditing",
            event_id=4688,
        )
    ]
    some += [event({"": "only"}, channel="Application"), event(channel="", provider="")]
    data = write.log(some)
    assert len(data) > 4096 + 3 * 65_536
    assert sum(assert_same(data).values()) == len(some)
    kinds = {batch.logsource.category for piece in columns(data) for batch in piece.batches}
    assert {"process_creation", "registry_add", "registry_delete", "registry_event"} <= kinds


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (parts.text("a b"), "a b"),
        (parts.text("a\0b"), "a"),
        (parts.text(""), ""),
        (parts.text("\0"), ""),
        (parts.NULL, ""),
        ((0x02, b"caf\xe9\0"), "café"),
        (parts.number(-5, 0x03), "-5"),
        (parts.number(250, 0x04), "250"),
        (parts.number(-5, 0x05), "-5"),
        (parts.number(65_535, 0x06), "65535"),
        (parts.number(-5, 0x07), "-5"),
        (parts.number(2**32 - 1, 0x08), "4294967295"),
        (parts.number(-(2**63), 0x09), "-9223372036854775808"),
        (parts.number(2**64 - 1, 0x0A), "18446744073709551615"),
        ((0x0B, struct.pack("<f", 0.1)), "0.1"),
        ((0x0B, struct.pack("<f", 1e13)), "1e+13"),
        ((0x0C, struct.pack("<d", -1.5)), "-1.5"),
        ((0x0C, struct.pack("<d", 1e-7)), "1e-7"),
        ((0x0C, struct.pack("<d", 1e16)), "1e+16"),
        ((0x0C, struct.pack("<d", float("inf"))), "inf"),
        ((0x0D, struct.pack("<I", 0)), "false"),
        ((0x0D, struct.pack("<I", 1)), "true"),
        ((0x0D, struct.pack("<i", -1)), "-1"),
        ((0x0E, b"\x01\xab"), "01AB"),
        ((0x0E, b""), ""),
        (parts.guid("54849625-5478-4994-a5ba-3e3b0328c30d"), "54849625-5478-4994-A5BA-3E3B0328C30D"),
        ((0x10, struct.pack("<I", 999)), "0x3e7"),
        ((0x10, struct.pack("<Q", 2**63)), "0x8000000000000000"),
        (parts.filetime(WHEN), "2021-03-02T04:05:06.7890120Z"),
        ((0x12, struct.pack("<8H", 2021, 3, 2, 2, 4, 5, 6, 789)), "2021-03-02T04:05:06.789000Z"),
        (parts.sid("S-1-5-21-1-2-3-500"), "S-1-5-21-1-2-3-500"),
        (parts.number(999, 0x14), "0x3e7"),
        (parts.number(0, 0x15), "0x0"),
        (parts.texts(["one"]), "one"),
        (parts.texts(["a", "", "c"]), "c"),  # repeated elements of one name: the last is kept
        ((0x81, b""), ""),
        ((0x88, struct.pack("<3I", 1, 2, 3)), "3"),
        ((0x8F, bytes(32)), "00000000-0000-0000-0000-000000000000"),
    ],
)  # fmt: skip
def test_every_type_of_value(value, shown):
    data = write.log([event({"X": value, "After": "z"})] * 2)
    assert_same(data)
    assert cell(data, "X") == [shown, shown]
    assert cell(data, "After") == ["z", "z"]


@pytest.mark.parametrize(
    "value",
    [
        (0x20, bytes(8)),
        (0x23, bytes(8)),
        (0x82, b"a\0b\0"),
        (0x8E, bytes(4)),
        (0x90, bytes(16)),
        (0x11, b"\xff" * 8),
        (0x12, b"\xff" * 16),
        (0x08, b"\1"),
        (0x13, b"\1\2" + bytes(6)),
        (0x81, b"a\0"),
        (0x77, b"a\0"),
    ],
)
def test_what_no_value_can_be_is_left_to_the_plain_reader(value):
    assert_same(write.log([event({"A": "x"}), event({"X": value}), event({"A": "y"})]))


def test_unnamed_data_are_joined_and_numbered():
    data = write.log([event({"": parts.texts(["one", "", "three"])}), event({"": "solo"})])
    assert_same(data)
    found = {
        row["@record"]: row
        for p in columns(data)
        for b in p.batches
        for row in b.frame.iter_rows(named=True)
    }
    assert found[1]["Data"] == "one\n\nthree"
    assert found[1]["param3"] == "three"
    assert found[2]["Data"] == "solo"


def test_events_without_a_template():
    some = [
        event({"A": f"value {i}", "B": "" if i % 3 else "b"}, second=i % 60, event_id=i % 4)
        for i in range(400)
    ]
    data = write.log(some, first=77, forwarded=True)
    assert sum(assert_same(data).values()) == 400
    [piece] = columns(data)
    assert not piece.gaps
    assert {len(batch.frame) for batch in piece.batches} == {100}  # read as columns


def body(*content, record=1):
    head = inline(event(), record).content[0]
    return Node("Event", (head, *content))


@pytest.mark.parametrize(
    "content",
    [
        Node("UserData", (Node("Cleared", (Node("Who", ("anna",)), Node("Who", ("bert",)))),)),
        Node("UserData", (Node("Deep", (Node("A", (Node("B", ("x",), (("id", "7"),)),)),)),)),
        Node("EventData", ("loose text",)),
        Node("EventData", (Node("Data", ("unnamed",)), Node("Data", ("n",), (("Name", "N"),)))),
        Node("EventData", (Node("Data", (Node("Inner", ("x",)),), (("Name", "N"),)),)),
        Node("RenderingInfo", (Node("Message", ("text",)), Node("Level", ("Information",)))),
        Node("EventData", (Node("Other", ("x",), (("kind", "k"),)), Node("Data", ("a", "b")))),
        Node("EventData"),
    ],
)
def test_shapes_of_content(content):
    records = [(WHEN, lambda number: body(content, record=number))] * 3
    [chunk] = write.chunks(records)
    assert_same(write.header(1, 4) + chunk)


def test_mixed_and_nested_values_in_templates():
    part = Node("B", (Sub(0), " and ", Sub(1, 0x08)), (("kind", Sub(2, 0x08)),))
    inner = Node("A", (part, Node("D", (Sub(1, 0x08),))))
    outer = Node("UserData", (Node("Box", (Sub(0, 0x21), Node("C", (Sub(1, 0x0D, False),)))),))
    flag = (0x0D, struct.pack("<I", 1))

    def made(number):
        values = list(instance(event(), number).values)
        own = parts.Instance(
            inner, (parts.text(f"x{number % 2}"), parts.number(5), parts.number(6))
        )
        values[-1] = parts.Instance(outer, (own, flag))
        return parts.Instance(SYSTEM, values)

    [chunk] = write.chunks([(WHEN, made)] * 4)
    data = write.header(1, 5) + chunk
    assert_same(data)
    assert cell(data, "A")[:2] == [
        '{"B":{"#attributes":{"kind":6},"#text":"x1 and 5"},"D":5}',
        '{"B":{"#attributes":{"kind":6},"#text":"x0 and 5"},"D":5}',
    ]
    assert cell(data, "C") == ["true"] * 4


AUDIT = {"provider": "Microsoft-Windows-Security-Auditing"}


def test_sigma_fields_are_made_the_same_both_ways():
    started = [
        event(
            {"NewProcessName": f"C:\\{i % 3}.exe", "ProcessId": parts.number(i % 5, 0x14),
             "SubjectDomainName": "A" if i % 2 else "", "SubjectUserName": f"user{i % 7}"},
            event_id=4688, second=i % 60, **AUDIT,
        )
        for i in range(300)
    ]  # fmt: skip
    odd = [
        event({"ProcessId": "no number", "SubjectUserName": "alone"}, event_id=4688, **AUDIT),
        event({"ProcessId": "0x" + "f" * 9000, "User": "own"}, event_id=4688, **AUDIT),
        event({"User": "own", "SubjectDomainName": "A", "SubjectUserName": "b"}, event_id=4688),
    ]
    connected = [
        event(
            {"Application": "\\device\\x.exe", "Direction": direction, "DestPort": parts.number(445)},
            event_id=5156, **AUDIT,
        )
        for direction in ("%%14592", "%%14593", "OutBound", "elsewhere", "")
    ]  # fmt: skip
    data = write.log([*started, *odd, *connected])
    found = [dict(row) for _, row in assert_same(data)]
    users = {row.get("User") for row in found}
    assert {"A\\user0", "\\user1", "own", None} <= users
    assert {row.get("ParentProcessId") for row in found} == {None, "0", "1", "2", "3", "4"}
    initiated = [(row["Direction"], row.get("Initiated")) for row in found if "Direction" in row]
    assert dict(initiated) == {
        "%%14592": "false", "%%14593": "true", "OutBound": "true", "elsewhere": None, "": None,
    }  # fmt: skip
    some = frozenset({"User", "ParentProcessId", "Initiated"})
    wanted = {name: [] for name in some}
    for piece in columns(data, Asking(some)):
        for batch in piece.batches:
            assert not {"SubjectUserName", "ProcessId", "Direction"} & {*batch.frame.columns}
            for name in some.intersection(batch.frame.columns):
                wanted[name] += batch.frame[name].drop_nulls().to_list()
    for name in some:
        asked = sorted(wanted[name])
        every = (v for p in plain(data) for b in p.batches if name in b.frame.columns
                 for v in b.frame[name].drop_nulls())  # fmt: skip
        assert asked == sorted(every)


def test_only_wanted_columns_are_made():
    data = write.log([event({"A": "1", "B": "2", "C": "3"})])
    wanted = Asking(frozenset({"B", "Nowhere"}))
    [piece] = columns(data, wanted)
    assert wanted.asked == [("security", "1")]
    assert piece.batches[0].frame.columns == [
        "@time", "@record", "@at", "Channel", "Provider_Name", "EventID", "Computer", "B",
    ]  # fmt: skip


@pytest.mark.parametrize("chunks", [0, 10**9])
@pytest.mark.parametrize("every", [1, 7, 100])
def test_the_text_of_single_records_is_the_same_whoever_reads_them(chunks, every, monkeypatch):
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", chunks)
    data = write.log([event({"A": f"value {i}"}, second=i % 60) for i in range(600)], first=1000)
    again = originals_again(data, columns(data), every)
    assert len(again) == -(-600 // every)
    assert again <= originals(plain(data))


def test_events_of_one_number_have_each_their_own_text():
    # As in a collector's log: every computer counts for itself.
    some = [event({"A": f"value {i}"}) for i in range(3)]
    records = [(WHEN, lambda _number, one=one: inline(one, 7)) for one in some]
    [chunk] = write.chunks(records)
    data = write.header(1, 4) + chunk
    [piece] = columns(data)
    [batch] = piece.batches
    assert batch.frame["@record"].to_list() == [7, 7, 7]
    found = dict(evtx.texts(io.BytesIO(data), ITEM, set(batch.frame["@at"])))
    for text, at in zip(batch.frame["A"], batch.frame["@at"], strict=True):
        assert f'"A":"{text}"' in found[at]


def test_without_numba_the_plain_way_is_used_and_said(monkeypatch):
    monkeypatch.setattr(evtx, "_block_reader", lambda: (None, "numba is not usable here (x)"))
    data = write.log([event({"A": "1"})] * 3)
    pieces = columns(data)
    assert rows(pieces) == rows(plain(data))
    assert [n.text for p in pieces for n in p.notices if n.topic == "speed"] == [
        "event logs are read one record at a time: numba is not usable here (x)"
    ]


def test_small_evidence_is_read_plainly_and_says_the_same(monkeypatch):
    data = write.log([sysmon(1, Image="C:\\a.exe")] * 30 + [event({"A": "1"})])
    as_columns = columns(data)
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", 10**9)
    assert rows(columns(data)) == rows(as_columns)
    assert rest(columns(data)) == rest(as_columns)


def test_two_templates_of_one_guid_keep_their_constants(monkeypatch):
    # The package keys templates by GUID; two programs may use one GUID for different texts.
    monkeypatch.setattr(write, "_guid_of", lambda template: b"\7" * 16)
    first = Node("Event", (*body().content, Node("EventData", (Node("Data", ("one",)),))))
    second = Node("Event", (*body().content, Node("EventData", (Node("Data", ("two",)),))))
    records = [(WHEN, lambda number, one=one: parts.Instance(one, ())) for one in (first, second)]
    [chunk] = write.chunks(records)
    assert cell(write.header(1, 3) + chunk, "Data") == ["one", "two"]


def test_a_lying_clock_is_seen():
    some = [
        Event(WHEN - timedelta(hours=5), f"{SYSMON}/Operational", SYSMON, 1, "a",
              {"UtcTime": f"{WHEN:%Y-%m-%d %H:%M:%S}.789", "N": str(i)}) for i in range(300)
    ]  # fmt: skip
    assert any("5 h behind" in notice.text for notice in columns(write.log(some))[-1].notices)
    assert_same(write.log(some))


def test_public_logs_are_read_the_same_cell_by_cell(public_data):
    events = cells = 0
    for path in sorted(public_data.rglob("*.evtx")):
        found = assert_same(path.read_bytes())
        events += sum(found.values())
        cells += sum(len(row) * count for (_, row), count in found.items())
    assert events > 8_000
    assert cells > 150_000


def test_values_that_cannot_be_told_apart_by_their_hashes_are_all_kept(monkeypatch):
    # With no slot to look into, every value is kept as often as it is met.
    monkeypatch.setattr("afterpatch.formats.evtx_codes.Texts._slot_count", lambda _count: 1)
    assert_same(write.log([event({"A": f"{i % 3}", "B": "same"}) for i in range(50)]))


@pytest.mark.parametrize("header", [True, False])
def test_texts_from_a_stream_that_cannot_seek(header, monkeypatch):
    data = write.log([event({"A": f"value {i}"}, second=i % 60) for i in range(600)])
    data = data if header else data[4096:]
    events = [row for p in columns(data) for b in p.batches for row in b.frame["@at"]]
    expected = dict(evtx.texts(io.BytesIO(data), ITEM, set(events[5::250])))
    assert len(expected) == 3
    monkeypatch.setattr(evtx, "BLOCK_CHUNKS", 1)

    class Straight(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise AssertionError

    assert dict(evtx.texts(Straight(data), ITEM, set(events[5::250]))) == expected
