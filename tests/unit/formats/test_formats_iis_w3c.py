import io
from pathlib import Path
from typing import Any

import pytest

from afterpatch.formats import iis_w3c
from afterpatch.formats.exact_lines import BAD_TIME
from afterpatch.formats.table_reader import NO_HEADER, UNENDED
from afterpatch.model.batches import RECORD, TIME, Piece
from afterpatch.model.places import Gap, Item
from afterpatch.model.times import from_us, rfc3339

HEAD = (
    "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
    "#Date: 2021-03-02 00:00:00\r\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip "
    "cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
)
LINE = (
    "2021-03-02 04:05:06 10.0.0.5 POST /ecp/y.js - {port} - 203.0.113.9 python-requests/2.25.1 - "
    "200 0 0 140\r\n"
)


def item(origin: str = "C:/inetpub/logs/LogFiles/W3SVC1/u_ex210302.log") -> Item:
    return Item("u_ex.log", None, origin, "root", ("u_ex.log",), 0)


def read(text: str | bytes, origin: str = item().origin) -> Piece:
    data = text if isinstance(text, bytes) else text.encode()
    pieces = list(iis_w3c.read(io.BytesIO(data), item(origin), None))
    assert len(pieces) <= 3
    observed: dict[str, dict[int, int]] = {}
    for piece in pieces:
        for log, hours in piece.observed.items():
            observed.setdefault(log, {}).update(hours)
    return Piece(
        records=sum(piece.records for piece in pieces),
        events=sum(piece.events for piece in pieces),
        skipped=sum(piece.skipped for piece in pieces),
        batches=tuple(batch for piece in pieces for batch in piece.batches),
        gaps=tuple(gap for piece in pieces for gap in piece.gaps),
        facts=tuple(fact for piece in pieces for fact in piece.facts),
        observed=observed,
    )


def rows(piece: Piece) -> list[dict[str, Any]]:
    return [row for batch in piece.batches for row in batch.frame.to_dicts()]


def test_a_request_becomes_a_row_with_native_names() -> None:
    piece = read(HEAD + LINE.format(port=443))
    (row,) = rows(piece)
    assert rfc3339(from_us(row[TIME])) == "2021-03-02T04:05:06Z"
    assert row[RECORD] == 5
    assert (row["cs-uri-stem"], row["c-ip"], row["sc-status"]) == (
        "/ecp/y.js",
        "203.0.113.9",
        "200",
    )
    assert row["cs-uri-query"] is None
    assert row["@raw"] == LINE.format(port=443).strip()
    assert piece.batches[0].logsource == ("webserver", "windows", "iis")
    assert (piece.records, piece.events, piece.skipped, piece.gaps) == (5, 1, 4, ())


@pytest.mark.parametrize(
    ("origin", "port", "log"),
    [
        ("C:/inetpub/logs/LogFiles/W3SVC1/u_ex.log", 8080, "iis-front"),
        ("D:/logs/w3svc2/u_ex.log", 443, "iis-back"),
        ("u_ex.log", 443, "iis-front"),
        ("u_ex.log", 81, "iis-back"),
        ("C:/LogFiles/W3SVC7/u_ex.log", 444, "iis-back"),
        ("u_ex.log", 8080, "iis"),
    ],
)
def test_the_log_name_follows_the_site_folder_then_the_port(
    origin: str, port: int, log: str
) -> None:
    assert list(read(HEAD + LINE.format(port=port), origin).observed) == [log]


def test_ports_are_counted_line_by_line() -> None:
    ports = [443, 443, 444, 443, 9]
    text = HEAD + "".join(LINE.format(port=port) for port in ports)
    counts = {log: sum(h.values()) for log, h in read(text, "u_ex.log").observed.items()}
    assert counts == {"iis-front": 3, "iis-back": 1, "iis": 1}


def test_fields_may_change_on_the_way() -> None:
    text = (
        "#Fields: date time cs-method cs-uri-stem sc-status\n2021-03-02 01:00:00 GET /a 200\n"
        "#Fields: time date sc-status cs-uri-stem\n02:00:00 2021-03-02 404 /b\n"
        "#Date: 2021-03-05 00:00:00\n#Fields: time cs-uri-stem\n03:00:00 /c\n"
    )
    found = [(rfc3339(from_us(row[TIME])), row["cs-uri-stem"]) for row in rows(read(text))]
    assert found == [
        ("2021-03-02T01:00:00Z", "/a"),
        ("2021-03-02T02:00:00Z", "/b"),
        ("2021-03-05T03:00:00Z", "/c"),
    ]


