"""Files from where a web server serves pages."""

import io
from datetime import UTC, datetime

import pytest

from afterpatch.formats.web_file import FORMAT
from afterpatch.model.places import Item

PAGE = "C:/inetpub/wwwroot/aspnet_client/x.aspx"
COMPILED = (
    "C:/Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files/owa/1/2/"
    "x.aspx.f5dba9b9.compiled"
)
PRESERVE = (
    '<?xml version="1.0" encoding="utf-8"?><preserve resultType="3" '
    'virtualPath="/owa/auth/x.aspx" hash="f5dba9b9" assembly="App_Web_abc123"><filedeps/>'
    "</preserve>"
)


def read(data, origin=PAGE, modified=None):
    item = Item("case/x", None, origin, "case", ("x",), 0, modified)
    [piece] = FORMAT.read(io.BytesIO(data), item, None)
    [batch] = piece.batches
    assert batch.logsource == ("file_listing", "windows", "")
    assert (piece.records, piece.events) == (1, 1)
    return piece, batch.frame.row(0, named=True)


def test_a_page_is_one_row():
    piece, row = read(b"hello", modified=datetime(2021, 3, 2, 4, 5, 6, tzinfo=UTC))
    assert row["TargetFilename"] == PAGE
    assert row["Size"] == "5"
    assert row["Sha256"] is None
    assert row["Modified"] == "2021-03-02T04:05:06Z"
    assert row["@time"] == 1_614_657_906_000_000
    assert piece.observed == {}
    assert FORMAT.content


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_compiled_file_names_the_page_that_ran(encoding):
    _, row = read(PRESERVE.replace("utf-8", encoding[:6].rstrip("-")).encode(encoding), COMPILED)
    assert row["VirtualPath"] == "/owa/auth/x.aspx"
    assert row["Assembly"] == "App_Web_abc123"


def test_an_unreadable_compiled_file_is_still_a_row():
    piece, row = read(b"\x00\x01", COMPILED)
    assert row["VirtualPath"] is None
    assert len(piece.gaps) == 1


@pytest.mark.parametrize(
    ("origin", "why"),
    [
        (PAGE, "path"),
        (COMPILED, "path"),
        ("C:/inetpub/wwwroot/logo.png", "path"),
        ("D:/Exchange/FrontEnd/HttpProxy/owa/auth/logon.js", "path"),
        ("D:/Exchange/ClientAccess/OAB/1/2.lzx", "path"),
        ("C:\\inetpub\\wwwroot\\x.txt", "path"),
        ("C:/Users/x/Desktop/found.ASPX", "file name"),
        ("C:/x/App_Web_abc.dll", "file name"),
        ("C:/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", ""),
        ("C:/Exchange/Logging/HttpProxy/Owa/a.LOG", ""),
        ("C:/Windows/System32/kernel32.dll", ""),
    ],
)
def test_recognises_by_place(origin, why):
    assert FORMAT.recognise(b"", Item("x", None, origin, "x", ("x",), 0)) == why
