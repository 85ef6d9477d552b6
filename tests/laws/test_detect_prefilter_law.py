"""Law: whatever a rule matches, the prefilter selects the raw line it was parsed from."""

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.detect.prefilter import build_prefilter
from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Not, Or, Rule, Scope
from afterpatch.detect.sigma.reference import holds
from afterpatch.detect.sigma.regexes import compile_regex, required_literals
from afterpatch.detect.text_prefilter import TextPrefilter
from afterpatch.model.batches import Batch, Declared, Logsource
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import RuleInfo

IIS = Logsource("webserver", "windows", "iis")
FIELDS = ["cs-method", "cs-uri-stem", "cs-uri-query", "c-ip", "cs(User-Agent)", "sc-status"]

WORDS = ["/owa/auth/", "/ecp/", ".aspx", "x.js", "POST", "200", "cmd=", "Évil", "Ωm", "\u212a", "İ"]
WORDS += ['"', "'", ",", "+", " ", "?", "&", "k", "%2e", "\\", "*", "aspx.aspx"]
value = st.lists(st.sampled_from(WORDS), max_size=5).map("".join)
event = st.dictionaries(st.sampled_from(FIELDS), value, min_size=1)
literal = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("".join)
wildcard = st.lists(st.sampled_from(["*", "?", ".aspx", "/owa", "POST", '"', "\\*"]), max_size=5)
REGEXES = [
    r"\.ASPX$",
    "^/owa/.*js",
    "post|cmd=",
    "(?i)évil",
    "o(w|x)a/+auth",
    "x?.aspx",
    "[a-z]{4}",
]
field = st.sampled_from([ANY_FIELD, *FIELDS])
test = st.one_of(
    st.builds(
        FieldTest,
        field,
        st.sampled_from(["equals", "contains", "startswith", "endswith"]),
        literal,
        cased=st.booleans(),
    ),
    st.builds(FieldTest, field, st.just("wildcard"), wildcard.map("".join)),
    st.builds(
        FieldTest, field, st.just("regex"), st.sampled_from(REGEXES), st.sampled_from(["", "i"])
    ),
    st.builds(
        FieldTest, st.sampled_from(FIELDS), st.sampled_from(["null", "exists"]), st.just("true")
    ),
)
node = st.recursive(
    test,
    lambda inner: st.one_of(
        st.builds(And, st.lists(inner, min_size=1, max_size=4).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


def w3c_line(row: dict[str, str], encoding: str) -> bytes:
    cells = (row.get(name, "-").replace(" ", "+") or "-" for name in FIELDS)
    return " ".join(cells).encode(encoding, "replace")


def csv_line(row: dict[str, str], encoding: str) -> bytes:
    cells = ('"' + row.get(name, "").replace('"', '""') + '"' for name in FIELDS)
    return ",".join(cells).encode(encoding, "replace")


def selected(prefilter: TextPrefilter, lines: list[bytes]) -> set[int]:
    block = b"\n".join(lines)
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    offsets = prefilter.offsets(block)
    assert offsets.dtype == np.int64
    assert (np.diff(offsets) > 0).all()
    assert all(block[offset : offset + 1] != b"\n" for offset in offsets)
    return set((np.searchsorted(starts, offsets, side="right") - 1).tolist())


@settings(max_examples=100, deadline=None)
@given(
    node,
    st.lists(event, min_size=1, max_size=12),
    st.sampled_from([w3c_line, csv_line]),
    st.sampled_from(["utf-8", "cp1252"]),
)
def test_no_matching_line_is_lost(condition, rows, render, encoding) -> None:
    rule = Rule(RuleInfo("r", "", "low", "sigma"), Scope(), condition)
    built = build_prefilter([rule], [])
    assert (built.prefilter is None) == bool(built.forced_by)
    if built.prefilter is None:
        return
    matching = {at for at, row in enumerate(rows) if holds(condition, row, IIS)}
    assert matching <= selected(built.prefilter, [render(row, encoding) for row in rows])


ZEEK = Logsource("proxy", "zeek", "http")
ZEEK_FIELDS = ["method", "host", "uri", "user_agent", "resp_mime_types", "c-uri", "cs-host"]
ZEEK_FIELDS += ["path"]
zeek_event = st.dictionaries(
    st.sampled_from(ZEEK_FIELDS), st.one_of(value, value.map("/{}".format)), min_size=1
)
LABEL_WORDS = ["www", "a", "example", "com", "==", "-", "x1", "onion", "É"]
name = st.lists(st.sampled_from(LABEL_WORDS), min_size=1, max_size=5).map(".".join)
label_literal = st.lists(st.sampled_from([*LABEL_WORDS, ".", "."]), min_size=1, max_size=6).map(
    "".join
)


def conditions(fields, literals):
    """Rule conditions over some fields."""
    ops = st.sampled_from(["equals", "contains", "startswith", "endswith"])
    leaf = st.one_of(
        st.builds(FieldTest, st.sampled_from(fields), ops, literals),
        st.builds(FieldTest, st.sampled_from([ANY_FIELD, *fields]), st.just("contains"), literals),
    )
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
            st.builds(Not, inner),
        ),
        max_leaves=6,
    )


def json_line(row: dict[str, str]) -> bytes:
    return json.dumps(row).replace("/", "\\/").replace("&", "\\u0026").encode()


def zeek_line(row: dict[str, str]) -> bytes:
    cells = (row.get(name, "-").replace("\\", "\\\\") for name in ZEEK_FIELDS)
    return "\t".join(cells).encode()


def debug_line(row: dict[str, str]) -> bytes:
    labels = row["query"].split(".")
    return ("PACKET A  " + "".join(f"({len(x)}){x}" for x in labels) + "(0)").encode()


@settings(max_examples=150, deadline=None)
@given(
    conditions(ZEEK_FIELDS, literal),
    st.lists(zeek_event, min_size=1, max_size=8),
    st.sampled_from([json_line, zeek_line]),
)
def test_no_matching_line_is_lost_where_logs_escape(condition, rows, render) -> None:
    rule = Rule(RuleInfo("r", "", "low", "sigma"), Scope(), condition)
    columns = {name for row in rows for name in row}
    built = build_prefilter([rule], [], "escaped", Declared(ZEEK, frozenset(columns)))
    if built.prefilter is not None:
        matching = {at for at, row in enumerate(rows) if holds(condition, row, ZEEK)}
        assert matching <= selected(built.prefilter, [render(row) for row in rows])


@settings(max_examples=150, deadline=None)
@given(conditions(["query"], label_literal), st.lists(name, min_size=1, max_size=8))
def test_no_matching_line_is_lost_where_names_are_labels(condition, hosts) -> None:
    rule = Rule(RuleInfo("r", "", "low", "sigma"), Scope(), condition)
    built = build_prefilter([rule], [], "labels")
    if built.prefilter is not None:
        rows = [{"query": text} for text in hosts]
        source = Logsource("dns", "windows", "dns-debug")
        matching = {at for at, row in enumerate(rows) if holds(condition, row, source)}
        assert matching <= selected(built.prefilter, [debug_line(row) for row in rows])


ADDRESSES = [
    "10.1.2.3",
    "10.1.255.9",
    "::ffff:10.1.2.3",
    "::ffff:a01:203",
    "2001:db8::5",
    "10.1.2.30",
]
ADDRESSES += [
    "2001:0db8:0000:0000:0000:0000:0000:0005",
    "[2001:db8::5]:443",
    "10.1.2.3:80",
    "8.8.8.8",
]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(
        [
            ("ip", "10.1.2.3"),
            ("cidr", "10.1.0.0/16"),
            ("cidr", "10.1.2.0/23"),
            ("cidr", "10.1.2.3/32"),
            ("ip", "2001:db8::5"),
            ("cidr", "2001:db8::/32"),
            ("domain", "evil.example"),
            ("path", "C:\\inetpub\\wwwroot\\shell.aspx"),
            ("user-agent", "Mozilla/5.0 (X, Y) Z"),
        ]
    ),
    st.lists(
        st.fixed_dictionaries(
            {
                "c-ip": st.sampled_from(ADDRESSES),
                "cs-host": st.sampled_from(["evil.example", "A.EVIL.example", "notevil.example"]),
                "cs-uri-stem": st.sampled_from(["/inetpub/wwwroot/SHELL.aspx", "/shell.aspx"]),
                "cs(User-Agent)": st.sampled_from(["Mozilla/5.0+(X,+Y)+Z", "Mozilla/5.0 (X  Y) Z"]),
            }
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_no_line_with_an_indicator_is_lost(kind: tuple[str, str], rows: list) -> None:
    indicator = Indicator(*kind, stage="", weak=True, source="test")
    built = build_prefilter([], [indicator])
    assert built.prefilter is not None
    lines = [" ".join(row.values()).replace("  ", " ").encode() for row in rows]
    found = {
        at
        for _, hits in IndicatorEngine([indicator]).match(Batch(IIS, pl.DataFrame(rows)))
        for at in hits.tolist()
    }
    assert found <= selected(built.prefilter, lines)


PIECES = [
    "a",
    "bc",
    "k",
    "(?:x|yz)",
    "(de)+",
    "[m-p]",
    "q?",
    "r*",
    "\\.",
    "(s|t)?",
    "u{2}",
    "É",
    "v+w",
]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([*PIECES, "|"]), min_size=1, max_size=8).map("".join),
    st.sampled_from(["", "i"]),
    st.data(),
)
def test_a_regex_never_matches_without_its_required_literals(pattern, flags, data) -> None:
    literals = required_literals(pattern, flags)
    text = data.draw(st.from_regex(f"(?{flags}){pattern}" if flags else pattern))
    if literals is not None and compile_regex(pattern, flags).search(text):
        assert any(literal.lower() in text.lower() for literal in literals)


@pytest.mark.parametrize("block", [b"", b"\n\n", bytearray(b"x"), memoryview(b"GET /ecp/y.js")])
def test_any_buffer_will_do(block) -> None:
    found = TextPrefilter([rb"y\.js"]).offsets(block)
    assert found.tolist() == ([12] if len(block) > 3 else [])
    assert TextPrefilter([]).offsets(block).tolist() == []
