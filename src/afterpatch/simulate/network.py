"""Network traffic of an office, with command and control hidden in it, labelled.

Enters: a plan (seed, days, hosts, channels). Leaves: connections and DNS queries in the neutral
columns of :mod:`afterpatch.detect.network.frames`, and the truth about each hidden channel.
Everything is drawn from the seed, a stream of its own per purpose; nothing from the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from afterpatch.simulate.network_benign import benign_flows
from afterpatch.simulate.network_names import benign_queries, lookups_of
from afterpatch.simulate.network_rows import (
    DAY_S,
    HOUR_S,
    Floats,
    Office,
    Target,
    flow_rows,
    generator,
    queries_of,
)

_WORK: Final = (8, 18)


class Beacon(NamedTuple):
    """A host that calls back.

    delays_s  one period, or several that take turns at random.
    jitter    each delay is drawn uniformly from delay·(1±jitter).
    hours     only between these hours of the day and on weekdays; None = always.
    miss      share of calls that do not happen.
    size_spread  relative width of the uniform spread of sizes.
    """

    host: int
    address: str
    name: str | None = None
    delays_s: tuple[float, ...] = (300.0,)
    jitter: float = 0.1
    hours: tuple[int, int] | None = None
    miss: float = 0.0
    bytes_out: int = 420
    bytes_in: int = 1_100
    size_spread: float = 0.0
    from_day: float = 0.0
    to_day: float = 10_000.0


class Theft(NamedTuple):
    """Data sent out in pieces, spread over days."""

    host: int
    address: str
    name: str | None
    total_bytes: int
    from_day: int
    days: int
    pieces_a_day: int = 6


class Tunnel(NamedTuple):
    """A connection held open."""

    host: int
    address: str
    from_day: float
    hours: float
    name: str | None = None


class SlowNames(NamedTuple):
    """Given names asked one by one by given hosts, spread evenly at random over the days."""

    hosts: tuple[int, ...]
    names: tuple[str, ...]
    answer: str = "203.0.113.77"


Channel = Beacon | Theft | Tunnel | SlowNames


@dataclass(frozen=True, slots=True)
class NetworkPlan:
    """What to simulate. ``browsing`` is the mean number of page visits per host and work day."""

    start: datetime
    days: float = 7.0
    hosts: int = 60
    browsing: int = 40
    seed: str = "network"
    channels: Sequence[Channel] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Flows and queries in order of time; ``labels``: one mapping per channel of the plan."""

    flows: pl.DataFrame
    dns: pl.DataFrame
    labels: tuple[dict[str, object], ...]


def traffic(plan: NetworkPlan) -> Traffic:
    """Simulate."""
    office = Office(plan.hosts, plan.days, plan.browsing, plan.start, plan.seed)
    flows = [benign_flows(office)]
    queries = [benign_queries(office)]
    for number, channel in enumerate(plan.channels):
        rng = generator(plan.seed, "channel", str(number))
        if isinstance(channel, SlowNames):
            queries.append(_slow_names(channel, office, rng))
        else:
            flows.append(_hidden(channel, office, rng))
    table = pl.concat(flows).sort("time", "src_ip", "dst_ip", "bytes_out")
    asked = pl.concat([*queries, lookups_of(table)])
    return Traffic(
        table,
        asked.sort("time", "src_ip", "query"),
        tuple(_label(c, office) for c in plan.channels),
    )


def _hidden(
    channel: Beacon | Theft | Tunnel, office: Office, rng: np.random.Generator
) -> pl.DataFrame:
    target = Target(channel.name, channel.address, 443)
    if isinstance(channel, Beacon):
        times = _calls(channel, office, rng)
        spread = rng.uniform(-channel.size_spread, channel.size_spread, (2, len(times)))
        return flow_rows(
            office, times, channel.host, target,
            out=channel.bytes_out * (1 + spread[0]),
            inn=channel.bytes_in * (1 + spread[1]),
            seconds=rng.uniform(0.1, 0.6, len(times)),
        )  # fmt: skip
    if isinstance(channel, Tunnel):
        seconds = np.array([channel.hours * HOUR_S])
        return flow_rows(
            office, np.array([channel.from_day * DAY_S]), channel.host, target,
            out=seconds * 20, inn=seconds * 35, seconds=seconds,
        )  # fmt: skip
    pieces = channel.days * channel.pieces_a_day
    day = channel.from_day + np.repeat(np.arange(channel.days), channel.pieces_a_day)
    times = np.sort(day * DAY_S + rng.uniform(*_WORK, pieces) * HOUR_S)
    sizes = rng.dirichlet(np.full(pieces, 8.0)) * channel.total_bytes
    return flow_rows(
        office, times, channel.host, target, out=sizes, inn=sizes * 0.004, seconds=sizes / 2e6 + 1
    )


def _calls(beacon: Beacon, office: Office, rng: np.random.Generator) -> Floats:
    """When a beacon calls, seconds from the start."""
    first, last = beacon.from_day * DAY_S, min(beacon.to_day, office.days) * DAY_S
    shortest = min(beacon.delays_s) * (1 - beacon.jitter)
    count = int((last - first) / max(shortest, 0.5)) + 2
    delays = rng.choice(beacon.delays_s, count) * rng.uniform(
        1 - beacon.jitter, 1 + beacon.jitter, count
    )
    times = first + rng.uniform(0, min(beacon.delays_s)) + np.cumsum(delays)
    keep = (times < last) & (rng.random(count) >= beacon.miss)
    if beacon.hours is not None:
        keep &= office.at_work(times, beacon.hours)
    return times[keep]


def _slow_names(channel: SlowNames, office: Office, rng: np.random.Generator) -> pl.DataFrame:
    count = len(channel.names)
    times = rng.uniform(0, office.days * DAY_S, count)
    hosts = np.resize(np.array(channel.hosts), count)
    return queries_of(office, times, hosts, list(channel.names), [channel.answer] * count)


def _label(channel: Channel, office: Office) -> dict[str, object]:
    """The truth: kind of channel, its hosts and its target."""
    hosts = channel.hosts if isinstance(channel, SlowNames) else (channel.host,)
    target = (
        channel.names[0].split(".", 1)[1]
        if isinstance(channel, SlowNames)
        else channel.name or channel.address
    )
    kind = {Beacon: "beacon", Theft: "upload", Tunnel: "long-connection"}
    return {
        "kind": kind.get(type(channel), "encoded-names"),
        "hosts": sorted({office.address(host) for host in hosts}),
        "target": target,
    }
