"""The prefilter looks for as little as it may, and says when it cannot help."""

import pytest

from afterpatch.detect.prefilter import build_prefilter
from afterpatch.detect.raw_pieces import piece_of
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.text_prefilter import TextPrefilter
from afterpatch.model.batches import Cell, Declared, Logsource
from afterpatch.model.campaigns import Indicator, RuleText


def patterns(detection: str) -> set[bytes] | None:
    text = f"title: t\nlogsource: {{category: webserver}}\ndetection: {{{detection}}}"
    [rule] = parse_rules([RuleText("t", "sigma", text)]).rules
    built = build_prefilter([rule], [])
    assert (built.prefilter is None) == (built.forced_by != ())
    if built.prefilter is None:
        return None
    orders = (order for pair in built.prefilter.pairs for order in (pair, pair[::-1]))
    return {*built.prefilter.patterns, *(rb"[^\n]*".join(order) for order in orders)}


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        (b"/owa/ 200\n200 x /OWA/\n/owa/\n200\nevil", [0, 1, 4]),
        (b"200\n200 /ecp/", []),
        (b"/owa/\n200", []),
        (b"", []),
    ],
)
def test_a_pair_counts_where_both_stand_on_one_line(block: bytes, lines: list[int]) -> None:
    found = TextPrefilter([b"evil"], [(b"/owa/", rb"\b200\b")]).offsets(block)
    assert sorted({block.count(b"\n", 0, at) for at in found.tolist()}) == lines


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        ("s: {a: Evil}, condition: s", {rb"\bevil\b"}),
        ("s: {a|contains: [one, two]}, condition: s", {b"one", b"two"}),
        ("s: {a|contains|all: [abc, longer]}, condition: s", {b"longer"}),
        ("s: {a: evilness}, f: {b: good}, condition: s and not f", {b"evilness"}),
        ("s: {a: one*longest?x}, condition: s", {b"longest"}),
        # what stands at a column's edge is followed by no letter or digit
        ("s: {a|endswith: .pro}, condition: s", {rb"\.pro\b"}),
        ("s: {a|startswith: ab}, condition: s", {rb"\bab"}),
        ("s: {a: '7'}, condition: s", {rb"\b7\b"}),
        # too short by themselves, or ordinary text: neighbours join in
        (
            "s: {a|contains: \"'1'='1\"}, condition: s",
            {rb"\b1'{1,2}='{1,2}1"},
        ),
        (
            "s: {a|contains: 'microsoft excel'}, condition: s",
            {rb"microsoft[ +,]excel"},
        ),
        # all that a regular expression needs is known, the rarest is asked for
        ("s: {a|re: '\\.(zip|htm)\\?dropper='}, condition: s", {b"dropper="}),
        ("s: {a|re: 'foo(bar|bazz)+.'}, condition: s", {b"foo"}),
        ("s: {a|contains: 'a, quoted long+tail'}, condition: s", {b"quoted"}),
        ("s: {a|contains: é-insert-ö}, condition: s", {rb"\-insert\-"}),
        ("k: [alpha, beta], condition: k", {b"alpha", b"beta"}),
        # no text that must be there
        ("s: {a: evil}, condition: not s", None),
        ("s: {a: null}, condition: s", None),
        ("s: {a: [evil, null]}, condition: s", None),
        ("s: {a|contains: '7'}, condition: s", None),
        ("s: {a|cidr: 10.0.0.0/8}, condition: s", None),
        ("s: {a|re: '[a-z]+'}, condition: s", None),
        # ordinary text is looked for in pairs, in both orders
        (
            "s: {a|startswith: /owa/auth/, a|endswith: .js}, condition: s",
            {rb"/owa/auth/[^\n]*\.js\b", rb"\.js\b[^\n]*/owa/auth/"},
        ),
        # … unless the two could be one and the same text
        ("s: {a|startswith: /owa/auth/, a|endswith: auth/logon}, condition: s", {b"/owa/auth/"}),
    ],
)
def test_patterns_are_what_every_matching_line_must_hold(
    detection: str, expected: set[bytes] | None
) -> None:
    assert patterns(detection) == expected


ZEEK = Declared(
    Logsource("proxy", "zeek", "http"),
    frozenset({"method", "uri", "user_agent", "seen", "tags"}),
    derived=frozenset({"tags"}),
    invented=frozenset({"seen"}),
    tested="named",
)


