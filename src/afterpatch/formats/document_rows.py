"""Events as objects -> tables, several where the objects have too little in common.

Enters: rows of one kind. Leaves: frames with the reserved columns and one per field; rows stay in
order. An object that is too wide by itself is cut, and said to be.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from afterpatch.formats.json_columns import Document, TooWide, columns_of, first_fields
from afterpatch.model.batches import RAW, RECORD, TIME


class Row(NamedTuple):
    """One event; ``raw``: its original text, cut already."""

    time_us: int | None
    record: int
    raw: str
    document: Document


def frames(rows: Sequence[Row], too_wide: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    """Tables of the rows. ``too_wide`` is told the record of each object that was cut."""
    documents = [row.document for row in rows]
    try:
        columns = columns_of(documents)
    except TooWide:
        if len(rows) > 1:
            half = len(rows) // 2
            yield from frames(rows[:half], too_wide)
            yield from frames(rows[half:], too_wide)
            return
        too_wide(rows[0].record)
        columns = columns_of([first_fields(documents[0])])
    reserved = [
        pl.Series(TIME, [row.time_us for row in rows], dtype=pl.Int64),
        pl.Series(RECORD, [row.record for row in rows], dtype=pl.Int64),
        pl.Series(RAW, [row.raw for row in rows], dtype=pl.String),
    ]
    named = {column.name: column for column in (*reserved, *columns)}
    yield pl.DataFrame(list(named.values()))
