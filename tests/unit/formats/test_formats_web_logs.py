"""Access logs, Squid and W3C proxies: what each line means, and what damage costs."""

import io
from typing import Any

import pytest

from afterpatch.formats import access_log, proxy_w3c, squid, squid_combined
from afterpatch.formats.clf_lines import unescape
from afterpatch.formats.exact_lines import BAD_TIME
from afterpatch.formats.format import Format
from afterpatch.formats.proven_log import TORN
from afterpatch.formats.registry import recognise
from afterpatch.formats.table_reader import UNENDED
from afterpatch.model.batches import MAX_RAW_CHARS, RECORD, TIME, Piece
from afterpatch.model.places import Gap, Item
from afterpatch.model.times import from_us, rfc3339

COMMON = '203.0.113.9 - - [02/Mar/2021:05:05:06 +0100] "GET /a?b=1 HTTP/1.1" 200 1234'
COMBINED = COMMON + ' "https://r.example/" "curl/7.0"'
SQUID = (
    "1614657906.250    180 10.0.0.7 TCP_MISS/200 411 GET http://u@h.example:81/d/e.exe?f=1#g alice "
)
SQUID += "HIER_DIRECT/198.51.100.7 text/html"
SGOS = (
    "#Software: SGOS 6.5\n#Fields: date time c-ip sc-status cs-method cs-uri-scheme cs-host "
    "cs-uri-port cs-uri-path cs-uri-query cs(User-Agent)\n"
)
ISA = "#Software: Microsoft Forefront Threat Management Gateway\n#Fields: " + "\t".join(
    ("c-ip", "c-agent", "date", "time", "s-computername", "r-host", "r-ip", "cs-uri", "sc-status")
)


def item(origin: str = "logs/x.log") -> Item:
    return Item("x.log", None, origin, "root", ("x.log",), 0)


def read(known: Format, text: str | bytes) -> Piece:
    """All pieces as one."""
    data = text if isinstance(text, bytes) else text.encode()
    pieces = list(known.read(io.BytesIO(data), item(), None))
    observed: dict[str, dict[int, int]] = {}
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        for log, hours in piece.observed.items():
            observed.setdefault(log, {}).update(hours)
    return Piece(
        records=sum(piece.records for piece in pieces),
        events=sum(piece.events for piece in pieces),
        skipped=sum(piece.skipped for piece in pieces),
        batches=tuple(batch for piece in pieces for batch in piece.batches),
        gaps=tuple(gap for piece in pieces for gap in piece.gaps),
        observed=observed,
    )


def rows(known: Format, text: str | bytes) -> list[dict[str, Any]]:
    """Events without what is null."""
    found = [row for batch in read(known, text).batches for row in batch.frame.to_dicts()]
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def test_a_combined_line_has_sigmas_columns_and_its_own_offset() -> None:
    (row,) = rows(access_log.FORMAT, COMBINED + "\n")
    assert rfc3339(from_us(row.pop(TIME))) == "2021-03-02T04:05:06Z"
    assert row == {
        RECORD: 1,
        "@raw": COMBINED,
        "c-ip": "203.0.113.9",
        "cs-method": "GET",
        "cs-uri-stem": "/a",
        "cs-uri-query": "b=1",
        "cs-version": "HTTP/1.1",
        "sc-status": "200",
        "sc-bytes": "1234",
        "cs-referer": "https://r.example/",
        "cs-user-agent": "curl/7.0",
    }


@pytest.mark.parametrize(
    ("stamp", "utc"),
    [
        ("29/Feb/2020:23:59:59 -0730", "2020-03-01T07:29:59Z"),
        ("01/Jan/2021:00:00:00 +1400", "2020-12-31T10:00:00Z"),
        ("31/Dec/1999:23:00:00 -0100", "2000-01-01T00:00:00Z"),
    ],
)
def test_offsets_are_taken_off_exactly(stamp: str, utc: str) -> None:
    for line in (COMBINED, 'h - "" ' + COMBINED.split(" ", 3)[3]):  # proven, and looked at
        text = line.replace("02/Mar/2021:05:05:06 +0100", stamp) + "\n"
        assert [rfc3339(from_us(row[TIME])) for row in rows(access_log.FORMAT, text)] == [utc]


