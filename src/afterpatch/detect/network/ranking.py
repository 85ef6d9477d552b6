"""One ranking over everything that was taken: candidates, then how rare they are, then alerts.

Enters: :class:`Taken`. Leaves: a :class:`Ranking`. Two passes over the connections: candidates need
all rows of a host, rarity needs all hosts of a target. Zones need one. Kept are at most
MAX_CANDIDATES channels per kind and part; channels that cannot reach the floor, however rare they
are, are dropped at once. What is dropped is counted.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from afterpatch.detect.network import beacons, encoded_names, long_connections, uploads
from afterpatch.detect.network.addresses import INTERNAL, Networks
from afterpatch.detect.network.alerts import Ranking, weighted
from afterpatch.detect.network.families import (
    BY_ADDRESS,
    BY_NAME,
    BY_ZONE,
    ENCODED,
    HELD,
    SENT,
    WEIGHTS,
    Family,
    alerts_of,
)
from afterpatch.detect.network.folding import fold_addresses, fold_zones
from afterpatch.detect.network.intake import channels_of, outbound
from afterpatch.detect.network.places import packed
from afterpatch.detect.network.spool import Spool
from afterpatch.detect.network.timespan import Hours
from afterpatch.detect.network.zones import zones

MAX_CANDIDATES: Final = 20_000
MAX_WINDOW_US: Final = 90 * 86_400 * 1_000_000
FLOOR: Final = 0.6


@dataclass(frozen=True, slots=True)
class Settings:
    """What is one's own, which hosts have a role, and what a channel must reach to be kept."""

    internal: Networks = field(default_factory=lambda: Networks.of(INTERNAL))
    roles: Mapping[str, Networks] = field(default_factory=dict)
    window_us: int = MAX_WINDOW_US
    floor: float = FLOOR


@dataclass(slots=True)
class Taken:
    """Rows set aside, and what is known of them. ``sources``: names by the number in the rows."""

    flows: Spool
    queries: Spool
    sources: list[str] = field(default_factory=list)
    hours: Hours = field(default_factory=Hours)
    read: Counter[str] = field(default_factory=lambda: Counter(flows=0, queries=0))
    left_out: Counter[str] = field(default_factory=Counter)


