"""One pySigma value -> the tests it stands for.

Enters: a field name (or ``ANY_FIELD``) and a pySigma value with modifiers already applied. Leaves:
a tree of tests. Raises :class:`Unsupported` saying why for what cannot be evaluated.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from afterpatch.detect.sigma.ast import ANY_DASH, ANY_FIELD, FieldTest, Node, Op, Or
from afterpatch.detect.sigma.modifiers import BYTE_ORDER_MARK, DASH, NeedsPlaceholderError
from afterpatch.detect.sigma.placeholders import ESCAPED_PERCENT
from afterpatch.detect.sigma.regexes import compile_regex

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_BYTES: Final = re.compile("[\udc80-\udcff]")
_MAX_EXACT: Final = 2**53
_SPECIAL = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}


class Unsupported(Exception):  # noqa: N818  (a statement about a rule, not a fault)
    """This rule cannot be evaluated; the message says why in words for the rule's author."""


def convert_value(field: str, value: Any) -> Node:
    """The tests of one value. A keyword's text may stand anywhere in a column's value."""
    match value:
        case SigmaExpansion():
            return Or(tuple(convert_value(field, each) for each in value.values))
        case SigmaString():
            return _text(field, value)
        case SigmaRegularExpression():
            return _regex(field, value)
        case SigmaTimestampPart():
            part = value.timestamp_part.name.lower()
            return FieldTest(field, "timepart", str(value.number), option=part)
        case SigmaNumber() | SigmaBool():
            return FieldTest(field, "equals" if field else "contains", str(value).lower())
        case SigmaCIDRExpression():
            return FieldTest(field, "cidr", str(value.network))
        case SigmaCompareExpression():
            number = value.number.number
            if isinstance(number, float) and abs(number) >= _MAX_EXACT:  # pySigma has rounded it
                raise Unsupported(f"number too large to compare with exactly: {value.number}")
            return FieldTest(field, "compare", str(value.number), option=value.op.name.lower())
    return _of_field(field, value)


def _of_field(field: str, value: Any) -> FieldTest:
    """Values that make sense for a named field only."""
    if field == ANY_FIELD:
        raise Unsupported(f"value of type {type(value).__name__} as a keyword")
    match value:
        case SigmaNull():
            return FieldTest(field, "null")
        case SigmaExists():
            return FieldTest(field, "exists", "true" if value.exists else "false")
        case SigmaFieldReference():
            return _field_reference(field, value)
    raise Unsupported(f"value of type {type(value).__name__}")


def _text(field: str, value: SigmaString) -> FieldTest:
    """The simplest operation that says the same: wildcards at the ends become words."""
    parts: list[str] = ["*"] if field == ANY_FIELD else []
    option = ""
    for part in [*value.s, *([SpecialChars.WILDCARD_MULTI] if field == ANY_FIELD else [])]:
        if isinstance(part, Placeholder):
            option, part = "dashes", _dash(part)
        mark = _SPECIAL[part] if isinstance(part, SpecialChars) else "=" + _plain(part)
        if parts and mark[0] == "=" and parts[-1][0] == "=":
            parts[-1] += mark[1:]
        elif mark != "=" and not (mark == "*" and parts and parts[-1] == "*"):
            parts.append(mark)
    operation, text = _simplest(parts)
    cased = isinstance(value, SigmaCasedString)
    return FieldTest(field, operation, text, option=option, cased=cased)


def _dash(part: Placeholder) -> str:
    if part.name != DASH:
        raise NeedsPlaceholderError((part.name,))
    return ANY_DASH


def _plain(part: str) -> str:
    text = part.replace(ESCAPED_PERCENT, "%").replace(BYTE_ORDER_MARK, "\ufeff")
    if not text.isascii() and _BYTES.search(text):
        raise Unsupported("UTF-16 bytes that are not text; encode them: |base64 or |base64offset")
    return text


def _simplest(parts: list[str]) -> tuple[Op, str]:
    match parts:
        case []:
            return "equals", ""
        case ["*"]:
            return "contains", ""
        case [text] if text[0] == "=":
            return "equals", text[1:]
        case ["*", text] if text[0] == "=":
            return "endswith", text[1:]
        case [text, "*"] if text[0] == "=":
            return "startswith", text[1:]
        case ["*", text, "*"] if text[0] == "=":
            return "contains", text[1:]
    escaped = (_escape(part[1:]) if part[0] == "=" else part for part in parts)
    return "wildcard", "".join(escaped)


def _escape(literal: str) -> str:
    return "".join("\\" + c if c in "*?\\" else c for c in literal)


def _regex(field: str, value: SigmaRegularExpression) -> FieldTest:
    names = _names(value.regexp.s)
    if names:
        raise NeedsPlaceholderError(names)
    pattern = str(value.regexp).replace(ESCAPED_PERCENT, "%")
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    try:
        compile_regex(pattern, flags)
    except ValueError as error:
        raise Unsupported(str(error)) from error
    return FieldTest(field, "regex", pattern, option=flags)


def _field_reference(field: str, value: SigmaFieldReference) -> FieldTest:
    match value.starts_with, value.ends_with:
        case True, True:
            option = "contains"
        case True, False:
            option = "startswith"
        case False, True:
            option = "endswith"
        case _:
            option = "equals"
    return FieldTest(field, "fieldref", value.field, option=option)


def missing_names(value: Any) -> tuple[str, ...]:
    """Placeholders a pySigma value still needs values for."""
    match value:
        case SigmaExpansion():
            return tuple(name for each in value.values for name in missing_names(each))
        case SigmaString():
            return tuple(name for name in _names(value.s) if name != DASH)
        case SigmaRegularExpression():
            return _names(value.regexp.s)
    return ()


def _names(parts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(part.name for part in parts if isinstance(part, Placeholder))
