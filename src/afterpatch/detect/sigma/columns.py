"""The columns of a batch, seen as rules see them.

Enters: a batch, views. Leaves: a :class:`Column` per view, made once. Will not do: tests.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from afterpatch.detect.sigma.column import Column
from afterpatch.detect.sigma.fields import View
from afterpatch.model.batches import RESERVED, Batch, Distinct

# A request's target (RFC 9112, 3.2) is a path with or without query, or a whole URL.
_STEM: Final = r"^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)"
# One after the other.
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "stem": (_STEM,),
    "query": (r"^[^?#]*\?([^#]*)",),
    "extension": (_STEM, r"(?:^|/)[^/;]*\.([^./;]+)(?:;[^/]*)?$"),
}


class Columns:
    """The views of one batch, made when first asked for."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.rows = batch.frame.height
        self.names = tuple(name for name in batch.frame.columns if name not in RESERVED)
        self._views: dict[View, Column | None] = {}

    def view(self, view: View) -> Column | None:
        """The column of a view; None when the batch has none of its columns."""
        if view not in self._views:
            series = self._series(view)
            column = None
            if series is not None:
                column = Column(series, self._distinct(view), members=view.members)
            self._views[view] = column
        return self._views[view]

    def _distinct(self, view: View) -> Distinct | None:
        """What the batch knows of a view that is one of its columns as it is."""
        present = [name for name in view.columns if name in self.names]
        is_plain = replace(view, members=False) == View(view.columns) and len(present) == 1
        return self._batch.distinct.get(present[0]) if is_plain else None

    def _series(self, view: View) -> pl.Series | None:
        first = self._coalesced(view.columns)
        if first is None:
            return None
        if view.plus_is_space:
            return first.str.replace_all("+", " ", literal=True)
        if view.unmarked:
            return first.str.strip_prefix("?")
        if view.part:
            for pattern in _PARTS[view.part]:
                first = first.str.extract(pattern)
            return first
        if view.host:
            host = self._coalesced(view.host)
            rooted = first.str.starts_with("/")
            return None if host is None else (host + first).set(~rooted, None)
        if not view.query:
            return first
        second = self._coalesced(view.query)
        return None if second is None else first + "?" + second.str.strip_prefix("?")

    def _coalesced(self, columns: tuple[str, ...]) -> pl.Series | None:
        found: pl.Series | None = None
        for name in columns:
            if name in self.names:
                series = self._batch.frame.get_column(name)
                found = series if found is None else found.zip_with(found.is_not_null(), series)
        return found
