"""Conditions put in order, and what each cannot do without.

Enters: a condition. Leaves: the same condition with negations inward and the most telling tests
first; its *trigger*, tests of which at least one must hold wherever the condition does.
Will not do: evaluate anything.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from afterpatch.detect.sigma.ast import And, FieldTest, Node, Not, Or
from afterpatch.detect.sigma.distinct import required_texts

NO_TRIGGER_COST: Final = 1e9
Commonness = Callable[[FieldTest], float]
_NEVER_A_TRIGGER: Final = frozenset({"null", "exists", "fieldref"})


class Ordered(NamedTuple):
    """A condition in order, how common it may be, and its trigger.

    ``triggers`` None = it can hold where none of its tests does.
    """

    node: Node
    cost: float
    triggers: tuple[FieldTest, ...] | None


def ordered(node: Node, commonness: Commonness, *, negated: bool = False) -> Ordered:
    """The condition with negation only directly around tests (De Morgan), nested ands and ors
    joined, and under ``and`` the item first that leaves the fewest rows for the rest."""
    match node:
        case FieldTest():
            cost = NO_TRIGGER_COST if negated else commonness(node)
            triggers = None if cost >= NO_TRIGGER_COST else (node,)
            return Ordered(Not(node) if negated else node, cost, triggers)
        case Not(item):
            return ordered(item, commonness, negated=not negated)
        case And(items) | Or(items):
            inner = [ordered(item, commonness, negated=negated) for item in items]
            if len(inner) == 1:
                return inner[0]
            return _all(inner) if isinstance(node, And) != negated else _any(inner)


def _all(inner: list[Ordered]) -> Ordered:
    inner.sort(key=lambda item: item.cost)
    nodes = (n for i in inner for n in (i.node.items if isinstance(i.node, And) else (i.node,)))
    cost, triggers = (inner[0].cost, inner[0].triggers) if inner else (NO_TRIGGER_COST, None)
    return Ordered(And(tuple(nodes)), cost, triggers)


def _any(inner: list[Ordered]) -> Ordered:
    nodes = (n for i in inner for n in (i.node.items if isinstance(i.node, Or) else (i.node,)))
    node = Or(tuple(nodes))
    if any(item.triggers is None for item in inner):
        return Ordered(node, NO_TRIGGER_COST, None)
    triggers = dict.fromkeys(test for item in inner for test in item.triggers or ())
    return Ordered(node, sum(item.cost for item in inner), tuple(triggers))


def commonness_of(test: FieldTest) -> float:
    """A rough order of tests by how many rows they hold for: long literals are rare."""
    if test.op in _NEVER_A_TRIGGER or (test.op == "contains" and not test.value):
        return NO_TRIGGER_COST
    literals = required_texts(test)
    if literals is None:
        return 0.05 if test.op == "cidr" else 0.5
    cost = sum(1.0 / (1 + len(literal)) ** 2 for literal in literals)
    return cost / 4 if test.op == "equals" else cost
