"""Rows or columns of Windows events of one kind -> the frame of a batch.

The columns every event has come first, then the event's own fields by name. Will not: decide what
kind an event is.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import polars as pl

from afterpatch.formats.windows_table import NO_TIME, Column, EventTable
from afterpatch.model.batches import AT, RAW, RECORD, RESERVED, TIME, Batch, Logsource

MAX_COLUMNS: Final = 256  # a wider union of fields is split, or mostly empty cells fill memory
LEADING: Final = ("Channel", "Provider_Name", "EventID", "Computer", "Message")


class Row(NamedTuple):
    """One event."""

    time_us: int | None
    record: int
    raw: str
    at: int | None
    channel: str
    computer: str
    fields: dict[str, str | None]


class Group(NamedTuple):
    """What the events of one frame have in common."""

    logsource: Logsource
    channel: str
    provider: str
    event_id: str


def not_too_wide(rows: list[Row]) -> Iterator[list[Row]]:
    names: set[str] = set()
    start = 0
    for place, row in enumerate(rows):
        new = row.fields.keys() - names
        if new and len(names) + len(new) > MAX_COLUMNS and place > start:
            yield rows[start:place]
            start, names, new = place, set(), set(row.fields)
        names |= new
    yield rows[start:]


def table_batch(table: EventTable, shift_us: int) -> Batch:
    """The frame as of :func:`row_frame`, for columns that exist already."""
    times_us = pl.Series(TIME, table.times_us + shift_us, dtype=pl.Int64)
    if len(table.known_times()) < len(table):
        unknown = pl.Series(table.times_us == NO_TIME)
        times_us = times_us.set(unknown, None)
    rows = len(table)
    columns = {
        "Channel": table.columns.get("Channel") or Column.of_one(table.channel or None, rows),
        "Provider_Name": Column.of_one(table.provider or None, rows),
        "EventID": Column.of_one(table.event_id, rows),
        "Computer": table.computers,
    }
    names = sorted(table.columns.keys() - columns.keys() - {""})
    for name in sorted(names, key=lambda name: name not in LEADING):
        columns.setdefault(f"{name}_" if name in RESERVED else name, table.columns[name])
    frame = pl.DataFrame(
        [
            times_us,
            pl.Series(RECORD, table.records, dtype=pl.Int64),
            pl.Series(AT, table.places, dtype=pl.Int64),
            *(column.texts.alias(name) for name, column in columns.items()),
        ]
    )
    distinct = {name: column.distinct for name, column in columns.items()}
    return Batch(table.logsource, frame, distinct)


def row_frame(group: Group, rows: list[Row], shift_us: int) -> pl.DataFrame:
    columns: dict[str, list[str | None]] = {
        # An event may have data of this name (System 104 names the cleared log); rules mean that.
        "Channel": [row.fields.get("Channel", group.channel or None) for row in rows],
        "Provider_Name": [group.provider or None] * len(rows),
        "EventID": [group.event_id] * len(rows),
        "Computer": [row.computer or None for row in rows],
    }
    names = sorted({name for row in rows for name in row.fields} - columns.keys() - {""})
    for name in sorted(names, key=lambda name: name not in LEADING):
        column = f"{name}_" if name in RESERVED else name
        columns.setdefault(column, [row.fields.get(name) for row in rows])
    text = pl.Series(RAW, [row.raw for row in rows], dtype=pl.String)
    if rows[0].at is not None:
        text = pl.Series(AT, [row.at for row in rows], dtype=pl.Int64)
    times = [None if row.time_us is None else row.time_us + shift_us for row in rows]
    return pl.DataFrame(
        [
            pl.Series(TIME, times, dtype=pl.Int64),
            pl.Series(RECORD, [row.record for row in rows], dtype=pl.Int64),
            text,
            *(pl.Series(name, values, dtype=pl.String) for name, values in columns.items()),
        ]
    )
