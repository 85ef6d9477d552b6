"""CISA ED 21-01's closure: every host that an affected Orion monitored, or that trusted it.

Enters: the records of one installation, log-ons from other evidence. Leaves: :class:`Closure`. The
directive has all hosts that Orion monitored treated as compromised, and every credential it held
or used reset: so hosts that share these belong to it (:mod:`orion_trust`). A record tells the build
of its own day only: a fixed release says nothing about the one before it, so it is ``unknown``;
only a release older than the first tampered one is ``no``. What cannot be decided is listed, never
left out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from afterpatch.collect.orion_records import Records
from afterpatch.exposure.orion_builds import judge_orion
from afterpatch.exposure.orion_trust import (
    Logon,
    agents_of,
    credentials_held,
    known_beside_nodes,
    logons_from,
    short,
    text,
)

Ran: TypeAlias = Literal["yes", "unknown", "no"]
_HOTFIX: Final = re.compile(r"(?:hot\s?fix|hf)?\s*(\d{1,2})", re.IGNORECASE)
_UNTOLD: Final = re.compile(r"2019\.4(?:\.0)?")
WORST_FIRST: Final[tuple[Ran, ...]] = ("yes", "unknown", "no")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Station:
    """One Orion server or polling engine. ``ran``: an affected build; ``because``: in words."""

    name: str
    ip: str
    roles: tuple[str, ...]
    ran: Ran
    because: str


@dataclass(frozen=True, slots=True)
class Reached:
    """One host of the closure. ``node``: its NodeID, "" when Orion does not monitor it itself.

    trusted  it is here, or also here, because it trusted a server; ``why`` says how.
    """

    host: str
    ip: str
    node: str
    ran: Ran
    why: str
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Closure:
    """``hosts``: certain ones first. ``outside``: how many only clean stations monitored."""

    stations: tuple[Station, ...]
    hosts: tuple[Reached, ...]
    outside: int


def closure(records: Records, logons: Sequence[Logon] = ()) -> Closure:
    """Hosts that an affected build reached, or may have."""
    stations = _stations(records)
    engines = _engines(records.engines, stations)
    addresses = {s.ip: s for s in stations.values() if s.ip not in _NOWHERE}
    machines = [_machine(node, stations, addresses) for node in records.nodes]
    rows = [
        _node(node, own, engines, stations)
        for node, own in zip(records.nodes, machines, strict=True)
    ]
    monitored = set(machines)
    alone = [station for station in stations.values() if station not in monitored]
    rows += [Reached(s.name, s.ip, "", s.ran, f"{_is(s)}: {s.because}") for s in alone]
    rows = _with_credentials(rows, records)
    rows += _beside_nodes(records, engines, stations)
    at = {ip: short(s.name) for ip, s in addresses.items()} | {
        text(node, "IPAddress"): short(own.name)
        for node, own in zip(records.nodes, machines, strict=True)
        if own and text(node, "IPAddress") not in _NOWHERE
    }
    rows = _with_logons(rows, logons, stations, at)
    listed = [row for row in rows if row.ran != "no"]
    return Closure(
        tuple(stations.values()),
        tuple(sorted(listed, key=_order)),
        len(rows) - len(listed),
    )


def _with_credentials(rows: Sequence[Reached], records: Records) -> list[Reached]:
    """What Orion held to log on to each node, in its reason."""
    held, agents = credentials_held(records), agents_of(records)
    found = []
    for row in rows:
        means = [*held.get(row.node, ())] if row.node else []
        if row.node and row.node in agents:
            means.append("an agent that runs as the system")
        more = f"; Orion had {', '.join(means)}" if means else ""
        found.append(replace(row, why=row.why + more, trusted=bool(means)))
    return found


def _beside_nodes(
    records: Records, engines: Mapping[str, Station], stations: Mapping[str, Station]
) -> Iterator[Reached]:
    """Hosts without a node that Orion has an agent on or polls as a virtual host."""
    for known in known_beside_nodes(records):
        ran, by = _monitored(known.engine, engines, stations)
        yield Reached(known.host, known.ip, "", ran, f"{known.why}; {by}", trusted=True)


def _with_logons(
    rows: Sequence[Reached],
    logons: Sequence[Logon],
    stations: Mapping[str, Station],
    addresses: Mapping[str, str],
) -> list[Reached]:
    """Log-ons as reasons of the hosts they name; hosts not listed yet get rows of their own."""
    reasons: dict[str, dict[str, None]] = defaultdict(dict)
    ran: dict[str, Ran] = {}
    spelled: dict[str, str] = {}
    by_name = {short(station.name): station for station in stations.values()}
    for trust in logons_from(logons, {name: name for name in by_name}, addresses):
        key = short(trust.host)
        reasons[key][trust.why] = None
        spelled[key] = max(spelled.get(key, ""), trust.host, key=len)
        mine = by_name[trust.station].ran
        ran[key] = min(ran.get(key, "no"), mine, key=WORST_FIRST.index)
    found = []
    met = set()
    for row in rows:
        keys = {short(name) for name in (row.host, row.ip) if name} & reasons.keys()
        for key in sorted(keys):
            why = _first_reasons(reasons[key])
            worse = min(row.ran, ran[key], key=WORST_FIRST.index)
            row = replace(row, ran=worse, why=f"{row.why}; {why}", trusted=True)
        met |= keys
        found.append(row)
    found += (
        Reached(spelled[key], "", "", ran[key], _first_reasons(reasons[key]), trusted=True)
        for key in sorted(reasons.keys() - met)
    )
    return found


def _first_reasons(reasons: Mapping[str, None]) -> str:
    told = list(reasons)
    more = f"; and {len(told) - _REASONS} more log-ons like these" if len(told) > _REASONS else ""
    return "; ".join(told[:_REASONS]) + more


def _order(row: Reached) -> tuple[int, str, str, str]:
    return WORST_FIRST.index(row.ran), row.host.lower(), row.ip, row.node


def _stations(records: Records) -> dict[str, Station]:
    """Servers and engines by short name; one machine is often both."""
    roles: dict[str, list[tuple[str, str, str]]] = {}
    for row in records.servers:
        roles.setdefault(short(text(row, "HostName")), []).append(
            (text(row, "HostName"), "", "Orion server")
        )
    for row in records.engines:
        roles.setdefault(short(text(row, "ServerName")), []).append(
            (text(row, "ServerName"), text(row, "IP"), "polling engine")
        )
    builds = _builds(records)
    for key, names in builds.items():  # a release listed by hand, of a server no table has
        roles.setdefault(key, [(names[0][0], "", "Orion server")])
    return {key: _station(roles[key], builds.get(key, [])) for key in sorted(roles)}


def _station(roles: Sequence[tuple[str, str, str]], builds: Sequence[tuple[str, str]]) -> Station:
    name = max((role[0] for role in roles), key=len) or "a server without a name"
    judged = [_judge(version) for _, version in builds]
    judged = judged or [("unknown", "no build is told")]
    ran = min((one for one, _ in judged), key=WORST_FIRST.index)
    reasons = dict.fromkeys(because for one, because in judged if one == ran)
    kinds = tuple(dict.fromkeys(role[2] for role in roles))
    return Station(name, next((r[1] for r in roles if r[1]), ""), kinds, ran, "; ".join(reasons))


def _builds(records: Records) -> dict[str, list[tuple[str, str]]]:
    """(name, version) per short name, from every table that tells one."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in records.releases:
        if version := text(row, "version"):
            release = _release(version, text(row, "hotfix"))
            found.setdefault(short(text(row, "host")), []).append((text(row, "host"), release))
    for row in records.engines:
        if version := text(row, "EngineVersion"):
            name = text(row, "ServerName")
            found.setdefault(short(name), []).append((name, version))
    return found


