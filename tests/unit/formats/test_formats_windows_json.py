"""Windows events as JSON: shapes, encodings, bad records, the lying clock."""

import io
import json
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from afterpatch.formats import windows_events
from afterpatch.formats.windows_json import FORMAT
from afterpatch.model.places import Item

REAL = (
    Path(__file__).resolve().parents[4]
    / "shared/data/exchange/proxylogon-host/proxylogon_ssrf_rce_poc.zip"
)
ITEM = Item("case/events.json", None, "C:/export/events.json", "case", ("events.json",), 0)
MOMENT = 1_614_657_906_789_000  # 2021-03-02T04:05:06.789Z

XML = {
    "Event": {
        "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
        "System": {
            "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
            "EventID": {"#attributes": {"Qualifiers": ""}, "#text": 4688},
            "TimeCreated": {"#attributes": {"SystemTime": "2021-03-02T04:05:06.789000Z"}},
            "EventRecordID": 42,
            "Channel": "Security",
            "Computer": "mx01.a.example",
        },
        "EventData": {"NewProcessName": "C:\\Windows\\System32\\cmd.exe", "ProcessId": "0x1f"},
    }
}
XML_SEPARATE = {
    "Event": {
        "System": {
            "Provider_attributes": {"Name": "Microsoft-Windows-Security-Auditing"},
            "EventID": 4688,
            "TimeCreated_attributes": {"SystemTime": "2021-03-02T04:05:06.789000Z"},
            "Channel": "Security",
            "Computer": "mx01.a.example",
        },
        "EventData": {"NewProcessName": "C:\\Windows\\System32\\cmd.exe", "ProcessId": "0x1f"},
    }
}
XMLTODICT = {
    "Event": {
        "System": {
            "Provider": {"@Name": "Microsoft-Windows-Security-Auditing"},
            "EventID": "4688",
            "TimeCreated": {"@SystemTime": "2021-03-02T04:05:06.789000Z"},
            "Channel": "Security",
            "Computer": "mx01.a.example",
        },
        "EventData": {
            "Data": [
                {"@Name": "NewProcessName", "#text": "C:\\Windows\\System32\\cmd.exe"},
                {"@Name": "ProcessId", "#text": "0x1f"},
            ]
        },
    }
}
WINLOGBEAT = {
    "@timestamp": "2021-03-02T04:05:06.789Z",
    "message": "A new process has been created.",
    "winlog": {
        "channel": "Security",
        "provider_name": "Microsoft-Windows-Security-Auditing",
        "event_id": 4688,
        "computer_name": "mx01.a.example",
        "event_data": {"NewProcessName": "C:\\Windows\\System32\\cmd.exe", "ProcessId": "0x1f"},
    },
}
WINLOGBEAT_DOTTED = {
    "@timestamp": "2021-03-02T04:05:06.789Z",
    "winlog.channel": "Security",
    "winlog.provider_name": "Microsoft-Windows-Security-Auditing",
    "winlog.event_id": "4688",
    "winlog.computer_name": "mx01.a.example",
    "winlog.event_data.NewProcessName": "C:\\Windows\\System32\\cmd.exe",
    "winlog.event_data.ProcessId": "0x1f",
}
ELASTIC = {"_index": "winlogbeat", "_source": WINLOGBEAT}
FLAT = {
    "EventID": 4688,
    "Channel": "Security",
    "SourceName": "Microsoft-Windows-Security-Auditing",
    "Hostname": "mx01.a.example",
    "@timestamp": "2021-03-02T09:00:00.000Z",
    "TimeCreated": "2021-03-02T04:05:06.789Z",
    "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
    "ProcessId": "0x1f",
}
NXLOG = {
    "EventTime": "2021-03-02T04:05:06.789+00:00",
    "Hostname": "mx01.a.example",
    "EventID": "4688",
    "SourceName": "Microsoft-Windows-Security-Auditing",
    "Channel": "Security",
    "RecordNumber": 42,
    "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
    "ProcessId": "0x1f",
    "EventReceivedTime": "2021-03-02 05:05:07",
}
EVTXECMD = {
    "EventRecordId": "42",
    "TimeCreated": "2021-03-02T04:05:06.7890000+00:00",
    "EventId": 4688,
    "Provider": "Microsoft-Windows-Security-Auditing",
    "Channel": "Security",
    "Computer": "mx01.a.example",
    "Payload": json.dumps({"EventData": XMLTODICT["Event"]["EventData"]}),
}
SHAPES = {
    "evtx_dump": XML, "evtx_dump attributes apart": XML_SEPARATE, "xmltodict": XMLTODICT,
    "winlogbeat": WINLOGBEAT, "winlogbeat dotted": WINLOGBEAT_DOTTED, "elastic": ELASTIC,
    "otrf": FLAT, "nxlog": NXLOG, "evtxecmd": EVTXECMD,
}  # fmt: skip


