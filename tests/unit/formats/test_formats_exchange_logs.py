"""HttpProxy, ECP Server, OAB generator and the other Exchange CSV logs."""

import io
from pathlib import Path
from typing import Any

import pytest

from afterpatch.formats import ecp_server, exchange_csv, httpproxy, oabgenerator
from afterpatch.formats.ecp_server import split_event_data
from afterpatch.formats.exact_lines import OPEN_QUOTE
from afterpatch.formats.exchange_csv import slug
from afterpatch.formats.format import Format
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import RECORD, Piece
from afterpatch.model.places import Item

NAMES = (
    "DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,Protocol,UrlStem,"
    "AnchorMailbox,UserAgent,ServerHostName,HttpStatus"
)
BLOCK = (
    "#Software: Microsoft Exchange Server\r\n#Version: 15.01.2176.002\r\n"
    "#Log-type: HttpProxy Logs\r\n#Date: 2021-03-02T04:00:00.000Z\r\n#Fields: " + NAMES + "\r\n"
)


def row(minute: int = 5, build: str = "2", protocol: str = "Ecp", stem: str = "/ecp/y.js") -> str:
    return (
        f"2021-03-02T04:{minute:02d}:06.789Z,3fe8b64c-9d09-495d-9123-c7759ae9bbfb,15,1,2176,{build},"
        f"{protocol},{stem},ServerInfo~a]@mx01:444/x?#,python-requests/2.25.1,MX01,200\r\n"
    )


def item(origin: str = "x.log") -> Item:
    return Item("x.log", None, origin, "root", ("x.log",), 0)


def read(known: Format, text: str, origin: str = "x.log") -> list[Piece]:
    return list(known.read(io.BytesIO(text.encode()), item(origin), None))


def rows(pieces: list[Piece]) -> list[dict[str, Any]]:
    return [r for p in pieces for batch in p.batches for r in batch.frame.to_dicts()]


def counts(pieces: list[Piece]) -> dict[str, int]:
    found: dict[str, int] = {}
    for piece in pieces:
        for log, hours in piece.observed.items():
            found[log] = found.get(log, 0) + sum(hours.values())
    return found


def gaps(pieces: list[Piece]) -> list[tuple[str, str, int]]:
    return [(gap.place, gap.reason, gap.records) for piece in pieces for gap in piece.gaps]


@pytest.mark.parametrize(
    "head",
    [BLOCK, NAMES + "\r\n" + BLOCK, BLOCK + NAMES + "\r\n", NAMES + "\r\n", "\ufeff" + BLOCK],
)
def test_httpproxy_reads_with_either_header(head: str) -> None:
    assert recognise(head.encode(), item()) == (httpproxy.FORMAT, "header")
    pieces = read(httpproxy.FORMAT, head + row())
    (found,) = rows(pieces)
    assert found["AnchorMailbox"] == "ServerInfo~a]@mx01:444/x?#"
    assert counts(pieces) == {"httpproxy:Ecp": 1}
    assert pieces[0].skipped == head.count("\n")
    assert gaps(pieces) == []


def test_older_builds_have_fewer_columns() -> None:
    text = "#Log-type: HttpProxy Logs\n#Fields: DateTime,Protocol,UrlStem\n"
    (found,) = rows(read(httpproxy.FORMAT, text + "2021-03-02T04:05:06.789Z,Owa,/owa/\n"))
    assert (found["UrlStem"], "AnchorMailbox" in found) == ("/owa/", False)


def test_httpproxy_coverage_follows_the_protocol_column() -> None:
    text = BLOCK + row() + row(protocol="Owa") + row(protocol='"Ews"') + row(protocol="") + row()
    pieces = read(httpproxy.FORMAT, text, "C:/Logging/HttpProxy/Mapi/HttpProxy_1.LOG")
    assert counts(pieces) == {
        "httpproxy:Ecp": 2,
        "httpproxy:Owa": 1,
        "httpproxy:Ews": 1,
        "httpproxy:Mapi": 1,
    }


