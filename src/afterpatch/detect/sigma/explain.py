"""Why a rule fired on an event, or why not: test by test, with the value each test looked at.

Enters: a rule, one event (field name -> text, or None for absent), its log source. Leaves: a tree
of the same shape as the rule's condition. The answers are the reference evaluator's own.
Will not do: print, cut or escape values; its readers show hostile text.
"""

from dataclasses import dataclass

from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Node, Not, Or, Rule, Scope
from afterpatch.detect.sigma.fields import View, applies, names, views
from afterpatch.detect.sigma.reference import Event, test_holds, text_holds, value_of, view_of
from afterpatch.model.batches import RESERVED, Logsource


@dataclass(frozen=True, slots=True)
class Look:
    """One text that a test looked at.

    column  where it stood; two columns joined by "?" when the test looks at both as one text.
    value   the text; None = the event has no such column, or it is null.
    holds   whether the test holds for this text.
    """

    column: str
    value: str | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One node of the condition: a test with what it ``saw``, or a joint of further ``steps``."""

    holds: bool
    words: str
    test: FieldTest | None = None
    saw: tuple[Look, ...] = ()
    steps: tuple["Step", ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """``fires`` = ``applies`` and ``condition.holds``; ``why_not`` says what does not apply."""

    rule: str
    fires: bool
    applies: bool
    why_not: str
    condition: Step


def explain(rule: Rule, event: Event, logsource: Logsource) -> Explanation:
    """Every test of the rule against the event, also where the rule does not apply to its log."""
    applicable = applies(rule.scope, logsource)
    condition = _step(rule.condition, event, logsource)
    return Explanation(
        rule=rule.info.id,
        fires=applicable and condition.holds,
        applies=applicable,
        why_not="" if applicable else _why_not(rule.scope, logsource),
        condition=condition,
    )


def words_of(test: FieldTest) -> str:
    """A test as a sentence without its subject's value: ``CommandLine contains 'whoami'``."""
    field = test.field or "any column"
    match test.op:
        case "null":
            return f"{field} is absent"
        case "exists":
            return f"{field} is {'present' if test.value == 'true' else 'absent'}"
        case "compare" | "timepart":
            return f"{field} {test.option} {test.value}"
        case "fieldref":
            return f"{field} {test.option} the value of {test.value}"
        case "cidr":
            return f"{field} is in the network {test.value}"
    details = [test.option] if test.option else []
    details += ["case-sensitive"] if test.cased else []
    suffix = f" ({', '.join(details)})" if details else ""
    return f"{field} {test.op} {test.value!r}{suffix}"


def _step(node: Node, event: Event, logsource: Logsource) -> Step:
    match node:
        case FieldTest():
            holds = test_holds(node, event, logsource)
            return Step(holds, words_of(node), node, _looks(node, event, logsource))
        case Not(item):
            inner = _step(item, event, logsource)
            return Step(not inner.holds, "not", steps=(inner,))
        case And(items):
            steps = tuple(_step(item, event, logsource) for item in items)
            return Step(all(step.holds for step in steps), "all of", steps=steps)
        case Or(items):
            steps = tuple(_step(item, event, logsource) for item in items)
            return Step(any(step.holds for step in steps), "any of", steps=steps)


def _looks(test: FieldTest, event: Event, logsource: Logsource) -> tuple[Look, ...]:
    if test.field == ANY_FIELD:
        return _keyword_looks(test, event)
    if test.op in ("null", "exists", "fieldref"):
        fields = [test.field, test.value] if test.op == "fieldref" else [test.field]
        holds = test_holds(test, event, logsource)
        return tuple(_field_look(name, event, logsource, holds=holds) for name in fields)
    looked_at = views(test.field, test.op, logsource)
    return tuple(_view_look(test, view, event) for view in looked_at)


def _keyword_looks(test: FieldTest, event: Event) -> tuple[Look, ...]:
    """The columns that hold the keyword; where none does, one line that says how many there are."""
    texts = {n: text for n, text in event.items() if text is not None and n not in RESERVED}
    found = (Look(name, text, holds=True) for name, text in texts.items() if text_holds(test, text))
    return tuple(found) or (Look(f"none of {len(texts)} columns", None, holds=False),)


def _field_look(field: str, event: Event, logsource: Logsource, *, holds: bool) -> Look:
    columns = names(field, logsource)
    return Look(_present(columns, event), value_of(event, columns), holds)


def _view_look(test: FieldTest, view: View, event: Event) -> Look:
    text = view_of(event, view)
    column = _present(view.columns, event)
    if view.query:
        column += "?" + _present(view.query, event)
    return Look(column, text, text is not None and text_holds(test, text))


def _present(columns: tuple[str, ...], event: Event) -> str:
    """The column that shows the field in this event; the rule's own spelling when none does."""
    return next((name for name in columns if event.get(name) is not None), columns[0])


def _why_not(scope: Scope, logsource: Logsource) -> str:
    wanted = _named(scope.category, scope.product, scope.service)
    return f"the rule is for {wanted}; the event is of {_named(*logsource)}"


def _named(category: str, product: str, service: str) -> str:
    parts = {"category": category, "product": product, "service": service}
    return ", ".join(f"{name} {part}" for name, part in parts.items() if part) or "no log source"
