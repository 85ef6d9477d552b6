"""Orion's servers and polling engines, and whether an affected build ever ran on each.

Enters: the records of one installation. Leaves: :class:`Station`, by name, by EngineID, by node. A
record tells the build of its own day only: a fixed release says nothing about the one before it, so
it is ``unknown``; only a release older than the first tampered one is ``no``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from afterpatch.collect.orion_records import Records
from afterpatch.exposure.orion_builds import judge_orion
from afterpatch.exposure.orion_trust import short, text

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


def stations_of(records: Records) -> dict[str, Station]:
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


def engines_of(rows: Iterable[Row], stations: Mapping[str, Station]) -> dict[str, Station]:
    """Stations by EngineID."""
    return {
        text(row, "EngineID"): stations[short(text(row, "ServerName"))]
        for row in rows
        if text(row, "EngineID")
    }


def station_at(
    node: Row, stations: Mapping[str, Station], addresses: Mapping[str, Station]
) -> Station | None:
    """The station that a node is: by address, else by name."""
    names = (short(text(node, field)) for field in ("DNS", "SysName", "Caption"))
    named = next((stations[name] for name in names if name and name in stations), None)
    return addresses.get(text(node, "IPAddress")) or named


def described(station: Station) -> str:
    return "is " + " and ".join(f"{'an' if r[0] in 'AEIOU' else 'a'} {r}" for r in station.roles)