def read(data):
    pieces = list(FORMAT.read(io.BytesIO(data), ITEM, None))
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert sum(batch.frame.height for batch in piece.batches) == piece.events
    return pieces


def rows(data):
    return [
        row
        for piece in read(data)
        for batch in piece.batches
        for row in batch.frame.iter_rows(named=True)
    ]


def gaps(data):
    return [gap for piece in read(data) for gap in piece.gaps]


def lines(*documents):
    return "".join(json.dumps(document) + "\n" for document in documents).encode()


@pytest.mark.parametrize("shape", SHAPES)
def test_one_event_in_every_shape(shape):
    data = lines(SHAPES[shape])
    assert FORMAT.recognise(data, ITEM) == "content"
    [piece] = read(data)
    [batch] = piece.batches
    row = batch.frame.row(0, named=True)
    assert batch.logsource == ("process_creation", "windows", "security")
    assert row["@time"] == MOMENT
    assert row["@record"] == 1
    assert row["EventID"] == "4688"
    assert row["Computer"] == "mx01.a.example"
    assert row["Provider_Name"] == "Microsoft-Windows-Security-Auditing"
    assert row["NewProcessName"] == row["Image"] == "C:\\Windows\\System32\\cmd.exe"
    assert row["ProcessId"] == "0x1f"
    assert list(piece.observed) == ["windows:Security"]


@pytest.mark.parametrize("time", ["2021-03-02T04:05:06.7890009Z", "2021-03-02T04:05:06.789000999Z"])
def test_times_keep_the_digits_of_the_export(time):
    system = XML["Event"]["System"] | {"TimeCreated": {"#attributes": {"SystemTime": time}}}
    data = lines({"Event": XML["Event"] | {"System": system, "EventData": {"Seen": time}}})
    [row] = rows(data)
    assert row["@time"] == MOMENT
    assert row["Seen"] == time
    assert row["@raw"].count(time) == 2


@pytest.mark.parametrize(
    ("more", "data"),
    [({}, "one\ntwo"), ({"provider_guid": "{555908d1-a6d7-4695-8e1e-26931d2012f4}"}, None)],
)
def test_winlogbeat_numbers_data_without_names(more, data):
    winlog = {
        "channel": "Application",
        "provider_name": "MSSQLSERVER",
        "event_id": 33205,
        "event_data": {"param1": "one", "param2": "two", "param4": "far"},
    }
    [row] = rows(lines({"@timestamp": "2021-03-02T04:05:06Z", "winlog": winlog | more}))
    assert (row.get("Data"), row["param1"], row["param4"]) == (data, "one", "far")


@pytest.mark.parametrize("when", ["/Date(1614657906789)/", "2021-03-02T05:05:06.789+01:00"])
def test_get_winevent(when):
    document = {
        "Id": 1,
        "LogName": "MSExchange Management",
        "ProviderName": "MSExchange CmdletLogs",
        "TimeCreated": when,
        "MachineName": "mx01.a.example",
        "RecordId": 77,
        "Message": "Cmdlet succeeded. Cmdlet Set-OabVirtualDirectory",
        "Properties": [{"Value": "Set-OabVirtualDirectory"}, {"Value": "-ExternalUrl"}],
    }
    data = json.dumps([document], indent=4).encode("utf-16")
    assert FORMAT.recognise(data, ITEM)
    [row] = rows(data)
    assert row["@time"] == MOMENT
    assert row["Message"].startswith("Cmdlet succeeded")
    assert row["Data"] == "Set-OabVirtualDirectory\n-ExternalUrl"
    assert row["param2"] == "-ExternalUrl"


def test_sysmon_fields_are_read_from_its_message():
    document = {
        "Id": 11,
        "LogName": "Microsoft-Windows-Sysmon/Operational",
        "ProviderName": "Microsoft-Windows-Sysmon",
        "TimeCreated": "/Date(1614657906789)/",
        "MachineName": "mx01",
        "Message": "File created:\r\nUtcTime: 2021-03-02 04:05:06.780\r\nImage: System\r\n"
        "TargetFilename: C:\\inetpub\\x.aspx",
    }
    [row] = rows(lines(document))
    assert (row["Image"], row["TargetFilename"]) == ("System", "C:\\inetpub\\x.aspx")


