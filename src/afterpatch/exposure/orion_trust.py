"""Who trusted an Orion server: credentials it held, agents it ran, accounts it logged on with.

Enters: the records of one installation, log-on events of other evidence. Leaves: reasons per node,
and hosts that no node stands for. Secrets are nowhere in these records, only who shares which.

Sources: Orion's schema of 2020.2 (solarwinds/OrionSDK, documentation-with-schemas), pages
Orion.Credential, Orion.NodeSettings, Orion.AgentManagement.Agent, Orion.VIM.VCenters and
Orion.VIM.Hosts; the names of settings from public SWQL (jeisenbath/ansible-collection-solarwinds).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from afterpatch.collect.orion_records import Records

SETTINGS: Final = {
    "WMICredential": "WMI",
    "ROSNMPCredentialID": "SNMPv3",
    "RWSNMPCredentialID": "SNMPv3 (write)",
}
# Log-on types that leave an account's credentials on the machine [Microsoft, event 4624].
_LEFT_BEHIND: Final = {
    "2": "was logged on at", "4": "ran a task on", "5": "ran a service on",
    "10": "was logged on at", "11": "was logged on at",
}  # fmt: skip
_EVERYBODY: Final = {
    *("", "-", "system", "local service", "network service", "anonymous logon"),
}
_WINDOW_MANAGERS: Final = ("dwm-", "umfd-")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Logon:
    """Equal log-on events (4624, 4648), summed up. ``host``: the computer that logged them.

    account   ``domain\\user`` in lower case. target: the server of a 4648, else "".
    source    address, ``workstation`` name it came from; "" when not told.
    """

    host: str
    account: str
    kind: str
    source: str
    workstation: str
    target: str
    count: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Trust:
    """One reason why ``host`` trusted the station with the short name ``station``."""

    host: str
    station: str
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """A host beside the nodes that Orion's records tell of; ``engine``: an EngineID or ""."""

    host: str
    ip: str
    engine: str
    why: str


def credentials_held(records: Records) -> Mapping[str, tuple[str, ...]]:
    """NodeID -> what Orion held to log on to it, and how many nodes share that."""
    names = {text(row, "ID"): text(row, "Name") for row in records.credentials}
    uses = [
        (text(row, "NodeID"), kind, text(row, "SettingValue"))
        for row in records.node_settings
        if (kind := SETTINGS.get(text(row, "SettingName"), ""))
    ]
    uses += [
        (node, "VMware", credential)
        for row in (*records.vcenters, *records.virtual_hosts)
        if (node := text(row, "NodeID")) and (credential := text(row, "CredentialID"))
    ]
    shared = Counter(credential for _, credential in {(n, c) for n, _, c in uses})
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for node, kind, credential in sorted(uses):
        if credential in ("", "0", "-1"):
            continue
        called = f'"{names[credential]}"' if names.get(credential) else f"number {credential}"
        others = shared[credential] - 1
        share = f", which {others:,} other{'s' * (others > 1)} share{'s' * (others == 1)}"
        found[node][f"{kind} credential {called}{share if others else ''}"] = None
    return {node: tuple(words) for node, words in found.items()}


def known_beside_nodes(records: Records) -> Iterator[Known]:
    """Agents and virtualisation hosts that Orion logs on to, without a node of their own."""
    nodes = {text(row, "NodeID") for row in records.nodes}
    for row in records.agents:
        if text(row, "NodeId") not in nodes:
            name = text(row, "DNSName") or text(row, "Hostname") or text(row, "Name")
            engine = text(row, "PollingEngineId")
            yield Known(name, text(row, "IP"), engine, "runs an agent of Orion")
    for row in records.vcenters:
        if text(row, "NodeID") not in nodes:
            why = (
                f"is a vCenter that Orion polls with credential number {text(row, 'CredentialID')}"
            )
            yield Known(text(row, "Name"), text(row, "IPAddress"), "", why)
    for row in records.virtual_hosts:
        if text(row, "NodeID") not in nodes:
            name = text(row, "DNSHostName") or text(row, "HostName")
            how = text(row, "CredentialID")
            why = (
                f" with credential number {how}" if how not in ("", "0") else " through its vCenter"
            )
            yield Known(
                name, text(row, "IPAddress"), "", f"is a virtual host that Orion polls{why}"
            )


def agents_of(records: Records) -> frozenset[str]:
    """NodeIDs with an agent, which runs as the system's own account there."""
    return frozenset(text(row, "NodeId") for row in records.agents)


def logons_from(
    logons: Sequence[Logon], names: Mapping[str, str], addresses: Mapping[str, str]
) -> Iterator[Trust]:
    """Hosts that let an Orion server in, and hosts that know an account it had.

    ``names``, ``addresses``: short names and addresses of stations -> short name of the station.
    """
    users = [one for one in logons if _is_user(one.account)]
    had: dict[str, tuple[str, str]] = {}
    for one in users:
        here = names.get(short(one.host), "")
        origin = addresses.get(one.source, "") or names.get(short(one.workstation), "")
        if here and one.target:
            had.setdefault(one.account, (here, "was used on"))
            if short(one.target) not in (*names, "localhost"):
                text_ = f"{names_of(here)} logged on to it as {one.account}{_when(one)}"
                yield Trust(one.target, here, text_)
        elif here and one.kind in _LEFT_BEHIND:
            had.setdefault(one.account, (here, _LEFT_BEHIND[one.kind]))
        elif origin and not here and not one.target:
            had.setdefault(one.account, (origin, "logged on from"))
            text_ = f"{one.account} logged on from {names_of(origin)}{_when(one)}"
            yield Trust(one.host, origin, text_)
    yield from _known_accounts(users, had, names, addresses)


def _known_accounts(
    users: Iterable[Logon],
    had: Mapping[str, tuple[str, str]],
    names: Mapping[str, str],
    addresses: Mapping[str, str],
) -> Iterator[Trust]:
    """Log-ons elsewhere, from anywhere, of accounts whose credentials an Orion server had."""
    for one in users:
        if one.account not in had or one.target or short(one.host) in names:
            continue
        if one.source in addresses or short(one.workstation) in names:
            continue  # told already
        station, how = had[one.account]
        text_ = f"knows {one.account}{_when(one)}, which {how} {names_of(station)}"
        yield Trust(one.host, station, text_)


def _is_user(account: str) -> bool:
    """Accounts of machines and of Windows itself exist everywhere and show no trust."""
    name = account.rpartition("\\")[2]
    return not (name in _EVERYBODY or name.endswith("$") or name.startswith(_WINDOW_MANAGERS))


def _when(one: Logon) -> str:
    times = f"{one.count:,} time{'s' * (one.count != 1)}"
    if one.first is None or one.last is None:
        return f" ({times})"
    days = sorted({f"{one.first:%Y-%m-%d}", f"{one.last:%Y-%m-%d}"})
    return f" ({times}, {' to '.join(days)})"


def names_of(station: str) -> str:
    """A station's short name as people write it."""
    return station.upper()


def short(name: str) -> str:
    """The part of a name that all tables have; addresses stay whole."""
    lower = name.strip().lower()
    return lower if lower.replace(".", "").isdecimal() else lower.partition(".")[0]


def text(row: Row, name: str) -> str:
    """A cell as text, "" for none."""
    value = row.get(name)
    return "" if value is None else str(value)
