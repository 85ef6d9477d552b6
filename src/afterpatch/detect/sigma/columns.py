"""The columns of a batch as distinct values: every test is answered once per distinct value.

Enters: a frame of strings, views, tests. Leaves: for a test, the distinct values or the rows it
holds for. Will not do: boolean algebra over rules (``look`` does).
"""

from collections.abc import Mapping
from functools import cached_property
from itertools import count
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.ast import FieldTest, fold
from afterpatch.detect.sigma.distinct import (
    Judge,
    Mask,
    fold_series,
    holds_for,
    judge_of,
    required_texts,
)
from afterpatch.detect.sigma.fields import View
from afterpatch.detect.sigma.literals import Block, Indexes, Scanner
from afterpatch.model.batches import RESERVED

# A call into a native library has a price of its own: below these sizes plain Python is faster.
FEW_ROWS: Final = 512
FEW_VALUES: Final = 512
MANY_VALUES: Final = 32  # their rows are found by going through all rows
_UNKNOWN: Final = 2
# A request's target (RFC 9112, 3.2) is a path with or without query, or a whole URL.
_STEM: Final = r"^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)"
# One after the other.
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "stem": (_STEM,),
    "query": (r"^[^?#]*\?([^#]*)",),
    "extension": (_STEM, r"(?:^|/)[^/;]*\.([^./;]+)(?:;[^/]*)?$"),
}
_NUMBERS: Final = count()
_NOTHING: Final[Indexes] = np.empty(0, np.int64)


class Asked:
    """A test as the columns of a look are asked it; ``number`` is its own in this process, because
    the rules of several plans may look at the same columns."""

    def __init__(self, test: FieldTest) -> None:
        self.number = next(_NUMBERS)
        self.test = test
        self.literals = required_texts(test)
        # Then a literal that a scan found is the answer. (One with a line end may be two texts.)
        self.is_literal = (test.op, test.cased, test.option) == ("contains", False, "") and (
            "\n" not in test.value
        )

    @cached_property
    def judge(self) -> Judge:
        """The test as a function of one value."""
        return judge_of(self.test)

    @cached_property
    def list_judge(self) -> Judge:
        """The test as a function of a list, one member per line: whether it holds for any."""
        judge = self.judge
        return lambda text, low: any(map(judge, text.split("\n"), low.split("\n")))


