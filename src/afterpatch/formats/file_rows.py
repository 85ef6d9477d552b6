"""Rows about files -> batches: the table shared by listings and by web files themselves.

In: :class:`FileRow`. Out: a batch with TargetFilename, Size, Sha256, Modified.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from afterpatch.model.batches import MAX_RAW_CHARS, RAW, RECORD, TIME, Batch, Logsource

LOGSOURCE: Final = Logsource("file_listing", "windows", "")


class FileRow(NamedTuple):
    """One file. ``modified`` is the text as written; ``time_us`` only where that is surely UTC."""

    record: int
    path: str
    size: str | None = None
    sha256: str | None = None
    modified: str | None = None
    time_us: int | None = None
    raw: str = ""


def batch_of(
    rows: Sequence[FileRow], more: Mapping[str, Sequence[str | None]] | None = None
) -> Batch:
    """Rows -> batch; ``more`` adds columns."""
    columns: dict[str, Sequence[str | None]] = {
        "TargetFilename": [row.path for row in rows],
        "Size": [row.size for row in rows],
        "Sha256": [row.sha256 for row in rows],
        "Modified": [row.modified for row in rows],
        **(more or {}),
    }
    return Batch(
        LOGSOURCE,
        pl.DataFrame(
            [
                pl.Series(TIME, [row.time_us for row in rows], dtype=pl.Int64),
                pl.Series(RECORD, [row.record for row in rows], dtype=pl.Int64),
                pl.Series(RAW, [row.raw[:MAX_RAW_CHARS] for row in rows], dtype=pl.String),
                *(pl.Series(name, values, dtype=pl.String) for name, values in columns.items()),
            ]
        ),
    )
