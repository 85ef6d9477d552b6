"""Uploads a host has not been making: data, or source code, on its way out.

Enters: parts of a spool of connections, all of a source host in one part. Leaves: one row per host
and destination (zone of the server name, else address) with the parts of its score, each 0..1:
``amount`` (against what this host sends to its other destinations), ``direction`` (more out than
in), ``surge`` (a destination this host never had, or a day far above its usual one), ``rarity``,
and for hosts with a role (``repo``) ``role``. A host is its own baseline; without three days of
history ``surge`` stands at 0.5.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from afterpatch.detect.network.beacons import DAY_S, fleet_words
from afterpatch.detect.network.places import ends

WEIGHTS: Final = {
    "surge": 0.40, "amount": 0.25, "rarity": 0.20, "direction": 0.15, "role": 0.15,
}  # fmt: skip
_DAY_US: Final = DAY_S * 1_000_000
_LEAST_BYTES: Final = 10_000_000
_LEAST_WITH_ROLE_BYTES: Final = 1_000_000
_NO_HISTORY: Final = 0.5
_HISTORY_DAYS: Final = 3
_NEW_AFTER_DAYS: Final = 7  # so much of the host's history without the destination makes it new
_JUMP: Final = 20.0


def uploads(flows: pl.DataFrame) -> pl.DataFrame:
    """``flows``: time, src, target, role, bytes_out, bytes_in, place."""
    days = flows.group_by("src", "target", day=pl.col("time") // _DAY_US).agg(
        sent=pl.col("bytes_out").sum(), got=pl.col("bytes_in").sum()
    )
    table = days.group_by("src", "target").agg(
        sent=pl.col("sent").sum(),
        got=pl.col("got").sum(),
        days=pl.len(),
        busiest=pl.col("sent").max(),
        usual_day=pl.col("sent").median(),
    )
    return _scored(table.join(_places(flows), on=("src", "target")), flows).filter(
        pl.col("sent")
        >= pl.when(pl.col("role_name") != "").then(_LEAST_WITH_ROLE_BYTES).otherwise(_LEAST_BYTES)
    )


def _places(flows: pl.DataFrame) -> pl.DataFrame:
    return flows.group_by("src", "target").agg(
        events=pl.len(),
        **ends(),
        role_name=pl.col("role").first(),
    )


def _scored(table: pl.DataFrame, flows: pl.DataFrame) -> pl.DataFrame:
    hosts = flows.group_by("src").agg(
        host_first=pl.col("time").min(), host_last=pl.col("time").max()
    )
    sent = pl.col("sent")
    usual = table.group_by("src").agg(
        targets=pl.len(),
        usual=sent.median(),
        most=sent.max(),
        second=sent.sort(descending=True).get(1, null_on_oob=True),
    )
    table = table.join(hosts, on="src").join(usual, on="src")
    before = (pl.col("first") - pl.col("host_first")) / _DAY_US
    history = (pl.col("host_last") - pl.col("host_first")) / _DAY_US
    other_most = pl.when(sent == pl.col("most")).then("second").otherwise("most")
    jump = _log_share(pl.col("busiest"), pl.max_horizontal("usual_day", 1), _JUMP)
    established = pl.col("days") >= _HISTORY_DAYS
    surge = pl.max_horizontal(
        (before / _NEW_AFTER_DAYS).clip(0.0, 1.0), pl.when(established).then(jump).otherwise(0.0)
    )
    amount = 0.5 * _log_share(sent, pl.max_horizontal("usual", 1), 1000.0) + 0.5 * _log_share(
        sent, pl.max_horizontal("other_most", 1), 10.0
    )
    return table.with_columns(other_most=other_most.fill_null(0), before_days=before).with_columns(
        amount=pl.when(pl.col("targets") > 1).then(amount).otherwise(1.0),
        direction=((sent / (sent + pl.col("got")) - 0.5) / 0.45).clip(0.0, 1.0),
        surge=pl.when(history >= _HISTORY_DAYS).then(surge).otherwise(_NO_HISTORY),
        history_days=history,
        role=pl.when(pl.col("role_name") != "").then(1.0),
    )


def _log_share(value: pl.Expr, low: pl.Expr, factor: float) -> pl.Expr:
    return ((value.clip(1) / low).log() / math.log(factor)).clip(0.0, 1.0)


def words(row: Mapping[str, Any], fleet: int) -> list[str]:
    """Why this upload has its score."""
    others = f"{size(row['usual'])} at the median, any other {size(row['other_most'])} at most"
    said = [
        f"sent {size(row['sent'])} and got {size(row['got'])} on {row['days']:,} days",
        f"a destination of this host gets {others}",
    ]
    if row["history_days"] < _HISTORY_DAYS:
        said.append(f"no baseline: {row['history_days']:.1f} days of this host's traffic")
    elif row["before_days"] >= 1:
        said.append(f"a destination it did not have for {row['before_days']:.0f} days before")
    else:
        said.append(f"busiest day {size(row['busiest'])}, usual day {size(row['usual_day'])}")
    said.append(fleet_words(row["sources"], fleet))
    if row["role_name"]:
        said.append(f"this host is marked as {row['role_name']}")
    return said


def size(count: float) -> str:
    """Bytes in decimal units: ``1.2 GB``."""
    for limit, unit, name in ((1e3, 1, "bytes"), (1e6, 1e3, "kB"), (1e9, 1e6, "MB")):
        if count < limit:
            return f"{count / unit:.3g} {name}"
    return f"{count / 1e9:.3g} GB"
