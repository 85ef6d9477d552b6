"""Objects of a JSON log that somebody asks for -> tables, one or several per log source.

Enters: rows: time, record number, original text, decoded object. Leaves: batches. Objects that have
too little in common to fit in one table are parted; one that fits in none is cut, with a gap.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import polars as pl

from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.json_columns import MAX_FIELDS, Document, TooWide, columns_of, first_fields
from afterpatch.formats.json_elements import Element
from afterpatch.model.batches import MAX_RAW_CHARS, RAW, RECORD, TIME, Batch, Logsource

TOO_WIDE: Final = f"an object of more than {MAX_FIELDS} fields: only its first plain ones were read"


class Row(NamedTuple):
    """``document``: the part of the object that holds its fields."""

    time_us: int | None
    record: int
    raw: str
    document: Document


def raw_text(element: Element) -> str:
    """The original text of an object, cut."""
    return element.text[: MAX_RAW_CHARS * 4].decode("utf-8", "backslashreplace")[:MAX_RAW_CHARS]


def batches_of(rows: Mapping[Logsource, list[Row]], gaps: GapRuns) -> tuple[Batch, ...]:
    """The rows as tables, by log source; ``gaps`` is told of what fits in none."""
    return tuple(
        Batch(logsource, frame)
        for logsource, found in sorted(rows.items())
        for frame in _frames(found, gaps)
    )


def _frames(rows: list[Row], gaps: GapRuns) -> Iterator[pl.DataFrame]:
    """One table, or several where the objects have too little in common."""
    documents = [row.document for row in rows]
    try:
        columns = columns_of(documents)
    except TooWide:
        if len(rows) > 1:
            half = len(rows) // 2
            yield from _frames(rows[:half], gaps)
            yield from _frames(rows[half:], gaps)
            return
        gaps.add(rows[0].record, TOO_WIDE, records=0)
        columns = columns_of([first_fields(documents[0])])
    reserved = [
        pl.Series(TIME, [row.time_us for row in rows], dtype=pl.Int64),
        pl.Series(RECORD, [row.record for row in rows], dtype=pl.Int64),
        pl.Series(RAW, [row.raw for row in rows], dtype=pl.String),
    ]
    named = {column.name: column for column in (*reserved, *columns)}
    yield pl.DataFrame(list(named.values()))
