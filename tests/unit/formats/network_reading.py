"""Reading a text through the registry, for the tests of network logs."""

import io
from datetime import UTC, datetime
from typing import Any

import polars as pl

from afterpatch.formats.registry import recognise
from afterpatch.model.places import Item

WRITTEN = datetime(2021, 3, 20, tzinfo=UTC)


class Read:
    """Everything one file gave."""

    def __init__(self, data: bytes | str, name: str, modified: datetime | None = WRITTEN) -> None:
        raw = data.encode() if isinstance(data, str) else data
        item = Item(name, None, f"C:/{name}", "r", (name,), len(raw), modified)
        known, self.reason = recognise(raw[:65_536], item)
        assert known is not None
        self.kind = known.kind
        pieces = list(known.read(io.BytesIO(raw), item, None))
        for piece in pieces:
            lost = sum(gap.records for gap in piece.gaps)
            assert piece.records == piece.events + piece.skipped + lost
        self.records = sum(piece.records for piece in pieces)
        self.events = sum(piece.events for piece in pieces)
        self.skipped = sum(piece.skipped for piece in pieces)
        self.gaps = [gap for piece in pieces for gap in piece.gaps]
        self.notices = [notice.text for piece in pieces for notice in piece.notices]
        self.batches = [batch for piece in pieces for batch in piece.batches]
        self.observed = {log for piece in pieces for log in piece.observed}

    def rows(self, *columns: str) -> list[tuple[Any, ...]]:
        """Some columns of every row, in file order; null where a batch lacks the column."""
        frames = [batch.frame for batch in self.batches]
        whole = pl.concat(frames, how="diagonal").sort("@record", maintain_order=True)
        missing = [pl.lit(None).alias(name) for name in columns if name not in whole.columns]
        return whole.with_columns(missing).select(columns).rows()

    def times(self) -> list[str | None]:
        """ISO 8601 of every row."""
        return [
            None if us is None else datetime.fromtimestamp(us / 1e6, UTC).isoformat()
            for (us,) in self.rows("@time")
        ]
