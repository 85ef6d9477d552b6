"""The SWIS client against a local server that speaks the documented protocol, over TLS."""

import base64
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import orjson
import pytest
from click.testing import CliRunner

from afterpatch.cli import cli
from afterpatch.formats.inventory_csv import read as read_inventory
from afterpatch.formats.machine_list import read_machines
from afterpatch.model.places import Item
from afterpatch.orion.client import Orion, OrionError, _ReadOnly
from afterpatch.orion.inventory import QUESTIONS, ask, flows, machines, releases

# A key for nothing but this test: CN and subjectAltName are 127.0.0.1.
PEM = Path(__file__).with_name("swis.pem")
PATH = "/SolarWinds/InformationService/v3/Json/Query"
ACCOUNT = "Basic " + base64.b64encode(b"reader:secret").decode()
DETAILS = [
    {"Name": "Orion Platform", "Version": "2020.2", "HotfixVersionNumber": "1"},
    {"Name": "NPM", "Version": "2020.2", "HotfixVersionNumber": ""},
]
TABLES = {
    "Orion.OrionServers": [
        {"OrionServerID": 1, "HostName": "orion1", "ServerType": "MainPoller",
         "Details": orjson.dumps(DETAILS).decode()}
    ],
    "Orion.Engines": [{"EngineID": 1, "ServerName": "ORION1", "EngineVersion": "2020.2.5300"}],
    "Orion.Nodes": [
        {"NodeID": n, "DNS": f"node{n}.example", "IPAddress": f"10.0.0.{n}"} for n in range(1, 8)
    ],
    "Orion.NodeMACAddresses": [{"NodeID": 1, "MAC": "005056AA0001"}, {"NodeID": 1, "MAC": "005056AA0002"}],
    "Orion.Netflow.FlowsByConversation": [{"NodeID": 1, "SourceIP": "10.0.0.1"}],
}  # fmt: skip


class Swis(BaseHTTPRequestHandler):
    """POST Query with {query, parameters}; errors carry a Message, as SWIS does."""

    asked: ClassVar[list] = []
    mode = ""

    def do_POST(self):
        body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((self.path, body))
        if self.mode == "redirect":
            return self.answer(302, {}, Location="https://elsewhere.invalid/")
        if self.mode == "nonsense":
            return self.answer(200, {"rows": 1})
        if self.headers["Authorization"] != ACCOUNT or self.path != PATH:
            return self.answer(403, {"Message": "no"})
        found = re.fullmatch(
            r"SELECT .+? FROM ([\w.]+)(?: WHERE .+)? ORDER BY .+ WITH ROWS (\d+) TO (\d+)",
            body["query"],
        )
        if found is None:
            return self.answer(400, {"Message": "mismatched input"})
        if found[1] not in TABLES:
            return self.answer(400, {"Message": f"Source entity [{found[1]}] not found in catalog"})
        rows = TABLES[found[1]][int(found[2]) - 1 : int(found[3])]
        return self.answer(200, {"results": rows})

    def answer(self, status, body, **headers):
        data = orjson.dumps(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    Swis.asked, Swis.mode = [], ""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Swis)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()
    thread.join()


def client(server, **how):
    return Orion(server, "reader", "secret", **{"verify": str(PEM), "timeout_s": 5} | how)


def test_pages_are_put_together(server):
    found = list(client(server, page_rows=3).rows("SELECT NodeID FROM Orion.Nodes", "NodeID"))
    assert [row["NodeID"] for row in found] == list(range(1, 8))
    pages = [body["query"].partition(" WITH ")[2] for _, body in Swis.asked]
    assert pages == ["ROWS 1 TO 3", "ROWS 4 TO 6", "ROWS 7 TO 9"]


def test_tls_is_verified_by_default(server):
    with pytest.raises(OrionError, match="certificate"):
        list(
            Orion(server, "reader", "secret", timeout_s=5).rows(
                "SELECT NodeID FROM Orion.Nodes", "NodeID"
            )
        )
    assert Swis.asked == []


def test_a_wrong_password_is_told(server):
    with pytest.raises(OrionError, match="may not log on"):
        list(
            Orion(server, "reader", "x", verify=str(PEM)).rows(
                "SELECT NodeID FROM Orion.Nodes", "NodeID"
            )
        )


@pytest.mark.parametrize("mode", ["redirect", "nonsense"])
def test_answers_that_are_none(server, mode):
    Swis.mode = mode
    with pytest.raises(OrionError):
        list(client(server).rows("SELECT NodeID FROM Orion.Nodes", "NodeID"))


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_nothing_but_queries_is_sent(method):
    with pytest.raises(OrionError, match="only reads"):
        _ReadOnly(verify=True).request(
            method, "https://x.invalid/SolarWinds/InformationService/v3/Json/Invoke/a/b"
        )
    with pytest.raises(OrionError, match="only reads"):
        _ReadOnly(verify=True).get(f"https://x.invalid{PATH}")


def test_the_older_port_is_tried_second(server, monkeypatch):
    port = int(server.rpartition(":")[2])
    monkeypatch.setattr("afterpatch.orion.client.PORTS", (1, port))
    assert len(list(client("127.0.0.1").rows("SELECT NodeID FROM Orion.Nodes", "NodeID"))) == 7
    monkeypatch.setattr("afterpatch.orion.client.PORTS", (1, 2))
    with pytest.raises(OrionError, match="cannot be reached"):
        list(client("127.0.0.1").rows("SELECT NodeID FROM Orion.Nodes", "NodeID"))


@pytest.mark.parametrize(
    "address", ["", "http://orion", "https://u:p@orion", "orion:x", "https://"]
)
def test_addresses_that_are_none(address):
    with pytest.raises(OrionError, match="no https address"):
        Orion(address, "reader", "secret")


def test_a_missing_module_is_a_gap(server):
    gaps = []
    tables = {
        question.name: list(ask(client(server), question, gaps))
        for question in (*QUESTIONS, flows(24))
    }
    assert [gap.place for gap in gaps] == ["Orion.AssetInventory.Software"]
    assert list(releases(tables["servers"])) == [
        {"host": "orion1", "product": "Orion Platform", "version": "2020.2", "hotfix": "1"}
    ]
    assert next(machines(tables["nodes"], tables["macs"])) == {
        "host": "node1.example",
        "ip": "10.0.0.1",
        "mac": "005056AA0001 005056AA0002",
    }
    assert len(tables["flows"]) == 1


def test_inventory_files_are_read_by_the_product(server, tmp_path):
    result = CliRunner().invoke(
        cli,
        [
            "orion",
            "inventory",
            server,
            "--user",
            "reader",
            "--ca-file",
            str(PEM),
            "--output",
            str(tmp_path),
        ],
        env={"AFTERPATCH_ORION_PASSWORD": "secret"},
        standalone_mode=False,
    )
    assert result.exception is None, result.exception
    assert result.return_value == 3
    assert "Orion.AssetInventory.Software" in result.stderr
    item = Item("orion.csv", None, "orion.csv", "r", (str(tmp_path / "orion.csv"),), 0)
    with (tmp_path / "orion.csv").open("rb") as stream:
        (piece,) = read_inventory(stream, item)
    assert [(fact.name, fact.value) for fact in piece.facts] == [("orion.release", "2020.2 HF1")]
    with (tmp_path / "machines.csv").open("rb") as stream:
        assert len(read_machines(stream, "machines").parts) == 7