def test_message_without_fields_is_said_aloud():
    document = {
        "Id": 4624,
        "LogName": "Security",
        "ProviderName": "Microsoft-Windows-Security-Auditing",
        "TimeCreated": "/Date(1614657906789)/",
        "MachineName": "mx01",
        "Message": "Ein Konto wurde erfolgreich angemeldet.",
    }
    [piece] = read(lines(document))
    assert [notice.topic for notice in piece.notices] == ["layout"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("layout", ["lines", "array", "pretty array", "run"])
def test_encodings_and_layouts_give_the_same_events(encoding, layout):
    documents = [{**FLAT, "Image": 'né}{"]['}, FLAT, FLAT]
    text = {
        "lines": "\r\n".join(json.dumps(d, ensure_ascii=False) for d in documents),
        "array": json.dumps(documents, ensure_ascii=False),
        "pretty array": json.dumps(documents, indent=2, ensure_ascii=False),
        "run": "".join(
            f"Record {n}\n{json.dumps(d, indent=2, ensure_ascii=False)}\n"
            for n, d in enumerate(documents, start=1)
        ),
    }[layout]
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    data = (mark + text).encode(encoding)
    assert FORMAT.recognise(data, ITEM)
    found = rows(data)
    assert [row["@record"] for row in found] == [1, 2, 3]
    assert found[0]["Image"] == 'né}{"]['
    assert gaps(data) == []


def test_bad_lines_are_gaps_and_the_rest_is_read():
    data = lines(FLAT) + b"{broken\n\n[1, 2]\nNaN\n" + lines({"a": 1}) + lines(FLAT)
    assert len(rows(data)) == 2
    assert [gap.place for gap in gaps(data)] == ["record 2", "record 4", "record 5", "record 6"]


def test_bad_bytes_are_replaced_and_said():
    data = lines(FLAT).replace(b"cmd.exe", b"cm\xe9.exe")
    [piece] = read(data)
    assert piece.events == 1
    assert [notice.topic for notice in piece.notices] == ["encoding"]


@pytest.mark.parametrize(
    "text",
    [
        b'{"EventID": 1, "Channel": "System", "a": 1' + b"0" * 5_000 + b"}",
        b'{"EventID": 1, "Channel": "System", "a": 1e999}',
        b'{"EventID": 1, "Channel": "System", "a": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"EventID": 1, "Channel": "System", "a": ' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        b'{"EventID": 1, "EventID": 2, "Channel": "System"}',
        b'{"EventID": [[1]], "Channel": {"x": 1}, "Hostname": 5, "TimeCreated": [1]}',
        b'{"EventID": 1, "Channel": "System", "@time": 1, "@raw": 2, "": 3}',
        b'{"Event": {"System": 5}}',
        b'{"Event": {"System": {"EventID": 1, "Provider": [], "TimeCreated": 5}, "EventData": 7}}',
        b'{"Event": {"System": {"EventID": 1}, "UserData": {"x": {"Data": [null, {}, [1]]}}}}',
        b'{"winlog": {"event_id": 1, "event_data": [1], "record_id": 1e9}}',
        b'{"Id": 1, "LogName": null, "Properties": [null, 1, {"Value": {"a": []}}]}',
        b'{"EventId": 1, "Payload": "{not json"}',
        b'{"Event": {"System": {"EventID": 1}, "EventData": {"Data": {}}}}',
        b'{"Event": {"System": {"EventID": 1}, "EventData": {"Data": {"#text": [1, {}]}}}}',
        b'{"EventID": 1, "Channel": "x", "a": ' + b'{"#text": ' * 900 + b"1" + b"}" * 901,
    ],
)
def test_odd_documents_are_events_or_gaps(text):
    [piece] = read(text)
    assert piece.events + sum(gap.records for gap in piece.gaps) == 1


def test_very_wide_events_are_bounded():
    wide = [{**FLAT, **{f"f{n}_{i}": "x" for i in range(1_500)}} for n in range(4)]
    [piece] = read(lines(*wide))
    assert piece.events == 4
    assert max(batch.frame.width for batch in piece.batches) <= 1_600
    assert len(piece.gaps) == 4


def sysmon(number, hours_behind, **more):
    true = datetime(2021, 3, 14, 6, 0) + timedelta(seconds=number)  # noqa: DTZ001
    return {
        "EventID": 11,
        "Channel": "Microsoft-Windows-Sysmon/Operational",
        "SourceName": "Microsoft-Windows-Sysmon",
        "Hostname": "MX01",
        "TimeCreated": (true - timedelta(hours=hours_behind)).isoformat() + "Z",
        "UtcTime": true.isoformat(" ", "milliseconds"),
        **more,
    }


def times(data):
    return [row["@time"] for row in rows(data)]


def clock_notices(data):
    return [n.text for p in read(data) for n in p.notices if n.topic == "clock"]


@pytest.mark.parametrize("hours", [5, -8, 5.5])
def test_a_lying_clock_is_corrected_for_all_events_and_said(hours):
    right = lines(*(sysmon(n, 0) for n in range(20)), FLAT)
    wrong_flat = {**FLAT, "TimeCreated": "2021-03-02T04:05:06.789Z"}
    wrong = lines(*(sysmon(n, hours) for n in range(20)), wrong_flat)
    shift = round(hours * 3_600_000_000)
    assert sorted(times(wrong)[:-1]) == sorted(times(right)[:-1])
    assert times(wrong)[-1] == MOMENT + shift
    [text] = clock_notices(wrong)
    assert "corrected for 21 events" in text
    assert clock_notices(right) == []


def test_a_clock_that_changes_within_the_file(monkeypatch):
    monkeypatch.setattr(windows_events, "BLOCK_RECORDS", 50)
    data = lines(*(sysmon(n, 5) for n in range(50)), *(sysmon(n, 4) for n in range(20)))
    assert len(clock_notices(data)) == 2
    assert times(data)[50:] == times(data)[:20]


def test_a_correction_holds_for_blocks_without_sysmon_events(monkeypatch):
    monkeypatch.setattr(windows_events, "BLOCK_RECORDS", 50)
    data = lines(*(sysmon(n, 5) for n in range(50)), FLAT)
    assert times(data)[-1] == MOMENT + 5 * 3_600_000_000
    assert "corrected for 51 events" in clock_notices(data)[0]


def test_events_before_the_first_sysmon_event_are_not_passed_over_in_silence(monkeypatch):
    monkeypatch.setattr(windows_events, "BLOCK_RECORDS", 50)
    data = lines(*[FLAT] * 50, *(sysmon(n, 5) for n in range(20)))
    assert times(data)[0] == MOMENT
    assert ["as written" in text for text in clock_notices(data)] == [True, False]


def test_contradictory_clocks_are_left_alone_and_said():
    data = lines(*(sysmon(n, 5 + n) for n in range(20)))
    assert times(data)[0] == times(lines(sysmon(0, 5)))[0]
    assert "varying" in clock_notices(data)[0]


def test_times_without_zone_are_said():
    assert "no time zone" in clock_notices(lines({**FLAT, "TimeCreated": "2021-03-02 04:05:06"}))[0]


def test_host_names_are_facts():
    [piece] = read(lines(FLAT, FLAT, {**FLAT, "Hostname": "MX02"}))
    assert [(f.name, f.value, f.place.record) for f in piece.facts] == [
        ("host.fqdn", "mx01.a.example", 1),
        ("host.name", "MX02", 3),
    ]


@pytest.mark.parametrize(
    "head", [b"", b"{}", b"[1]", b'{"a": 1}', b"#Fields: x", b'{"EventID": 1}', b"\xff\xfe"]
)
def test_other_files_are_not_recognised(head):
    assert FORMAT.recognise(head, ITEM) == ""


@pytest.mark.skipif(not REAL.is_file(), reason="the public ProxyLogon trace is not on this machine")
def test_the_real_proxylogon_trace():
    with zipfile.ZipFile(REAL) as archive, archive.open(archive.namelist()[0]) as stream:
        pieces = list(FORMAT.read(stream, ITEM, None))
    assert sum(piece.events for piece in pieces) == sum(p.records for p in pieces) == 10_487
    assert {f.value for p in pieces for f in p.facts} == {"MXS01.azsentinel.local"}
    [drop] = [
        row
        for piece in pieces
        for batch in piece.batches
        if batch.logsource == ("file_event", "windows", "sysmon")
        for row in batch.frame.filter(
            pl.col("TargetFilename").str.ends_with("\\ohyeah.aspx"), pl.col("Image") == "System"
        ).iter_rows(named=True)
    ]
    assert drop["@time"] == 1_615_704_013_660_000  # 2021-03-14T06:40:13.660Z
    [text] = [notice.text for piece in pieces for notice in piece.notices]
    assert "5 h behind UTC" in text
    assert "10487 events" in text
