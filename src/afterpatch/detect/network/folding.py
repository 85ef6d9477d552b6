"""One channel, one alert: what is seen twice is kept where it is seen best."""

from collections import Counter
from typing import Final

import polars as pl

_HALF: Final = 0.5  # answers are cached, so there may be fewer questions than connections
_MOSTLY: Final = 0.8  # of a host's connections to an address go by one name


def fold_addresses(
    addresses: pl.DataFrame, names: pl.DataFrame, rows: pl.DataFrame, left_out: Counter[str]
) -> pl.DataFrame:
    """Leave out addresses that are one server name nearly all the time, if that name is kept."""
    rows = rows.join(addresses.select("src", "target"), on=("src", "target"), how="semi")
    by_name = rows.group_by("src", "target", "name").len()
    share = pl.col("len") / pl.col("len").sum().over("src", "target")
    mostly = by_name.filter(pl.col("name").is_not_null(), share >= _MOSTLY)
    known = mostly.join(names.select("src", name="target"), on=("src", "name"), how="semi")
    kept = addresses.join(known, on=("src", "target"), how="anti", maintain_order="left")
    left_out["addresses ranked by server name instead"] += addresses.height - kept.height
    return kept


def fold_zones(asked: pl.DataFrame, called: pl.DataFrame, left_out: Counter[str]) -> pl.DataFrame:
    """Leave out a host's DNS zone where its connections to one name in that zone tell the same.

    ``called``: src, target (the zone), contacts of the server name in it that has the most.
    """
    best = called.group_by("src", "target").agg(called=pl.col("contacts").max())
    joined = asked.join(best, on=("src", "target"), how="left", maintain_order="left")
    told = (pl.col("called") >= _HALF * pl.col("contacts")).fill_null(value=False)
    kept = joined.filter(told.not_()).drop("called")
    left_out["DNS zones ranked by server name instead"] += asked.height - kept.height
    return kept
