"""``afterpatch sunburst closure`` over folders as ``orion collect`` writes them."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from afterpatch.cli import cli
from afterpatch.model.errors import UsageError
from afterpatch.simulate import evtx
from afterpatch.simulate.evtx_events import Event

ENTITIES = {"servers": "Orion.OrionServers", "engines": "Orion.Engines", "nodes": "Orion.Nodes"}


@pytest.fixture
def folder(tmp_path):
    def make(servers=(), engines=(), nodes=(), problem=None, missing=()):
        for name, rows in (("servers", servers), ("engines", engines), ("nodes", nodes)):
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / f"orion-{name}.jsonl").write_text(text)
        entries = [
            {"entity": entity, "file": f"orion-{name}.jsonl", "rows": 0, "problem": problem,
             "missing_fields": list(missing)}
            for name, entity in ENTITIES.items()
        ]  # fmt: skip
        (tmp_path / "orion-manifest.json").write_text(json.dumps({"entities": entries}))
        return tmp_path

    return make


def run(*args):
    result = CliRunner().invoke(
        cli, ["sunburst", "closure", *map(str, args)], standalone_mode=False
    )
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout, result.stderr


DETAILS = json.dumps([{"Name": "Orion Platform", "Version": "2020.2", "HotfixVersionNumber": "1"}])
SERVER = {"HostName": "ORION01", "ServerType": "MainPoller", "Details": DETAILS}
ENGINE = {"ServerName": "ORION01", "EngineID": 1, "EngineVersion": "2020.2.5300.12432"}
NODES = [{"NodeID": n, "Caption": f"node{n}", "IPAddress": f"10.0.0.{n}", "EngineID": 1}
         for n in range(1, 81)]  # fmt: skip


def test_all_hosts_of_an_affected_server(folder, tmp_path):
    table = tmp_path / "closure.csv"
    code, out, err = run(folder([SERVER], [ENGINE], NODES), "--csv", table)
    assert code == 1
    assert "81 hosts to treat as compromised" in out
    assert "31 more; --csv lists all" in out
    lines = table.read_text().splitlines()
    assert len(lines) == 82
    assert lines[0] == "host,ip,node_id,affected_build_reached_it,trusted_it,why"
    assert "who shared credentials is not known in full" in err
    assert err.count("\n") == 1


def test_never_affected_ends_with_0_and_fixed_today_with_3(folder):
    old = {**ENGINE, "EngineVersion": "2018.2.0.1"}
    assert run(folder([], [old], NODES))[0] == 0
    now = {**ENGINE, "EngineVersion": "2023.4.1.1"}
    code, out, _ = run(folder([], [now], NODES))
    assert (code, "81 hosts not decidable" in out) == (3, True)


def test_what_the_server_refused_is_said_and_is_not_clear(folder):
    old = {**ENGINE, "EngineVersion": "2018.2.0.1"}
    code, _, err = run(folder([], [old], NODES, missing=["EngineID"]))
    assert code == 3
    assert "EngineID is not in the server's schema" in err
    code, _, err = run(folder([], [old], NODES, problem="refused the question"))
    assert (code, "refused the question" in err) == (3, True)


def test_bad_lines_are_counted_with_file_and_line(folder):
    made = folder([SERVER], [ENGINE], NODES)
    with (made / "orion-nodes.jsonl").open("ab") as stream:
        stream.write(b'{"NodeID": \n[1]\n\xff\n')
    assert "orion-nodes.jsonl: 3 lines not read, the first is line 81" in run(made)[2]


def test_a_missing_manifest_or_table_is_said(folder):
    made = folder([], [{**ENGINE, "EngineVersion": "2018.2.0.1"}], NODES)
    (made / "orion-manifest.json").unlink()
    (made / "orion-servers.jsonl").unlink()
    code, _, err = run(made)
    assert code == 3
    assert "orion-manifest.json is missing" in err
    assert "orion-servers.jsonl is missing" in err


def test_a_folder_of_something_else_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="orion collect"):
        run(tmp_path)


def test_hostile_names_do_nothing(folder, tmp_path):
    evil = {**NODES[0], "Caption": "=cmd|'x'!A1\x1b[31m\u202e", "IPAddress": ["a", {"b": 1}]}
    table = tmp_path / "closure.csv"
    _, out, err = run(folder([SERVER], [ENGINE], [evil]), "--csv", table)
    assert "\x1b" not in out + err + table.read_text()
    assert "\n'=cmd" in table.read_text()


def test_earlier_releases_may_be_added_to_the_inventory(folder):
    made = folder([], [{**ENGINE, "EngineVersion": "2023.4.1.1"}], NODES)
    (made / "orion.csv").write_text("host,product,version,hotfix\nORION01,Orion,2019.4,5\n")
    assert run(made)[0] == 1


def test_an_inventory_of_another_shape_is_said(folder):
    made = folder([], [{**ENGINE, "EngineVersion": "2018.2.0.1"}], NODES)
    (made / "orion.csv").write_text("host;version\nORION01;2019.4 HF5\n")
    code, _, err = run(made)
    assert code == 3
    assert "orion.csv: no columns host and version" in err


def write(folder, name, *rows):
    (folder / f"orion-{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def logon(computer, event, user, minute=0, domain="CORP", **more):
    data = {"TargetDomainName": domain, "TargetUserName": user, **more}
    when = datetime(2020, 6, 1, 8, minute, tzinfo=UTC)
    provider = "Microsoft-Windows-Security-Auditing"
    return Event(when, "Security", provider, event, computer, data)


def test_shared_credentials_agents_and_virtual_hosts_are_reasons(folder, tmp_path):
    folder([SERVER], [ENGINE], NODES[:3])
    write(tmp_path, "credentials", {"ID": 7, "Name": "svc-wmi", "CredentialType": "x"})
    write(
        tmp_path, "node-settings",
        *({"NodeID": n, "SettingName": "WMICredential", "SettingValue": "7"} for n in (1, 2)),
    )  # fmt: skip
    write(tmp_path, "agents", {"AgentId": 1, "NodeId": 3}, {"AgentId": 2, "NodeId": None,
          "DNSName": "lost.corp.example", "IP": "10.0.9.9", "PollingEngineId": 1})  # fmt: skip
    write(tmp_path, "vcenters", {"VCenterID": 1, "NodeID": 2, "CredentialID": 9})
    write(tmp_path, "virtual-hosts", {"HostID": 1, "NodeID": None, "HostName": "esx1",
          "IPAddress": "10.0.9.8", "CredentialID": 9})  # fmt: skip
    table = tmp_path / "closure.csv"
    code, out, err = run(tmp_path, "--csv", table)
    assert (code, err) == (1, "")
    why = {row["host"]: row for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert 'Orion had WMI credential "svc-wmi", which 1 other shares' in why["node1"]["why"]
    assert "VMware credential number 9" in why["node2"]["why"]
    assert "an agent that runs as the system" in why["node3"]["why"]
    assert why["lost.corp.example"]["affected_build_reached_it"] == "yes"
    assert why["esx1"]["trusted_it"] == "yes"
    assert why["ORION01"]["trusted_it"] == ""
    assert "5 hosts among them shared" in out


def test_log_ons_name_hosts_that_trusted_orion(folder, tmp_path):
    folder([SERVER], [{**ENGINE, "IP": "10.0.0.14"}], NODES[:1])
    logs = tmp_path / "logs"
    logs.mkdir()
    events = [
        logon("fs1.corp.example", 4624, "svc-orion", 1, LogonType="3", IpAddress="10.0.0.14"),
        logon("fs1.corp.example", 4624, "FS1$", 2, LogonType="3", IpAddress="10.0.0.14"),
        logon("ORION01.corp.example", 4624, "svc-db", 3, LogonType="5", IpAddress="-"),
        logon("db1.corp.example", 4624, "SVC-DB", 4, LogonType="3", IpAddress="10.0.0.77"),
        logon("ORION01.corp.example", 4648, "adm", 5, TargetServerName="dc1.corp.example"),
        logon("ORION01.corp.example", 4648, "adm", 5, TargetServerName="-"),
        logon("pc9.corp.example", 4624, "carol", 6, LogonType="3", IpAddress="10.0.0.99"),
        logon("pc8.corp.example", 4624, "ANONYMOUS LOGON", 7, domain="NT AUTHORITY",
              LogonType="3", WorkstationName="ORION01"),
    ]  # fmt: skip
    (logs / "Security.evtx").write_bytes(evtx.log(events))
    table = tmp_path / "closure.csv"
    code, _, _ = run(tmp_path, "--csv", table, "--logons", logs)
    assert code == 1
    why = {row["host"]: row["why"] for row in csv.DictReader(io.StringIO(table.read_text()))}
    assert "corp\\svc-orion logged on from ORION01 (1 time, 2020-06-01)" in why["fs1.corp.example"]
    assert "which ran a service on ORION01" in why["db1.corp.example"]
    assert "ORION01 logged on to it as corp\\adm" in why["dc1.corp.example"]
    assert not {"-", "localhost"} & why.keys()
    assert not {"pc8.corp.example", "pc9.corp.example"} & why.keys()


def test_log_ons_from_a_server_never_affected_list_nobody(folder, tmp_path):
    folder([], [{**ENGINE, "EngineVersion": "2018.2.0.1", "IP": "10.0.0.14"}], [])
    event = logon("fs1", 4624, "svc", LogonType="3", IpAddress="10.0.0.14")
    (tmp_path / "s.evtx").write_bytes(evtx.log([event]))
    assert run(tmp_path, "--logons", tmp_path / "s.evtx")[0] == 0


def test_logons_without_an_event_log_are_said(folder, tmp_path):
    (tmp_path / "x.txt").write_text("nothing")
    _, _, err = run(folder([SERVER], [ENGINE], NODES[:1]), "--logons", tmp_path / "x.txt")
    assert "no event log among --logons" in err