class Column:
    """One view of a batch. ``codes[row]`` is the row's index into ``values``, -1 where absent.

    ``members``: a value of several lines is a list of them, and any will do.
    """

    def __init__(self, series: pl.Series, *, members: bool = False) -> None:
        self._members = members
        few = len(series) <= FEW_ROWS
        self._values: pl.Series | list[str]
        self._values, self._rows, counts = _grouped_here(series) if few else _grouped(series)
        self._starts = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        self.codes = np.full(len(series), -1, np.int64)
        self.codes[self._rows] = np.repeat(np.arange(len(counts)), counts)
        self._answers: dict[int, npt.NDArray[np.uint8]] = {}
        self._found: dict[str, Indexes] = {}
        self._scanned: list[frozenset[str]] = []
        self._never = np.zeros(len(counts), np.uint8)

    @cached_property
    def values(self) -> pl.Series:
        """The distinct values."""
        if isinstance(self._values, pl.Series):
            return self._values
        return pl.Series("value", self._values, dtype=pl.String)

    @cached_property
    def folded(self) -> pl.Series:
        """The distinct values, folded."""
        return fold_series(self.values)

    @cached_property
    def texts(self) -> list[str]:
        """The distinct values."""
        return self._values if isinstance(self._values, list) else self._values.to_list()

    @cached_property
    def folded_texts(self) -> list[str]:
        """The distinct values, folded."""
        if isinstance(self._values, list):
            return [fold(text) for text in self._values]
        return self.folded.to_list()

    @cached_property
    def _block(self) -> Block:
        return Block.of(self.folded_texts)

    def scan(self, scanner: Scanner) -> dict[str, Indexes]:
        """Look for all literals of a scanner in one pass; those found, also remembered."""
        found = dict(scanner.find(self._block))
        self._scanned.append(scanner.asked)
        self._found |= found
        return found

    def rows_of(self, value: int) -> Indexes:
        """Rows that hold the distinct value, ascending."""
        return self._rows[self._starts[value] : self._starts[value + 1]]

    def rows_where(self, asked: Asked) -> Indexes:
        """Rows the test holds for, in no order."""
        answers = self._known(asked)
        self._decide(asked, answers, np.flatnonzero(answers == _UNKNOWN))
        chosen = np.flatnonzero(answers == 1)
        if len(chosen) > MANY_VALUES:
            return np.flatnonzero((self.codes >= 0) & (answers[self.codes] == 1))
        pieces = [self.rows_of(value) for value in chosen.tolist()]
        return np.concatenate(pieces) if pieces else _NOTHING

    def holds(self, asked: Asked, rows: Indexes) -> Mask:
        """Whether the test holds, for each of the given rows; absent is False."""
        answers = self._known(asked)
        if answers is self._never:
            return np.zeros(len(rows), np.bool_)
        codes = self.codes[rows]
        present = codes >= 0
        known = answers[codes]  # -1 reads the last value; ``present`` takes that back
        open_codes = codes[present & (known == _UNKNOWN)]
        if len(open_codes):
            self._decide(asked, answers, members(open_codes, len(answers)))
            known = answers[codes]
        result: Mask = present & (known == 1)
        return result

    def holds_at(self, asked: Asked, row: int) -> bool:
        """Whether the test holds for one row."""
        answers = self._known(asked)
        if answers is self._never:
            return False
        code = self.codes.item(row)
        if code < 0:
            return False
        answer = answers.item(code)
        if answer == _UNKNOWN:
            answer = answers[code] = self._judge(asked)(self.texts[code], self.folded_texts[code])
        return answer == 1

    def _known(self, asked: Asked) -> npt.NDArray[np.uint8]:
        """What is known of the test per value; a scan that found no required literal says no."""
        answers = self._answers.get(asked.number)
        if answers is None:
            answers = self._answers[asked.number] = self._first_answers(asked)
        return answers

    def _first_answers(self, asked: Asked) -> npt.NDArray[np.uint8]:
        literals = asked.literals
        if len(self._never) == 0:
            return self._never
        if literals is None or not all(
            any(literal in scanned for scanned in self._scanned) for literal in literals
        ):
            return np.full(len(self._never), _UNKNOWN, np.uint8)
        if not any(literal in self._found for literal in literals):
            return self._never
        answers = np.zeros(len(self._never), np.uint8)
        for literal in literals:
            answers[self._found.get(literal, _NOTHING)] = 1 if asked.is_literal else _UNKNOWN
        return answers

    def _decide(self, asked: Asked, answers: npt.NDArray[np.uint8], unknown: Indexes) -> None:
        if len(unknown) <= FEW_VALUES:
            judge, texts, folded = self._judge(asked), self.texts, self.folded_texts
            answers[unknown] = [judge(texts[code], folded[code]) for code in unknown.tolist()]
        elif self._members:
            self._decide_lists(asked, answers, unknown)
        elif len(unknown) == len(answers):
            answers[:] = holds_for(asked.test, self.values, self.folded)
        else:
            chosen = self.values.gather(unknown), self.folded.gather(unknown)
            answers[unknown] = holds_for(asked.test, *chosen)

    def _judge(self, asked: Asked) -> Judge:
        return asked.list_judge if self._members else asked.judge

    def _decide_lists(self, asked: Asked, answers: npt.NDArray[np.uint8], unknown: Indexes) -> None:
        """Every distinct member is asked once."""
        lists = self.values.gather(unknown).str.split("\n")
        owner = np.repeat(unknown, lists.list.len().to_numpy())
        single = Column(lists.explode())
        held = single.holds(asked, np.arange(len(owner)))
        answers[unknown] = 0
        answers[owner[held]] = 1


def members(numbers: Indexes, below: int) -> Indexes:
    """The distinct numbers, ascending; all are in ``range(below)``."""
    marks = np.zeros(below, np.bool_)
    marks[numbers] = True
    return np.flatnonzero(marks)


def _grouped(series: pl.Series) -> tuple[pl.Series, Indexes, Indexes]:
    """(distinct values, rows of the first, then of the second …, how many rows each has)."""
    groups = (
        pl.DataFrame({"value": series})
        .with_row_index("row")
        .drop_nulls("value")
        .group_by("value", maintain_order=True)
        .agg("row")
    )
    rows = groups["row"].explode().to_numpy().astype(np.int64)
    return groups["value"], rows, groups["row"].list.len().to_numpy().astype(np.int64)


def _grouped_here(series: pl.Series) -> tuple[list[str], Indexes, Indexes]:
    groups: dict[str, list[int]] = {}
    for row, text in enumerate(series.to_list()):
        if text is not None:
            groups.setdefault(text, []).append(row)
    rows = np.array([row for group in groups.values() for row in group], np.int64)
    counts = np.fromiter(map(len, groups.values()), np.int64, len(groups))
    return list(groups), rows, counts


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
            column = None if series is None else Column(series, members=view.members)
            self._views[view] = column
        return self._views[view]

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
                series = self.frame.get_column(name)
                found = series if found is None else found.zip_with(found.is_not_null(), series)
        return found
