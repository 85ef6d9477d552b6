"""What Orion is asked for, and what of it is evidence.

Enters: a client. Leaves: tables of rows as Orion names them, and what it could not tell. An entity
that a version or a licence does not have is a gap, never an empty table that looks like an answer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from afterpatch.model.places import Gap
from afterpatch.orion.client import EntityMissingError, Orion, Row


@dataclass(frozen=True, slots=True)
class Question:
    """One table: its columns, where they are from, and an order that is total."""

    name: str
    columns: tuple[str, ...]
    entity: str
    order_by: str
    where: str = ""

    @property
    def select(self) -> str:
        """The query without order and page."""
        where = f" WHERE {self.where}" if self.where else ""
        return f"SELECT {', '.join(self.columns)} FROM {self.entity}{where}"  # noqa: S608


QUESTIONS: Final = (
    Question(
        "servers",
        ("OrionServerID", "HostName", "ServerType", "Details"),
        "Orion.OrionServers",
        "OrionServerID",
    ),
    Question(
        "engines",
        ("EngineID", "ServerName", "IP", "EngineVersion", "WindowsVersion"),
        "Orion.Engines",
        "EngineID",
    ),
    Question(
        "nodes",
        ("NodeID", "Caption", "SysName", "DNS", "IPAddress", "Vendor", "MachineType", "IOSVersion",
         "LastBoot", "EngineID"),
        "Orion.Nodes",
        "NodeID",
    ),
    Question("macs", ("NodeID", "MAC"), "Orion.NodeMACAddresses", "NodeID, MAC"),
    Question(
        "software",
        ("NodeID", "Name", "Version", "Publisher", "InstallDate"),
        "Orion.AssetInventory.Software",
        "NodeID, Name, Version",
    ),
)  # fmt: skip


def flows(hours: int) -> Question:
    """Conversations that NetFlow Traffic Analyzer kept, of the last hours."""
    return Question(
        "flows",
        ("NodeID", "SourceIP", "DestinationIP", "Port", "ProtocolID", "IngressBytes", "EgressBytes",
         "TimeStamp"),
        "Orion.Netflow.FlowsByConversation",
        "TimeStamp, NodeID, SourceIP, DestinationIP, Port, ProtocolID, IngressBytes, EgressBytes",
        f"TimeStamp >= ADDHOUR({-abs(int(hours))}, GETUTCDATE())",
    )  # fmt: skip


def ask(orion: Orion, question: Question, gaps: list[Gap]) -> Iterator[Row]:
    """Rows of one table; a missing entity is added to ``gaps``. Raises OrionError."""
    try:
        yield from orion.rows(question.select, question.order_by)
    except EntityMissingError as error:
        gaps.append(Gap("orion", question.entity, str(error)))


def releases(servers: list[Row]) -> Iterator[Mapping[str, str]]:
    """``host``, ``product``, ``version``, ``hotfix`` of each Orion server, from ``Details``."""
    for server in servers:
        for part in _details(server.get("Details")):
            name, version = str(part.get("Name") or ""), str(part.get("Version") or "")
            if version and ("core" in name.lower() or "platform" in name.lower()):
                hotfix = part.get("HotfixVersionNumber") or part.get("HotfixVersion") or ""
                yield {
                    "host": str(server.get("HostName") or ""),
                    "product": name,
                    "version": version,
                    "hotfix": str(hotfix),
                }


def machines(nodes: list[Row], macs: list[Row]) -> Iterator[Mapping[str, str]]:
    """``host``, ``ip`` and ``mac`` (several by spaces) of each node."""
    cards: dict[Any, list[str]] = {}
    for row in macs:
        cards.setdefault(row.get("NodeID"), []).append(str(row.get("MAC") or ""))
    for node in nodes:
        name = node.get("DNS") or node.get("SysName") or node.get("Caption") or ""
        yield {
            "host": str(name),
            "ip": str(node.get("IPAddress") or ""),
            "mac": " ".join(sorted(filter(None, cards.get(node.get("NodeID"), ())))),
        }


def _details(text: Any) -> list[Mapping[str, Any]]:
    """The list in ``Details``, which SWIS hands out as JSON in a string."""
    try:
        parts = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return []
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
