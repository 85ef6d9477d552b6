"""Why a rule holds for an event or does not, test by test.

Enters: one rule, one event, its log source. Leaves: a tree of statements, each true or not, with
what the event says to it. The truth of every statement is the reference evaluator's, so an
explanation can never disagree with it. Will not do: correlations, reading files, cutting.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from afterpatch.detect.sigma.ast import (
    ANY_DASH,
    ANY_FIELD,
    And,
    FieldTest,
    Node,
    Not,
    Or,
    Rule,
    Scope,
)
from afterpatch.detect.sigma.fields import DATA_ITEMS, View, applies, value_view, views
from afterpatch.detect.sigma.reference import holds, shown
from afterpatch.model.batches import RESERVED, Logsource

Event = Mapping[str, str | None]

_VERBS: Final[Mapping[str, str]] = {
    "equals": "is",
    "contains": "contains",
    "startswith": "starts with",
    "endswith": "ends with",
    "wildcard": "is like",
    "regex": "matches the expression",
    "cidr": "is an address in",
}
_COMPARED: Final[Mapping[str, str]] = {
    "lt": "is less than",
    "lte": "is at most",
    "gt": "is more than",
    "gte": "is at least",
    "neq": "is a number other than",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One statement. ``why``: what of the event makes it true or false; "" where parts say it."""

    text: str
    held: bool
    why: str = ""
    children: tuple["Explained", ...] = ()


def explain(rule: Rule, event: Event, logsource: Logsource) -> Explained:
    """The whole rule: its log source, then its condition."""
    source = _source(rule.scope, logsource)
    condition = _node(rule.condition, event, logsource)
    held = source.held and condition.held
    return Explained(f"rule {rule.info.title}", held, "", (source, condition))


def _source(scope: Scope, logsource: Logsource) -> Explained:
    wanted = _parts(Logsource(scope.category, scope.product, scope.service)) or "any"
    why = f"the event is of {_parts(logsource) or 'no known log source'}"
    return Explained(f"log source is {wanted}", applies(scope, logsource), why)


def _parts(logsource: Logsource) -> str:
    named = zip(Logsource._fields, logsource, strict=True)
    return ", ".join(f"{name} {value}" for name, value in named if value)


def _node(node: Node, event: Event, logsource: Logsource) -> Explained:
    held = holds(node, event, logsource)
    match node:
        case FieldTest():
            return Explained(test_text(node), held, _why(node, event, logsource))
        case Not(item):
            return Explained("not", held, "", (_node(item, event, logsource),))
        case And(items):
            parts = tuple(_node(item, event, logsource) for item in items)
            return Explained("all of", held, "", parts)
        case Or(items):
            parts = tuple(_node(item, event, logsource) for item in items)
            return Explained("any of", held, "", parts)


def test_text(test: FieldTest) -> str:
    """The test in words: ``CommandLine contains 'whoami'``."""
    field = test.field if test.field != ANY_FIELD else "some field"
    match test.op:
        case "null":
            return f"{field} is absent"
        case "exists":
            return f"{field} is {'present' if test.value == 'true' else 'absent'}"
        case "fieldref":
            return f"{field} {_VERBS[test.option]} the value of {test.value}"
        case "compare":
            return f"{field} {_COMPARED[test.option]} {test.value}"
        case "timepart":
            return f"the {test.option} of {field} is {test.value}"
    return f"{field} {_VERBS[test.op]} {_value_text(test)}"


def _value_text(test: FieldTest) -> str:
    if test.op == "regex":
        return f"/{test.value}/{test.option}"
    details = []
    value = test.value
    if test.option == "dashes":
        value = value.replace(ANY_DASH, "-")
        details.append("any dash")
    if test.cased:
        details.append("in this case")
    return f"'{value}'" + (f" ({', '.join(details)})" if details else "")


def _why(test: FieldTest, event: Event, logsource: Logsource) -> str:
    if test.field == ANY_FIELD:
        fields = sum(v is not None for name, v in event.items() if name not in RESERVED)
        return f"looked at all {fields} fields of the event"
    if test.op in ("null", "exists"):
        seen = [value_view(test.field, logsource)]
    elif test.op == "fieldref":
        seen = [value_view(test.field, logsource), value_view(test.value, logsource)]
    else:
        looked_at = views(test.field, test.op, logsource)
        # Of the many columns that may have an item of unnamed data, only those that have one.
        seen = [v for v in looked_at if v not in DATA_ITEMS or shown(event, v) is not None]
    return "; ".join(dict.fromkeys(_said(view, event) for view in seen))


def _said(view: View, event: Event) -> str:
    """What the event has for one view: ``UrlStem = '/owa/'`` or ``no UrlStem``."""
    asked = [columns for columns in (view.host, view.columns, view.query) if columns]
    found = [_first(columns, event) for columns in asked]
    absent = [columns[0] for columns, name in zip(asked, found, strict=True) if not name]
    if absent:
        return f"the event has no {' and no '.join(absent)}"
    text, read = shown(event, view), ""
    if (view.plus_is_space or view.unmarked) and text != event[found[0]]:
        read = " with + as space" if view.plus_is_space else " without its ?"
    if view.part:
        read = f" ({view.part})"
    name = (" + ? + " if view.query else " + ").join(found)
    if text is None:
        return f"{found[-1]} {f'has no {view.part}' if view.part else 'starts with no slash'}"
    return f"{name}{read} = '{text}'"


def _first(columns: tuple[str, ...], event: Event) -> str:
    """The first of the columns that the event has, or ""."""
    present = (c for c in columns if c not in RESERVED and event.get(c) is not None)
    return next(present, "")
