from datetime import UTC, datetime

from afterpatch.simulate import w3c

WHEN = datetime(2021, 3, 5, 3, 6, 27, tzinfo=UTC)


def test_row_of_the_real_case_has_this_shape():
    row = w3c.iis_row(
        WHEN, "10.0.0.1", "GET", "/owa/auth/x.aspx", w3c.traced("", "k"), 443, "192.0.2.1",
        "Mozilla/5.0 (Windows NT 10.0)", "200 0 0", 133,
    )  # fmt: skip
    assert row == (
        "2021-03-05 03:06:27 10.0.0.1 GET /owa/auth/x.aspx "
        "&CorrelationID=<empty>;&cafeReqId=k;&encoding=; 443 - 192.0.2.1 "
        "Mozilla/5.0+(Windows+NT+10.0) - 200 0 0 133"
    )
    assert len(row.split(" ")) == len(w3c.IIS_FIELDS.split(" "))


def test_httperr_row_fits_its_head():
    row = w3c.httperr_row(WHEN, "192.0.2.1", 40_000, "10.0.0.1", "Timer_ConnectionIdle")
    assert len(row.split(" ")) == len(w3c.HTTPERR_FIELDS.split(" "))
    assert w3c.httperr_head(WHEN).endswith(w3c.HTTPERR_FIELDS + "\r\n")
    assert w3c.iis_head(WHEN).startswith("#Software: Microsoft Internet Information Services")