def test_builds_are_dated_at_every_change() -> None:
    text = BLOCK + row(1) + row(2) + row(3, build="9") + row(4, build="9") + row(5, build='"9"')
    pieces = read(httpproxy.FORMAT, text)
    facts = [f for p in pieces for f in p.facts if f.name == "exchange.build"]
    assert [(f.value, f.time and f.time.minute, f.place.record) for f in facts] == [
        ("15.1.2176.2", 1, 6),
        ("15.1.2176.2", 2, 7),
        ("15.1.2176.9", 3, 8),
        ("15.1.2176.9", 5, 10),
    ]
    names = [f.value for p in pieces for f in p.facts if f.name == "host.name"]
    assert names == ["MX01"]


def test_a_build_seen_only_on_irregular_lines_is_dated_too() -> None:
    odd = row(2, build="9").replace("/ecp/y.js", 'a"b')
    text = BLOCK + row(0) + row(1) + odd + row(3) + row(4)
    facts = [f for p in read(httpproxy.FORMAT, text) for f in p.facts if f.name != "host.name"]
    assert [(f.value[-1], f.place.record) for f in facts] == [
        ("2", 6),
        ("2", 7),
        ("9", 8),
        ("2", 9),
        ("2", 10),
    ]


def test_quoted_fields_may_hold_commas_quotes_and_line_breaks() -> None:
    text = BLOCK + row(stem='"/a,""b"""') + row(stem='"/one\r\ntwo, three"') + row()
    found = rows(read(httpproxy.FORMAT, text))
    assert [(r["UrlStem"], r[RECORD]) for r in found] == [
        ('/a,"b"', 6),
        ("/one\r\ntwo, three", 7),
        ("/ecp/y.js", 9),
    ]


def test_a_quote_that_never_ends_swallows_no_record() -> None:
    pieces = read(httpproxy.FORMAT, BLOCK + row()[:60] + ',"open\r\n' + row() + row())
    assert len(rows(pieces)) == 2
    assert gaps(pieces) == [("line 6", OPEN_QUOTE, 1)]


def test_a_header_cut_short_reads_nothing_as_something_else() -> None:
    pieces = read(httpproxy.FORMAT, BLOCK.replace("UserAgent", "User-Agent,Extra") + row())
    assert gaps(pieces) == [("line 6", "12 columns, not 13", 1)]


ECP_HEAD = (
    "#Software: Microsoft Exchange Server\n#Version: 15.0.0.0\n#Log-type: ECP Server Log\n"
    "#Date: 2021-03-02T00:00:00.000Z\n#Fields: TimeStamp,ServerName,EventId,EventData\n"
)
SCRIPT = 'http://f/\x3cscript language="JScript" runat="server"\x3ea;b\x3c/script\x3e'


def ecp_line(event_data: str) -> str:
    quoted = '"' + event_data.replace('"', '""') + '"'
    return f"2021-03-02T04:05:06.789Z,MX01,ECP.Request,{quoted}\n"


def test_ecp_event_data_is_split_into_columns() -> None:
    command = f"Set-OabVirtualDirectory.ExternalUrl='{SCRIPT}'.Identity='982d'"
    quoted = "'S:CMD=" + command.replace("'", "''") + "'"
    text = ECP_HEAD + ecp_line(f"S:TIME=13;S:SID=;{quoted};S:URL=/ecp/x;S:BLD=15.1.2176.2")
    pieces = read(ecp_server.FORMAT, text)
    (found,) = rows(pieces)
    assert found["CMD"] == command
    assert (found["TIME"], found["SID"], found["BLD"]) == ("13", "", "15.1.2176.2")
    assert found["EX"] is None
    assert counts(pieces) == {"ecp-server": 1}
    facts = {(f.name, f.value) for p in pieces for f in p.facts}
    assert facts == {("exchange.build", "15.1.2176.2"), ("host.name", "MX01")}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("S:CMD=A;S:URL=/x;y=1;S:EX=", {"CMD": "A", "URL": "/x;y=1", "EX": ""}),
        ("S:CMD=A;S:URL=/x;S:CMD=B;c", {"CMD": "A", "URL": "/x"}),
        ("S:CMD=Set-X.Url='http://a/b'", {"CMD": "Set-X.Url='http://a/b'"}),
        ("'S:CMD=it''s;fine';S:EX=", {"CMD": "it's;fine", "EX": ""}),
        ("'S:CMD=never ends;S:EX=", {"CMD": "never ends", "EX": ""}),
        ("Dbl:WLM.TS=0;S:Bld=15.1", {"WLM.TS": "0", "BLD": "15.1"}),
        ("no keys at all", {}),
        ("", {}),
    ],
)
def test_split_event_data(text: str, values: dict[str, str]) -> None:
    assert split_event_data(text) == values


