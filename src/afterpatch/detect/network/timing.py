"""How regular the contacts of many channels are, whatever their period, jitter and sleep.

Enters: event times of many channels, ordered inside each, in ticks of 10 ms. Leaves: per channel a
score 0..1 and what it rests on. Events closer than a second (or than a minute, tried as well) are
one contact, so that a call-back which opens several connections counts once. Three readings of the
intervals between contacts are tried, and the best one counts:

* ``steady``    one period: narrow spread (MAD over median, 0 for a Poisson process), no early
                contacts (10 % quantile over median; jitter has a floor, chance has none), and
                symmetry (Bowley). Sleep and missed beats only lengthen some intervals and hardly
                touch these. Weights 0.5, 0.3, 0.2.
* ``multiples`` whole multiples of one period, as when beats are missed or the host is off at night:
                mean cosine of the intervals on the circle of the period, so that errors do not add
                up over a long time.
* ``modes``     a few fixed delays in turn: share of intervals that repeat one of the three
                commonest lengths (10 % wide), above what chance gives.

Few intervals prove little: the score is multiplied by n / (n + 3).
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from afterpatch.detect.network.segments import (
    Floats,
    Ints,
    deviation,
    quantile,
    runs,
    sort_groups,
    starts_of,
    total,
)

TICKS_A_SECOND: Final = 100
MIN_CONTACTS: Final = 4
_APART_S: Final = (1, 60)  # events at most this close are one contact
_POISSON_SPREAD: Final = 0.694  # MAD / median of exponential intervals
_POISSON_FLOOR: Final = 0.152  # 10 % quantile / median of exponential intervals
_DOUBT: Final = 3
_NEAR_BEATS: Final = 4  # intervals of up to so many periods refine the period
_MODE_WIDTH: Final = 0.1  # in units of ln(interval)
_MODE_CHANCE: Final = 0.25  # what the three commonest 10 % bins hold of exponential intervals
_MODE_WORTH: Final = 0.8  # several delays are a weaker sign than one
_MODE_MIN: Final = 12
_WIDE: Final = 0.5  # MAD over median beyond any jitter of one period: only then are there several
READINGS: Final = ("steady", "multiples", "modes")


@dataclass(frozen=True, slots=True)
class Timing:
    """Per channel, arrays of one length. Times in seconds; ``reading`` indexes :data:`READINGS`."""

    score: Floats
    contacts: Ints
    period_s: Floats
    spread_s: Floats
    reading: Ints

    def better(self, other: "Timing") -> "Timing":
        """Per channel the one with the higher score, this one if equal."""
        take = other.score > self.score
        return Timing(
            **{
                field.name: np.where(take, getattr(other, field.name), getattr(self, field.name))
                for field in fields(self)
            }
        )


def timing(ticks: Ints, counts: Ints) -> Timing:
    """Times of channel after channel, ascending inside each; ``counts`` says how many each has."""
    first, *others = (_view(ticks, counts, apart * TICKS_A_SECOND) for apart in _APART_S)
    for other in others:
        first = first.better(other)
    return first


def _view(ticks: Ints, counts: Ints, apart: int) -> Timing:
    """The timing of contacts that are more than ``apart`` ticks away from the event before."""
    groups = np.repeat(np.arange(len(counts)), counts)
    leads = np.diff(ticks, prepend=0) > apart
    leads[starts_of(counts)[counts > 0]] = True
    kept, owner = ticks[leads], groups[leads]
    contacts = np.bincount(owner, minlength=len(counts)).astype(np.int64)
    inner = np.ones(len(kept), bool)
    inner[starts_of(contacts)[contacts > 0]] = False
    gaps, owner = np.diff(kept, prepend=0)[inner], owner[inner]
    sizes = np.maximum(contacts - 1, 0)
    ordered, starts = sort_groups(gaps, owner), starts_of(sizes)
    median = quantile(ordered, starts, sizes, 0.5)
    spread = deviation(ordered, owner, sizes, np.nan_to_num(median))
    period, beats = _multiples(ordered, owner, starts, sizes)
    scores = np.nan_to_num(
        np.stack(
            (
                _steady(ordered, starts, sizes, spread, apart),
                beats,
                _modes(ordered, owner, len(counts), sizes) * (spread > _WIDE * median),
            )
        )
    )
    reading = scores.argmax(axis=0)
    best = scores.max(axis=0) * sizes / (sizes + _DOUBT) * (contacts >= MIN_CONTACTS)
    return Timing(
        score=best,
        contacts=contacts,
        period_s=np.where(reading == 1, period, median) / TICKS_A_SECOND,
        spread_s=spread / TICKS_A_SECOND,
        reading=reading,
    )


def _steady(ordered: Ints, starts: Ints, sizes: Ints, spread: Floats, apart: int) -> Floats:
    # What is left above the shortest possible interval: chance then keeps its exponential shape.
    low, first, median, third = (
        quantile(ordered, starts, sizes, share) - apart for share in (0.1, 0.25, 0.5, 0.75)
    )
    tight = _unit(1 - spread / median / _POISSON_SPREAD)
    floor = _unit((low / median - _POISSON_FLOOR) / (1 - _POISSON_FLOOR))
    width = third - first
    skew = np.divide(first + third - 2 * median, width, out=np.zeros_like(width), where=width > 0)
    even = (1 - np.abs(skew)) * tight  # symmetric but wide says nothing
    return 0.5 * tight + 0.3 * floor + 0.2 * even


def _multiples(ordered: Ints, owner: Ints, starts: Ints, sizes: Ints) -> tuple[Floats, Floats]:
    """The period that intervals are multiples of, and how well they are."""
    count = len(sizes)
    period = np.nan_to_num(quantile(ordered, starts, sizes, 0.25), nan=1.0)
    period = np.maximum(period, 1.0)
    beats = np.round(ordered / period[owner])
    near = (beats >= 1) & (beats <= _NEAR_BEATS)
    spans = total(np.where(near, ordered, 0).astype(np.float64), owner, count)
    steps = total(np.where(near, beats, 0), owner, count)
    period = np.divide(spans, steps, out=period, where=steps > 0)
    turns = np.cos(2 * np.pi * (ordered / period[owner]))
    mean = np.divide(total(turns, owner, count), sizes, out=np.zeros(count), where=sizes > 0)
    return period, _unit(mean)


def _modes(ordered: Ints, owner: Ints, count: int, sizes: Ints) -> Floats:
    """Share of intervals that repeat one of the three commonest lengths."""
    bins = (np.log(np.maximum(ordered, 1)) / _MODE_WIDTH).astype(np.int64)
    starts, lengths = runs(owner * 1024 + bins)  # ordered by owner, then length: runs are bins
    bin_owner = owner[starts]
    per_owner = np.bincount(bin_owner, minlength=count).astype(np.int64)
    heights = sort_groups(lengths, bin_owner)
    rank_from_top = np.repeat(starts_of(per_owner) + per_owner, per_owner) - np.arange(len(heights))
    repeats = total(np.where(rank_from_top <= 3, heights - 1, 0).astype(float), bin_owner, count)
    share = np.divide(repeats, sizes - 3, out=np.zeros(count), where=sizes >= _MODE_MIN)
    return _MODE_WORTH * _unit((share - _MODE_CHANCE) / (1 - _MODE_CHANCE))


def _unit(values: Floats) -> Floats:
    return np.clip(values, 0.0, 1.0)
