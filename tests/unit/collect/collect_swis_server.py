"""A server that speaks as much of SWIS as is documented: JSON questions over TLS, in pages."""

import base64
import json
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

USER, PASSWORD = "reader", "s3cret"
_SWQL = re.compile(
    r"SELECT (?P<fields>[\w, ]+) FROM (?P<entity>[\w.]+)\s*(?:WHERE (?P<where>.+?))?\s*"
    r"ORDER BY (?P<order>[\w, ]+) WITH ROWS (?P<first>\d+) TO (?P<last>\d+)"
)


class SwisServer:
    """``tables``: entity -> rows. ``status``: answers to give before the true one."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]], ca: trustme.CA) -> None:
        self.tables = tables
        self.statuses: list[int] = []
        self.asked: list[str] = []
        self.paths: set[str] = set()
        self.refuse: set[str] = set()
        self.raw_answer: bytes | None = None
        handler = type("Handler", (_Handler,), {"server_state": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("localhost").configure_cert(context)
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, swql: str, parameters: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(swql)
        if "Metadata.Property" in swql:
            rows = self.tables.get(parameters["entity"], [])
            names = sorted({name for row in rows for name in row})
            return 200, {"results": [{"Name": name} for name in names]}
        if swql.startswith("SELECT TOP 1 ServerName"):
            return 200, {"results": [{"ServerName": "ORION01"}]}
        match = _SWQL.fullmatch(swql)
        if match is None or match["entity"] not in self.tables or match["entity"] in self.refuse:
            return 400, {"Message": "Query is not valid", "ExceptionType": "InvalidQuery"}
        fields = match["fields"].split(", ")
        rows = [{f: row.get(f) for f in fields} for row in self.tables[match["entity"]]]
        if match["where"] and match["where"].startswith("SettingName IN ("):
            rows = [row for row in rows if f"'{row['SettingName']}'" in match["where"]]
        elif match["where"]:
            start, end = parameters["start"], parameters["end"]
            rows = [row for row in rows if start <= row["TimeStamp"] < end]
        rows.sort(key=lambda row: [str(row[f]) for f in match["order"].split(", ")])
        return 200, {"results": rows[int(match["first"]) - 1 : int(match["last"])]}


class _Handler(BaseHTTPRequestHandler):
    server_state: SwisServer

    def do_POST(self) -> None:
        state = self.server_state
        state.paths.add(f"{self.command} {self.path}")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("Authorization") != _basic(USER, PASSWORD):
            self._send(401, b"{}")
        elif state.statuses:
            self._send(state.statuses.pop(0), b"{}")
        elif state.raw_answer is not None:
            self._send(200, state.raw_answer)
        else:
            status, answer = state.answer(body["query"], body["parameters"])
            self._send(status, json.dumps(answer).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the test's stderr."""


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


NODES = [
    {"NodeID": n, "Caption": f"node{n}", "IPAddress": f"10.0.0.{n}", "IsOrionServer": n == 1}
    for n in range(1, 26)
]
OLD_SCHEMA = {  # 2020.2
    "Orion.OrionServers": [{"HostName": "ORION01", "ServerType": "MainPoller", "Details": "[]"}],
    "Orion.Engines": [{"ServerName": "ORION01", "EngineVersion": "2020.2.5100.12432"}],
    "Orion.Nodes": NODES,
    "Orion.NodeMACAddresses": [{"NodeID": 1, "MAC": "005056AA0001"}],
    "Orion.Netflow.FlowsByConversation": [
        {"SourceIP": "10.0.0.1", "DestinationIP": "192.0.2.7", "TimeStamp": f"2020-05-0{d}T00:00:00Z",
         "Port": 443, "IngressBytes": d, "EgressBytes": 2 * d}
        for d in range(1, 6)
    ],
}  # fmt: skip
