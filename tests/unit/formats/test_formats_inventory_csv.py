"""Lists of servers and their builds."""

import io
from datetime import UTC, datetime

import pytest

from afterpatch.formats.builds import exchange_build
from afterpatch.formats.inventory_csv import FORMAT
from afterpatch.model.places import Item

ITEM = Item("case/servers.csv", None, "C:/servers.csv", "case", ("servers.csv",), 0)


def read(text, encoding="utf-8"):
    data = text.encode(encoding)
    assert FORMAT.recognise(data, ITEM) == "header"
    [piece] = FORMAT.read(io.BytesIO(data), ITEM, None)
    assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
    return piece


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_rows_become_dated_builds_of_hosts(delimiter, encoding):
    lines = ["Server Name,Build,As of", "MX01,15.01.2176.002,2021-03-01", '"MX02","15.2.792",']
    piece = read("\r\n".join(lines).replace(",", delimiter), encoding)
    assert [(f.value, f.detail["host"], f.time, f.place.record) for f in piece.facts] == [
        ("15.1.2176.2", "MX01", datetime(2021, 3, 1, tzinfo=UTC), 2),
        ("15.2.792", "MX02", None, 3),
    ]


def test_get_exchangeserver_export():
    piece = read(
        "#TYPE Microsoft.Exchange.Data.Directory.Management.ExchangeServer\r\n"
        '"Name","AdminDisplayVersion"\r\n"MX01","Version 15.1 (Build 2176.2)"\r\n'
    )
    [fact] = piece.facts
    assert fact.value == "15.1.2176"  # the display version does not show security updates
    assert fact.detail["written"] == "Version 15.1 (Build 2176.2)"


def test_servers_that_cannot_be_read_are_gaps():
    piece = read("host,version\nMX01,15.1.2176.2\nMX02,unknown\n,15.1.2176.2\nMX03\n")
    assert len(piece.facts) == 1
    assert [(gap.place, gap.records) for gap in piece.gaps] == [("lines 3-4", 2), ("line 5", 1)]


def test_an_ambiguous_date_is_kept_as_text():
    [fact] = read("host,build,date\nMX01,15.1.2176.2,3/2/2021\n").facts
    assert fact.time is None
    assert fact.detail["date as written"] == "3/2/2021"


@pytest.mark.parametrize(
    "head",
    [b"", b"host,build\n", b"host,build\nPC1,10.0.19041.1\n", b"name,value\na,15.1.2176.2\n",
     b"DateTime,RequestId,MajorVersion,ServerHostName\n2021,1,15,MX01\n"],
)  # fmt: skip
def test_other_tables_are_not_recognised(head):
    assert FORMAT.recognise(head, ITEM) == ""


@pytest.mark.parametrize(
    ("written", "build"),
    [
        ("15.1.2176.2", "15.1.2176.2"),
        ("15.01.2176.002", "15.1.2176.2"),
        ("15.1.2176", "15.1.2176"),
        ("Version 15.1 (Build 32176.2)", "15.1.2176"),
        ("15.2 (Build 792.3)", "15.2.792"),
        ("10.0.19041.1", ""),
        ("15.1", ""),
        ("15.1.x", ""),
        ("", ""),
    ],
)
def test_builds_in_many_spellings(written, build):
    assert exchange_build(written) == build