def _release(version: str, hotfix: str) -> str:
    """Both cells as one text; a hotfix in no known form leaves a text that nobody can judge."""
    number = _HOTFIX.fullmatch(hotfix)
    return f"{version} HF{number[1]}" if number else f"{version} {hotfix}".strip()


def _judge(version: str) -> tuple[Ran, str]:
    """Whether a server that shows this version ever ran an affected build."""
    if _UNTOLD.fullmatch(version):
        return "unknown", f"release {version} without a hotfix told, and HF5 carried SUNBURST"
    truth = judge_orion(version=version)
    if truth.state == "trojanised":
        return "yes", truth.because
    if truth.state in ("never", "inert") and not truth.doubts:
        return "no", truth.because
    if truth.state == "unknown":
        return "unknown", truth.because
    return "unknown", f"{truth.because}, and what ran before it is not told"


def _engines(rows: Iterable[Row], stations: Mapping[str, Station]) -> dict[str, Station]:
    """Stations by EngineID."""
    return {
        text(row, "EngineID"): stations[short(text(row, "ServerName"))]
        for row in rows
        if text(row, "EngineID")
    }


def _node(
    node: Row, own: Station | None, engines: Mapping[str, Station], stations: Mapping[str, Station]
) -> Reached:
    """One monitored host; ``own``: the station it is, if it is one."""
    ran, why = _monitored(text(node, "EngineID"), engines, stations)
    if own:
        ran = min(ran, own.ran, key=WORST_FIRST.index)
        why = f"{_is(own)}: {own.because}; {why}"
    elif node.get("IsOrionServer") is True:
        ran = min(ran, "unknown", key=WORST_FIRST.index)
        why = f"is an Orion server of which no build is told; {why}"
    return Reached(_name(node), text(node, "IPAddress"), text(node, "NodeID"), ran, why)


def _monitored(
    engine: str, engines: Mapping[str, Station], stations: Mapping[str, Station]
) -> tuple[Ran, str]:
    """What the engine of a node means for it."""
    by = engines.get(engine)
    others = Counter(station.ran for station in stations.values())
    if by is None:
        what = f"engine {engine}, which no table describes" if engine else "an engine not told"
        ran: Ran = next(iter(others)) if len(others) == 1 else "unknown"
        every = f"; of every server: {_WORDS[ran]}" if len(others) == 1 else ""
        return ran, f"monitored by {what}{every}"
    if by.ran == "no" and others["yes"]:
        # Credentials are kept once per installation, in its database.
        worse = ", ".join(s.name for s in stations.values() if s.ran == "yes")
        return "unknown", f"monitored by {by.name} ({by.because}), installed together with {worse}"
    return by.ran, f"monitored by {by.name}: {by.because}"


_REASONS: Final = 5  # told of the log-ons of one host
_NOWHERE: Final = ("", "127.0.0.1", "::1")  # an engine that names itself so could be any machine
_WORDS: Final = {"yes": "ran an affected build", "unknown": "not decidable", "no": "never affected"}


def _is(station: Station) -> str:
    return "is " + " and ".join(f"{'an' if r[0] in 'AEIOU' else 'a'} {r}" for r in station.roles)


def _machine(
    node: Row, stations: Mapping[str, Station], addresses: Mapping[str, Station]
) -> Station | None:
    """The station that a node is: by address, else by name."""
    names = (short(text(node, field)) for field in ("DNS", "SysName", "Caption"))
    named = next((stations[name] for name in names if name and name in stations), None)
    return addresses.get(text(node, "IPAddress")) or named


def _name(node: Row) -> str:
    return text(node, "DNS") or text(node, "SysName") or text(node, "Caption")
