"""The fast evaluator: rules of one log source, compiled once, run over batches of columns.

Enters: parsed rules and batches. Leaves: for each rule that matched, the rows. Same answers as
``reference``, by other means:

1. Each rule gets a *trigger*: tests of which at least one must hold wherever the rule does.
2. Per column, all literals of all tests are looked for in one pass over the distinct values.
3. A rule none of whose triggers holds anywhere is done. Otherwise only the rows where a trigger
   holds are looked at, and of those only what the rest of the condition leaves open.

So the cost grows with distinct values and with hits, not with rules × events.
Will not do: correlation, reading rule files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Node, Not, Or, Rule, fold, tests
from afterpatch.detect.sigma.columns import Column, Columns, Indexes, literals_of
from afterpatch.detect.sigma.distinct import Mask, refers, required_texts
from afterpatch.detect.sigma.fields import View, applies, keyword_views, names, views
from afterpatch.model.batches import Batch, Logsource

_NEVER_A_TRIGGER: Final = frozenset({"null", "exists", "fieldref"})
_NO_TRIGGER_COST: Final = 1e9


@dataclass(frozen=True, slots=True)
class _Planned:
    """``triggers`` None = the rule can hold where none of its tests does: look at every row."""

    rule: Rule
    condition: Node
    triggers: tuple[FieldTest, ...] | None


class SigmaEngine:
    """All rules of a run. Plans are made per log source when its first batch arrives."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._plans: dict[Logsource, Plan] = {}

    def rules_for(self, logsource: Logsource) -> tuple[Rule, ...]:
        """The rules that apply to a log source, whether or not they match."""
        return self._plan(logsource).rules

    def match(self, batch: Batch) -> Iterator[tuple[Rule, Indexes]]:
        """(rule, matching row numbers of ``batch.frame``, ascending), in rule order."""
        yield from self._plan(batch.logsource).match(Columns(batch.frame))

    def _plan(self, logsource: Logsource) -> "Plan":
        plan = self._plans.get(logsource)
        if plan is None:
            chosen = [rule for rule in self.rules if applies(rule.scope, logsource)]
            plan = self._plans[logsource] = Plan(chosen, logsource)
        return plan


class Plan:
    """The rules of one log source, with triggers and the literals each column is scanned for."""

    def __init__(self, rules: Sequence[Rule], logsource: Logsource) -> None:
        self.rules = tuple(rules)
        self.logsource = logsource

    @cached_property
    def _planned(self) -> tuple[_Planned, ...]:
        planned = []
        for rule in self.rules:
            condition = _ordered(_negations_inward(rule.condition))
            planned.append(_Planned(rule, condition, _trigger(condition)[1]))
        return tuple(planned)

    @cached_property
    def _tests(self) -> tuple[FieldTest, ...]:
        return tuple(dict.fromkeys(t for p in self._planned for t in tests(p.condition)))

    @cached_property
    def _literals(self) -> dict[View, frozenset[str]]:
        """What to scan each view for; keyword literals stand under :data:`_ANY_VIEW`."""
        by_view: dict[View, set[FieldTest]] = {}
        for test in self._tests:
            for view in self._views(test):
                by_view.setdefault(view, set()).add(test)
        return {view: literals_of(found) for view, found in by_view.items()}

    def _views(self, test: FieldTest) -> tuple[View, ...]:
        if test.field == ANY_FIELD:
            return (_ANY_VIEW,)
        return views(test.field, test.op, self.logsource)

    def match(self, columns: Columns) -> Iterator[tuple[Rule, Indexes]]:
        """Rules that hold somewhere, each with its rows."""
        if columns.rows == 0 or not self.rules:
            return
        self._scan(columns)
        search = _Search(columns, self)
        everything = np.arange(columns.rows, dtype=np.int64)
        for planned in self._planned:
            rows = everything if planned.triggers is None else search.candidates(planned.triggers)
            if len(rows):
                rows = rows[search.holds(planned.condition, rows)]
            if len(rows):
                yield planned.rule, rows

    def _scan(self, columns: Columns) -> None:
        anywhere = self._literals.get(_ANY_VIEW, frozenset())
        if anywhere:
            for column in self._keyword_columns(columns):
                column.scan(anywhere)
        for view, literals in self._literals.items():
            column_ = columns.view(view)
            if column_ is not None:
                column_.scan(literals)

    def columns_of(self, test: FieldTest, columns: Columns) -> tuple[Column, ...]:
        """The columns of a batch that the test looks at."""
        if test.field == ANY_FIELD:
            return self._keyword_columns(columns)
        found = (columns.view(view) for view in self._views(test))
        return tuple(column for column in found if column is not None)

    def _keyword_columns(self, columns: Columns) -> tuple[Column, ...]:
        found = (columns.view(view) for view in keyword_views(columns.names, self.logsource))
        return tuple(column for column in found if column is not None)


_ANY_VIEW: Final = View(())


