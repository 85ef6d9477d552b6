import pytest

from afterpatch.simulate.chain import DIRECTORIES, shell_path

SHELL = "/owa/auth/x.aspx"


def commands(trace):
    return [row.text for row in trace.rows["ecp-server"]]


def test_order_and_statuses_are_those_of_the_real_case(played, proxy_rows):
    rows = proxy_rows(played("full-chain"))
    steps = [row["AnchorMailbox"].split(":444/")[1] for row in rows]
    assert [row["HttpStatus"] for row in rows] == ["200", "200", "241"] + ["200"] * 4
    assert steps[:3] == [
        "autodiscover/autodiscover.xml?#",
        "mapi/emsmdb/?#",
        "ecp/proxyLogon.ecp?#",
    ]
    assert [step.split("?")[0].rsplit("/", 1)[1] for step in steps[3:]] == [
        "GetObject", "SetObject", "SetObject", "SetObject",
    ]  # fmt: skip
    assert [step.rsplit("=", 1)[1] for step in steps[3:]] == [
        "OABVirtualDirectory#", "OABVirtualDirectory#", "ResetOABVirtualDirectory#",
        "OABVirtualDirectory#",
    ]  # fmt: skip


def test_one_canary_joins_both_logs(played, proxy_rows):
    trace = played("full-chain")
    (canary,) = trace.actors["a"]["canaries"]
    assert all(f"msExchEcpCanary={canary}" in text for text in commands(trace))
    assert sum(canary in row["AnchorMailbox"] for row in proxy_rows(trace)) == 4


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_any_virtual_directory(played, directory):
    first = next(t for t in commands(played("full-chain", directory=directory)) if "http://" in t)
    assert f"'S:CMD=Set-{directory}VirtualDirectory.ExternalUrl=''http://f/<" in first


@pytest.mark.parametrize(("payload", "mark"), [("script", "<script"), ("percent", "<%@Page")])
def test_same_payload_in_log_event_and_file(played, payload, mark):
    trace = played("full-chain", payload=payload, key="k9", shell=SHELL)
    page = trace.files[shell_path(SHELL)].content.decode()
    event = trace.rows["windows:MSExchange Management"][0].text
    for text in (page, event, "".join(commands(trace))):
        assert mark in text
        assert "k9" in text


def test_proxy_log_may_stop_or_be_silent(played, proxy_rows):
    stops = proxy_rows(played("full-chain", proxy="stops"))
    assert "GetObject" in stops[-1]["AnchorMailbox"]
    silent = played("full-chain", proxy="none")
    assert proxy_rows(silent) == []
    assert any("Set-Oab" in text for text in commands(silent))


def test_failed_clean_up(played):
    last = commands(played("full-chain", cleanup="fails"))[-1]
    assert "ExternalUrl=$null" in last
    assert "ADNoSuchObjectException" in last
    assert "$null" not in commands(played("full-chain", cleanup="none"))[-1].split("S:CMD=")[1]


def test_drop_is_seen_by_share_audit_and_sysmon(played):
    trace = played("full-chain", shell="/aspnet_client/x.aspx")
    assert "C:/inetpub/wwwroot/aspnet_client/x.aspx" in trace.files
    security = trace.rows["windows:Security"][0].text
    assert '"RelativeTargetName":"inetpub\\\\wwwroot\\\\aspnet_client\\\\x.aspx"' in security
    assert '"Image":"System"' in trace.rows["windows:Microsoft-Windows-Sysmon/Operational"][0].text
    assert not played("full-chain", drop="no").files


def test_write_by_the_oab_generator_names_a_path_outside_its_folder(played):
    (row,) = played("oab-write").rows["oabgenerator"]
    assert "Download failed and temporary file 'C:\\Program Files" in row.text
    assert "ClientAccess\\OAB" not in row.text


def test_unified_messaging_alone_is_an_attempt(played):
    assert played("um-deserialisation").happened == "attempted"
    assert played("um-deserialisation", child="yes").happened == "shell-used"
