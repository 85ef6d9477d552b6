import pytest


@pytest.mark.parametrize(
    ("kind", "anchor"),
    [("nmap-scan", "ServerInfo~localhost/"), ("nuclei-scan", ".interact.sh/"),
     ("burp-scan", ".burpcollaborator.net/")],
)  # fmt: skip
def test_scanners_are_known_by_their_target(played, proxy_rows, kind, anchor):
    trace = played(kind)
    assert trace.happened == "scanned"
    for row in proxy_rows(trace, "Owa"):
        assert anchor in row["AnchorMailbox"]
        assert (row["Method"], row["AuthenticatedUser"]) == ("GET", "")


def test_autodiscover_attempt_asks_for_nothing_else(played, proxy_rows):
    trace = played("autodiscover-attempt", status="500")
    assert trace.happened == "attempted"
    for row in proxy_rows(trace):
        assert row["AnchorMailbox"].endswith(":444/autodiscover/autodiscover.xml?#")
        assert (row["HttpStatus"], row["BackEndStatus"]) == ("500", "500")


def test_blocked_attempt_never_reaches_the_back_end(played, proxy_rows):
    trace = played("blocked-attempt")
    assert {row["HttpStatus"] for row in proxy_rows(trace)} == {"500"}
    assert "iis-back" not in trace.rows


def test_aborted_attempt_leaves_only_iis(played):
    assert set(played("aborted-attempt").rows) == {"iis-front"}
