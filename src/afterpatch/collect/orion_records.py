"""An Orion server's records, read back from the folder that ``collect`` wrote.

Enters: the folder; its lines are hostile input. Leaves: :class:`Records`. Raises UsageError when
the folder holds none of the files. A line that cannot be read, and whatever the manifest says was
refused or is not in the server's schema, stands in ``problems``.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from afterpatch.collect.orion_tables import RELEASES, releases_of
from afterpatch.model.errors import UsageError

MANIFEST: Final = "orion-manifest.json"
MAX_LINE_BYTES: Final = 4 << 20
_NEEDED: Final = {
    "servers": "Orion.OrionServers",
    "engines": "Orion.Engines",
    "nodes": "Orion.Nodes",
}
# What tells who trusted the servers; without it the closure is by monitoring alone.
_TRUST: Final = {
    "credentials": "Orion.Credential",
    "node-settings": "Orion.NodeSettings",
    "agents": "Orion.AgentManagement.Agent",
    "vcenters": "Orion.VIM.VCenters",
    "virtual-hosts": "Orion.VIM.Hosts",
}
# Modules that an installation need not have.
_OPTIONAL: Final = ("Orion.VIM.VCenters", "Orion.VIM.Hosts", "Orion.AgentManagement.Agent")
_ABSENT: Final = "not in this server's schema"
_MATTERS: Final = {"Details", "EngineVersion", "EngineID", "HostName", "ServerName"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Records:
    """Rows as SWIS told them. ``releases``: host, product, version, hotfix of ``orion.csv`` and of
    the servers' ``Details``, each once. ``problems``: what is not known, in words; ``limits``: the
    same of who trusted the servers, which can only add to a list that is not empty.
    """

    servers: tuple[Row, ...]
    engines: tuple[Row, ...]
    nodes: tuple[Row, ...]
    releases: tuple[Row, ...]
    problems: tuple[str, ...]
    credentials: tuple[Row, ...] = ()
    node_settings: tuple[Row, ...] = ()
    agents: tuple[Row, ...] = ()
    vcenters: tuple[Row, ...] = ()
    virtual_hosts: tuple[Row, ...] = ()
    limits: tuple[str, ...] = ()


def read_records(folder: Path) -> Records:
    """Everything that tells who monitored whom with which build."""
    problems: list[str] = []
    tables = {name: tuple(_table(folder, name, problems)) for name in _NEEDED}
    limits: list[str] = []
    trust = [name for name in _TRUST if (folder / f"orion-{name}.jsonl").exists()]
    tables |= {name: tuple(_table(folder, name, limits)) for name in trust}
    if not any((folder / f"orion-{name}.jsonl").exists() for name in _NEEDED):
        raise UsageError(f"{folder} holds no orion-*.jsonl; `afterpatch orion collect` writes them")
    if lacking := [f"orion-{name}.jsonl" for name in _TRUST if name not in trust]:
        text = ", ".join(lacking)
        limits.append(f"without {text}, who shared credentials is not known in full")
    for entity, problem in _refused(folder):
        (limits if entity in _TRUST.values() else problems).append(problem)
    told = [*releases_of(tables["servers"]), *_listed(folder, problems)]
    unique = {tuple(row[name] for name in RELEASES): row for row in told}
    return Records(
        tables["servers"], tables["engines"], tables["nodes"],
        tuple(unique.values()), tuple(problems),
        credentials=tables.get("credentials", ()),
        node_settings=tables.get("node-settings", ()),
        agents=tables.get("agents", ()),
        vcenters=tables.get("vcenters", ()),
        virtual_hosts=tables.get("virtual-hosts", ()),
        limits=tuple(limits),
    )  # fmt: skip


def _table(folder: Path, name: str, problems: list[str]) -> Iterator[Row]:
    path = folder / f"orion-{name}.jsonl"
    if not path.exists():
        problems.append(f"{path.name} is missing")
        return
    bad: list[int] = []
    with path.open("rb") as stream:
        for number, line in enumerate(_lines(stream), start=1):
            row = _row(line)
            if row is None:
                bad.append(number)
            else:
                yield row
    if bad:
        problems.append(f"{path.name}: {len(bad)} lines not read, the first is line {bad[0]}")


def _lines(stream: Any) -> Iterator[bytes]:
    """Lines; one beyond the limit comes out cut, and its rest as lines of its own."""
    while line := stream.readline(MAX_LINE_BYTES):
        yield line


def _row(line: bytes) -> Row | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None


def _refused(folder: Path) -> Iterator[tuple[str, str]]:
    """(entity or "", what the manifest says about it)."""
    path = folder / MANIFEST
    try:
        manifest = orjson.loads(path.read_bytes())
        entries = [entry for entry in manifest["entities"] if isinstance(entry, dict)]
    except FileNotFoundError:
        yield "", f"{MANIFEST} is missing: what the server refused is not known"
        return
    except (orjson.JSONDecodeError, KeyError, TypeError):
        yield "", f"{MANIFEST} cannot be read: what the server refused is not known"
        return
    for entry in entries:
        entity = str(entry.get("entity"))
        if entity not in (*_NEEDED.values(), *_TRUST.values()):
            continue
        if entry.get("problem") and not (entry["problem"] == _ABSENT and entity in _OPTIONAL):
            yield entity, f"{entity}: {entry['problem']}"
        lacking = entry.get("missing_fields")
        for field in sorted(_MATTERS.intersection(map(str, lacking or ()))):
            yield entity, f"{entity}: the field {field} is not in the server's schema"


def _listed(folder: Path, problems: list[str]) -> Iterator[Row]:
    """Rows of ``orion.csv``, to which somebody may have added earlier releases."""
    path = folder / "orion.csv"
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            rows = csv.DictReader(stream)
            if not {"host", "version"} <= set(rows.fieldnames or ()):
                problems.append("orion.csv: no columns host and version, so it was not read")
                return
            for row in rows:
                yield {name: row.get(name) or "" for name in RELEASES}
    except csv.Error as error:
        problems.append(f"orion.csv: {error}")
