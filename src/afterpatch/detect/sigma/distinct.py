"""One test on many values at once.

Enters: a test and a series of distinct texts (as written and folded). Leaves: a boolean per value.
Will not do: memory of earlier answers (``column`` has that), or anything about rows.
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.ast import ANY_DASH, DASHES, FieldTest, fold, wildcard_parts
from afterpatch.detect.sigma.regexes import required_literals, searcher

Mask: TypeAlias = npt.NDArray[np.bool_]
Judge: TypeAlias = Callable[[str, str], bool]

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?\Z")
_COMPARE: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "lt": lambda mine, wanted: mine < wanted,
    "lte": lambda mine, wanted: mine <= wanted,
    "gt": lambda mine, wanted: mine > wanted,
    "gte": lambda mine, wanted: mine >= wanted,
    "neq": lambda mine, wanted: mine != wanted,
}
_DATE_PARTS: Final[dict[str, Callable[[datetime], int]]] = {
    "minute": lambda when: when.minute,
    "hour": lambda when: when.hour,
    "day": lambda when: when.day,
    "week": lambda when: when.isocalendar().week,
    "month": lambda when: when.month,
    "year": lambda when: when.year,
}
_DASHES: Final = f"[{DASHES}]"  # the hyphen comes first, so it is one of them
_ONE_DASH: Final = {ord(dash): ANY_DASH for dash in DASHES}
_NATIVE: Final = frozenset({"equals", "contains", "startswith", "endswith", "wildcard"})
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def fold_series(values: pl.Series) -> pl.Series:
    """``ast.fold`` of every value; the ASCII ones natively."""
    folded = values.str.to_lowercase()
    wide = (values.str.len_bytes() != values.str.len_chars()).arg_true()
    if len(wide) == 0:
        return folded
    texts = folded.to_list()
    for position, text in zip(wide.to_list(), values.gather(wide).to_list(), strict=True):
        texts[position] = fold(text)
    return pl.Series(values.name, texts, dtype=pl.String)


def holds_for(test: FieldTest, values: pl.Series, folded: pl.Series) -> Mask:
    """Which values the test holds for. ``folded`` is :func:`fold_series` of ``values``."""
    if test.op in _NATIVE:
        return _native(test, values if test.cased else folded)
    judge = judge_of(test)
    pairs = zip(values.to_list(), folded.to_list(), strict=True)
    return np.fromiter((judge(text, low) for text, low in pairs), np.bool_, len(values))


@lru_cache(maxsize=1 << 17)
def judge_of(test: FieldTest) -> Judge:
    """The test as a function of one value: (as written, folded) -> whether it holds."""
    match test.op:
        case "regex":
            return _regex_judge(test)
        case "cidr":
            network = ipaddress.ip_network(test.value)
            return lambda text, _: _in_network(text, network)
        case "compare":
            wanted, compare = Decimal(test.value), _COMPARE[test.option]
            return lambda text, _: bool(_NUMBER.match(text)) and compare(Decimal(text), wanted)
        case "timepart":
            number, part = int(test.value), test.option
            return lambda text, _: time_part(part, text) == number
    return _text_judge(test)


def _regex_judge(test: FieldTest) -> Judge:
    """RE2 where a required literal is, or everywhere when the pattern has none."""
    search = searcher(test.value, test.option)
    literals = tuple(required_texts(test) or ("",))
    return lambda text, low: any(x in low for x in literals) and search(text)


def _text_judge(test: FieldTest) -> Judge:
    holds = _text_test(test)
    if test.option == "dashes":
        plain = holds

        def holds(text: str) -> bool:
            return plain(text.translate(_ONE_DASH))

    return (lambda text, _: holds(text)) if test.cased else (lambda _, folded: holds(folded))


def _text_test(test: FieldTest) -> Callable[[str], bool]:
    wanted = test.value if test.cased else fold(test.value)
    match test.op:
        case "equals":
            return wanted.__eq__
        case "contains":
            return lambda text: wanted in text
        case "startswith":
            return lambda text: text.startswith(wanted)
        case "endswith":
            return lambda text: text.endswith(wanted)
        case "wildcard":
            return searcher(_wildcard_regex(wanted), "")
    raise AssertionError(f"{test.op} is not a test of one value")


def _native(test: FieldTest, subject: pl.Series) -> Mask:
    if test.option == "dashes":
        subject = subject.str.replace_all(_DASHES, ANY_DASH)
    wanted_text = test.value if test.cased else fold(test.value)
    match test.op:
        case "equals":
            return _mask(subject == wanted_text)
        case "contains":
            return _mask(subject.str.contains(wanted_text, literal=True))
        case "startswith":
            return _mask(subject.str.starts_with(wanted_text))
        case "endswith":
            return _mask(subject.str.ends_with(wanted_text))
    return _mask(subject.str.contains(_wildcard_regex(wanted_text)))


@lru_cache(maxsize=1 << 17)
def required_texts(test: FieldTest) -> frozenset[str] | None:
    """Folded texts of which the folded value must contain at least one; None = no such text."""
    match test.op:
        case "equals" | "contains" | "startswith" | "endswith":
            return _longest(test, [test.value])
        case "wildcard":
            return _longest(test, [p[1:] for p in wildcard_parts(test.value) if p[0] == "="])
        case "regex":
            found = required_literals(test.value, test.option)
            return frozenset(map(fold, found)) if found else None
    return None


def _longest(test: FieldTest, literals: list[str]) -> frozenset[str] | None:
    if test.option == "dashes":
        literals = [run for literal in literals for run in literal.split(ANY_DASH)]
    longest = max(literals, key=len, default="")
    return frozenset({fold(longest)}) if longest else None


def refers(option: str, mine: str, other: str) -> bool:
    """A field reference between two folded texts."""
    match option:
        case "startswith":
            return mine.startswith(other)
        case "endswith":
            return mine.endswith(other)
        case "contains":
            return other in mine
    return mine == other


def time_part(part: str, text: str) -> int | None:
    """A part of an ISO 8601 text in UTC (no zone = UTC); of a bare time only hour and minute."""
    try:
        when = datetime.fromisoformat(text)
        return _DATE_PARTS[part](when if when.tzinfo is None else when.astimezone(UTC))
    except OverflowError:
        return None
    except ValueError:
        pass
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        return None
    return {"minute": clock.minute, "hour": clock.hour}.get(part)


@lru_cache(maxsize=1 << 16)  # a log has few addresses, and several tests ask for each
def read_address(text: str) -> _Address | None:
    """An IP address as logs write it: blanks and zone ids cut, mapped IPv4 unwrapped."""
    text = text.strip().partition("%")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _in_network(text: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    address = read_address(text)
    return address is not None and address in network


def _wildcard_regex(pattern: str) -> str:
    r"""A linear-time pattern for the whole value; ``*`` and ``?`` also match line ends."""
    marks = {"*": ".*", "?": "."}
    parts = (marks[p] if p in marks else _quote(p[1:]) for p in wildcard_parts(pattern))
    return rf"(?s)\A{''.join(parts)}\z"


def _quote(literal: str) -> str:
    return "".join(c if c.isalnum() or not c.isascii() else f"\\x{ord(c):02x}" for c in literal)


def _mask(series: pl.Series) -> Mask:
    return np.array(series.to_numpy(), np.bool_)