def test_unescaped_spaces_in_the_user_agent_shift_nothing() -> None:
    line = LINE.format(port=443).replace("python-requests/2.25.1", "Mozilla/5.0 (X11; a, b) x")
    (row,) = rows(read(HEAD + line))
    assert row["cs(User-Agent)"] == "Mozilla/5.0 (X11; a, b) x"
    assert (row["c-ip"], row["sc-status"], row["time-taken"]) == ("203.0.113.9", "200", "140")


def test_lines_that_cannot_be_read_are_gaps_with_place_and_reason() -> None:
    good = LINE.format(port=443)
    text = good + HEAD + "too short\r\ntoo short\r\n" + good + good.strip() + " " + good
    assert read(text).gaps == (
        Gap("u_ex.log", "line 1", NO_HEADER, 1),
        Gap("u_ex.log", "lines 6-7", "2 columns, not 15", 2),
        Gap("u_ex.log", "line 9", "two records on one line", 1),
    )


def test_blank_lines_and_comments_are_skipped_wherever_they_stand() -> None:
    piece = read("\r\n" + HEAD + "\r\n" + LINE.format(port=443) + "#Remark: x\r\n   \r\n")
    assert (piece.records, piece.events, piece.skipped) == (9, 1, 8)


def test_a_time_that_does_not_exist_keeps_the_event_and_leaves_a_gap() -> None:
    piece = read(HEAD + LINE.format(port=443).replace("04:05:06", "04:05:66"))
    assert rows(piece)[0][TIME] is None
    assert piece.events == 1
    assert piece.gaps == (Gap("u_ex.log", "line 5", BAD_TIME, 0),)
    assert not piece.observed


def test_nul_bytes_of_a_crash_are_told_and_the_text_around_them_read() -> None:
    good = LINE.format(port=443)
    piece = read(HEAD + good[:30] + "\0" * 500 + good + "\0" * 7 + "\r\n")
    assert [row["sc-status"] for row in rows(piece)] == ["200"]
    assert [(gap.reason, gap.records) for gap in piece.gaps] == [
        ("500 NUL bytes in place of text", 0),
        ("4 columns, not 15", 1),
        ("7 NUL bytes in place of text", 1),
    ]


def test_a_last_line_without_line_end_is_an_event_and_a_doubt() -> None:
    piece = read(HEAD + LINE.format(port=443).strip())
    assert piece.events == 1
    assert piece.gaps == (Gap("u_ex.log", "line 5", UNENDED, 0),)


def test_bytes_that_are_no_utf8_stay_visible() -> None:
    (row,) = rows(read((HEAD + LINE.format(port=443)).encode().replace(b"y.js", b"\xe9.js")))
    assert row["cs-uri-stem"] == "/ecp/\\xe9.js"


def test_the_computer_name_column_names_the_host() -> None:
    text = "#Fields: date time s-computername cs-uri-stem\n" + "2021-03-02 01:00:00 MX01 /\n" * 3
    assert [(f.name, f.value, f.place.record) for f in read(text).facts] == [
        ("host.name", "MX01", 2)
    ]


def test_a_header_of_thousands_of_columns_is_refused() -> None:
    names = " ".join(f"c{n}" for n in range(5000))
    assert sum(gap.records for gap in read(f"#Fields: {names}\na b\nc d\n").gaps) == 2


@pytest.mark.parametrize(
    ("head", "origin", "reason"),
    [
        (HEAD.encode(), "x", "header"),
        (HEAD.encode("utf-16"), "x", "header"),
        (b"# Fields: date time cs-method cs-uri-stem\n", "x", "header"),
        (b"\0\0\0\0", "C:/inetpub/logs/LogFiles/W3SVC1/u_ex210302.log", "file name"),
        (b"#Software: Microsoft HTTP API 2.0\n#Fields: date time cs-uri s-reason\n", "x", ""),
        (b"hello", "hello.log", ""),
    ],
)
def test_recognition(head: bytes, origin: str, reason: str) -> None:
    assert iis_w3c.FORMAT.recognise(head, item(origin)) == reason


def test_the_public_sample_row_is_read(public_data: Path) -> None:
    sample = public_data / "exchange" / "samples" / "iis_u_ex.log"
    (row,) = rows(read(sample.read_bytes()))
    assert (row["c-ip"], row["cs-uri-query"], row["time-taken"]) == ("1.2.3.4", "cmd=whoami", "142")
    assert row["cs(User-Agent)"].endswith("Chrome/121.0.0.0 Safari/512.34")
