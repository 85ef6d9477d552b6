"""An Orion server's own records as evidence: one JSON Lines file per kind, and a manifest.

Enters: a :class:`Swis`. Leaves: a folder that ``assess`` reads like any other evidence. What the
server's schema lacks, or refused to tell, stands in the manifest: unread is not clean.

Entities and fields: the schema of 2020.2 (solarwinds/OrionSDK, documentation-with-schemas) with
the fields that 2023.1 and later renamed or added; each server is asked for what it has.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from afterpatch.collect.swis import Swis, SwisError
from afterpatch.model.times import rfc3339

MANIFEST: Final = "orion-manifest.json"
SCHEMA: Final = "afterpatch.orion/1"


@dataclass(frozen=True, slots=True)
class Entity:
    """What is asked of one entity. ``needed``: fields without which its rows mean nothing.

    time  the field that a time range is asked by, or "". where: a fixed condition, or "".
    """

    file: str
    name: str
    needed: tuple[str, ...]
    wanted: tuple[str, ...]
    time: str = ""
    where: str = ""


ENTITIES: Final = (
    Entity("servers", "Orion.OrionServers", ("HostName",), ("ServerType", "Details")),
    Entity("modules", "Orion.InstalledModule", ("Name",), ("Version", "IsRC", "HotfixVersion")),
    Entity(
        "engines", "Orion.Engines", ("ServerName",),
        ("EngineID", "IP", "EngineVersion", "WindowsVersion", "ServerType", "KeepAlive"),
    ),
    Entity(
        "nodes", "Orion.Nodes", ("NodeID",),
        ("Caption", "DNS", "SysName", "IPAddress", "Vendor", "MachineType", "IOSVersion",
         "LastBoot", "IsOrionServer", "IsServer", "EngineID", "ObjectSubType"),
    ),
    Entity("mac-addresses", "Orion.NodeMACAddresses", ("NodeID", "MAC"), ("DateTime",)),
    Entity("interfaces", "Orion.NPM.Interfaces", ("NodeID", "PhysicalAddress"), ("Name",)),
    # Which credential opens which node. Names only: no secret is asked for.
    Entity("credentials", "Orion.Credential", ("ID",), ("Name", "CredentialType")),
    Entity(
        "node-settings", "Orion.NodeSettings", ("NodeID", "SettingName", "SettingValue"), (),
        where="SettingName IN ('ROSNMPCredentialID', 'RWSNMPCredentialID', 'WMICredential')",
    ),
    Entity(
        "agents", "Orion.AgentManagement.Agent", ("AgentId",),
        ("NodeId", "Name", "Hostname", "DNSName", "IP", "PollingEngineId"),
    ),
    Entity(
        "vcenters", "Orion.VIM.VCenters", ("VCenterID",),
        ("NodeID", "Name", "IPAddress", "CredentialID"),
    ),
    Entity(
        "virtual-hosts", "Orion.VIM.Hosts", ("HostID",),
        ("NodeID", "HostName", "DNSHostName", "IPAddress", "CredentialID"),
    ),
    Entity(
        "software", "Orion.AssetInventory.Software", ("NodeID", "Name"),
        ("Version", "Publisher", "InstallDate"),
    ),
    Entity(
        "updates", "Orion.AssetInventory.OSUpdates", ("NodeID", "Name"),
        ("Type", "InstallDate", "InstalledBy"),
    ),
    Entity(
        "flows", "Orion.Netflow.FlowsByConversation", ("SourceIP", "DestinationIP", "TimeStamp"),
        ("Port", "ProtocolID", "IngressBytes", "EgressBytes", "Bytes", "NodeID"), "TimeStamp",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """From when on (inclusive) and until when (exclusive) flows are asked for."""

    start: datetime
    end: datetime


def collect(swis: Swis, server: str, folder: Path, flows: Period | None) -> Mapping[str, Any]:
    """Write everything the server tells into ``folder``; the manifest, also written, is returned.

    Flows are only asked for when a period is given: they are many. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        _collect_entity(swis, entity, folder, flows)
        for entity in ENTITIES
        if flows is not None or not entity.time
    ]
    manifest = {
        "schema": SCHEMA,
        "server": server,
        "port": swis.port,
        "flows": [rfc3339(flows.start), rfc3339(flows.end)] if flows else None,
        "entities": entries,
    }
    text = json.dumps(manifest, ensure_ascii=True, indent=1, sort_keys=True)
    (folder / MANIFEST).write_text(text + "\n", encoding="ascii")
    return manifest


def _collect_entity(
    swis: Swis, entity: Entity, folder: Path, flows: Period | None
) -> Mapping[str, Any]:
    """One entity's file. A failure in the middle keeps what came before it and is told."""
    entry: dict[str, Any] = {"entity": entity.name, "file": f"orion-{entity.file}.jsonl"}
    rows, missing, problem = 0, [], ""
    path = folder / entry["file"]
    with path.open("w", encoding="ascii", newline="\n") as stream:
        try:
            known = swis.fields(entity.name)
            missing = sorted({*entity.needed, *entity.wanted} - known)
            if not known.issuperset(entity.needed):
                problem = "not in this server's schema"
            else:
                for row in _rows(swis, entity, known, flows):
                    stream.write(json.dumps(row, ensure_ascii=True, default=str) + "\n")
                    rows += 1
        except SwisError as error:
            problem = str(error)
    return {**entry, "rows": rows, "missing_fields": missing, "problem": problem or None}


def _rows(
    swis: Swis, entity: Entity, known: frozenset[str], flows: Period | None
) -> Iterator[Mapping[str, Any]]:
    fields = [*entity.needed, *(name for name in entity.wanted if name in known)]
    if not entity.time or flows is None:
        return swis.rows(entity.name, fields, f"WHERE {entity.where}" if entity.where else "")
    return swis.rows(
        entity.name,
        fields,
        f"WHERE {entity.time} >= @start AND {entity.time} < @end",
        start=rfc3339(flows.start),
        end=rfc3339(flows.end),
    )
