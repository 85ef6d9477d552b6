"""What other commands take of an Orion server's records: releases, and machines with their cards.

Enters: a folder that ``collect`` wrote. Leaves: rows of ``orion.csv`` (an inventory of Orion
releases for ``assess``) and ``machines.csv`` (for ``sunburst attribute``). Rows that Orion left
without a name stay without one.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

RELEASES: Final = ("host", "product", "version", "hotfix")
MACHINES: Final = ("host", "ip", "mac")

Row = Mapping[str, Any]


def releases(folder: Path) -> Iterator[Mapping[str, str]]:
    """Release of each Orion server, from ``Details``."""
    return releases_of(_rows(folder, "servers"))


def releases_of(servers: Iterable[Row]) -> Iterator[Mapping[str, str]]:
    """The same, from rows of Orion.OrionServers."""
    for server in servers:
        for part in _details(server.get("Details")):
            name, version = _text(part, "Name"), _text(part, "Version")
            if version and ("core" in name.lower() or "platform" in name.lower()):
                yield {
                    "host": _text(server, "HostName"),
                    "product": name,
                    "version": version,
                    "hotfix": _text(part, "HotfixVersionNumber") or _text(part, "HotfixVersion"),
                }


def machines(folder: Path) -> Iterator[Mapping[str, str]]:
    """Name, address and MAC addresses (several by spaces) of each node."""
    cards: dict[Any, set[str]] = {}
    for file, field in (("mac-addresses", "MAC"), ("interfaces", "PhysicalAddress")):
        for row in _rows(folder, file):
            cards.setdefault(row.get("NodeID"), set()).add(_text(row, field))
    for node in _rows(folder, "nodes"):
        name = _text(node, "DNS") or _text(node, "SysName") or _text(node, "Caption")
        mac = " ".join(sorted(filter(None, cards.get(node.get("NodeID"), ()))))
        yield {"host": name, "ip": _text(node, "IPAddress"), "mac": mac}


def _rows(folder: Path, file: str) -> Iterator[Row]:
    path = folder / f"orion-{file}.jsonl"
    if path.exists():
        with path.open("rb") as stream:
            for line in stream:
                yield orjson.loads(line)


def _details(text: Any) -> list[Row]:
    """The list in ``Details``, which SWIS hands out as JSON in a string."""
    try:
        parts = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError:
        return []
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)
