"""Rows set aside in parts, so that all rows of one key can be read together in bounded memory.

Enters: frames, in any order. Leaves: parts; all rows of one key are in one part. Rows go to disk
(Arrow, LZ4, in the folder given) whenever :data:`HELD_ROWS` are in memory; a part then holds about
1/:data:`PARTS` of all rows. Bound: HELD_ROWS, or one part, whichever is more. A single key with
more rows than a part makes its part as large as itself.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

PARTS: Final = 32
HELD_ROWS: Final = 500_000
_PART: Final = "__part"


class Spool:
    """Rows by the hash of one column; ``folder`` must be empty and private."""

    def __init__(self, folder: Path, key: str, held_rows: int = HELD_ROWS) -> None:
        self._folder = folder
        self._key = key
        self._held_rows = held_rows
        self._held: list[pl.DataFrame] = []
        self._files: list[list[Path]] = [[] for _ in range(PARTS)]
        self._in_memory = 0
        self.rows = 0

    def add(self, frame: pl.DataFrame) -> None:
        """Keep the rows of a frame; all frames must have the same columns."""
        if frame.is_empty():
            return
        self._held.append(frame)
        self._in_memory += frame.height
        self.rows += frame.height
        if self._in_memory >= self._held_rows:
            self._spill()

    def parts(self) -> Iterator[pl.DataFrame]:
        """Every part that has rows. Can be asked for again."""
        if not any(self._files):
            if self._held:
                self._held = [pl.concat(self._held)]
                yield self._held[0]
            return
        if self._held:
            self._spill()
        for files in self._files:
            if files:
                yield pl.scan_ipc(files).collect()

    def _spill(self) -> None:
        frame = pl.concat(self._held)
        self._held, self._in_memory = [], 0
        number = sum(map(len, self._files))
        for values, part in (
            frame.with_columns((pl.col(self._key).hash() % PARTS).alias(_PART))
            .partition_by(_PART, as_dict=True)
            .items()
        ):
            path = self._folder / f"{self._key}-{values[0]}-{number}.arrow"
            part.drop(_PART).write_ipc(path, compression="lz4")
            self._files[int(values[0])].append(path)
