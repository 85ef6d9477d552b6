import pytest

NEGATIVES = ("test-amsi", "url-change", "shell-hunters", "timeout-logout", "ediscovery-tool",
             "vendor-archives", "mitigated")  # fmt: skip


@pytest.mark.parametrize("kind", NEGATIVES)
def test_nothing_happened_and_nothing_is_proven(played, kind):
    trace = played(kind)
    assert trace.happened == ""
    assert not any(row.shows for rows in trace.rows.values() for row in rows)


def test_amsi_test_looks_like_a_forged_session_and_fails(played, proxy_rows):
    (row,) = proxy_rows(played("test-amsi"))
    assert row["AnchorMailbox"].endswith("/ecp/proxyLogon.ecp#")
    assert row["UrlStem"].startswith("/ecp/Test-")
    assert row["HttpStatus"] == "400"


def test_url_change_has_the_cmdlet_without_markup(played, proxy_rows):
    trace = played("url-change")
    assert "Set-OwaVirtualDirectory.ExternalUrl=''https://" in trace.rows["ecp-server"][0].text
    assert "<script" not in trace.rows["windows:MSExchange Management"][0].text
    assert proxy_rows(trace)[0]["AuthenticatedUser"] == "CONTOSO\\exadmin"


def test_hunters_never_get_200(played):
    rows = played("shell-hunters").rows["iis-front"]
    assert not any(" 200 0 0 " in row.text for row in rows)


def test_mitigation_lies_in_the_site_configuration(played):
    (content,) = [f.content for p, f in played("mitigated").files.items() if "web.config" in p]
    assert content.count(b"AbortRequest") == 2