class Ranker:
    """One ranking over what a watch has taken."""

    def __init__(self, taken: Taken, settings: Settings) -> None:
        self._taken = taken
        self._settings = settings
        self._left_out = Counter(taken.left_out)
        self._names = sorted(set(taken.sources))
        places = {name: place for place, name in enumerate(self._names)}
        self._order = pl.Series([places[name] for name in taken.sources], dtype=pl.UInt32)
        self._window = taken.hours.window(settings.window_us)
        self._found: dict[Family, list[pl.DataFrame]] = {}
        self._called: list[pl.DataFrame] = []
        self._channels = 0

    def ranking(self) -> Ranking:
        asking = self._zone_candidates()
        fleet = self._flow_candidates()
        tables = {family: pl.concat(found) for family, found in self._found.items()}
        if BY_ZONE in tables and self._called:
            called = pl.concat(self._called)
            tables[BY_ZONE] = fold_zones(tables[BY_ZONE], called, self._left_out)
        tables = self._with_rarity(tables, fleet, asking)
        alerts = [
            alert
            for family, table in tables.items()
            for alert in alerts_of(
                family,
                table.filter(pl.col("score") >= self._settings.floor),
                asking if family in (BY_ZONE, ENCODED) else fleet,
                self._window,
                self._names,
            )
        ]
        alerts.sort(key=lambda a: (-a.score, a.kind, a.source or "", a.target, a.channel))
        looked_at = {**self._taken.read, "hosts": max(fleet, asking), "channels": self._channels}
        first, last = self._window if self._taken.hours else (None, None)
        left_out = {why: count for why, count in sorted(self._left_out.items()) if count}
        return Ranking(tuple(alerts), first, last, looked_at, left_out)

    def _parts(self, spool: Spool, count: bool) -> Iterator[pl.DataFrame]:
        """Parts inside the window; places are in order of the names of sources.

        Whoever asks lets go of a part before the next one, so that one is in memory at a time.
        """
        first, last = self._window
        for part in spool.parts():
            inside = part
            if not part["time"].is_between(first, last).all():
                inside = part.filter(pl.col("time").is_between(first, last))
            if count:
                self._left_out["rows outside the window"] += part.height - inside.height
            place = packed(self._order.gather(inside["source"]), inside["record"])
            inside = inside.drop("source", "record").with_columns(place)
            del part, place
            yield inside
            del inside

    def _flow_candidates(self) -> int:
        """Candidates among connections; the number of own hosts that spoke to the outside."""
        fleet = 0
        for part in self._parts(self._taken.flows, count=True):
            fleet += self._flow_part(part)
            del part
        return fleet

    def _flow_part(self, part: pl.DataFrame) -> int:
        """Candidates of one part; its number of hosts."""
        flows, inside, inbound = outbound(part, self._settings.internal)
        self._left_out["flows between own addresses"] += inside
        self._left_out["flows from outside"] += inbound
        rows = channels_of(flows, self._settings.roles)
        by_name = beacons.channels(rows.by_name, self._window)
        self._note_called(by_name)
        by_name = self._keep(BY_NAME, by_name)
        by_address = beacons.channels(rows.by_address, self._window)
        by_address = self._able(BY_ADDRESS, by_address)
        by_address = fold_addresses(by_address, by_name, rows.by_address, self._left_out)
        self._found.setdefault(BY_ADDRESS, []).append(by_address)
        self._keep(HELD, long_connections.long_connections(rows.held, self._window))
        self._keep(SENT, uploads.uploads(rows.sent))
        return flows["src"].n_unique()

    def _note_called(self, by_name: pl.DataFrame) -> None:
        """Server names in the zones that are candidates: :func:`folding.fold_zones` needs them."""
        called = by_name.select("src", "contacts", target=zones(by_name["target"]))
        for asked in self._found.get(BY_ZONE, ()):
            self._called.append(called.join(asked, on=("src", "target"), how="semi"))

    def _zone_candidates(self) -> int:
        """Candidates among zones, with the hosts of each; the number of hosts that asked."""
        asking = pl.Series([], dtype=pl.String)
        for queries in self._parts(self._taken.queries, count=True):
            asking = pl.concat([asking, queries["src"].unique()]).unique()
            self._zone_part(queries)
            del queries
        return len(asking)

    def _zone_part(self, queries: pl.DataFrame) -> None:
        """Candidates of one part."""
        rows = queries.filter(~pl.col("zone").str.ends_with(".arpa")).select(
            "time", "src", "place", target="zone",
            bytes_out=pl.lit(None, pl.Int64), bytes_in=pl.lit(None, pl.Int64),
        )  # fmt: skip
        asked = beacons.channels(rows, self._window)
        del rows
        self._keep(BY_ZONE, asked.join(_spread_of(queries), on="target", how="left"))
        self._keep(ENCODED, encoded_names.zones_of(queries).rename({"zone": "target"}))

    def _keep(self, family: Family, table: pl.DataFrame) -> pl.DataFrame:
        """Remember the channels that could still reach the floor; they are returned."""
        best = self._able(family, table)
        self._found.setdefault(family, []).append(best)
        return best

    def _able(self, family: Family, table: pl.DataFrame) -> pl.DataFrame:
        """The channels that reach the floor if they are rare, the best ones if too many."""
        self._channels += table.height
        floor = self._settings.floor
        ceiling = table.with_columns(rarity=pl.lit(1.0)).with_columns(score=_score(family, table))
        able = ceiling.filter(pl.col("score") >= floor)
        best = able.sort("score", "src", "target", descending=(True, False, False))
        best = best.head(MAX_CANDIDATES)
        self._left_out[f"channels below the floor of {floor:g}"] += table.height - able.height
        self._left_out[f"{family.kind} candidates above {MAX_CANDIDATES:,} a part"] += (
            able.height - best.height
        )
        return best

    def _with_rarity(
        self, tables: dict[Family, pl.DataFrame], fleet: int, asking: int
    ) -> dict[Family, pl.DataFrame]:
        """How many hosts have each target, and the score that follows."""
        spread = self._spread({f: t["target"] for f, t in tables.items() if f not in _ZONED})
        result = {}
        for family, table in tables.items():
            if family not in _ZONED:
                table = table.join(spread[family], on="target", how="left")
            hosts = asking if family in _ZONED else fleet
            rarity = beacons.rarity(pl.col("sources"), hosts)
            shares = encoded_names.COMMON_SHARES if family == ENCODED else beacons.COMMON_SHARES
            common = beacons.common_discount(pl.col("sources"), hosts, shares)
            explained = pl.col("discount") if "discount" in table.columns else pl.lit(1.0)
            table = table.with_columns(
                rarity=rarity, discount=pl.min_horizontal(explained, common), common=common
            )
            scored = table.with_columns(score=_score(family, table))
            below = scored.filter(pl.col("score") < self._settings.floor).height
            self._left_out[f"channels below the floor of {self._settings.floor:g}"] += below
            result[family] = scored
        return result

    def _spread(self, targets: Mapping[Family, pl.Series]) -> dict[Family, pl.DataFrame]:
        """Hosts per target, over all parts: every host is in exactly one part."""
        wanted = pl.concat([pl.Series([], dtype=pl.String), *targets.values()]).unique().implode()
        found: dict[str, list[pl.DataFrame]] = {"dst": [], "host": [], "zone": []}
        for part in self._parts(self._taken.flows, count=False):
            flows, _, _ = outbound(part, self._settings.internal)
            pairs = flows.select("src", "dst", "host").unique()
            pairs = pairs.with_columns(zone=zones(pairs["host"]))
            for column, tables in found.items():
                here = pairs.select("src", target=column).filter(pl.col("target").is_in(wanted))
                tables.append(here.group_by("target").agg(sources=pl.col("src").n_unique()))
            del part
        return {
            family: pl.concat([table for column in _COLUMNS[family] for table in found[column]])
            .group_by("target")
            .agg(pl.col("sources").sum())
            for family in targets
        }


# Where the targets of a family are found; an address is never a name, so the tables do not mix.
_COLUMNS: Final[Mapping[Family, tuple[str, ...]]] = {
    BY_ADDRESS: ("dst",),
    BY_NAME: ("host",),
    HELD: ("dst", "host"),
    SENT: ("dst", "zone"),
}
_ZONED: Final = (BY_ZONE, ENCODED)


def _spread_of(queries: pl.DataFrame) -> pl.DataFrame:
    """How many hosts ask each zone."""
    return (
        queries.group_by(pl.col("zone").hash())
        .agg(target=pl.col("zone").first(), sources=pl.col("src").hash().n_unique())
        .drop("zone")
    )


def _score(family: Family, table: pl.DataFrame) -> pl.Expr:
    score = weighted(WEIGHTS[family.kind])
    return score * pl.col("discount") if "discount" in table.columns else score
