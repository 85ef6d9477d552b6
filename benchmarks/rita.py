"""The published beacon score of RITA v5, written plainly, one pair after the other.

Facts from activecm/rita, ``analysis/beacons.go`` and ``default_config.hjson`` (January 2026); no
code of it is used. Score = a quarter each of: timing (Bowley skew and MAD of the intervals between
distinct seconds), data size (the same of the bytes sent), duration (coverage of the time span, or
longest run of the 24 bins over 12, from six bins on), histogram (24 bins: one minus coefficient of
variation, or two-mode fit from eleven bins on). Pairs with fewer than four distinct seconds, or
with 86,400 a day or more, are not scored. The prevalence modifier adds 0.15 up to 2 % of the hosts
and takes 0.15 from 50 % on.
"""

import math
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS: Final = 24
_MIN: Final = 4
_STROBE_A_DAY: Final = 86_400


def scores(flows: pl.DataFrame, modifiers: bool) -> pl.DataFrame:
    """``src_ip``, ``target``, ``score`` of every scored pair: by address and by server name."""
    first, last = flows["time"].min() // 1_000_000, flows["time"].max() // 1_000_000
    hosts = flows["src_ip"].n_unique()
    tables = []
    for column in ("dst_ip", "host"):
        rows = flows.filter(pl.col(column).is_not_null())
        pairs = rows.group_by("src_ip", target=column).agg(
            seconds=(pl.col("time") // 1_000_000).sort(), sizes=pl.col("bytes_out")
        )
        scored = [
            _score(np.array(seconds), np.array(sizes, np.float64), first, last)
            for seconds, sizes in pairs.select("seconds", "sizes").iter_rows()
        ]
        table = pairs.select("src_ip", "target", score=pl.Series(scored, dtype=pl.Float64))
        table = table.filter(pl.col("score").is_not_null())
        spread = rows.group_by(target=column).agg(share=pl.col("src_ip").n_unique() / hosts)
        tables.append(table.join(spread, on="target"))
    whole = pl.concat(tables)
    if not modifiers:
        return whole.drop("share")
    change = pl.when(pl.col("share") <= 0.02).then(0.15)
    change = change.when(pl.col("share") >= 0.5).then(-0.15).otherwise(0.0)
    return whole.with_columns(score=pl.col("score") + change).drop("share")


def _score(seconds: Floats, sizes: Floats, first: int, last: int) -> float | None:
    distinct = np.unique(seconds)
    days = max((last - first) / 86_400, 1.0)
    if len(distinct) < _MIN or len(seconds) / days >= _STROBE_A_DAY:
        return None
    bars, _ = np.histogram(seconds, BINS, (first, last))
    timing = _statistical(np.sort(np.diff(distinct)).astype(np.float64), 1.0)
    size = _statistical(np.sort(sizes), 0.0)
    parts = (timing, size, _duration(bars, seconds, first, last), _histogram(bars))
    return round(sum(parts) / 4, 3)


def _statistical(values: Floats, without_median: float) -> float:
    """Mean of the skew score and the MAD score of ordered values."""
    low, middle, high = _quartiles(values)
    width = high - low
    skew = 0.0
    if width >= 10 and middle not in (low, high):
        skew = (low + high - 2 * middle) / width
    mad = float(np.median(np.abs(values - middle)))
    tight = max((middle - mad) / middle, 0.0) if middle >= 1 else without_median
    return round(((1 - abs(skew)) + tight) / 2, 3)


def _quartiles(values: Floats) -> tuple[float, float, float]:
    """By medians of halves, the middle value in neither."""
    half = len(values) // 2
    upper = values[half + len(values) % 2 :]
    return float(np.median(values[:half])), float(np.median(values)), float(np.median(upper))


def _duration(bars: NDArray[np.int64], seconds: Floats, first: int, last: int) -> float:
    if np.count_nonzero(bars) < 6:
        return 0.0
    coverage = min((seconds[-1] - seconds[0]) / (last - first), 1.0)
    run = longest = 0
    for bar in (*bars, *bars):  # around the end of the span
        run = run + 1 if bar else 0
        longest = max(longest, run)
    return max(coverage, min(min(longest, BINS) / 12, 1.0))


def _histogram(bars: NDArray[np.int64]) -> float:
    flat = max(1 - float(bars.std() / bars.mean()), 0.0)
    filled = bars[bars > 0]
    modes = 0.0
    if len(filled) >= 11:
        width = math.ceil(bars.max() * 0.05)
        heights = np.sort(np.unique(filled // width, return_counts=True)[1])[::-1]
        modes = min(heights[:2].sum() / max(len(filled) - 1, 1), 1.0)
    return max(flat, float(modes))
