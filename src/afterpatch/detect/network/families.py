"""The families of channels, the weights of their scores, and how a row becomes an alert."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import polars as pl

from afterpatch.detect.network import beacons, encoded_names, long_connections, uploads
from afterpatch.detect.network.alerts import Alert, Channel, Kind, parts_of, stamp
from afterpatch.detect.network.places import unpacked


class Family(NamedTuple):
    """Channels of one sort. ``channel`` is "" where a target may be a name or an address."""

    kind: Kind
    channel: Channel | None


BY_ADDRESS: Final = Family("beacon", "address")
BY_NAME: Final = Family("beacon", "server name")
BY_ZONE: Final = Family("beacon", "DNS zone")
ENCODED: Final = Family("encoded-names", "DNS zone")
HELD: Final = Family("long-connection", None)
SENT: Final = Family("upload", None)

WEIGHTS: Final[Mapping[Kind, Mapping[str, float]]] = {
    "beacon": beacons.WEIGHTS,
    "encoded-names": encoded_names.WEIGHTS,
    "long-connection": long_connections.WEIGHTS,
    "upload": uploads.WEIGHTS,
}
_NEXT: Final[Mapping[Kind, str]] = {
    "beacon": "Find the process that calls {target}{on}; if it is wanted, allow the target with a "
    "reason; if nobody knows it, isolate the host before blocking and keep the traffic.",
    "encoded-names": "Ask who runs {target} and what asks for it on {on}; have the names "
    "decoded; keep the resolver's log; block the zone only when the hosts that ask are known.",
    "long-connection": "Find the process that holds the connection to {target}{on}; a tunnel or "
    "remote shell that nobody opened is a reason to isolate the host.",
    "upload": "Ask the owner what was sent to {target}{on}; look for archives and for reads of "
    "repositories just before {first}; keep the flow records.",
}


def alerts_of(
    family: Family,
    table: pl.DataFrame,
    fleet: int,
    window_us: tuple[int, int],
    sources: Sequence[str],
) -> Iterator[Alert]:
    """One alert per row. ``sources``: names of the sources by number."""
    for row in table.iter_rows(named=True):
        yield _alert(family, row, fleet, window_us, sources)


def _alert(
    family: Family,
    row: Mapping[str, Any],
    fleet: int,
    window_us: tuple[int, int],
    sources: Sequence[str],
) -> Alert:
    places = {unpacked(row[end], sources) for end in ("first_place", "last_place")}
    alone = family != ENCODED or row["sources"] == 1
    source = row["src"] if alone else None
    return Alert(
        kind=family.kind,
        source=source,
        sources=row["sources"],
        target=row["target"],
        channel=family.channel or _channel(row["target"]),
        score=round(row["score"], 4),
        parts=parts_of(row, WEIGHTS[family.kind]),
        discount=row.get("discount", 1.0),
        because=(*_words(family, row, fleet, window_us), *_common(row)),
        count=row["events"],
        first_us=row["first"],
        last_us=row["last"],
        places=tuple(sorted(places)),
        next_step=_next(family.kind, row, source),
    )


def _next(kind: Kind, row: Mapping[str, Any], source: str | None) -> str:
    on = f" on {source}" if source else ""
    if kind == "encoded-names":
        on = source or f"these {row['sources']:,} hosts"
    return _NEXT[kind].format(target=row["target"], on=on, first=stamp(row["first"]))


def _words(
    family: Family, row: Mapping[str, Any], fleet: int, window_us: tuple[int, int]
) -> list[str]:
    if family.kind == "beacon":
        verb = "asks" if family == BY_ZONE else "calls"
        return beacons.words(row, fleet, window_us, verb)
    words = {
        "encoded-names": encoded_names.words,
        "long-connection": long_connections.words,
        "upload": uploads.words,
    }
    return words[family.kind](row, fleet)


def _common(row: Mapping[str, Any]) -> list[str]:
    if row["common"] == 1:
        return []
    return [f"most of the fleet has it, so the score counts {row['common']:.0%}"]


def _channel(target: str) -> Channel:
    numeric = ":" in target or target.replace(".", "").isdigit()
    return "address" if numeric else "server name"
