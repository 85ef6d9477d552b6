"""Connections that stay open: to whom, how long, how much of the time, how quietly.

Enters: parts of a spool of connections, all of a source host in one part. Leaves: one row per host
and target with the parts of its score, each 0..1: ``longest`` (an hour counts nothing, a day all),
``share`` of the window that was connected, ``quiet`` (few bytes a second), ``rarity``.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from afterpatch.detect.network.beacons import fleet_words, span
from afterpatch.detect.network.places import ends

WEIGHTS: Final = {"longest": 0.45, "rarity": 0.25, "share": 0.20, "quiet": 0.10}
_SHORTEST_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_QUIET: Final = 100.0  # bytes a second, both ways
_LOUD: Final = 100_000.0


def long_connections(flows: pl.DataFrame, window_us: tuple[int, int]) -> pl.DataFrame:
    """``flows``: time, src, target, duration_s, bytes_out, bytes_in, place."""
    window_s = max((window_us[1] - window_us[0]) / 1e6, 1.0)
    held = flows.filter(pl.col("duration_s") > 0)
    table = held.group_by("src", "target").agg(
        longest_s=pl.col("duration_s").max(),
        total_s=pl.col("duration_s").sum(),
        volume=(pl.col("bytes_out").fill_null(0) + pl.col("bytes_in").fill_null(0)).sum(),
        events=pl.len(),
        **ends(),
    )
    rate = pl.col("volume") / pl.col("total_s")
    return table.filter(pl.col("longest_s") >= _SHORTEST_S).with_columns(
        longest=_log_share(pl.col("longest_s"), _SHORTEST_S, _DAY_S),
        share=(pl.col("total_s") / window_s).clip(0.0, 1.0),
        quiet=1 - _log_share(rate.clip(_QUIET), _QUIET, _LOUD),
    )


def _log_share(value: pl.Expr, low: float, high: float) -> pl.Expr:
    return ((value / low).log() / math.log(high / low)).clip(0.0, 1.0)


def words(row: Mapping[str, Any], fleet: int) -> list[str]:
    """Why this connection has its score."""
    rate = row["volume"] / row["total_s"]
    held = f"open for {span(row['longest_s'])} at a stretch, {span(row['total_s'])} in all"
    return [
        f"{held} ({row['share']:.0%} of the window) in {row['events']:,} connections",
        fleet_words(row["sources"], fleet),
        f"{rate:,.0f} bytes a second in both directions",
    ]
