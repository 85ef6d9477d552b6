"""Where a row is, as one number: which source, which record. Orders like the pair of them."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from afterpatch.model.places import Place

_RECORD_BITS: Final = 40
_MAX_RECORD: Final = (1 << _RECORD_BITS) - 1


def packed(source: pl.Series, record: pl.Series) -> pl.Series:
    """Source numbers and record numbers (null: 0, the whole file) as places."""
    known = record.fill_null(0).clip(0, _MAX_RECORD)
    return (source.cast(pl.Int64) * (1 << _RECORD_BITS) + known).rename("place")


def unpacked(place: int, sources: Sequence[str]) -> Place:
    """The place by name; ``sources``: names by number."""
    return Place(sources[place >> _RECORD_BITS], place & _MAX_RECORD)


def ends() -> dict[str, pl.Expr]:
    """First and last time of a group and where those rows are, whatever the order of the rows."""
    time, place = pl.col("time"), pl.col("place")
    return {
        "first": time.min(),
        "last": time.max(),
        "first_place": place.filter(time == time.min()).min(),
        "last_place": place.filter(time == time.max()).max(),
    }
