"""Which columns of an event any rule looks at, so that a reader need not make the others.

Enters: the rules that apply to a log source, and an event id. Leaves: column names, or None for
all. May name too many columns, never too few. Will not do: reading or matching events.

Most rules for a Windows log also name the event ids they are about. A rule that cannot hold for an
event id, whatever the other fields say, needs none of them there.
"""

from collections.abc import Iterable

from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Node, Not, Or, Rule, fold, tests
from afterpatch.detect.sigma.fields import names, views
from afterpatch.model.batches import Logsource

EVENT_ID = "EventID"


def columns_of(rules: Iterable[Rule], logsource: Logsource, event_id: str) -> frozenset[str] | None:
    """What these rules look at in events with this id; None = everything (a keyword rule)."""
    found: set[str] = set()
    for rule in rules:
        if holds(rule.condition, event_id) is False:
            continue
        for test in tests(rule.condition):
            if test.field == ANY_FIELD:
                return None
            found.update(_columns(test, logsource))
    return frozenset(found)


def _columns(test: FieldTest, logsource: Logsource) -> Iterable[str]:
    for view in views(test.field, test.op, logsource):
        yield from (*view.columns, *view.query, *view.host)
    if test.op == "fieldref":
        yield from names(test.value, logsource)


def holds(node: Node, event_id: str) -> bool | None:
    """What a condition comes to by the event id alone; None = that depends."""
    match node:
        case FieldTest():
            is_plain = node.field == EVENT_ID and node.op == "equals" and not node.option
            return fold(node.value) == fold(event_id) if is_plain else None
        case Not(item):
            inner = holds(item, event_id)
            return None if inner is None else not inner
        case And(items) | Or(items):
            settling = isinstance(node, Or)
            answers = [holds(item, event_id) for item in items]
            if settling in answers:
                return settling
            return None if None in answers else not settling
