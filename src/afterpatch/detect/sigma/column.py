"""One column as distinct values: every test is answered once per distinct value.

Enters: a series of strings, tests. Leaves: for a test, the distinct values or the rows it holds
for. Will not do: choose columns (``columns`` does), boolean algebra over rules (``look`` does).
"""

from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.asked import Asked
from afterpatch.detect.sigma.ast import fold
from afterpatch.detect.sigma.distinct import Judge, Mask, fold_series, holds_for
from afterpatch.detect.sigma.literals import Block, Indexes, Scanner
from afterpatch.model.batches import Distinct

# A call into a native library has a price of its own: below these sizes plain Python is faster.
FEW_ROWS: Final = 512
FEW_VALUES: Final = 512
_UNKNOWN: Final = 2
_NOTHING: Final[Indexes] = np.empty(0, np.int64)


class Column:
    """One view of a batch. ``codes[row]`` is the row's index into ``values``, -1 where absent.

    ``members``: a value of several lines is a list of them, and any will do.
    """

    def __init__(
        self, series: pl.Series, known: Distinct | None = None, *, members: bool = False
    ) -> None:
        known = known or (_few(series) if len(series) <= FEW_ROWS else _many(series))
        self._series = series.alias("value")  # polars may take a column's own name for a pattern
        self._members = members
        self._firsts = known.firsts
        self.codes = known.numbers
        self._answers: dict[int, npt.NDArray[np.uint8]] = {}
        self._found: dict[str, Indexes] = {}
        self._scanned: list[frozenset[str]] = []
        # One answer per value and, at the place that -1 reads, one for "absent".
        self._never = np.zeros(len(known.firsts) + 1, np.uint8)

    @cached_property
    def values(self) -> pl.Series:
        """The distinct values, or a few more: some may be there twice."""
        return self._series.gather(self._firsts)

    @cached_property
    def folded(self) -> pl.Series:
        """The distinct values, folded."""
        return fold_series(self.values)

    @cached_property
    def texts(self) -> list[str]:
        """The distinct values."""
        return self.values.to_list()

    @cached_property
    def folded_texts(self) -> list[str]:
        """The distinct values, folded."""
        if len(self._firsts) <= FEW_VALUES:
            return [fold(text) for text in self.texts]
        return self.folded.to_list()

    @cached_property
    def _block(self) -> Block:
        if len(self._firsts) <= FEW_VALUES:
            return Block.of(self.folded_texts)
        lengths = self.folded.str.len_bytes().to_numpy().astype(np.int64)
        return Block(self.folded.str.join("\n").item().encode(), np.cumsum(lengths + 1))

    def scan(self, scanner: Scanner) -> dict[str, Indexes]:
        """Look for all literals of a scanner in one pass; those found, also remembered."""
        found = dict(scanner.find(self._block))
        self._scanned.append(scanner.asked)
        self._found |= found
        return found

    def rows_of(self, value: int) -> Indexes:
        """Rows that hold the distinct value, ascending."""
        order, starts = self._grouped
        return order[starts[value] : starts[value + 1]]

    @cached_property
    def _grouped(self) -> tuple[Indexes, Indexes]:
        """(rows of the first value, then of the second …, where each value's begin)."""
        counts = np.bincount(self.codes + 1, minlength=len(self._firsts) + 1)
        order = np.argsort(self.codes, kind="stable")[counts[0] :]
        return order, np.concatenate(([0], np.cumsum(counts[1:])))

    def rows_where(self, asked: Asked) -> Indexes:
        """Rows the test holds for, ascending."""
        answers = self._known(asked)
        if answers is self._never:
            return _NOTHING
        self._decide(asked, answers, np.flatnonzero(answers == _UNKNOWN))
        return np.flatnonzero(answers[self.codes] == 1)

    def holds(self, asked: Asked, rows: Indexes) -> Mask:
        """Whether the test holds, for each of the given rows; absent is False."""
        answers = self._known(asked)
        if answers is self._never:
            return np.zeros(len(rows), np.bool_)
        codes = self.codes[rows]
        known = answers[codes]
        open_codes = codes[known == _UNKNOWN]
        if len(open_codes):
            self._decide(asked, answers, members(open_codes, len(answers)))
            known = answers[codes]
        result: Mask = known == 1
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
        if len(self._firsts) == 0:
            return self._never
        if literals is None or not all(
            any(literal in scanned for scanned in self._scanned) for literal in literals
        ):
            answers = np.full(len(self._never), _UNKNOWN, np.uint8)
            answers[-1] = 0
            return answers
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
        elif len(unknown) == len(self._firsts):
            answers[:-1] = holds_for(asked.test, self.values, self.folded)
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


def _many(series: pl.Series) -> Distinct:
    """What there is to know of a long series."""
    groups = (
        pl.DataFrame({"value": series})
        .with_row_index("row")
        .drop_nulls("value")
        .group_by("value", maintain_order=True)
        .agg("row")
    )
    rows = groups["row"].explode().to_numpy().astype(np.int64)
    counts = groups["row"].list.len().to_numpy().astype(np.int64)
    numbers = np.full(len(series), -1, np.int32)
    numbers[rows] = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Distinct(numbers, rows[np.cumsum(counts) - counts])


def _few(series: pl.Series) -> Distinct:
    """The same, of a short one."""
    seen: dict[str, int] = {}
    numbers: list[int] = []
    firsts: list[int] = []
    for row, text in enumerate(series.to_list()):
        number = -1 if text is None else seen.setdefault(text, len(seen))
        if number == len(firsts):
            firsts.append(row)
        numbers.append(number)
    return Distinct(np.array(numbers, np.int32), np.array(firsts, np.int64))