@pytest.mark.parametrize(
    "stamp",
    [
        "30/Feb/2021:05:05:06 +0100",
        "02/Mrz/2021:05:05:06 +0100",
        "02/Mar/2021:24:05:06 +0100",
        "02/Mar/2021:05:05:60 +0100",
        "02/Mar/2021:05:05:06 +2400",
        "02/Mar/2021:05:05:06 +0160",
    ],
)
def test_a_time_that_does_not_exist_is_noted_and_the_event_kept(stamp: str) -> None:
    text = COMBINED.replace("02/Mar/2021:05:05:06 +0100", stamp) + "\n"
    piece = read(access_log.FORMAT, text)
    assert (piece.events, piece.observed) == (1, {})
    assert piece.gaps == (Gap("x.log", "line 1", BAD_TIME, 0),)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("www.example.com:443 " + COMBINED, {"cs-host": "www.example.com", "c-ip": "203.0.113.9"}),
        (COMBINED.replace("- -", "- alice b"), {"cs-username": "alice b"}),
        (COMBINED + ' "192.0.2.1, 192.0.2.2"', {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"}),
        (COMBINED + " 0.004 -", {"more": "0.004 -"}),
        (
            COMBINED.replace("/a?b=1", "http://h.example:80/a?b=1"),
            {"cs-host": "h.example", "cs-uri-stem": "/a", "cs-uri-query": "b=1"},
        ),
        (COMBINED.replace("GET /a?b=1 HTTP/1.1", r"\x16\x03\x01"), {"request": "\x16\x03\x01"}),
        (COMBINED.replace("GET /a?b=1 HTTP/1.1", "GET /old"), {"cs-uri-stem": "/old"}),
    ],
)
def test_longer_and_stranger_lines_shift_nothing(line: str, wanted: dict[str, str]) -> None:
    (row,) = rows(access_log.FORMAT, line + "\n")
    assert wanted.items() <= row.items()
    assert row["cs-user-agent"] == "curl/7.0"


@pytest.mark.parametrize(
    ("logged", "sent"),
    [
        (r"a \"b\" c", 'a "b" c'),
        (r"a \x22b\x22 \x5Cc", 'a "b" \\c'),
        (r"tail\\", "tail\\"),
        (r"\xc3\xa9\t", "é\t"),
        (r"\xff", r"\xff"),
        (r"\x41", r"\x41"),
        (r"\\x22", r"\x22"),
        ('\\" 200 5 \\"-\\" \\"x', '" 200 5 "-" "x'),
    ],
)
def test_what_a_client_sends_cannot_forge_a_field(logged: str, sent: str) -> None:
    assert unescape(logged) == sent
    (row,) = rows(access_log.FORMAT, COMBINED.replace("curl/7.0", logged) + "\n")
    assert row["cs-user-agent"] == sent
    assert row["sc-status"] == "200"


def test_torn_and_foreign_lines_are_gaps() -> None:
    torn = [COMBINED[:at] + COMBINED for at in (25, 45, 55)]
    text = "\n".join([*torn, "garbage", COMBINED, COMBINED[:-12] + COMBINED, ""])
    piece = read(access_log.FORMAT, text)
    assert piece.events == 1
    assert sum(gap.records for gap in piece.gaps) == 5
    assert piece.gaps[0] == Gap("x.log", "lines 1-3", TORN, 3)


DAMAGED = [
    (access_log.FORMAT, COMBINED),
    (squid.FORMAT, SQUID),
    (squid_combined.FORMAT, COMBINED + " TCP_MISS:HIER_DIRECT"),
]


@pytest.mark.parametrize(("known", "line"), DAMAGED)
def test_damage_is_counted(known: Format, line: str) -> None:
    data = f"\ufeff{line}\r\n\r\n{line}\0\0\n\0\0\n{line}".encode()
    piece = read(known, data)
    assert (piece.records, piece.events, piece.skipped) == (5, 3, 1)
    assert [(gap.place, gap.records) for gap in piece.gaps] == [
        ("lines 3-4", 1),
        ("line 5", 0),
    ]
    assert piece.gaps[-1].reason == UNENDED
    assert read(known, f"{line}\n{line}\n".encode("utf-16")).events == 2


@pytest.mark.parametrize(("known", "line"), DAMAGED)
def test_a_huge_field_is_read_and_a_line_beyond_the_limit_is_a_gap(
    known: Format, line: str
) -> None:
    long = line.replace("GET ", "GET /" + "x" * 200_000, 1)
    (row,) = rows(known, long + "\n")
    assert len(row["@raw"]) == MAX_RAW_CHARS
    piece = read(known, line.replace("GET ", "GET /" + "x" * (5 << 20), 1) + f"\n{line}\n")
    assert (piece.events, [gap.place for gap in piece.gaps]) == (1, ["line 1"])