def test_a_client_cannot_forge_the_build_of_an_ecp_record() -> None:
    text = ECP_HEAD + ecp_line("S:CMD=x;S:URL=/ecp/;S:BLD=15.1.9999.9;S:BLD=15.1.2176.2;S:TNAME=")
    facts = [f.value for p in read(ecp_server.FORMAT, text) for f in p.facts]
    assert facts == ["15.1.2176.2", "MX01"]


def test_oabgenerator_keeps_the_whole_text_as_message() -> None:
    text = (
        "#Software: Microsoft Exchange Server\n#Log-type: OAB Generator Log\n"
        "#Fields: date-time,Thread,Text\n"
        "2021-03-02T04:05:06.789Z,7,\"Download failed and temporary file 'C:\\x' needs\"\n"
    )
    assert recognise(text.encode(), item()) == (oabgenerator.FORMAT, "header")
    (found,) = rows(read(oabgenerator.FORMAT, text))
    assert "Download failed and temporary file 'C:\\x'" in found["Message"]
    assert found["Thread"] == "7"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EWS Logs", "ews"),
        ("SMTP Receive Protocol Log", "smtp-receive-protocol"),
        ("audit", "audit"),
        ("", "unnamed"),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        ("C:/Exchange/Logging/HttpProxy/Ecp/HttpProxy_2021030204-1.LOG", "httpproxy"),
        ("C:/Exchange/Logging/ECP/Server/ECPServer20210302-1.LOG", "ecp-server"),
        ("C:/Exchange/Logging/OABGeneratorLog/x.log", "oabgenerator"),
    ],
)
def test_a_log_without_its_header_is_known_by_its_place_and_is_a_gap(
    origin: str, kind: str
) -> None:
    known, reason = recognise(row().encode(), item(origin))
    assert known is not None
    assert (known.kind, reason) == (kind, "file name")
    assert gaps(read(known, row(), origin)) == [("line 1", "no #Fields line before it", 1)]


def test_a_page_that_pretends_to_be_a_log_stays_a_page() -> None:
    known, _ = recognise(BLOCK.encode(), item("C:/inetpub/wwwroot/aspnet_client/x.aspx"))
    assert known is not None
    assert known.kind == "web-file"


def test_nobody_knows_random_text() -> None:
    assert recognise(b"hello world\n", item("notes.txt")) == (None, "")


def test_every_public_sample_row_is_read(public_data: Path) -> None:
    samples = sorted((public_data / "exchange" / "samples").glob("*.LOG"))
    assert len(samples) == 16
    for path in samples:
        data = path.read_bytes()
        known, reason = recognise(data, item(path.name))
        assert known is not None
        assert reason == "header"
        pieces = list(known.read(io.BytesIO(data), item(path.name), None))
        lines = [line for line in data.splitlines() if line and not line.startswith(b"#")]
        assert len(rows(pieces)) == len(lines)
        assert gaps(pieces) == []
        if known in (httpproxy.FORMAT, ecp_server.FORMAT):
            builds = {f.value for p in pieces for f in p.facts if f.name == "exchange.build"}
            assert builds == {"15.1.2375.7"}
        if known is exchange_csv.FORMAT:
            assert next(iter(counts(pieces))).startswith("exchange:")
