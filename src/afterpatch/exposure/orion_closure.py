"""CISA ED 21-01's closure: every host that an affected Orion monitored, or that trusted it.

Enters: the records of one installation, log-ons from other evidence. Leaves: :class:`Closure`. The
directive has all hosts that Orion monitored treated as compromised, and every credential it held
or used reset: so hosts that share these belong to it (:mod:`orion_trust`). What cannot be decided
(:mod:`orion_stations`) is listed, never left out.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from afterpatch.collect.orion_records import Records
from afterpatch.exposure.orion_stations import (
    WORST_FIRST,
    Ran,
    Station,
    described,
    engines_of,
    station_at,
    stations_of,
)
from afterpatch.exposure.orion_trust import (
    Logon,
    agents_of,
    credentials_held,
    known_beside_nodes,
    logons_from,
    short,
    text,
)

_REASONS: Final = 5  # told of the log-ons of one host
_NOWHERE: Final = ("", "127.0.0.1", "::1")  # an engine that names itself so could be any machine
_WORDS: Final = {"yes": "ran an affected build", "unknown": "not decidable", "no": "never affected"}

Row = Mapping[str, Any]


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
    stations = stations_of(records)
    engines = engines_of(records.engines, stations)
    addresses = {s.ip: s for s in stations.values() if s.ip not in _NOWHERE}
    machines = [station_at(node, stations, addresses) for node in records.nodes]
    rows = [
        _node(node, own, engines, stations)
        for node, own in zip(records.nodes, machines, strict=True)
    ]
    monitored = set(machines)
    alone = [station for station in stations.values() if station not in monitored]
    rows += [Reached(s.name, s.ip, "", s.ran, f"{described(s)}: {s.because}") for s in alone]
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


def _node(
    node: Row, own: Station | None, engines: Mapping[str, Station], stations: Mapping[str, Station]
) -> Reached:
    """One monitored host; ``own``: the station it is, if it is one."""
    ran, why = _monitored(text(node, "EngineID"), engines, stations)
    if own:
        ran = min(ran, own.ran, key=WORST_FIRST.index)
        why = f"{described(own)}: {own.because}; {why}"
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


def _name(node: Row) -> str:
    return text(node, "DNS") or text(node, "SysName") or text(node, "Caption")
