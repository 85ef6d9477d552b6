"""Law: the fast engine finds exactly the rows the obvious evaluator finds."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.sigma import plan
from afterpatch.detect.sigma.ast import (
    ANY_FIELD,
    And,
    FieldTest,
    Not,
    Or,
    Rule,
    Scope,
    fold,
    wildcard_parts,
)
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.explain import explain
from afterpatch.detect.sigma.fields import View
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.reference import _lower, matches, shown
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.hits import RuleInfo

IIS = Logsource("webserver", "windows", "iis")
LOGSOURCES = [
    IIS,
    Logsource("webserver", "exchange", "httpproxy"),
    Logsource("webserver", "windows", "httperr"),
    Logsource("process_creation", "windows", "sysmon"),
    Logsource("proxy", "zeek", "http"),
    Logsource("proxy", "", "elff"),
    Logsource("webserver", "nginx", "access"),
    Logsource("dns", "zeek", "dns"),
    Logsource("", "windows", "application"),
]
PARTS = ["stem", "query", "extension"]
FIELDS = [
    "cs-uri-stem",
    "cs-uri-query",
    "c-uri",
    "UrlStem",
    "UrlQuery",
    "cs-uri",
    "a",
    "c-ip",
    "^b$",
    "cs-user-agent",
    "c-uri-extension",
    "Data",
    "query",
]
COLUMNS = [
    *("cs-uri-stem", "cs-uri-query", "UrlStem", "UrlQuery", "cs-uri", "a", "c-ip", "^b$"),
    *("uri", "host", "cs(User-Agent)", "cs-uri-target", "Data", "param1", "param2", "query"),
]

# Small alphabets, so that values and patterns meet; letters whose case folding is odd.
WORDS = [
    "/owa/",
    ".aspx",
    "x.js",
    "Évil",
    "ΣΑΣ",
    "\u212a",
    "İ",
    "ß",
    "a",
    "AB",
    "*",
    "?",
    "\\",
    "\n",
    " ",
    "-",
    "\u2013",
    "\u2014",
    "/r",
    "+",
    "?x",
    ";.",
    "http://",
    "#",
    "\u041a",
]
ADDRESSES = [
    "10.0.0.1",
    "10.1.2.3",
    "::1",
    "::ffff:10.0.0.1",
    "fe80::1%eth0",
    " 10.0.0.9 ",
    "10.0.0.300",
]
NUMBERS = [
    "0",
    "7",
    "-7",
    "7.0",
    "07",
    "1e3",
    "99999999999999999999",
    "9999999999999999999.5",
    "x7",
]
TIMES = [
    "2021-03-02T04:05:06Z",
    "2021-03-02 23:30:00",
    "04:05:06",
    "2021-03-02T23:30:00-05:00",
    "now",
]

text = st.lists(st.sampled_from(WORDS), max_size=4).map("".join)
value = st.one_of(
    text,
    st.sampled_from(ADDRESSES),
    st.sampled_from(NUMBERS),
    st.sampled_from(TIMES),
    st.text(max_size=6),
)
wildcard = st.lists(
    st.sampled_from(["*", "?", "\\*", "\\?", "\\\\", "a", "Σ", "É", ".aspx"]), max_size=6
)
REGEXES = [
    r"\.ASPX$",
    "^/owa/.*js",
    "a|x",
    "(?i)évil",
    "[A-Z]{2}",
    ".",
    "",
    "k",
    r"\\",
    "owa.+(js|aspx)",
]


NO_OPTION = st.just("")


def build(
    op: str, option: st.SearchStrategy[str] = NO_OPTION, **more: st.SearchStrategy
) -> st.SearchStrategy:
    return st.builds(
        FieldTest,
        field=more.pop("field", st.sampled_from(FIELDS)),
        op=st.just(op),
        option=option,
        **more,
    )


ANY = st.sampled_from([ANY_FIELD, *FIELDS])
dashed = st.lists(st.sampled_from(["\u2014", "a", " x", "\u2014r", "\u041a"]), max_size=4).map(
    "".join
)
test = st.one_of(
    st.sampled_from(["equals", "contains", "startswith", "endswith"]).flatmap(
        lambda op: build(op, st.just("dashes"), field=ANY, value=dashed, cased=st.booleans())
    ),
    build(
        "wildcard",
        st.just("dashes"),
        value=st.lists(st.sampled_from(["*", "?", "\u2014", "a"]), max_size=5).map("".join),
        cased=st.booleans(),
    ),
    st.sampled_from(["equals", "contains", "startswith", "endswith"]).flatmap(
        lambda op: build(op, field=ANY, value=text, cased=st.booleans())
    ),
    build("equals", value=value, cased=st.booleans()),
    build("wildcard", field=ANY, value=wildcard.map("".join), cased=st.booleans()),
    build(
        "regex", st.sampled_from(["", "i", "s", "im"]), field=ANY, value=st.sampled_from(REGEXES)
    ),
    build("cidr", value=st.sampled_from(["10.0.0.0/24", "::1/128", "fe80::/10", "0.0.0.0/0"])),
    build(
        "compare",
        st.sampled_from(["lt", "lte", "gt", "gte", "neq"]),
        value=st.sampled_from(["7", "-1.5"]),
    ),
    build(
        "timepart",
        st.sampled_from(["minute", "hour", "day", "week", "month", "year"]),
        value=st.sampled_from(["2", "3", "4", "5", "9", "23", "30", "2021"]),
    ),
    build(
        "fieldref",
        st.sampled_from(["equals", "contains", "startswith", "endswith"]),
        value=st.sampled_from(FIELDS),
    ),
    build("null"),
    build("exists", value=st.sampled_from(["true", "false"])),
)
node = st.recursive(
    test,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=4).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)
scope = st.sampled_from([Scope(), Scope("webserver"), Scope("", "windows"), Scope("", "", "iis")])
event = st.dictionaries(st.sampled_from(COLUMNS), st.none() | value, max_size=6)
events = st.one_of(
    st.lists(event, min_size=1, max_size=8),
    st.lists(event, min_size=1, max_size=3).map(lambda few: few * 9),
)


def rule(number: int, scope_: Scope, condition: object) -> Rule:
    return Rule(RuleInfo(f"r{number}", "", "low", "sigma"), scope_, condition)


def batch(logsource: Logsource, rows: list[dict[str, str | None]]) -> Batch:
    names = sorted({name for row in rows for name in row})
    data = {
        name: pl.Series(name, [row.get(name) for row in rows], dtype=pl.String) for name in names
    }
    reserved = {
        "@time": pl.Series([0] * len(rows), dtype=pl.Int64),
        "@record": pl.Series(range(len(rows)), dtype=pl.Int64),
        "@raw": pl.Series(["/owa/.aspxevil"] * len(rows)),
    }
    return Batch(logsource, pl.DataFrame(reserved | data))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(LOGSOURCES), st.lists(st.tuples(scope, node), min_size=1, max_size=8), events
)
def test_fast_equals_reference(logsource: Logsource, parts: list, rows: list) -> None:
    rules = [rule(number, *part) for number, part in enumerate(parts)]
    found = {
        matched.info.id: rows_.tolist()
        for matched, rows_ in SigmaEngine(rules).match(batch(logsource, rows))
    }
    expected = {
        each.info.id: hits
        for each in rules
        if (hits := [at for at, row in enumerate(rows) if matches(each, row, logsource)])
    }
    assert found == expected


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(LOGSOURCES), st.lists(st.tuples(scope, node), min_size=2, max_size=4), events
)
def test_engines_that_share_columns_find_what_each_finds_alone(
    logsource: Logsource, parts: list, rows: list
) -> None:
    looked_at = batch(logsource, rows)
    columns = Columns(looked_at)
    for number, part in enumerate(parts):  # each an engine of its own, with numbers of its own
        engine = SigmaEngine([rule(number, *part)])
        alone, shared = engine.match(looked_at), engine.match(looked_at, columns)
        assert [hits.tolist() for _, hits in shared] == [hits.tolist() for _, hits in alone]


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(LOGSOURCES), scope, node, event)
def test_an_explanation_ends_where_the_evaluator_does(
    logsource: Logsource, scope_: Scope, condition: object, row: dict
) -> None:
    asked = rule(0, scope_, condition)
    assert explain(asked, row, logsource).held == matches(asked, row, logsource)


def test_what_is_learnt_of_common_literals_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "LEARN_FOUND", 60)
    rows = [{"a": f"/owa/{number}.aspx{'x.js' * (number % 7 == 0)}"} for number in range(40)]
    tests = [FieldTest("a", "contains", word) for word in ("/owa/", ".aspx", "x.js", "12.as")]
    conditions = [*tests, Or(tuple(tests)), And((tests[0], tests[3])), Not(tests[2])]
    rules = [rule(number, Scope(), each) for number, each in enumerate(conditions)]
    engine = SigmaEngine(rules)
    looks = [
        {r.info.id: found.tolist() for r, found in engine.match(batch(IIS, rows))} for _ in range(3)
    ]
    expected = {
        each.info.id: hits
        for each in rules
        if (hits := [at for at, row in enumerate(rows) if matches(each, row, IIS)])
    }
    assert looks == [expected] * 3


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text())
def test_folding_is_letter_by_letter(first: str, second: str) -> None:
    assert fold(first + second) == fold(first) + fold(second)
    assert fold(fold(first)) == fold(first)
    assert fold(first) == _lower(first)
    assert len(fold(first)) == len(first)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["*", "?", "\\*", "\\?", "\\\\", "ab"])))
def test_wildcard_parts_keep_every_letter(pieces: list[str]) -> None:
    flat = "".join(part.removeprefix("=") for part in wildcard_parts("".join(pieces)))
    assert flat == "".join(piece[-1] if piece[0] == "\\" else piece for piece in pieces)


TARGETS = st.builds(
    str.__add__,
    st.sampled_from(["", "http://", "a.b://a.b", "/a;.b"]),
    st.text(alphabet="/.?#;:a\n\u00e9", max_size=9),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TARGETS, min_size=10, max_size=40), st.sampled_from(PARTS))
def test_parts_of_a_target(targets: list[str], part: str) -> None:
    view = View(("uri",), part=part)
    column = Columns(Batch(Logsource(), pl.DataFrame({"uri": targets}))).view(view)
    fast = [None if code < 0 else column.texts[code] for code in column.codes]
    assert fast == [shown({"uri": target}, view) for target in targets]
