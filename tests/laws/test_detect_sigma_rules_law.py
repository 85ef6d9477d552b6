"""Law: rules as people write them mean what the specification says, modifier by modifier.

The third opinion beside the two evaluators: it shares nothing with them, not even the parser.
"""

import base64
import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.sigma.explain import explain
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.reference import matches
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import RuleText

LOGSOURCE = Logsource("process_creation", "windows", "sysmon")
Event = dict[str, str]
DASHES = "-/\u2013\u2014\u2015"
PLACEHOLDERS = {"Users": ("root", "ad*")}

WORDS = [
    "a",
    "B",
    "ab",
    "root",
    "adm",
    "\\",
    "*",
    "?",
    "\\*",
    "\\\\",
    "-",
    "/",
    "\u2014",
    " ",
    "\u00e9",
]
text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("".join)
plain = st.lists(st.sampled_from(["a", "B", "ab", " ", "\u00e9"]), min_size=1, max_size=3).map(
    "".join
)
number = st.sampled_from([0, 7, -3, 2.5])
ADDRESSES = ["10.0.0.1", "10.9.0.1", "192.0.2.7", "2001:db8::1", "fe80::1"]
TIMES = ["2021-03-02T04:05:06Z", "2021-03-09T23:59:00Z", "2022-12-31T00:00:00"]
LOGGED = [
    *ADDRESSES,
    *TIMES,
    "7",
    "-3",
    "2.5",
    "07",
    "x",
    "",
    "aB",
    "root",
    "a\\b",
    "*",
    "?",
    "a*b",
]
logged = st.one_of(
    st.sampled_from(LOGGED), st.lists(st.sampled_from([*WORDS, "x"]), max_size=4).map("".join)
)


def pattern(value: str, dashes: bool = False) -> str:
    """Wildcards and escapes of a value (rules specification) as a regular expression."""
    out, at = "", 0
    while at < len(value):
        letter = value[at]
        if letter == "\\" and value[at + 1 : at + 2] in ("*", "?", "\\"):
            at += 1
            out += re.escape(value[at])
        elif letter in "*?":
            out += {"*": ".*", "?": "."}[letter]
        else:
            out += f"[{re.escape(DASHES)}]" if dashes and letter in DASHES else re.escape(letter)
        at += 1
    return out


def like(before: str, after: str, *, dashes: bool = False, cased: bool = False) -> Callable:
    flags = re.DOTALL | (0 if cased else re.IGNORECASE)

    def holds(value: Any, found: str) -> bool:
        wanted = pattern(str(value), dashes)
        return re.fullmatch(before + wanted + after, found, flags) is not None

    return holds


def compare(how: Callable[[float, float], bool]) -> Callable:
    def holds(value: float, found: str) -> bool:
        is_number = re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", found)
        return is_number is not None and how(float(found), value)

    return holds


def in_network(value: str, found: str) -> bool:
    try:
        return ipaddress.ip_address(found) in ipaddress.ip_network(value)
    except ValueError:
        return False


def at(part: str) -> Callable:
    def holds(value: int, found: str) -> bool:
        try:
            when = datetime.fromisoformat(found)
        except ValueError:
            return False
        return value == (when.isocalendar().week if part == "week" else getattr(when, part))

    return holds


def encoded(value: str, found: str) -> bool:
    return base64.b64encode(value.encode()).decode().lower() == found.lower()


# Modifiers -> (values, whether one such value holds for a field's text).
TESTS: dict[str, tuple[st.SearchStrategy, Callable]] = {
    "": (text | number, like("", "")),
    "contains": (text, like(".*", ".*")),
    "startswith": (text, like("", ".*")),
    "endswith": (text, like(".*", "")),
    "cased": (text, like("", "", cased=True)),
    "contains|cased": (text, like(".*", ".*", cased=True)),
    "windash": (text, like("", "", dashes=True)),
    "windash|contains": (text, like(".*", ".*", dashes=True)),
    "re": (st.sampled_from(["a+", "^B", "b$", "[0-9]", "a.b"]), lambda v, t: bool(re.search(v, t))),
    "re|i": (st.sampled_from(["a+", "^B"]), lambda v, t: bool(re.search(v, t, re.IGNORECASE))),
    "cidr": (st.sampled_from(["10.0.0.0/24", "2001:db8::/32", "192.0.2.7/32"]), in_network),
    "gt": (number, compare(lambda mine, wanted: mine > wanted)),
    "lte": (number, compare(lambda mine, wanted: mine <= wanted)),
    "hour": (st.sampled_from([4, 23]), at("hour")),
    "week": (st.sampled_from([9, 10, 52]), at("week")),
    "year": (st.sampled_from([2021, 2022]), at("year")),
    "base64": (plain, encoded),
    "expand": (
        st.just("%Users%"),
        lambda _, found: any(like("", "")(v, found) for v in PLACEHOLDERS["Users"]),
    ),
}
FIELDS = ["f", "g", "h"]


