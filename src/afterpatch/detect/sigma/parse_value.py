"""One pySigma value -> the tests it stands for; and the modifiers where pySigma falls short.

Enters: a field name (or ``ANY_FIELD``) and a pySigma value with modifiers already applied. Leaves:
a tree of tests. Raises :class:`Unsupported` saying why for what cannot be evaluated.

Importing this module puts our own ``windash``, ``utf16*``, ``wide`` and ``base64*`` into pySigma's
table of modifiers. The specification has every permutation of five dashes and any character in
UTF-16; pySigma replaces two of the dashes, at the start of words, and encodes ASCII.
"""

import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, Final

from sigma.exceptions import SigmaValueError
from sigma.modifiers import SigmaValueModifier, modifier_mapping
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

from afterpatch.detect.sigma.ast import ANY_DASH, ANY_FIELD, DASHES, FieldTest, Node, Op, Or
from afterpatch.detect.sigma.placeholders import ESCAPED_PERCENT
from afterpatch.detect.sigma.regexes import compile_regex

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_DASH: Final = "_afterpatch_dash"
_DASHES: Final = re.compile(f"[{DASHES}]")
_MAX_WRITTEN_OUT: Final = 3
_BYTE_ORDER_MARK: Final = b"\xff\xfe".decode("utf-8", "surrogateescape")
_BYTES: Final = re.compile("[\udc80-\udcff]")
_MAX_EXACT: Final = 2**53
_SPECIAL = {SpecialChars.WILDCARD_MULTI: "*", SpecialChars.WILDCARD_SINGLE: "?"}


class Unsupported(Exception):  # noqa: N818  (a statement about a rule, not a fault)
    """This rule cannot be evaluated; the message says why in words for the rule's author."""


class NeedsPlaceholderError(SigmaValueError):
    """The rule needs values for ``names``, which only the user can give."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"needs placeholder {', '.join(f'%{name}%' for name in names)}")
        self.names = names


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
    if part.name != _DASH:
        raise NeedsPlaceholderError((part.name,))
    return ANY_DASH


def _plain(part: str) -> str:
    text = part.replace(ESCAPED_PERCENT, "%").replace(_BYTE_ORDER_MARK, "\ufeff")
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
            return tuple(name for name in _names(value.s) if name != _DASH)
        case SigmaRegularExpression():
            return _names(value.regexp.s)
    return ()


def _names(parts: Iterable[Any]) -> tuple[str, ...]:
    return tuple(part.name for part in parts if isinstance(part, Placeholder))


class _Windash(SigmaValueModifier[SigmaString, SigmaString | SigmaExpansion]):
    """Each dash becomes a mark that :func:`_text` reads; written out where bytes are needed."""

    def modify(self, val: SigmaString) -> SigmaString | SigmaExpansion:
        marked = val.replace_with_placeholder(_DASHES, _DASH)
        if not any(issubclass(m, _Base64 | _Utf16) for m in self.detection_item.modifiers):
            return marked
        if sum(isinstance(part, Placeholder) for part in marked.s) > _MAX_WRITTEN_OUT:
            raise SigmaValueError(f"windash with more than {_MAX_WRITTEN_OUT} dashes to encode")
        return SigmaExpansion(list(marked.replace_placeholders(lambda _: iter(DASHES))))


class _Utf16(SigmaValueModifier[SigmaString, SigmaString]):
    """Bytes as text: those that are no UTF-8 stand as lone surrogates until base64 reads them."""

    codec = "utf-16-le"
    mark = ""

    def modify(self, val: SigmaString) -> SigmaString:
        encoded = SigmaString()
        encoded.s = [self.mark] if self.mark else []
        for part in val.s:
            if isinstance(part, str):
                part = part.encode(self.codec).decode("utf-8", "surrogateescape")
            encoded.s.append(part)
        return encoded


class _Utf16be(_Utf16):
    codec = "utf-16-be"


class _Utf16WithMark(_Utf16):
    mark = _BYTE_ORDER_MARK


class _Base64(SigmaValueModifier[SigmaString, SigmaString | SigmaExpansion]):
    def modify(self, val: SigmaString) -> SigmaString | SigmaExpansion:
        return SigmaString(b64encode(self.data(val)).decode())

    def data(self, val: SigmaString) -> bytes:
        """The value's bytes."""
        data = b""
        for part in val.s:
            if isinstance(part, Placeholder):
                raise NeedsPlaceholderError((part.name,))
            if isinstance(part, SpecialChars):
                raise SigmaValueError("a wildcard cannot be encoded in base64")
            data += part.replace(ESCAPED_PERCENT, "%").encode("utf-8", "surrogateescape")
        return data


class _Base64Offset(_Base64):
    """The characters that depend on the value alone, for each of its three positions."""

    def modify(self, val: SigmaString) -> SigmaString | SigmaExpansion:
        data = self.data(val)
        shapes = []
        for shift in range(3):
            text = b64encode(b" " * shift + data).decode()
            first = (0, 2, 3)[shift]
            last = len(text) + (0, -3, -2)[(shift + len(data)) % 3]
            shapes.append(SigmaString(text[first:last]))
        return SigmaExpansion(list(shapes))


modifier_mapping.update(
    {
        "windash": _Windash,
        "utf16": _Utf16WithMark,
        "utf16le": _Utf16,
        "utf16be": _Utf16be,
        "wide": _Utf16,
        "base64": _Base64,
        "base64offset": _Base64Offset,
    }
)
