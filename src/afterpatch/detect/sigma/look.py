"""Boolean algebra over the rows of one batch: conditions as trees that can be asked.

Enters: rows of a batch, through its columns. Leaves: for which of them a condition holds. Every
node answers for many rows at once (``holds``) and for one (``holds_at``), which is quicker for few.
Will not do: choose the rows worth asking about (``plan`` does).
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from afterpatch.detect.sigma.asked import Asked
from afterpatch.detect.sigma.column import Column
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.distinct import Mask, refers
from afterpatch.detect.sigma.fields import View, keyword_views
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.model.batches import Logsource

FEW_ROWS: Final = 16  # asked one by one
_NOTHING: Final[Indexes] = np.empty(0, np.int64)


class Look:
    """One batch under the eyes of one plan; remembers what a leaf was answered."""

    def __init__(self, columns: Columns, logsource: Logsource) -> None:
        self.columns = columns
        self._logsource = logsource
        self._columns_of: dict[int, tuple[Column, ...]] = {}
        self._rows_where: dict[int, Indexes] = {}

    def columns_of(self, leaf: "Leaf") -> tuple[Column, ...]:
        """The columns of the batch that a test looks at."""
        found = self._columns_of.get(leaf.asked.number)
        if found is None:
            found = self._columns_of[leaf.asked.number] = self.showing(leaf.views)
        return found

    def showing(self, views: tuple[View, ...] | None) -> tuple[Column, ...]:
        """The columns of the batch for these views; None = for what a keyword looks at."""
        if views is None:
            views = tuple(keyword_views(self.columns.names, self._logsource))
        columns = (self.columns.view(view) for view in views)
        return tuple(column for column in columns if column is not None)

    def rows_where(self, leaf: "Leaf") -> Indexes:
        """Rows where a test holds, in no order and perhaps twice."""
        rows = self._rows_where.get(leaf.asked.number)
        if rows is None:
            pieces = [column.rows_where(leaf.asked) for column in self.columns_of(leaf)]
            rows = _NOTHING if not pieces else np.concatenate(pieces)
            self._rows_where[leaf.asked.number] = rows
        return rows

    def satisfying(self, tree: "Tree", rows: Indexes) -> Indexes:
        """Those of the rows for which the tree holds."""
        if len(rows) <= FEW_ROWS:
            return np.array([row for row in rows.tolist() if tree.holds_at(self, row)], np.int64)
        return rows[tree.holds(self, rows)]


class Tree(Protocol):
    """A condition that can be asked."""

    def holds(self, look: Look, rows: Indexes) -> Mask:
        """Whether it holds, for each of the rows."""
        ...

    def holds_at(self, look: Look, row: int) -> bool:
        """Whether it holds for one row."""
        ...


class Leaf:
    """A test of values. ``views`` None = of whatever a keyword looks at."""

    __slots__ = ("asked", "views")

    def __init__(self, asked: Asked, views: tuple[View, ...] | None) -> None:
        self.asked = asked
        self.views = views

    def holds(self, look: Look, rows: Indexes) -> Mask:
        columns = look.columns_of(self)
        if not columns:
            return np.zeros(len(rows), np.bool_)
        result = columns[0].holds(self.asked, rows)
        for column in columns[1:]:
            result |= column.holds(self.asked, rows)
        return result

    def holds_at(self, look: Look, row: int) -> bool:
        return any(column.holds_at(self.asked, row) for column in look.columns_of(self))


class Absent:
    """Whether a field is not there."""

    __slots__ = ("view",)

    def __init__(self, view: View) -> None:
        self.view = view

    def holds(self, look: Look, rows: Indexes) -> Mask:
        column = look.columns.view(self.view)
        return np.ones(len(rows), np.bool_) if column is None else column.codes[rows] < 0

    def holds_at(self, look: Look, row: int) -> bool:
        column = look.columns.view(self.view)
        return column is None or column.codes.item(row) < 0


class Reference:
    """Two fields against each other, once per distinct pair of values."""

    __slots__ = ("mine", "option", "other")

    def __init__(self, option: str, mine: View, other: View) -> None:
        self.option = option
        self.mine = mine
        self.other = other

    def holds(self, look: Look, rows: Indexes) -> Mask:
        result = np.zeros(len(rows), np.bool_)
        mine, other = look.columns.view(self.mine), look.columns.view(self.other)
        if mine is None or other is None:
            return result
        # In 64 bits: a pair of values is told by one number for both.
        left, right = mine.codes[rows].astype(np.int64), other.codes[rows]
        both = np.flatnonzero((left >= 0) & (right >= 0))
        width = max(len(other.values), 1)
        pairs, which = np.unique(left[both] * width + right[both], return_inverse=True)
        answers = [
            refers(self.option, mine.folded_texts[pair // width], other.folded_texts[pair % width])
            for pair in pairs.tolist()
        ]
        result[both] = np.array(answers, np.bool_)[which]
        return result

    def holds_at(self, look: Look, row: int) -> bool:
        return bool(self.holds(look, np.array([row], np.int64))[0])


class Negated:
    """Holds where ``item`` does not."""

    __slots__ = ("item",)

    def __init__(self, item: Tree) -> None:
        self.item = item

    def holds(self, look: Look, rows: Indexes) -> Mask:
        return ~self.item.holds(look, rows)

    def holds_at(self, look: Look, row: int) -> bool:
        return not self.item.holds_at(look, row)


class AllOf:
    """Asks each item only about rows for which all earlier ones held."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Tree]) -> None:
        self.items = tuple(items)

    def holds(self, look: Look, rows: Indexes) -> Mask:
        return _narrowed(self.items, look, rows, until=False)

    def holds_at(self, look: Look, row: int) -> bool:
        return all(item.holds_at(look, row) for item in self.items)


class AnyOf:
    """Asks each item only about rows for which no earlier one held."""

    __slots__ = ("items",)

    def __init__(self, items: Sequence[Tree]) -> None:
        self.items = tuple(items)

    def holds(self, look: Look, rows: Indexes) -> Mask:
        return _narrowed(self.items, look, rows, until=True)

    def holds_at(self, look: Look, row: int) -> bool:
        return any(item.holds_at(look, row) for item in self.items)


def _narrowed(items: tuple[Tree, ...], look: Look, rows: Indexes, *, until: bool) -> Mask:
    """Ask each item only about rows that no earlier item settled to ``until``."""
    result = np.full(len(rows), not until, np.bool_)
    still_open = np.arange(len(rows))
    for item in items:
        if len(still_open) == 0:
            break
        settled = item.holds(look, rows[still_open]) == until
        result[still_open[settled]] = until
        still_open = still_open[~settled]
    return result
