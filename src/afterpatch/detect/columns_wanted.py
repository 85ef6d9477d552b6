"""Which columns of an event any rule looks at, so that a reader need not make the others.

Enters: rules, an event's log source and id, and, where known, the bytes its texts lie in. Leaves:
column names, or None for all. May name too many columns, never too few. Will not do: reading or
matching events.

Most rules for a Windows log also name the event ids they are about. A rule that cannot hold for an
event id, whatever the other fields say, needs none of them there. Nor does a keyword rule, which
else asks for every field, where none of its texts is anywhere in the bytes.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TypeAlias

from afterpatch.detect.needles import Needles, needles_of
from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Node, Not, Or, Rule, fold, tests
from afterpatch.detect.sigma.fields import names, views
from afterpatch.model.batches import ColumnsWanted, Logsource
from afterpatch.model.hits import RuleInfo

EVENT_ID = "EventID"
Absent: TypeAlias = frozenset[str]
_NONE: Absent = frozenset()


class Wants:
    """The columns one set of rules looks at: a :class:`ColumnsWanted`.

    rules    all there are.                       rules_for  those that apply to a log source.
    shown    fields that hits of a rule carry.    keep       fields that any hit carries.
    columns  those that others look at.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        rules_for: Callable[[Logsource], Iterable[Rule]],
        shown: Callable[[RuleInfo], Iterable[str]],
        keep: Iterable[str],
        columns: Iterable[str],
    ) -> None:
        self._rules = tuple(rules)
        self._rules_for = rules_for
        self._shown = shown
        self._keep = frozenset(keep)
        self._columns = frozenset(columns)
        self._known: dict[tuple[Logsource, str, Absent], frozenset[str] | None] = {}

    def __call__(self, logsource: Logsource, event_id: str) -> frozenset[str] | None:
        return self.without(logsource, event_id, _NONE)

    def within(self, block: bytes | memoryview) -> ColumnsWanted:
        """The same for events whose texts all lie in these bytes."""
        return _Within(self, self._needles.absent(block))

    def without(self, logsource: Logsource, event_id: str, absent: Absent) -> frozenset[str] | None:
        """The same for events in which these needles are not."""
        key = (logsource, event_id, absent)
        if key not in self._known:
            rules = tuple(self._rules_for(logsource))
            tested = columns_of(rules, logsource, event_id, absent)
            shown = self._keep.union(*(self._shown(rule.info) for rule in rules))
            columns = {column for name in shown for column in names(name, logsource)}
            self._known[key] = None if tested is None else tested | columns | self._columns
        return self._known[key]

    @cached_property
    def _needles(self) -> Needles:
        keywords = (t for rule in self._rules for t in tests(rule.condition) if _is_keyword(t))
        return Needles(needle for test in keywords for needle in needles_of(test) or ())


class _Within:
    """What :class:`Wants` answers where some needles are known to be absent."""

    def __init__(self, wants: Wants, absent: Absent) -> None:
        self._wants, self._absent = wants, absent

    def __call__(self, logsource: Logsource, event_id: str) -> frozenset[str] | None:
        return self._wants.without(logsource, event_id, self._absent)

    def within(self, block: bytes | memoryview) -> ColumnsWanted:
        return self._wants.within(block)


def columns_of(
    rules: Iterable[Rule], logsource: Logsource, event_id: str, absent: Absent
) -> frozenset[str] | None:
    """What these rules look at in events with this id; None = everything (a keyword rule)."""
    found: set[str] = set()
    for rule in rules:
        if holds(rule.condition, event_id, absent) is False:
            continue
        for test in tests(rule.condition):
            if _is_keyword(test):
                return None
            found.update(_columns(test, logsource))
    return frozenset(found)


def _is_keyword(test: FieldTest) -> bool:
    return test.field == ANY_FIELD


def _columns(test: FieldTest, logsource: Logsource) -> Iterable[str]:
    for view in views(test.field, test.op, logsource):
        yield from (*view.columns, *view.query, *view.host)
    if test.op == "fieldref":
        yield from names(test.value, logsource)


def holds(node: Node, event_id: str, absent: Absent) -> bool | None:
    """What a condition comes to by event id and absent texts alone; None = that depends."""
    match node:
        case FieldTest():
            if _is_keyword(node):
                needles = needles_of(node)
                return False if needles and needles <= absent else None
            is_plain = node.field == EVENT_ID and node.op == "equals" and not node.option
            return fold(node.value) == fold(event_id) if is_plain else None
        case Not(item):
            inner = holds(item, event_id, absent)
            return None if inner is None else not inner
        case And(items) | Or(items):
            settling = isinstance(node, Or)
            answers = [holds(item, event_id, absent) for item in items]
            if settling in answers:
                return settling
            return None if None in answers else not settling
