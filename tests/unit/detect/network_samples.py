"""Rows for the tests of detect/network."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from afterpatch.detect.network.alerts import Alert, Ranking
from afterpatch.detect.network.ranking import Settings
from afterpatch.detect.network.watch import Watch

START_US = int(datetime(2020, 4, 6, tzinfo=UTC).timestamp()) * 1_000_000  # a Monday
HOUR_S, DAY_S = 3_600, 86_400


def flows(times_s: Sequence[float] | np.ndarray, **columns: object) -> pl.DataFrame:
    """Connections from 10.0.0.5 to 203.0.113.9 unless said otherwise."""
    count = len(times_s)
    fields: dict[str, object] = {
        "src_ip": "10.0.0.5", "dst_ip": "203.0.113.9", "dst_port": 443, "protocol": "tcp",
        "duration_s": 0.5, "bytes_out": 500, "bytes_in": 900,
    }  # fmt: skip
    fields.update(columns)
    times = START_US + np.round(np.asarray(times_s, float) * 1e6).astype(np.int64)
    table = pl.DataFrame({"time": times, "record": np.arange(1, count + 1)})
    return table.with_columns(
        pl.Series(name, value) if isinstance(value, list) else pl.lit(value).alias(name)
        for name, value in fields.items()
    )


def queries(times_s: Sequence[float], names: list[str], **columns: object) -> pl.DataFrame:
    """A queries from 10.0.0.5 unless said otherwise."""
    table = flows(times_s, **columns).select("time", "src_ip", "record")
    answers = columns.get("answers", ["198.51.100.4"] * len(names))
    return table.with_columns(
        query=pl.Series(names), record_type=pl.lit("A"), answers=pl.Series(answers, dtype=pl.String)
    )


def rank(
    folder: Path,
    flow_frames: Sequence[pl.DataFrame] = (),
    dns_frames: Sequence[pl.DataFrame] = (),
    settings: Settings | None = None,
    held_rows: int = 500_000,
) -> Ranking:
    """A ranking of some frames, each a source of its own; every channel above 0 unless said."""
    folder.mkdir(exist_ok=True)
    watch = Watch(folder, settings or Settings(floor=0.0), held_rows)
    for number, frame in enumerate(flow_frames):
        watch.add_flows(frame, f"conn{number}.log")
    for number, frame in enumerate(dns_frames):
        watch.add_dns(frame, f"dns{number}.log")
    return watch.rank()


def find(ranking: Ranking, kind: str, target: str) -> Alert:
    """The one alert of a kind about a target."""
    (found,) = [a for a in ranking.alerts if a.kind == kind and a.target == target]
    return found


def fleet(hosts: int = 40, days: int = 7) -> pl.DataFrame:
    """Hosts that visit common sites at random; nothing hidden."""
    rng = np.random.default_rng(11)
    count = hosts * days * 30
    return flows(
        rng.uniform(0, days * DAY_S, count),
        src_ip=[f"10.0.1.{n}" for n in rng.integers(1, hosts + 1, count)],
        dst_ip=[f"198.51.100.{n}" for n in rng.integers(1, 20, count)],
        bytes_out=[int(n) for n in rng.lognormal(7, 1, count)],
    )