@pytest.mark.parametrize(
    ("detection", "cells", "forced"),
    [
        ("s: {c-useragent: x}, condition: s", {Cell("user_agent", "equals", "x")}, False),
        ("s: {c-useragent: ''}, condition: s", {Cell("user_agent", "equals", "")}, False),
        (
            "s: {c-useragent|endswith: '='}, condition: s",
            {Cell("user_agent", "endswith", "=")},
            False,
        ),
        ("s: {method: GET}, condition: not s", {Cell("method", "equals", "get", True)}, False),
        # of a list it may be one member
        ("s: {tags: x}, condition: s", set(), False),
        # a URL has more than one view; a made-up text is nowhere to be found; a null is no text
        ("s: {c-uri: x}, condition: s", set(), False),
        ("s: {c-uri: x}, condition: not s", set(), True),
        ("s: {seen: 'true'}, condition: s", set(), True),
        ("k: [rue], condition: k", set(), True),
        ("s: {method: null}, condition: s", set(), True),
        # no line can have it
        ("s: {cookie: x}, condition: s", set(), False),
    ],
)
def test_what_no_text_can_tell_is_asked_of_the_column(
    detection: str, cells: set[Cell], forced: bool
) -> None:
    text = f"title: t\nlogsource: {{category: proxy}}\ndetection: {{{detection}}}"
    [rule] = parse_rules([RuleText("t", "sigma", text)]).rules
    built = build_prefilter([rule], [], "escaped", ZEEK)
    assert bool(built.forced_by) == forced
    assert set(built.prefilter.cells if built.prefilter else ()) == cells
    # a reader that cannot test columns is never asked to
    plain = build_prefilter([rule], [], "escaped", ZEEK._replace(tested=""))
    assert plain.prefilter is None or plain.prefilter.cells == ()


@pytest.mark.parametrize(
    "raw", [b'"<|>"', rb"\u003c|\u003E", rb"\x3c|\x3e", b"a<|>b"]
)  # fmt: skip
def test_short_texts_are_looked_for_in_every_way_they_may_be_escaped(raw: bytes) -> None:
    piece = piece_of("<|>", "escaped")
    assert piece
    assert TextPrefilter([piece.pattern.encode()]).offsets(raw).size
    assert not TextPrefilter([piece.pattern.encode()]).offsets(b"<||>").size


def test_one_rule_without_a_trigger_forces_every_line() -> None:
    texts = ["s: {a: evil}", "s: {a: null}"]
    rules = parse_rules(
        RuleText(
            f"{n}.yml",
            "sigma",
            f"title: t\nlogsource: {{category: webserver}}\ndetection: {{{t}, condition: s}}",
        )
        for n, t in enumerate(texts)
    ).rules
    built = build_prefilter(rules, [Indicator("cidr", "0.0.0.0/0", "", True, "x")])
    assert built.prefilter is None
    assert [rule for rule, _ in built.forced_by] == ["1.yml", "indicator:cidr:0.0.0.0/0"]
    assert all(reason for _, reason in built.forced_by)


def test_nothing_wanted_selects_nothing() -> None:
    built = build_prefilter([], [])
    assert built.prefilter is not None
    assert built.prefilter.offsets(b"anything\n").tolist() == []


def test_many_matches_in_a_line_are_few_offsets_inside_it() -> None:
    built = build_prefilter([], [Indicator("domain", "evil.example", "", True, "x")])
    assert built.prefilter is not None
    block = b"one\n\nEVIL.example evil.EXAMPLE\nthree evil.example\n"
    assert built.prefilter.offsets(block).tolist() == [16, 29, 48]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("/ecp/y.js", r"/ecp/y\.js"), ("ab", ""), ("abcdefg'x", "abcdefg"), ("x?yzz", r"\byzz"),
     ("été", r"\bt\b")],
)  # fmt: skip
def test_pieces_hold_no_letter_a_log_may_write_differently(text: str, expected: str) -> None:
    piece = piece_of(text, "plain")
    assert (piece.pattern if piece else "") == expected


def test_a_large_list_of_indicators_is_not_compiled() -> None:
    many = [
        Indicator("ip", f"192.{a}.{b}.1", "", True, "test") for a in range(60) for b in range(200)
    ]
    built = build_prefilter([], many)
    assert built.prefilter is None
    assert built.forced_by == (("*", "more than 10000 texts to look for: too many for one scan"),)
