import io

from afterpatch.formats import httperr
from afterpatch.model.places import Item

ITEM = Item("h.log", None, "C:/Windows/System32/LogFiles/HTTPERR/httperr1.log", "r", ("h",), 0)
TEXT = (
    b"#Software: Microsoft HTTP API 2.0\r\n#Version: 1.0\r\n#Date: 2021-03-02 03:25:22\r\n"
    b"#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status "
    b"s-siteid s-reason s-queuename\r\n"
    b"2021-03-02 03:25:22 192.0.2.7 12052 10.0.0.5 443 HTTP/1.1 GET / - 503 2 AppOffline Pool\r\n"
    b"2021-03-02 03:26:22 192.0.2.7 12052 10.0.0.5 443 - - - - - - Timer_ConnectionIdle -\r\n"
)


def test_rows_and_coverage() -> None:
    pieces = list(httperr.read(io.BytesIO(TEXT), ITEM, None))
    assert httperr.FORMAT.recognise(TEXT, ITEM) == "header"
    assert httperr.FORMAT.recognise(b"", ITEM) == "file name"
    (batch,) = pieces[0].batches
    assert batch.frame["s-reason"].to_list() == ["AppOffline", "Timer_ConnectionIdle"]
    assert batch.frame["cs-uri"].to_list() == ["/", None]
    assert {log: sum(hours.values()) for log, hours in pieces[0].observed.items()} == {"httperr": 2}
    assert not any(piece.gaps for piece in pieces)
