"""An Orion server's records as evidence, over two schemas."""

import json

import pytest
from click.testing import CliRunner
from collect_swis_server import PASSWORD, USER

from afterpatch.cli import cli
from afterpatch.collect.orion import MANIFEST


@pytest.fixture
def run(server, ca_file, tmp_path):
    def go(*more: str):
        out = tmp_path / "out"
        args = ["orion", "collect", "localhost", "--user", USER, "--port", str(server.port)]
        result = CliRunner().invoke(
            cli,
            [*args, "--ca", str(ca_file), "--output", str(out), *more],
            env={"AFTERPATCH_ORION_PASSWORD": PASSWORD},
            standalone_mode=False,
        )
        if result.exception:
            raise result.exception
        manifest = json.loads((out / MANIFEST).read_text())
        entities = {entry["entity"]: entry for entry in manifest["entities"]}
        return result, out, entities

    return go


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_what_the_schema_has_is_written_and_what_it_lacks_is_told(run):
    result, out, entities = run()
    assert result.return_value == 3
    assert entities["Orion.Nodes"]["rows"] == 25
    assert "LastBoot" in entities["Orion.Nodes"]["missing_fields"]
    assert entities["Orion.AssetInventory.Software"]["problem"] == "not in this server's schema"
    assert len(lines(out / "orion-nodes.jsonl")) == 25
    [engine] = lines(out / "orion-engines.jsonl")
    assert engine["EngineVersion"] == "2020.2.5100.12432"
    assert "not in this server's schema" in result.output


def test_a_complete_schema_is_no_problem(run, server):
    from afterpatch.collect.orion import ENTITIES

    for entity in ENTITIES:
        row = dict.fromkeys((*entity.needed, *entity.wanted), "x")
        server.tables.setdefault(entity.name, [])[:0] = [row]
    result, _, entities = run()
    assert result.return_value == 0
    assert all(not entry["missing_fields"] for entry in entities.values())


def test_of_the_settings_only_those_that_name_a_credential_are_asked_for(run, server):
    settings = ("WMICredential", "ROSNMPCredentialID", "Secret")
    server.tables["Orion.NodeSettings"] = [
        {"NodeID": 1, "SettingName": name, "SettingValue": "7"} for name in settings
    ]
    _, out, _ = run()
    told = {row["SettingName"] for row in lines(out / "orion-node-settings.jsonl")}
    assert told == {"WMICredential", "ROSNMPCredentialID"}


def test_flows_only_of_the_period_that_was_asked_for(run):
    _, out, entities = run("--flows-from", "2020-05-02", "--flows-to", "2020-05-04")
    assert entities["Orion.Netflow.FlowsByConversation"]["rows"] == 2
    flows = lines(out / "orion-flows.jsonl")
    assert [flow["TimeStamp"][:10] for flow in flows] == ["2020-05-02", "2020-05-03"]


def test_without_a_period_no_flow_is_asked_for(run, server):
    _, out, entities = run()
    assert "Orion.Netflow.FlowsByConversation" not in entities
    assert not (out / "orion-flows.jsonl").exists()


def test_an_entity_that_is_refused_does_not_stop_the_rest(run, server):
    server.refuse = {"Orion.Engines"}
    result, _, entities = run()
    assert result.return_value == 3
    assert "refused the question" in entities["Orion.Engines"]["problem"]
    assert entities["Orion.Nodes"]["rows"] == 25


def test_hostile_names_stay_text(run, server):
    server.tables["Orion.Nodes"] = [{"NodeID": 1, "Caption": "\x1b[31m<b>=cmd\n\u202e"}]
    _, out, _ = run()
    [node] = lines(out / "orion-nodes.jsonl")
    assert node["Caption"] == "\x1b[31m<b>=cmd\n\u202e"
    assert b"\x1b" not in (out / "orion-nodes.jsonl").read_bytes()


def test_the_password_is_nowhere(run):
    result, out, _ = run()
    assert PASSWORD not in result.output
    assert all(PASSWORD not in path.read_text() for path in out.iterdir())


def test_tables_for_the_other_commands(run, server):
    server.tables["Orion.OrionServers"] = [
        {
            "HostName": "=ORION01",
            "Details": '[{"Name": "Orion Platform", "Version": "2020.2", "HotfixVersionNumber": "1"},'
            ' {"Name": "NPM", "Version": "2020.2"}, 3]',
        },
        {"HostName": "ORION02", "Details": "not json"},
    ]
    server.tables["Orion.NPM.Interfaces"] = [{"NodeID": 1, "PhysicalAddress": "005056AA0002"}]
    _, out, _ = run()
    assert (out / "orion.csv").read_text().splitlines() == [
        "host,product,version,hotfix",
        "'=ORION01,Orion Platform,2020.2,1",
    ]
    assert "node1,10.0.0.1,005056AA0001 005056AA0002" in (out / "machines.csv").read_text()


def closure_of(folder, *more: str):
    arguments = ["sunburst", "closure", str(folder), *more]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.stdout, result.stderr


def test_the_closure_of_what_was_collected(run, server, tmp_path):
    details = json.dumps(
        [{"Name": "Orion Platform", "Version": "2019.4", "HotfixVersionNumber": 5}]
    )
    server.tables["Orion.OrionServers"] = [{"HostName": "ORION01", "Details": details}]
    nodes = server.tables["Orion.Nodes"]
    server.tables["Orion.Nodes"] = [{**row, "EngineID": 1} for row in nodes]
    server.tables["Orion.Engines"] = [
        {"ServerName": "orion01.corp.example", "EngineID": 1, "EngineVersion": "2019.4.5200.9083"}
    ]
    _, out, _ = run()
    code, said, _ = closure_of(out, "--csv", str(tmp_path / "closure.csv"))
    assert code == 1
    assert "orion01.corp.example (Orion server and polling engine): ran an affected build" in said
    assert len((tmp_path / "closure.csv").read_text().splitlines()) == 27


def test_a_schema_that_tells_no_engine_leaves_every_host_undecided(run):
    _, out, _ = run()
    code, said, err = closure_of(out)
    assert code == 3
    assert "26 hosts not decidable" in said
    assert "Orion.Nodes: the field EngineID is not in the server's schema" in err
