"""Channels that call back: source to address, to server name, to DNS zone.

Enters: parts of a spool, all rows of a channel in one part. Leaves: candidates, one row per
channel, with the parts of its score. Parts, each 0..1: ``timing`` (:mod:`timing`), ``size`` (one
size again and again), ``persistence`` (present in most of the hours or days it could be present
in), ``rarity`` (few hosts of the fleet have this target), ``count``. Processes and names are not
looked at.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from afterpatch.detect.network.segments import (
    Floats,
    Ints,
    deviation,
    quantile,
    sort_groups,
    starts_of,
)
from afterpatch.detect.network.timing import MIN_CONTACTS, READINGS, TICKS_A_SECOND, timing

WEIGHTS: Final = {
    "timing": 0.37, "rarity": 0.20, "size": 0.20, "persistence": 0.16, "count": 0.07,
}  # fmt: skip
HOUR_S: Final = 3600
DAY_S: Final = 86_400
_HOURLY_UP_TO_S: Final = 3 * DAY_S  # longer windows count days
_LOOSE: Final = 0.5  # MAD over median of sizes at which nothing is left of "one size"
COMMON: Final = 0.6  # the discount for what most of the fleet has
COMMON_SHARES: Final = (0.25, 0.5)
_FEW: Final = 4  # others to compare with at which rarity counts half of what it says
_EVEN: Final = 0.15  # multiples of a period that hardly ever are more than one
_MANY: Final = 60  # contacts from which more of them add nothing
_US_A_TICK: Final = 1_000_000 // TICKS_A_SECOND


def channels(rows: pl.DataFrame, window_us: tuple[int, int]) -> pl.DataFrame:
    """Score the channels of one part.

    ``rows``: time, src, target, bytes_out, bytes_in, place, in any order. One row comes out per
    channel with at least MIN_CONTACTS contacts, with all parts but rarity.
    """
    order, counts = _ordered(rows, window_us)
    groups = np.repeat(np.arange(len(counts)), counts)
    micros = rows["time"].to_numpy()[order]
    ticks = (micros - window_us[0]) // _US_A_TICK
    starts = starts_of(counts)
    times = timing(ticks, counts)
    active, persistence = _persistence(ticks, groups, counts, times.period_s, window_us)
    head = rows.select("src", "target")[order[starts]]
    size, usual = _size(rows["bytes_out"][order], groups, len(counts))
    size_in, _ = _size(rows["bytes_in"][order], groups, len(counts))
    return pl.DataFrame(
        {
            "src": head["src"],
            "target": head["target"],
            "timing": times.score,
            "size": np.where(np.isnan(size), size_in, np.fmax(size, np.nan_to_num(size_in))),
            "persistence": persistence,
            "count": np.clip(np.log(np.maximum(times.contacts, 1) / 3) / math.log(_MANY / 3), 0, 1),
            "contacts": times.contacts,
            "events": counts,
            "period_s": times.period_s,
            "spread_s": times.spread_s,
            "reading": times.reading,
            "slots": active,
            "usual_bytes": usual,
            **_ends(micros, rows["place"].to_numpy()[order], groups, starts),
        }
    ).filter(pl.col("contacts") >= MIN_CONTACTS)


def _ordered(rows: pl.DataFrame, window_us: tuple[int, int]) -> tuple[Ints, Ints]:
    """Row numbers of channels with enough rows, by channel and time; how many each channel has.

    Channel number and time share one 64-bit word, so one sort of integers orders them.
    """
    keys = rows.select(
        key=pl.struct("src", "target").hash(), row=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    often = keys.group_by("key").len().filter(pl.col("len") >= MIN_CONTACTS).sort("key")
    kept = keys.join(often.select("key").with_row_index("channel"), on="key").drop("key")
    row = kept["row"].to_numpy()
    ticks = (rows["time"].to_numpy()[row] - window_us[0]) // _US_A_TICK
    word = kept["channel"].to_numpy().astype(np.uint64) << np.uint64(32) | ticks.astype(np.uint64)
    return row[np.argsort(word)], often["len"].to_numpy().astype(np.int64)


def _ends(micros: Ints, places: Ints, groups: Ints, starts: Ints) -> dict[str, Ints]:
    """First and last time of each group, and the lowest and highest place of those rows."""
    if not len(starts):
        return dict.fromkeys(("first", "last", "first_place", "last_place"), micros)
    first, last = np.minimum.reduceat(micros, starts), np.maximum.reduceat(micros, starts)
    heads = np.where(micros == first[groups], places, np.iinfo(np.int64).max)
    tails = np.where(micros == last[groups], places, -1)
    return {
        "first": first,
        "last": last,
        "first_place": np.minimum.reduceat(heads, starts),
        "last_place": np.maximum.reduceat(tails, starts),
    }


def slot_s(window_us: tuple[int, int]) -> int:
    """Presence is counted in hours of a short window and in days of a long one."""
    return HOUR_S if window_us[1] - window_us[0] <= _HOURLY_UP_TO_S * 1_000_000 else DAY_S


def _persistence(
    ticks: Ints, groups: Ints, counts: Ints, period_s: Floats, window_us: tuple[int, int]
) -> tuple[Ints, Floats]:
    """Slots with contacts, and the score: half how full its own span is, half how long it lasts.

    A channel that sleeps for days is only expected as often as its period allows.
    """
    seconds = slot_s(window_us)
    slots = ticks // (seconds * TICKS_A_SECOND)
    starts = starts_of(counts)
    steps = np.diff(slots, prepend=-1) != 0
    steps[starts] = True
    active = np.bincount(groups[steps], minlength=len(counts)).astype(np.int64)
    ends = starts + counts - 1
    span = slots[ends] - slots[starts] + 1
    lasted_s = (ticks[ends] - ticks[starts]) / TICKS_A_SECOND
    expected = np.minimum(span, lasted_s / np.maximum(period_s, 1) + 1)
    full = np.clip(active / np.maximum(expected, 1), 0, 1)
    window_slots = max(1, (window_us[1] - window_us[0]) // 1_000_000 // seconds)
    return active, 0.5 * full + 0.5 * np.clip(span / window_slots, 0, 1)


def _size(column: pl.Series, groups: Ints, count: int) -> tuple[Floats, Floats]:
    """How alike the sizes of a channel are, and the usual one; NaN where none is known or all 0."""
    known = column.is_not_null().to_numpy()
    values, owner = column.drop_nulls().to_numpy(), groups[known]
    sizes = np.bincount(owner, minlength=count).astype(np.int64)
    ordered = sort_groups(values, owner)
    usual = quantile(ordered, starts_of(sizes), sizes, 0.5)
    spread = deviation(ordered, owner, sizes, np.nan_to_num(usual))
    usual = np.where((usual > 0) & (sizes >= MIN_CONTACTS), usual, np.nan)
    return np.clip(1 - spread / usual / _LOOSE, 0, 1), usual


def common_discount(sources: pl.Expr, fleet: int, shares: tuple[float, float]) -> pl.Expr:
    """What most of the fleet has is its software: 1 to the first share, COMMON from the second.

    The share is that of the *other* hosts, with two that nobody saw and that do not have it: three
    of three hosts say less than thirty of thirty, and a lone host says nothing.
    """
    low, high = shares
    share = (sources.cast(pl.Float64) - 1) / (fleet + 1)
    return (1 - (share - low) / (high - low) * (1 - COMMON)).clip(COMMON, 1.0)


def rarity(sources: pl.Expr, fleet: int) -> pl.Expr:
    """1 for a target of one host, 0 for that of half the fleet, in a fleet large enough to tell.

    In a small one it is drawn towards 0.5, which is also what a part counts that is not known: the
    only host of five that has a target is no rare one yet.
    """
    told = (fleet - 1) / (fleet - 1 + _FEW) if fleet > 1 else 0.0
    rare = 1 - sources.cast(pl.Float64).log() / math.log(max(fleet, _FEW) / 2)
    return 0.5 + (rare.clip(0.0, 1.0) - 0.5) * told


def words(row: Mapping[str, Any], fleet: int, window_us: tuple[int, int], verb: str) -> list[str]:
    """Why this channel has its score."""
    period, spread = span(row["period_s"]), span(row["spread_s"])
    reading = READINGS[row["reading"]]
    if reading == "steady" or row["spread_s"] < _EVEN * row["period_s"]:
        rhythm = f"{verb} every {period} ± {spread}"
    elif reading == "multiples":
        rhythm = f"{verb} at whole multiples of {period}"
    else:
        rhythm = f"{verb} after a few fixed delays, half of them within {period}"
    unit = slot_s(window_us)
    slots = max(1, -(-(window_us[1] - window_us[0]) // 1_000_000 // unit))
    name = "hours" if unit == HOUR_S else "days"
    said = [f"{rhythm}, in {row['slots']} of {slots} {name} ({row['contacts']:,} contacts)"]
    said.append(fleet_words(row["sources"], fleet))
    if row["size"] is not None and row["size"] >= 0.8 and row["usual_bytes"] == row["usual_bytes"]:
        said.append(f"sends {round(row['usual_bytes']):,} bytes nearly every time")
    return said


def fleet_words(sources: int, fleet: int) -> str:
    """How many hosts of the fleet have this target."""
    if sources == 1:
        return f"only this host of {fleet:,}" if fleet > 1 else "the only host seen"
    return f"{sources:,} of {fleet:,} hosts"


def span(seconds: float) -> str:
    """A duration in the unit that suits it: ``45 s``, ``9 min``, ``3.4 d``."""
    for limit, unit, name in ((120, 1, "s"), (5400, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{_short(seconds / unit)} {name}"
    return f"{_short(seconds / DAY_S)} d"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
