"""Where the hidden channel ranks: afterpatch against RITA v5's published score, on the same data.

    python -m benchmarks.beacons [--seeds 3] [--hosts 60]

Every row is one data set: an office's traffic (simulated, deterministic by seed) with one hidden
channel. Rank 1 is best; pairs with an equal score count as ranked before the hidden one. RITA's
score (:mod:`benchmarks.rita`) is computed over the whole time span, which is kinder than the 24
hours it looks at as shipped; that is shown too, ``-`` = fewer than four contacts. ``rita+`` adds
its prevalence modifier.
"""

import argparse
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
from rich.console import Console
from rich.table import Table

from afterpatch.detect.network.ranking import Settings
from afterpatch.detect.network.watch import Watch
from afterpatch.simulate.network import Beacon, NetworkPlan, traffic
from benchmarks import rita

START: Final = datetime(2020, 4, 6, tzinfo=UTC)
ADDRESS: Final = "203.0.113.77"
NAME: Final = "status.hidden.example"
DAY_US: Final = 86_400 * 1_000_000


class DataSet(NamedTuple):
    """One hidden channel and the traffic around it."""

    name: str
    beacon: Beacon
    days: float = 3.0
    browsing: int = 40


def _beacon(delays_s: tuple[float, ...], jitter: float, **more: object) -> Beacon:
    return Beacon(5, ADDRESS, NAME, delays_s, jitter)._replace(**more)  # type: ignore[arg-type]


DATA_SETS: Final = (
    *(DataSet(f"5 min, jitter {j}%", _beacon((300,), j / 100)) for j in (0, 10, 20, 30, 40, 50)),
    DataSet("5 min, jitter 30%, sizes ±40%", _beacon((300,), 0.3, size_spread=0.4)),
    DataSet("1 h, jitter 20%, no name", _beacon((3600,), 0.2, name=None)),
    DataSet("1 h, jitter 50%, busy office", _beacon((3600,), 0.5), 3.0, 160),
    DataSet("10 min, working hours, jitter 30%", _beacon((600,), 0.3, hours=(9, 17)), 7.0),
    DataSet("20 min, half of the calls missed", _beacon((1200,), 0.1, miss=0.5)),
    DataSet("sleeps 8 h, jitter 20%", _beacon((28_800,), 0.2), 14.0, 20),
    DataSet("sleeps 3 d, jitter 10%", _beacon((259_200,), 0.1), 42.0, 8),
    DataSet("delays of 1 min, 1 h, 8 h in turn", _beacon((60, 3600, 28_800), 0.05), 14.0, 20),
    DataSet("starts on the last day, 15 min, 20%", _beacon((900,), 0.2, from_day=6.0), 7.0),
)


class Ranks(NamedTuple):
    """Ranks of the hidden channel (None = not scored) and how many pairs there were."""

    ours: int | None
    rita: int | None
    rita_modified: int | None
    rita_day: int | None
    pairs: int


def main() -> None:
    """Every data set with every seed, one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--hosts", type=int, default=60)
    args = parser.parse_args()
    table = Table(title="rank of the hidden channel")
    for column in (
        "data set",
        "seed",
        "pairs",
        "afterpatch",
        "rita",
        "rita+",
        "rita 24 h",
        "better",
    ):
        table.add_column(column, justify="left" if column == "data set" else "right")
    better = total = 0
    modified: Counter[str] = Counter()
    for data_set in DATA_SETS:
        for seed in range(args.seeds):
            found = ranks(data_set, f"{seed}", args.hosts)
            wins = is_better(found)
            better, total = better + wins, total + 1
            modified[against_modified(found)] += 1
            cells = (found.ours, found.rita, found.rita_modified, found.rita_day)
            shown = ["-" if rank is None else f"{rank:,}" for rank in cells]
            table.add_row(
                data_set.name, f"{seed}", f"{found.pairs:,}", *shown, "yes" if wins else "no"
            )
    Console(width=110).print(table)
    print(f"strictly better than rita in {better} of {total}; than rita+: {dict(modified)}")


def is_better(found: Ranks) -> bool:
    """Strictly better than RITA's published score over the whole span."""
    return found.ours is not None and (found.rita is None or found.ours < found.rita)


def against_modified(found: Ranks) -> str:
    """How our rank compares with that of RITA's score with its prevalence modifier."""
    if found.ours is None:
        return "worse" if found.rita_modified else "equal"
    if found.rita_modified is None or found.ours < found.rita_modified:
        return "better"
    return "equal" if found.ours == found.rita_modified else "worse"


def ranks(data_set: DataSet, seed: str, hosts: int) -> Ranks:
    """Simulate and rank both ways."""
    plan = NetworkPlan(
        START,
        data_set.days,
        hosts,
        data_set.browsing,
        f"{data_set.name}/{seed}",
        (data_set.beacon,),
    )
    flows = traffic(plan).flows
    flows = flows.with_columns(
        host=pl.when(pl.col("dst_ip") == ADDRESS)
        .then(pl.lit(data_set.beacon.name))
        .otherwise("host")
    )
    plain = rita.scores(flows, modifiers=False)
    last_day = flows.filter(pl.col("time") > flows["time"].max() - DAY_US)
    return Ranks(
        ours=_place(ours(flows)),
        rita=_place(plain),
        rita_modified=_place(rita.scores(flows, modifiers=True)),
        rita_day=_place(rita.scores(last_day, modifiers=False)),
        pairs=plain.height,
    )


def ours(flows: pl.DataFrame) -> pl.DataFrame:
    """``target`` and ``score`` of every channel, none left out for a low score."""
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(Path(folder), Settings(floor=0.0))
        watch.add_flows(flows, "simulated")
        alerts = [alert for alert in watch.rank().alerts if alert.kind == "beacon"]
    return pl.DataFrame(
        {"target": [a.target for a in alerts], "score": [a.score for a in alerts]},
        schema={"target": pl.String, "score": pl.Float64},
    )


def _place(scored: pl.DataFrame) -> int | None:
    """Rank of the hidden channel's better score, ties counted against it."""
    hidden = pl.col("target").is_in([ADDRESS, NAME])
    best = scored.filter(hidden)["score"].max()
    if best is None:
        return None
    return scored.filter(~hidden, pl.col("score") >= best).height + 1


if __name__ == "__main__":
    main()