class _Search:
    """Boolean algebra over the rows of one batch."""

    def __init__(self, columns: Columns, plan: Plan) -> None:
        self.columns = columns
        self.plan = plan

    def candidates(self, triggers: Iterable[FieldTest]) -> Indexes:
        """Rows where some trigger holds, ascending."""
        found = [
            rows
            for test in triggers
            for column in self.plan.columns_of(test, self.columns)
            if len(rows := column.rows_where(test))
        ]
        if not found:
            return np.empty(0, np.int64)
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))

    def holds(self, node: Node, rows: Indexes) -> Mask:
        """Whether the tree holds, for each of the rows."""
        match node:
            case FieldTest():
                return self._test(node, rows)
            case Not(item):
                return ~self.holds(item, rows)
            case And(items):
                return self._narrowed(items, rows, until=False)
            case Or(items):
                return self._narrowed(items, rows, until=True)

    def _narrowed(self, items: tuple[Node, ...], rows: Indexes, *, until: bool) -> Mask:
        """Ask each item only about rows that no earlier item settled to ``until``."""
        result = np.full(len(rows), not until, np.bool_)
        still_open = np.arange(len(rows))
        for item in items:
            if len(still_open) == 0:
                break
            settled = self.holds(item, rows[still_open]) == until
            result[still_open[settled]] = until
            still_open = still_open[~settled]
        return result

    def _test(self, test: FieldTest, rows: Indexes) -> Mask:
        if test.op in ("null", "exists"):
            present = self._present(test.field, rows)
            return present if (test.op, test.value) == ("exists", "true") else ~present
        if test.op == "fieldref":
            return self._field_reference(test, rows)
        result = np.zeros(len(rows), np.bool_)
        for column in self.plan.columns_of(test, self.columns):
            result |= column.holds(test, rows)
        return result

    def _field(self, field: str) -> Column | None:
        return self.columns.view(View(names(field, self.plan.logsource)))

    def _present(self, field: str, rows: Indexes) -> Mask:
        column = self._field(field)
        return np.zeros(len(rows), np.bool_) if column is None else column.codes[rows] >= 0

    def _field_reference(self, test: FieldTest, rows: Indexes) -> Mask:
        """Two fields against each other, once per distinct pair of values."""
        result = np.zeros(len(rows), np.bool_)
        mine, other = self._field(test.field), self._field(test.value)
        if mine is None or other is None:
            return result
        left, right = mine.codes[rows], other.codes[rows]
        both = np.flatnonzero((left >= 0) & (right >= 0))
        pairs, which = np.unique(left[both] * len(other.values) + right[both], return_inverse=True)
        texts = zip(
            mine.folded.gather(pairs // len(other.values)) if len(pairs) else (),
            other.folded.gather(pairs % len(other.values)) if len(pairs) else (),
            strict=True,
        )
        answers = np.fromiter((refers(test.option, a, b) for a, b in texts), np.bool_, len(pairs))
        result[both] = answers[which]
        return result


def _negations_inward(node: Node, *, negated: bool = False) -> Node:
    """Negation only directly around tests (De Morgan), nested ands and ors joined."""
    match node:
        case FieldTest():
            return Not(node) if negated else node
        case Not(item):
            return _negations_inward(item, negated=not negated)
        case And(items) | Or(items):
            joined: type[And] | type[Or] = And if isinstance(node, And) != negated else Or
            inner: list[Node] = []
            for item in items:
                moved = _negations_inward(item, negated=negated)
                inner.extend(moved.items if isinstance(moved, joined) else (moved,))
            return inner[0] if len(inner) == 1 else joined(tuple(inner))


def _ordered(node: Node) -> Node:
    """Under ``and`` the most telling item first: it leaves the fewest rows for the rest."""
    match node:
        case And(items):
            return And(tuple(sorted(map(_ordered, items), key=lambda item: _trigger(item)[0])))
        case Or(items):
            return Or(tuple(map(_ordered, items)))
    return node


def _trigger(node: Node) -> tuple[float, tuple[FieldTest, ...] | None]:
    """(how common it may be, tests of which one must hold), for a tree with negations inward."""
    match node:
        case FieldTest():
            cost = _commonness(node)
            return cost, None if cost >= _NO_TRIGGER_COST else (node,)
        case And(items):
            return min(
                (_trigger(item) for item in items),
                key=lambda found: found[0],
                default=(_NO_TRIGGER_COST, None),
            )
        case Or(items):
            found = [_trigger(item) for item in items]
            cost = sum(each for each, _ in found)
            if any(triggers is None for _, triggers in found):
                return _NO_TRIGGER_COST, None
            return cost, tuple(dict.fromkeys(t for _, each in found if each for t in each))
    return _NO_TRIGGER_COST, None


def _commonness(test: FieldTest) -> float:
    """A rough order of tests by how many rows they hold for: long literals are rare."""
    if test.op in _NEVER_A_TRIGGER or (test.op == "contains" and not test.value):
        return _NO_TRIGGER_COST
    literals = required_texts(test)
    if literals is None:
        return 0.05 if test.op == "cidr" else 0.5
    cost = sum(1.0 / (1 + len(fold(literal))) ** 2 for literal in literals)
    return cost / 4 if test.op == "equals" else cost
