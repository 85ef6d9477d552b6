import json
from datetime import UTC, datetime

import pytest

from afterpatch.simulate.httpproxy import BOM
from afterpatch.simulate.scenario import Scenario, utc
from afterpatch.simulate.write import write, write_server

LOGGING = "C/Program Files/Microsoft/Exchange Server/V15/Logging"


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def written(make_plan, act, tmp_path):
    """Acts and changes -> the files of one server by relative path."""

    def run(*acts, **changes):
        write_server(make_plan(*acts, **changes), tmp_path)
        return tree(tmp_path / "EX01")

    return run


def test_files_lie_where_windows_and_exchange_put_them(written):
    files = written()
    assert {
        "C/inetpub/logs/LogFiles/W3SVC1/u_ex210301.log",
        "C/inetpub/logs/LogFiles/W3SVC2/u_ex210301.log",
        "C/Windows/System32/LogFiles/HTTPERR/httperr1.log",
        f"{LOGGING}/HttpProxy/Ecp/HttpProxy_2021030105-1.LOG",
        f"{LOGGING}/HttpProxy/RpcHttp/HttpProxy_2021030112-1.LOG",
        f"{LOGGING}/ECP/Server/ECPServer20210301-1.LOG",
        f"{LOGGING}/OABGeneratorLog/OABGenerator_20210301-1.LOG",
        "C/ExchangeSetupLogs/ExchangeSetup.log",
        "C/Windows/System32/inetsrv/config/applicationHost.config",
        "events/Sysmon.jsonl",
        "events/MSExchange Management.jsonl",
    } <= set(files)


def test_text_logs_end_their_lines_with_cr_lf(written, act):
    for path, content in written(act("full-chain")).items():
        if path.endswith((".log", ".LOG")):
            assert content.count(b"\n") == content.count(b"\r\n") > 0, path
            assert content.endswith(b"\r\n"), path
        if "/HttpProxy/" in path and path.endswith(".LOG"):
            assert content.startswith(BOM.encode()), path


def test_rows_of_acts_stand_in_time_order(written, act):
    files = written(act("full-chain"))
    content = files[f"{LOGGING}/HttpProxy/Ecp/HttpProxy_2021030110-1.LOG"].decode()
    times = [line[:24] for line in content.splitlines() if line.startswith("2021-")]
    assert len(times) == 8
    assert times == sorted(times)


def test_build_columns_follow_the_patch(written, proxy_rows):
    files = written(build_after="15.1.2106.13", patched_at=utc("2021-03-01T12:00:00"))
    revisions = {
        hour: proxy_rows(files[f"{LOGGING}/HttpProxy/Ecp/HttpProxy_20210301{hour}-1.LOG"].decode())
        for hour in ("11", "12")
    }
    assert revisions["11"][0]["RevisionVersion"] == "2"
    assert revisions["12"][0]["RevisionVersion"] == "13"
    assert b"KB5000871" in files["events/Application.jsonl"]


def test_cumulative_update_appends_to_the_setup_log(written):
    files = written(
        build_after="15.1.2242.4", patched_at=utc("2021-03-01T12:00:00"), patch_kind="cu"
    )
    log = files["C/ExchangeSetupLogs/ExchangeSetup.log"]
    assert log.count(b"completed successfully") == 2
    assert b"Setup version: 15.1.2242.4." in log


def test_rolled_missing_and_hole(written):
    noon, two = utc("2021-03-01T12:00:00"), utc("2021-03-01T14:00:00")
    files = written(
        rolled={"httpproxy:Ecp": noon},
        holes={"httpproxy:Owa": ((noon, two),)},
        missing=frozenset({"ecp-server", "windows:Security", "exchange-setup", "iis-config"}),
    )
    hours = {
        protocol: {path[-8:-6] for path in files if f"/HttpProxy/{protocol}/" in path}
        for protocol in ("Ecp", "Owa")
    }
    assert hours["Ecp"] == {f"{hour:02d}" for hour in range(12, 24)}
    assert hours["Owa"] == {f"{hour:02d}" for hour in range(24)} - {"12", "13"}
    gone = ("ECPServer", "Security.jsonl", "ExchangeSetup", ".config")
    assert not any(word in path for word in gone for path in files)


def test_truncated_log_ends_inside_a_record(written):
    files = written(truncated=frozenset({"httpproxy:Ecp"}))
    assert not files[f"{LOGGING}/HttpProxy/Ecp/HttpProxy_2021030123-1.LOG"].endswith(b"\n")


def test_files_carry_the_time_of_their_last_record(make_plan, tmp_path):
    write_server(make_plan(), tmp_path)
    path = tmp_path / "EX01" / "C/inetpub/logs/LogFiles/W3SVC1/u_ex210301.log"
    last = path.read_text().splitlines()[-1][:19]
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert modified.strftime("%Y-%m-%d %H:%M:%S") == last


def test_labels_lie_beside_the_servers(make_plan, act, tmp_path):
    labels = write(Scenario("s", (make_plan(act("ews-access")),)), tmp_path / "out")
    document = json.loads((tmp_path / "out/labels.json").read_text())
    assert document["schema"] == "afterpatch.labels/1"
    assert document["servers"][0]["stage"] == "data-accessed" == labels.servers[0].stage
    assert not any("label" in name for name in tree(tmp_path / "out/EX01"))
    write(Scenario("s", (make_plan(),)), tmp_path / "two", tmp_path / "truth.json")
    assert (tmp_path / "truth.json").is_file()
    assert not (tmp_path / "two/labels.json").exists()


def test_same_scenario_same_bytes(make_plan, act, tmp_path):
    plan = make_plan(act("full-chain"), act("shell-use", 1))
    for folder in ("a", "b"):
        write(Scenario("s", (plan,)), tmp_path / folder)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