@st.composite
def item(draw: st.DrawFn) -> tuple[str, Any, Callable[[Event], bool]]:
    """(key, value, whether an event has it)."""
    field = draw(st.sampled_from(FIELDS))
    special = draw(st.sampled_from(["", "", "", "null", "exists", "fieldref", "neq"]))
    if special == "null":
        return field, None, lambda event: field not in event
    if special == "exists":
        wanted = draw(st.booleans())
        return f"{field}|exists", wanted, lambda event: (field in event) == wanted
    if special == "fieldref":
        other = draw(st.sampled_from(FIELDS))
        return f"{field}|fieldref", other, lambda event: (
            field in event and other in event and event[field].lower() == event[other].lower()
        )  # fmt: skip
    if special == "neq":
        wanted = draw(plain)
        return f"{field}|neq", wanted, lambda event: event.get(field, "").lower() != wanted.lower()
    name = draw(st.sampled_from(sorted(TESTS)))
    values, holds = TESTS[name]
    chosen = draw(st.lists(values, min_size=1, max_size=3, unique_by=str))
    over = draw(st.sampled_from([any, all])) if len(chosen) > 1 and name != "expand" else any
    key = f"{field}|{name}".removesuffix("|") + ("|all" if over is all else "")

    def has(event: Event) -> bool:
        return field in event and over(holds(value, event[field]) for value in chosen)

    return key, chosen if len(chosen) > 1 else chosen[0], has


@st.composite
def selection(draw: st.DrawFn) -> tuple[Any, Callable[[Event], bool]]:
    """A map, a list of maps, or keywords."""
    shape = draw(st.sampled_from(["map", "map", "maps", "keywords"]))
    if shape == "keywords":
        words = draw(st.lists(text, min_size=1, max_size=2, unique=True))
        find = like(".*", ".*")
        return words, lambda event: any(find(w, v) for w in words for v in event.values())
    maps = []
    for _ in range(1 if shape == "map" else 2):
        items = draw(st.lists(item(), min_size=1, max_size=3, unique_by=lambda one: one[0]))
        maps.append(({key: value for key, value, _ in items}, [has for _, _, has in items]))
    body = maps[0][0] if shape == "map" else [one for one, _ in maps]
    return body, lambda event: any(all(has(event) for has in tests) for _, tests in maps)


CONDITIONS: dict[str, Callable[[bool, bool, bool], bool]] = {
    "a1": lambda one, two, three: one,
    "not a1": lambda one, two, three: not one,
    "a1 and not a2": lambda one, two, three: one and not two,
    "a1 or b and not a2": lambda one, two, three: one or (three and not two),
    "not (a1 or b)": lambda one, two, three: not (one or three),
    "1 of a*": lambda one, two, three: one or two,
    "all of a*": lambda one, two, three: one and two,
    "not 1 of a*": lambda one, two, three: not (one or two),
    "1 of them": lambda one, two, three: one or two or three,
    "all of them": lambda one, two, three: one and two and three,
    "b and not all of a*": lambda one, two, three: three and not (one and two),
}


@settings(max_examples=250, deadline=None)
@given(
    selection(), selection(), selection(),
    st.sampled_from(sorted(CONDITIONS)),
    st.lists(st.dictionaries(st.sampled_from(FIELDS), logged), min_size=1, max_size=12),
)  # fmt: skip
def test_rules_mean_what_they_say(
    one: tuple, two: tuple, three: tuple, said: str, rows: list
) -> None:
    bodies = {"a1": one[0], "a2": two[0], "b": three[0], "condition": said}
    document = {"title": "t", "logsource": {"category": "process_creation"}, "detection": bodies}
    parsed = parse_rules(
        [RuleText("t.yml", "sigma", yaml.safe_dump(document, allow_unicode=True))], PLACEHOLDERS
    )
    assert parsed.refused == ()
    [rule] = parsed.rules
    meant = [CONDITIONS[said](*(has(row) for _, has in (one, two, three))) for row in rows]
    assert [matches(rule, row, LOGSOURCE) for row in rows] == meant
    assert [explain(rule, row, LOGSOURCE).held for row in rows] == meant
    data = {n: pl.Series([row.get(n) for row in rows], dtype=pl.String) for n in FIELDS}
    found = [
        hit
        for _, hits in SigmaEngine([rule]).match(Batch(LOGSOURCE, pl.DataFrame(data)))
        for hit in hits
    ]
    assert found == [at for at, holds in enumerate(meant) if holds]


@settings(max_examples=100, deadline=None)
@given(plain, st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_base64offset_finds_a_text_wherever_it_stands(
    wanted: str, before: bytes, after: bytes, wide: bool
) -> None:
    modifiers = "wide|base64offset|contains" if wide else "base64offset|contains"
    document = {
        "title": "t",
        "logsource": {"category": "process_creation"},
        "detection": {"s": {f"f|{modifiers}": wanted}, "condition": "s"},
    }
    [rule] = parse_rules([RuleText("t.yml", "sigma", yaml.safe_dump(document))]).rules
    body = wanted.encode("utf-16-le" if wide else "utf-8")
    row = {"f": "x " + base64.b64encode(before + body + after).decode()}
    assert matches(rule, row, LOGSOURCE)
    [(_, hits)] = SigmaEngine([rule]).match(Batch(LOGSOURCE, pl.DataFrame(row)))
    assert hits.tolist() == [0]
