"""The slow, obvious evaluator: one rule, one event, straight from the specification.

Enters: a rule and an event (field name -> text, or None for absent). Leaves: yes or no.
It is the oracle the fast engine is tested against and half of every rule proof, so it shares no
evaluation code with it: only the trees (``ast``), the field table (``fields``) and the RE2 library.
Will not do: be quick.
"""

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache

import re2

from afterpatch.detect.sigma.ast import (
    ANY_DASH,
    ANY_FIELD,
    DASHES,
    And,
    FieldTest,
    Node,
    Not,
    Or,
    Rule,
    wildcard_parts,
)
from afterpatch.detect.sigma.fields import View, applies, keyword_views, value_view, views
from afterpatch.model.batches import RESERVED, Logsource

Event = Mapping[str, str | None]


def matches(rule: Rule, event: Event, logsource: Logsource) -> bool:
    """Whether the rule applies to the log source and its condition holds for the event."""
    return applies(rule.scope, logsource) and holds(rule.condition, event, logsource)


def holds(node: Node, event: Event, logsource: Logsource) -> bool:
    """Whether the tree is true for the event."""
    match node:
        case And(items):
            return all(holds(item, event, logsource) for item in items)
        case Or(items):
            return any(holds(item, event, logsource) for item in items)
        case Not(item):
            return not holds(item, event, logsource)
        case FieldTest():
            return _test(node, event, logsource)


def _test(test: FieldTest, event: Event, logsource: Logsource) -> bool:
    if test.op == "null":
        return shown(event, value_view(test.field, logsource)) is None
    if test.op == "exists":
        present = shown(event, value_view(test.field, logsource)) is not None
        return present == (test.value == "true")
    if test.op == "fieldref":
        mine = shown(event, value_view(test.field, logsource))
        other = shown(event, value_view(test.value, logsource))
        return mine is not None and other is not None and _refers(test.option, mine, other)
    return any(_value_test(test, text) for text in _texts(test, event, logsource))


def _texts(test: FieldTest, event: Event, logsource: Logsource) -> Iterator[str]:
    """Every text of the event that the test looks at."""
    if test.field == ANY_FIELD:
        columns = (name for name in event if name not in RESERVED)
        seen = tuple(keyword_views(columns, logsource))
    else:
        seen = views(test.field, test.op, logsource)
    for view in seen:
        text = shown(event, view)
        if text is not None:
            yield from text.split("\n") if view.members else (text,)


def shown(event: Event, view: View) -> str | None:
    """The text of a view, None where the event has none."""
    first = _value(event, view.columns)
    if first is None:
        return None
    if view.plus_is_space:
        return first.replace("+", " ")
    if view.unmarked:
        return first.removeprefix("?")
    if view.part:
        return _url_part(view.part, first)
    if view.host:
        host = _value(event, view.host)
        return None if host is None or not first.startswith("/") else host + first
    if not view.query:
        return first
    second = _value(event, view.query)
    return None if second is None else first + "?" + second.removeprefix("?")


def _url_part(part: str, target: str) -> str | None:
    """The stem, query or extension of a request's target."""
    before = target.split("#")[0]
    stem, mark, query = before.partition("?")
    if part == "query":
        return query if mark else None
    scheme, slashes, rest = stem.partition("://")
    if slashes and re.fullmatch("[A-Za-z][A-Za-z0-9+.-]*", scheme):
        stem = stem[len(scheme) + 3 + len(rest.split("/")[0]) :]
    if part == "stem":
        return stem
    name = stem.rsplit("/", 1)[-1].split(";")[0]
    extension = name.rsplit(".", 1)[-1] if "." in name else ""
    return extension or None


def _value(event: Event, columns: tuple[str, ...]) -> str | None:
    present = (event.get(column) for column in columns if column not in RESERVED)
    return next((value for value in present if value is not None), None)


def _value_test(test: FieldTest, text: str) -> bool:
    match test.op:
        case "regex":
            pattern = f"(?{test.option})({test.value})" if test.option else test.value
            return re2.search(pattern, text) is not None
        case "cidr":
            return _in_network(text, test.value)
        case "compare":
            return _compares(test.option, text, test.value)
        case "timepart":
            return _time_part(test.option, text) == int(test.value)
        case "wildcard":
            return _wildcard(test, text)
    return _plain_text(test, text)


def _plain_text(test: FieldTest, text: str) -> bool:
    wanted = test.value
    text = _one_dash(test, text)
    if not test.cased:
        text, wanted = _lower(text), _lower(wanted)
    match test.op:
        case "equals":
            return text == wanted
        case "contains":
            return wanted in text
        case "startswith":
            return text.startswith(wanted)
        case "endswith":
            return text.endswith(wanted)
    raise AssertionError(test.op)


def _one_dash(test: FieldTest, text: str) -> str:
    if test.option == "dashes":
        for dash in DASHES:
            text = text.replace(dash, ANY_DASH)
    return text


@lru_cache(maxsize=1 << 14)
def _lower(text: str) -> str:
    """See ``ast.fold``: lower-case letter by letter; letters do not turn into ASCII or grow."""
    out = ""
    for letter in text:
        small = "σ" if letter in "Σς" else letter.lower()
        grows = len(small) > 1 or (ord(small) < 128 <= ord(letter))
        out += letter if grows else small
    return out


def _wildcard(test: FieldTest, text: str) -> bool:
    """Backtracking-free: the set of positions reachable after each part of the pattern."""
    text = _one_dash(test, text)
    if not test.cased:
        text = _lower(text)
    at = {0}
    for part in wildcard_parts(test.value):
        if part == "*":
            at = set(range(min(at), len(text) + 1)) if at else set()
        elif part == "?":
            at = {position + 1 for position in at if position < len(text)}
        else:
            literal = part[1:] if test.cased else _lower(part[1:])
            at = {p + len(literal) for p in at if text.startswith(literal, p)}
    return len(text) in at


def _in_network(text: str, network: str) -> bool:
    try:
        address = ipaddress.ip_address(text.strip().split("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address in ipaddress.ip_network(network)


def _compares(option: str, text: str, wanted: str) -> bool:
    if not re.fullmatch(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?", text):
        return False
    mine, other = Decimal(text), Decimal(wanted)
    return {
        "lt": mine < other,
        "lte": mine <= other,
        "gt": mine > other,
        "gte": mine >= other,
        "neq": mine != other,
    }[option]


def _time_part(part: str, text: str) -> int | None:
    """A part of an ISO 8601 date and time in UTC (no zone = UTC); of a bare time, hour, minute."""
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        try:
            clock = dt.time.fromisoformat(text)
        except ValueError:
            return None
        return {"hour": clock.hour, "minute": clock.minute}.get(part)
    try:
        when = when.astimezone(dt.UTC) if when.tzinfo else when
    except OverflowError:
        return None
    return when.isocalendar().week if part == "week" else int(getattr(when, part))


def _refers(option: str, mine: str, other: str) -> bool:
    mine, other = _lower(mine), _lower(other)
    match option:
        case "startswith":
            return mine.startswith(other)
        case "endswith":
            return mine.endswith(other)
        case "contains":
            return other in mine
    return mine == other
