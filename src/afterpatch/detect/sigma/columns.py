"""The columns of a batch as distinct values: every test is answered once per distinct value.

Enters: a frame of strings, views, tests. Leaves: for a test, the distinct values or the rows it
holds for. Will not do: boolean algebra over rules (``plan`` does).
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.ast import FieldTest
from afterpatch.detect.sigma.distinct import Mask, fold_series, holds_for, required_texts
from afterpatch.detect.sigma.fields import View
from afterpatch.model.batches import RESERVED

Indexes: TypeAlias = npt.NDArray[np.int64]

MIN_SCANNED_CHARS: Final = 3  # shorter literals are found so often that asking for them is slower
SAMPLE_VALUES: Final = 1_000
COMMON_SHARE: Final = 0.05  # reporting matches, not scanning, is the cost: skip common literals
_UNKNOWN: Final = 2
_NOTHING: Final[Indexes] = np.empty(0, np.int64)


class Column:
    """One view of a batch. ``codes[row]`` is the row's index into ``values``, -1 where absent."""

    def __init__(self, series: pl.Series) -> None:
        groups = (
            pl.DataFrame({"value": series})
            .with_row_index("row")
            .drop_nulls("value")
            .group_by("value", maintain_order=True)
            .agg("row")
        )
        self.values = groups["value"]
        counts = groups["row"].list.len().to_numpy()
        self._rows = groups["row"].explode().to_numpy().astype(np.int64)
        self._starts = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        self.codes = np.full(len(series), -1, np.int64)
        self.codes[self._rows] = np.repeat(np.arange(len(counts)), counts)
        self._memo: dict[FieldTest, npt.NDArray[np.uint8]] = {}
        self._found: dict[str, Indexes] = {}
        self._scanned: set[str] = set()
        self._never = np.zeros(len(self.values), np.uint8)

    @cached_property
    def folded(self) -> pl.Series:
        """The distinct values, folded."""
        return fold_series(self.values)

    def scan(self, literals: Iterable[str]) -> None:
        """Find all folded literals in one pass over the distinct values; remembered."""
        wanted = [x for x in literals if len(x) >= MIN_SCANNED_CHARS and x not in self._scanned]
        if len(wanted) < 2 or len(self.values) == 0:
            return
        common = self._common(wanted)
        rare = [literal for literal in wanted if literal not in common]
        pairs = self._matches(self.folded, rare)
        self._scanned.update(rare)
        for literal, indexes in pairs.iter_rows():
            self._found[literal] = np.array(indexes, np.int64)

    def _common(self, literals: list[str]) -> frozenset[str]:
        if len(self.values) < 4 * SAMPLE_VALUES:
            return frozenset()
        step = len(self.values) // SAMPLE_VALUES
        sample = self.folded.gather_every(step)
        found = self._matches(sample, literals)
        return frozenset(
            literal for literal, at in found.iter_rows() if len(at) > COMMON_SHARE * len(sample)
        )

    @staticmethod
    def _matches(texts: pl.Series, literals: list[str]) -> pl.DataFrame:
        """(literal, indexes of the texts that contain it, ascending)."""
        return (
            pl.DataFrame({"literal": texts.str.extract_many(literals, overlapping=True)})
            .with_row_index("at")
            .explode("literal", empty_as_null=True)
            .drop_nulls("literal")
            .unique()
            .sort("at")
            .group_by("literal")
            .agg("at")
        )

    def values_where(self, test: FieldTest) -> Indexes:
        """Indexes of the distinct values the test holds for, ascending."""
        answers = self._answers(test)
        unknown = np.flatnonzero(answers == _UNKNOWN)
        self._decide(test, answers, unknown)
        return np.flatnonzero(answers == 1)

    def rows_of(self, value: int) -> Indexes:
        """Rows that hold the distinct value, ascending."""
        return self._rows[self._starts[value] : self._starts[value + 1]]

    def rows_where(self, test: FieldTest) -> Indexes:
        """Rows the test holds for, ascending."""
        chosen = self.values_where(test)
        if len(chosen) == 0:
            return _NOTHING
        pieces = [self.rows_of(value) for value in chosen]
        return np.sort(np.concatenate(pieces)) if len(pieces) > 1 else pieces[0]

    def holds(self, test: FieldTest, rows: Indexes) -> Mask:
        """Whether the test holds, for each of the given rows; absent is False."""
        codes = self.codes[rows]
        present = codes >= 0
        answers = self._answers(test)
        open_codes = codes[present]
        open_codes = open_codes[answers[open_codes] == _UNKNOWN]
        if len(open_codes):
            self._decide(test, answers, np.unique(open_codes))
        result = np.zeros(len(rows), np.bool_)
        result[present] = answers[codes[present]] == 1
        return result

    def _answers(self, test: FieldTest) -> npt.NDArray[np.uint8]:
        """What is known of the test per value; a scan that found no required literal says no."""
        answers = self._memo.get(test)
        if answers is None:
            literals = required_texts(test)
            if literals is None or not literals <= self._scanned:
                answers = np.full(len(self.values), _UNKNOWN, np.uint8)
            elif literals.isdisjoint(self._found):
                answers = self._never
            else:
                answers = np.zeros(len(self.values), np.uint8)
                for literal in literals:
                    answers[self._found.get(literal, _NOTHING)] = _UNKNOWN
            self._memo[test] = answers
        return answers

    def _decide(self, test: FieldTest, answers: npt.NDArray[np.uint8], unknown: Indexes) -> None:
        if len(unknown) == len(self.values):
            answers[:] = holds_for(test, self.values, self.folded)
        elif len(unknown):
            chosen = self.values.gather(unknown)
            answers[unknown] = holds_for(test, chosen, self.folded.gather(unknown))


class Columns:
    """The views of one batch, made when first asked for."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.rows = frame.height
        self.names = tuple(name for name in frame.columns if name not in RESERVED)
        self._views: dict[View, Column | None] = {}

    def view(self, view: View) -> Column | None:
        """The column of a view; None when the batch has none of its columns."""
        if view not in self._views:
            series = self._series(view)
            self._views[view] = None if series is None else Column(series)
        return self._views[view]

    def _series(self, view: View) -> pl.Series | None:
        first = self._coalesced(view.columns)
        if first is None:
            return None
        if view.plus_is_space:
            return first.str.replace_all("+", " ", literal=True)
        if view.unmarked:
            return first.str.strip_prefix("?")
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
                series = self.frame.get_column(name)
                found = series if found is None else found.zip_with(found.is_not_null(), series)
        return found


def literals_of(tests: Iterable[FieldTest]) -> frozenset[str]:
    """Folded texts worth scanning for on behalf of these tests."""
    found = (required_texts(test) for test in tests)
    return frozenset(text for texts in found if texts for text in texts)
