"""CISA ED 21-01's closure: every host an Orion server with an affected build monitored.

Enters: the records of one installation. Leaves: :class:`Closure`. The directive has all hosts that
Orion monitored treated as compromised. A record tells the build of its own day only: a fixed
release says nothing about the one before it, so it is ``unknown``; only a release older than the
first tampered one is ``no``. What cannot be decided is listed, never left out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from afterpatch.collect.orion_records import Records
from afterpatch.exposure.orion_builds import judge_orion

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
    """One host of the closure. ``node``: its NodeID, "" when Orion does not monitor it itself."""

    host: str
    ip: str
    node: str
    ran: Ran
    why: str


@dataclass(frozen=True, slots=True)
class Closure:
    """``hosts``: certain ones first. ``outside``: how many only clean stations monitored."""

    stations: tuple[Station, ...]
    hosts: tuple[Reached, ...]
    outside: int


def closure(records: Records) -> Closure:
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
    listed = [row for row in rows if row.ran != "no"]
    return Closure(
        tuple(stations.values()),
        tuple(sorted(listed, key=_order)),
        len(rows) - len(listed),
    )


def _order(row: Reached) -> tuple[int, str, str, str]:
    return WORST_FIRST.index(row.ran), row.host.lower(), row.ip, row.node


def _stations(records: Records) -> dict[str, Station]:
    """Servers and engines by short name; one machine is often both."""
    roles: dict[str, list[tuple[str, str, str]]] = {}
    for row in records.servers:
        roles.setdefault(_short(_text(row, "HostName")), []).append(
            (_text(row, "HostName"), "", "Orion server")
        )
    for row in records.engines:
        roles.setdefault(_short(_text(row, "ServerName")), []).append(
            (_text(row, "ServerName"), _text(row, "IP"), "polling engine")
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
    reasons = dict.fromkeys(text for one, text in judged if one == ran)
    kinds = tuple(dict.fromkeys(role[2] for role in roles))
    return Station(name, next((r[1] for r in roles if r[1]), ""), kinds, ran, "; ".join(reasons))


def _builds(records: Records) -> dict[str, list[tuple[str, str]]]:
    """(name, version) per short name, from every table that tells one."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in records.releases:
        if version := _text(row, "version"):
            text = _release(version, _text(row, "hotfix"))
            found.setdefault(_short(_text(row, "host")), []).append((_text(row, "host"), text))
    for row in records.engines:
        if version := _text(row, "EngineVersion"):
            name = _text(row, "ServerName")
            found.setdefault(_short(name), []).append((name, version))
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
        _text(row, "EngineID"): stations[_short(_text(row, "ServerName"))]
        for row in rows
        if _text(row, "EngineID")
    }


def _node(
    node: Row, own: Station | None, engines: Mapping[str, Station], stations: Mapping[str, Station]
) -> Reached:
    """One monitored host; ``own``: the station it is, if it is one."""
    ran, why = _monitored(_text(node, "EngineID"), engines, stations)
    if own:
        ran = min(ran, own.ran, key=WORST_FIRST.index)
        why = f"{_is(own)}: {own.because}; {why}"
    elif node.get("IsOrionServer") is True:
        ran = min(ran, "unknown", key=WORST_FIRST.index)
        why = f"is an Orion server of which no build is told; {why}"
    return Reached(_name(node), _text(node, "IPAddress"), _text(node, "NodeID"), ran, why)


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


_NOWHERE: Final = ("", "127.0.0.1", "::1")  # an engine that names itself so could be any machine
_WORDS: Final = {"yes": "ran an affected build", "unknown": "not decidable", "no": "never affected"}


def _is(station: Station) -> str:
    return "is " + " and ".join(f"{'an' if r[0] in 'AEIOU' else 'a'} {r}" for r in station.roles)


def _machine(
    node: Row, stations: Mapping[str, Station], addresses: Mapping[str, Station]
) -> Station | None:
    """The station that a node is: by address, else by name."""
    names = (_short(_text(node, field)) for field in ("DNS", "SysName", "Caption"))
    named = next((stations[name] for name in names if name and name in stations), None)
    return addresses.get(_text(node, "IPAddress")) or named


def _name(node: Row) -> str:
    return _text(node, "DNS") or _text(node, "SysName") or _text(node, "Caption")


def _short(name: str) -> str:
    """The part of a name that both tables have; addresses stay whole."""
    lower = name.strip().lower()
    return lower if lower.replace(".", "").isdecimal() else lower.partition(".")[0]


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)
