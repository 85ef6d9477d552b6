"""Matched rows of a batch as hits.

Enters: a batch, row numbers, the fields to show. Leaves: one hit per row, with what the row says of
itself. Will not do: decide which rows matched.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import polars as pl

from afterpatch.detect.sigma.fields import names
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.model.batches import AT, RAW, RECORD, RESERVED, TIME, Batch
from afterpatch.model.hits import Hit
from afterpatch.model.places import Place
from afterpatch.model.times import from_us

MAX_FIELD_CHARS: Final = 2_000


def hits_at(
    rule: str, rows: Indexes, batch: Batch, source: str, shown: Iterable[str]
) -> Iterator[Hit]:
    """One hit of a rule per row, in order. ``shown``: fields it carries if the batch has them."""
    chosen = pl.Series(rows)

    def values(column: str) -> list[Any]:
        present = column in batch.frame.columns
        return batch.frame.get_column(column)[chosen].to_list() if present else [None] * len(rows)

    columns = {name: _column(name, batch) for name in shown}
    kept = {name: values(column) for name, column in columns.items() if column is not None}
    places = zip(*map(values, (TIME, RECORD, RAW, AT)), strict=True)
    for row, (time_us, record, raw, at) in enumerate(places):
        yield Hit(
            rule=rule,
            time=_time(time_us),
            place=Place(source, record or 0),
            fields={
                name: text[row][:MAX_FIELD_CHARS]
                for name, text in kept.items()
                if text[row] is not None
            },
            raw=(raw or "")[:MAX_FIELD_CHARS],
            at=at,
        )


def _time(time_us: int | None) -> datetime | None:
    try:
        return None if time_us is None else from_us(time_us)
    except OverflowError:
        return None


def _column(field: str, batch: Batch) -> str | None:
    """The column that shows a field: its own spelling, else the log source's native name."""
    columns = batch.frame.columns
    return next(
        (c for c in names(field, batch.logsource) if c in columns and c not in RESERVED), None
    )