def test_squids_own_log() -> None:
    (row,) = rows(squid.FORMAT, SQUID + "\n")
    assert rfc3339(from_us(row.pop(TIME))) == "2021-03-02T04:05:06.250Z"
    assert row == {
        RECORD: 1,
        "@raw": SQUID,
        "time-taken": "180",
        "c-ip": "10.0.0.7",
        "s-action": "TCP_MISS",
        "sc-status": "200",
        "sc-bytes": "411",
        "cs-method": "GET",
        "c-uri": "http://u@h.example:81/d/e.exe?f=1#g",
        "cs-username": "alice",
        "s-hierarchy": "HIER_DIRECT",
        "s-supplier-name": "198.51.100.7",
        "dst_ip": "198.51.100.7",
        "rs(Content-Type)": "text/html",
        "cs-uri-target": "/d/e.exe?f=1",
        "cs-host": "h.example",
        "cs-uri-stem": "/d/e.exe",
        "cs-uri-query": "f=1",
        "c-uri-extension": "exe",
    }


def test_squid_names_no_server_it_did_not_ask() -> None:
    (row,) = rows(squid.FORMAT, SQUID.replace("HIER_DIRECT", "FIRSTUP_PARENT") + "\n")
    assert "dst_ip" not in row
    connect = SQUID.replace("GET http://u@h.example:81/d/e.exe?f=1#g", "CONNECT h.example:443")
    (row,) = rows(squid.FORMAT, connect + "\n")
    assert row["cs-host"] == "h.example"
    assert "cs-uri-stem" not in row


def test_proxysg_puts_the_url_together() -> None:
    text = SGOS + (
        '2021-03-02 04:05:06 10.0.0.7 200 GET http h.example 8080 /d.exe ?e=1 "A ""b"" c"\n'
        "2021-03-02 04:05:07 10.0.0.7 200 GET https h.example 443 / - -\n"
    )
    first, second = rows(proxy_w3c.FORMAT, text)
    assert rfc3339(from_us(first[TIME])) == "2021-03-02T04:05:06Z"
    assert first["c-uri"] == "http://h.example:8080/d.exe?e=1"
    assert (first["c-uri-extension"], first["cs(User-Agent)"]) == ("exe", 'A "b" c')
    assert second["c-uri"] == "https://h.example/"
    assert "cs(User-Agent)" not in second


def test_isa_takes_the_url_apart_and_follows_new_columns() -> None:
    line = "10.0.0.7\tAgent (a; b)\t2021-03-02\t04:05:06\tISA01\t-\t-\thttp://h.example/d?e=1\t200"
    again = "#Fields: date\ttime\tcs-uri\n2021-03-02\t04:05:07\thttp://i.example/f.zip"
    piece = read(proxy_w3c.FORMAT, f"{ISA}\n{line}\n{again}\nshort\tline\n")
    assert piece.observed == {"proxy": {448516: 2}}
    assert piece.gaps == (Gap("x.log", "line 6", "2 columns, not 3", 1),)
    first, second = (row for batch in piece.batches for row in batch.frame.to_dicts())
    assert (first["cs-host"], first["c-agent"]) == ("h.example", "Agent (a; b)")
    assert (second["cs-host"], second["c-uri-extension"]) == ("i.example", "zip")


IIS = (
    "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time s-ip cs-method "
    "cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs-host sc-status\n"
)


@pytest.mark.parametrize(
    ("text", "origin", "kind"),
    [
        (COMBINED, "var/log/apache2/access.log", "apache-access"),
        (COMBINED, "var/log/httpd/access_log-20210302", "apache-access"),
        (COMBINED, "C:\\Apache24\\logs\\access_log", "apache-access"),
        (COMBINED, "var/log/nginx/site.log", "nginx-access"),
        (COMMON, "tomcat/logs/localhost.txt", "access-log"),
        (COMBINED + " TCP_MISS:HIER_DIRECT", "var/log/squid/access.log", "squid-combined"),
        (SQUID, "x.txt", "squid"),
        (SGOS, "x.log", "proxy-w3c"),
        (ISA, "x.w3c", "proxy-w3c"),
        (IIS, "x.log", "iis-w3c"),
        ("", "var/log/nginx/access.log", "nginx-access"),
        ("", "var/log/squid/access.log.1", "squid"),
        ("two words", "home/access.log", ""),
        (f"see below\nfor a line\nfrom it\n{COMBINED}", "mail.txt", ""),
    ],
)
def test_logs_are_known_by_their_lines_then_by_their_place(
    text: str, origin: str, kind: str
) -> None:
    known, _ = recognise(text.encode(), item(origin))
    assert (known.kind if known else "") == kind


def test_all_formats_give_their_logsource() -> None:
    for known, text in (
        (access_log.APACHE, COMBINED),
        (access_log.NGINX, COMBINED),
        (access_log.FORMAT, COMBINED),
        (squid.FORMAT, SQUID),
        (squid_combined.FORMAT, COMBINED + " A_B:C_D"),
        (proxy_w3c.FORMAT, f"{ISA}\na\tb\t2021-03-02\t04:05:06\tc\td\te\tf\tg"),
    ):
        (batch,) = read(known, text + "\n").batches
        assert batch.logsource == known.logsource
