"""What the detectors say: ranked alerts with their score in parts and in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from afterpatch.model.places import Place
from afterpatch.model.times import from_us, rfc3339

Kind = Literal["beacon", "encoded-names", "long-connection", "upload"]
Channel = Literal["address", "server name", "DNS zone"]
KINDS: Final[tuple[Kind, ...]] = ("beacon", "encoded-names", "long-connection", "upload")


@dataclass(frozen=True, slots=True)
class Alert:
    """One channel that looks like command and control or theft.

    source   address of the host; None when the alert is about a zone asked by several hosts.
    sources  how many hosts have this channel's target in the whole fleet.
    target   address, server name or zone. ``channel``: what the target is.
    score    0..1, the weighted mean of ``parts`` (each 0..1) times ``discount`` (1 = none). A part
             that is not known is absent and counts half.
    because  the score in plain sentences, most telling first.
    first_us, last_us  microseconds since 1970, UTC.
    places   some of the records: first, last.
    """

    kind: Kind
    source: str | None
    target: str
    channel: Channel
    score: float
    parts: Mapping[str, float]
    discount: float
    because: tuple[str, ...]
    count: int
    sources: int
    first_us: int
    last_us: int
    places: tuple[Place, ...]
    next_step: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Alerts, best first, and what they were chosen from.

    looked_at   numbers of what was read: ``flows``, ``queries``, ``hosts``, ``channels`` …
    left_out    why -> how many rows or channels were not ranked. Nothing is left out silently.
    """

    alerts: tuple[Alert, ...]
    first_us: int | None
    last_us: int | None
    looked_at: Mapping[str, int]
    left_out: Mapping[str, int]


def stamp(time_us: int) -> str:
    """``2020-04-03T11:20:00Z``, without the fraction."""
    return rfc3339(from_us(time_us - time_us % 1_000_000))


def weighted(weights: Mapping[str, float]) -> pl.Expr:
    """Weighted mean of part columns; a part that is null or NaN (not known) counts half."""
    parts = (pl.col(name).fill_nan(None).fill_null(0.5) * worth for name, worth in weights.items())
    return (pl.sum_horizontal(parts) / sum(weights.values())).clip(0.0, 1.0)


def parts_of(row: Mapping[str, object], weights: Mapping[str, float]) -> dict[str, float]:
    """The known parts of a row, rounded for print."""
    values = ((name, row[name]) for name in weights)
    return {
        name: round(value, 4)
        for name, value in values
        if isinstance(value, float) and not math.isnan(value)
    }
