"""The rules of one log source made ready: trees, triggers, and what each column is scanned for.

Enters: rules, their log source, and what is known of how common literals are in this evidence.
Leaves: for a literal found in a column, the rules worth looking at. Will not do: look at events.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from afterpatch.detect.sigma.asked import Asked
from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Node, Not, Or, Rule, tests
from afterpatch.detect.sigma.distinct import required_texts
from afterpatch.detect.sigma.fields import View, value_view, views
from afterpatch.detect.sigma.literals import COMMON_SHARE, Scanner
from afterpatch.detect.sigma.look import Absent, AllOf, AnyOf, Leaf, Negated, Reference, Tree
from afterpatch.detect.sigma.triggers import Ordered, commonness_of, ordered
from afterpatch.model.batches import Logsource

ANY_VIEW: Final = View(())  # keywords: whatever ``keyword_views`` says
MakeScanner = Callable[[frozenset[str]], Scanner]
Shares = Mapping[View, Mapping[str, float]]
Trigger = tuple[int, Leaf]  # (number of the rule, one of the tests of which one must hold)


class Compiled:
    """``shares``: view -> folded literal -> part of the events that hold it, where it was seen.

    before     the same rules, compiled when less was known: what stays as it was is taken from it.
    scanners   what each view is scanned for; keywords stand under :data:`ANY_VIEW`.
    by_literal view -> literal -> triggers that its being found may make hold.
    direct     triggers that no scan finds: they are asked of every distinct value.
    always     rules that can hold where none of their tests does: asked about every row.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        logsource: Logsource,
        shares: Shares,
        scanner: MakeScanner,
        before: "Compiled | None" = None,
    ) -> None:
        self._rules = tuple(rules)
        self._logsource = logsource
        self._shares = shares
        self._views: dict[tuple[str, str], tuple[View, ...]] = {}
        self._leaves: dict[FieldTest, Leaf] = {}
        self._trees: dict[int, Tree] = {}
        seen = frozenset(literal for found in shares.values() for literal in found)
        self._ordered = [self._in_order(number, seen, before) for number in range(len(self._rules))]
        self._tests: tuple[FieldTest, ...] = (
            before._tests if before else _tests_of(each.node for each in self._ordered)
        )
        self.scanners = {view: scanner(found) for view, found in self._literals().items()}
        self.by_literal: dict[View, dict[str, list[Trigger]]] = {v: {} for v in self.scanners}
        self.direct: list[Trigger] = []
        self.always: list[int] = []
        for number, each in enumerate(self._ordered):
            self._index(number, each)

    def tree(self, number: int) -> Tree:
        """The condition of a rule, made when first asked for."""
        tree = self._trees.get(number)
        if tree is None:
            tree = self._trees[number] = self._tree(self._ordered[number].node)
        return tree

    def _in_order(self, number: int, seen: frozenset[str], before: "Compiled | None") -> Ordered:
        """Shares matter to a rule that asks for something seen; all others stay in order."""
        condition = self._rules[number].condition
        if before and seen.isdisjoint(_literals_of(condition)):
            return before._ordered[number]
        return ordered(condition, self._commonness)

    def _index(self, number: int, each: Ordered) -> None:
        if each.triggers is None:
            self.always.append(number)
            return
        for test in each.triggers:
            leaf = self._leaf(test)
            literals = required_texts(test)
            looked_at = self._views_of(test)
            if literals is None or not all(
                literals <= self.scanners[view].asked for view in looked_at
            ):
                self.direct.append((number, leaf))
                continue
            for view in looked_at:
                for literal in literals:
                    self.by_literal[view].setdefault(literal, []).append((number, leaf))

    def _literals(self) -> dict[View, frozenset[str]]:
        """Per view: literals of all tests on it, but for those known to be common."""
        found: dict[View, set[str]] = {}
        for test in self._tests:
            for view in self._views_of(test):
                found.setdefault(view, set()).update(required_texts(test) or ())
        return {
            view: frozenset(x for x in texts if self._share(view, x) <= COMMON_SHARE)
            for view, texts in found.items()
        }

    def _share(self, view: View, literal: str) -> float:
        return self._shares.get(view, {}).get(literal, 0.0)

    def _commonness(self, test: FieldTest) -> float:
        guess = commonness_of(test)
        literals = required_texts(test)
        if not literals or not self._shares:
            return guess
        views_ = self._views_of(test)
        return max([guess, *(self._share(view, x) for view in views_ for x in literals)])

    def _views_of(self, test: FieldTest) -> tuple[View, ...]:
        if test.field == ANY_FIELD:
            return (ANY_VIEW,)
        key = (test.field, test.op)
        found = self._views.get(key)
        if found is None:
            found = self._views[key] = views(test.field, test.op, self._logsource)
        return found

    def _leaf(self, test: FieldTest) -> Leaf:
        leaf = self._leaves.get(test)
        if leaf is None:
            looked_at = None if test.field == ANY_FIELD else self._views_of(test)
            leaf = self._leaves[test] = Leaf(Asked(test), looked_at)
        return leaf

    def _field(self, name: str) -> View:
        return value_view(name, self._logsource)

    def _tree(self, node: Node) -> Tree:
        match node:
            case And(items):
                return AllOf([self._tree(item) for item in items])
            case Or(items):
                return AnyOf([self._tree(item) for item in items])
            case Not(item):
                return Negated(self._tree(item))
            case FieldTest(field, "null" | "exists", value):
                absent = Absent(self._field(field))
                return Negated(absent) if value == "true" else absent
            case FieldTest(field, "fieldref", value, option):
                return Reference(option, self._field(field), self._field(value))
            case FieldTest():
                return self._leaf(node)


def _tests_of(nodes: Iterable[Node]) -> tuple[FieldTest, ...]:
    found: dict[FieldTest, None] = {}
    for node in nodes:
        _collect(node, found)
    return tuple(found)


def _collect(node: Node, found: dict[FieldTest, None]) -> None:
    """Every test of values in the tree."""
    match node:
        case FieldTest():
            if node.op not in ("null", "exists", "fieldref"):
                found[node] = None
        case Not(item):
            _collect(item, found)
        case And(items) | Or(items):
            for item in items:
                _collect(item, found)


def _literals_of(condition: Node) -> Iterator[str]:
    """Every literal that some test of the tree cannot do without."""
    return (literal for test in tests(condition) for literal in required_texts(test) or ())
