"""Zones to which a few hosts slowly ask names that carry data.

Enters: parts of a spool of DNS queries, all queries of a zone in one part. Leaves: one row per zone
with the parts of its score, each 0..1: ``encoding`` (labels long and unlike words), ``once`` (names
that one host asks once and nobody again), ``rarity`` (few hosts of the fleet), ``names`` (how many
distinct ones), ``pace`` (a trickle per host and day, or a flood; lookups of many programs lie
between), ``variety`` (entropy of the characters). Kinds of zones that look alike for an innocent,
visible reason have their score multiplied by a discount, and the alert says why. No zone is known
by name but those for reverse lookups.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from afterpatch.detect.network.beacons import DAY_S, fleet_words
from afterpatch.detect.network.characters import writing
from afterpatch.detect.network.places import ends
from afterpatch.detect.network.segments import runs

WEIGHTS: Final = {
    "encoding": 0.30, "once": 0.20, "rarity": 0.15, "names": 0.15, "pace": 0.10, "variety": 0.10,
}  # fmt: skip
COMMON_SHARES: Final = (0.5, 0.8)  # an intruder may well have half of the hosts
MIN_NAMES: Final = 4
_MANY_NAMES: Final = 50
_DAY_US: Final = DAY_S * 1_000_000
_ONE_GO_US: Final = 600 * 1_000_000  # A, AAAA and retries of one question
_WORDS: Final = 0.50  # share of common letter pairs in names made of words (measured 0.5 to 0.7)
_DATA: Final = 0.20  # the same in encoded data: base32 0.13, hexadecimal 0.06
_SHORT_CHARS: Final = 6
_LONG_CHARS: Final = 16
_TRICKLE: Final = 24  # names per host and day
_USUAL: Final = 400
_FLOOD: Final = 4_000
_ADDRESS: Final = r"^(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]\.){31}[0-9a-f])(?:\.|$)"
_HEXADECIMAL: Final = r"^[0-9a-f]{8}[0-9a-f-]*$"  # with the hyphens of a UUID

# (column with the share of names, share from which it explains the zone, discount, in words)
EXPLAINED: Final = (
    ("reverse", 0.5, 0.1, "names of addresses turned round: reverse lookups"),
    ("address", 0.9, 0.1, "names are addresses, as in lookups of block lists"),
    ("codes", 0.8, 0.4, "answered from 127.0.0.0/8, the codes of reputation services"),
    ("identifiers", 0.9, 0.75, "labels are hexadecimal of one length: identifiers, file hashes"),
)


def zones_of(queries: pl.DataFrame) -> pl.DataFrame:
    """Score the zones of one part, all parts of the score but rarity.

    ``queries``: time, src, query, zone, place, answered, codes (answered from 127.0.0.0/8).
    """
    # Texts are compared once: groups are made of their 64-bit hashes.
    queries = queries.with_columns(
        pl.col(name).hash().alias(f"{name}_id") for name in ("zone", "src", "query")
    )
    names = _names(queries)
    starts, counts = runs(names["zone"].to_numpy())
    owner = np.repeat(np.arange(len(counts)), counts)
    style = writing(names["label"], owner, len(counts))
    unlike = np.clip((_WORDS - np.nan_to_num(style.common, nan=1.0)) / (_WORDS - _DATA), 0, 1)
    long = np.clip((style.length_chars - _SHORT_CHARS) / (_LONG_CHARS - _SHORT_CHARS), 0, 1)
    scored = pl.DataFrame(
        {
            "zone": names["zone"][starts],
            "encoding": unlike * long,
            "variety": np.clip((style.entropy_bits - 3) / 1.6, 0, 1),
            "names": np.clip(np.log(counts / 3) / math.log(_MANY_NAMES / 3), 0, 1),
            "distinct": counts,
            "length_chars": style.length_chars,
            "usual_pairs": style.common,
            "entropy_bits": style.entropy_bits,
        }
    )
    shares = names.group_by("zone").agg(
        pl.col("once").mean(),
        pl.col("reverse", "address", "identifiers").mean(),
        codes=(pl.col("codes").sum() / pl.col("answered").sum()).fill_nan(0.0),
        example=pl.col("query").min(),
    )
    return (
        scored.join(shares, on="zone")
        .join(_asked(queries), on="zone")
        .with_columns(pace=_pace(pl.col("per_day")), discount=_discount())
    )


def _names(queries: pl.DataFrame) -> pl.DataFrame:
    """One row per distinct name of zones with enough of them, ordered by zone and name."""
    names = queries.group_by("zone_id", "query_id").agg(
        zone=pl.col("zone").first(),
        query=pl.col("query").first(),
        asked_by=pl.col("src_id").n_unique(),
        lasted=pl.col("time").max() - pl.col("time").min(),
        answered=pl.col("answered").any(),
        codes=pl.col("codes").any(),
    )
    names = names.filter(pl.col("query") != pl.col("zone"))
    enough = names.group_by("zone").len().filter(pl.col("len") >= MIN_NAMES)
    names = names.join(enough.select("zone"), on="zone", how="semi").sort("zone", "query")
    outside = pl.col("query").str.len_bytes() - pl.col("zone").str.len_bytes() - 1
    names = names.with_columns(below=pl.col("query").str.slice(0, outside))
    return names.with_columns(
        once=(pl.col("asked_by") == 1) & (pl.col("lasted") <= _ONE_GO_US),
        reverse=pl.col("zone").str.ends_with(".arpa"),
        address=pl.col("below").str.contains(_ADDRESS),
        label=_longest_label(),
    ).with_columns(
        identifiers=pl.col("label").str.contains(_HEXADECIMAL)
        & (pl.col("label").str.len_bytes() == pl.col("label").str.len_bytes().mode().first()).over(
            "zone"
        )
    )


def _longest_label() -> pl.Expr:
    labels = pl.col("below").str.split(".")
    return labels.list.get(labels.list.eval(pl.element().str.len_bytes()).list.arg_max())


def _asked(queries: pl.DataFrame) -> pl.DataFrame:
    """Per zone: by how many hosts, how often, on how many days, when first and last, and where."""
    asked = queries.select("zone_id", "src_id", "query_id", day=pl.col("time") // _DAY_US).unique()
    hosts = asked.group_by("zone_id", "src_id").agg(
        names=pl.col("query_id").n_unique(), days=pl.col("day").n_unique()
    )
    paced = hosts.group_by("zone_id").agg(
        sources=pl.len(), per_day=(pl.col("names") / pl.col("days")).median()
    )
    days = asked.group_by("zone_id").agg(days=pl.col("day").n_unique())
    del asked
    whole = queries.group_by("zone_id").agg(
        zone=pl.col("zone").first(), src=pl.col("src").min(), events=pl.len(), **ends()
    )
    return whole.join(paced, on="zone_id").join(days, on="zone_id").drop("zone_id")


def _pace(per_day: pl.Expr) -> pl.Expr:
    trickle = 1 - (per_day / _TRICKLE).log() / math.log(_USUAL / _TRICKLE)
    flood = (per_day / _USUAL).log() / math.log(_FLOOD / _USUAL)
    return pl.max_horizontal(trickle, flood).clip(0.0, 1.0)


def _discount() -> pl.Expr:
    return pl.min_horizontal(
        pl.lit(1.0),
        *(
            pl.when(pl.col(column) >= share).then(worth).otherwise(1.0)
            for column, share, worth, _ in EXPLAINED
        ),
    )


def words(row: Mapping[str, Any], fleet: int) -> list[str]:
    """Why this zone has its score."""
    style = (
        f"labels of {row['length_chars']:.0f} characters with {row['entropy_bits']:.1f} bits each; "
        f"{row['usual_pairs']:.0%} of their letter pairs are usual in words (words: 50 % or more)"
    )
    said = [
        f"{row['distinct']:,} distinct names, {row['once']:.0%} asked once and by one host",
        style,
        f"{row['per_day']:.1f} names per host and day on {row['days']:,} days",
        fleet_words(row["sources"], fleet),
    ]
    said += [text for column, share, _, text in EXPLAINED if row[column] >= share]
    return said
