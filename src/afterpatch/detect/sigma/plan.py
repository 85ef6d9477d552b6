"""The fast evaluator: rules of one log source, compiled once, run over batches of columns.

Enters: parsed rules and batches. Leaves: for each rule that matched, the rows. Same answers as
``reference``, by other means:

1. Each rule gets a *trigger*: tests of which at least one must hold wherever the rule does.
2. Per column, all literals of all tests are looked for in one pass over the distinct values.
3. Only rules with a trigger whose literal was found are looked at, and of those only the rows where
   the trigger holds, and of those only what the rest of the condition leaves open.

So the cost grows with distinct values and with hits, not with rules × events.
Will not do: correlation, reading rule files.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.column import Column, members
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.compiled import ANY_VIEW, Compiled, MakeScanner, Shares
from afterpatch.detect.sigma.fields import applies
from afterpatch.detect.sigma.garbage import no_collection
from afterpatch.detect.sigma.literals import Block, Indexes, Scanner
from afterpatch.detect.sigma.look import Leaf, Look
from afterpatch.detect.sigma.store import RuleStore
from afterpatch.model.batches import Batch, Logsource

# Every literal found costs, and common ones tell little. Which are common in this evidence is asked
# once a plan was told of this many: by then that has cost about as much as asking.
LEARN_FOUND: Final = 200_000
SAMPLE_ROWS: Final = 500


class SigmaEngine:
    """All rules of a run. Plans are made per log source when its first batch arrives."""

    def __init__(self, rules: Iterable[Rule], store: RuleStore | None = None) -> None:
        self.rules = tuple(rules)
        self._plans: dict[Logsource, Plan] = {}
        self._scanners: dict[frozenset[str], Scanner] = {}
        self._store = store

    def rules_for(self, logsource: Logsource) -> tuple[Rule, ...]:
        """The rules that apply to a log source, whether or not they match."""
        return self._plan(logsource).rules

    def match(self, batch: Batch, columns: Columns | None = None) -> Iterator[tuple[Rule, Indexes]]:
        """(rule, matching row numbers of ``batch.frame``, ascending), in rule order.

        ``columns``: those of the batch, where another engine looks at them, too.
        """
        yield from self._plan(batch.logsource).match(columns or Columns(batch))

    def _plan(self, logsource: Logsource) -> "Plan":
        plan = self._plans.get(logsource)
        if plan is None:
            chosen = [rule for rule in self.rules if applies(rule.scope, logsource)]
            plan = Plan(chosen, logsource, self._scanner, self._scanner_once)
            self._plans[logsource] = plan
        return plan

    def _scanner(self, literals: frozenset[str]) -> Scanner:
        """The scanner of a set of literals; log sources have many in common."""
        scanner = self._scanners.get(literals)
        if scanner is None:
            scanner = self._scanners[literals] = Scanner(literals, self._store)
        return scanner

    def _scanner_once(self, literals: frozenset[str]) -> Scanner:
        """The same for literals that this evidence alone asks for: nothing to remember."""
        return self._scanners.get(literals) or Scanner(literals)


class Plan:
    """The rules of one log source.

    scanner, learned  give those for its literals: all of them, and all but what is common here.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        logsource: Logsource,
        scanner: MakeScanner,
        learned: MakeScanner,
    ) -> None:
        self.rules = tuple(rules)
        self.logsource = logsource
        self._scanner = scanner
        self._learned = learned
        self._found = 0  # texts that held a literal looked for
        self._has_learned = False
        self._compiled: Compiled | None = None

    def match(self, columns: Columns) -> Iterator[tuple[Rule, Indexes]]:
        """Rules that hold somewhere, each with its rows."""
        if columns.rows == 0 or not self.rules:
            return
        compiled = self._ready(columns)
        look = Look(columns, self.logsource)
        everything = np.arange(columns.rows, dtype=np.int64)
        reached: dict[int, dict[int, Leaf]] = {number: {} for number in compiled.always}
        for number, leaf in (*compiled.direct, *self._triggered(compiled, look)):
            reached.setdefault(number, {})[leaf.asked.number] = leaf
        for number in sorted(reached):
            leaves = reached[number].values()
            rows = _rows_of(look, leaves, columns.rows) if leaves else everything
            if len(rows):
                rows = look.satisfying(compiled.tree(number), rows)
            if len(rows):
                yield self.rules[number], rows

    def _ready(self, columns: Columns) -> Compiled:
        if self._compiled is None:
            self._compiled = self._compile({}, self._scanner)
        if not self._has_learned and self._found >= LEARN_FOUND:
            self._has_learned = True
            shares = {
                view: _shares(column, scanner)
                for view, scanner in self._compiled.scanners.items()
                if view != ANY_VIEW and (column := columns.view(view)) is not None
            }
            self._compiled = self._compile(shares, self._learned)
        return self._compiled

    def _triggered(self, compiled: Compiled, look: Look) -> Iterator[tuple[int, Leaf]]:
        """Triggers for which some column holds a literal they need."""
        for view, scanner in compiled.scanners.items():
            if not scanner.asked:
                continue
            triggers = compiled.by_literal[view]
            for column in look.showing(None if view == ANY_VIEW else (view,)):
                for literal, texts in column.scan(scanner).items():
                    self._found += len(texts)
                    yield from triggers.get(literal, ())

    def _compile(self, shares: Shares, scanner: MakeScanner) -> Compiled:
        with no_collection():
            return Compiled(self.rules, self.logsource, shares, scanner, self._compiled)


def _rows_of(look: Look, leaves: Iterable[Leaf], height: int) -> Indexes:
    """Rows where some trigger holds, ascending."""
    found = [rows for leaf in leaves if len(rows := look.rows_where(leaf))]
    return members(np.concatenate(found), height) if found else np.empty(0, np.int64)


def _shares(column: Column, scanner: Scanner) -> dict[str, float]:
    """Literal -> part of a sample of rows that hold it."""
    step = max(1, len(column.codes) // SAMPLE_ROWS)
    codes = column.codes[::step]
    texts = [column.folded_texts[code] for code in codes[codes >= 0].tolist()]
    found = scanner.find(Block.of(texts))
    return {literal: len(rows) / len(codes) for literal, rows in found.items()}
