"""Where engines disagree, this is what ours answer: rule, event, expected, for both evaluators.

Rows follow the edge cases of the Sigma specification 2.x (rules, modifiers appendix, taxonomy).
"""

from textwrap import indent

import polars as pl
import pytest

from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.reference import matches
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import RuleText

WINDOWS = Logsource("process_creation", "windows", "sysmon")
IIS = Logsource("webserver", "windows", "iis")
PROXY = Logsource("webserver", "exchange", "httpproxy")
DEFENDER = Logsource("process_creation", "windows", "windefend")
HTTPERR = Logsource("webserver", "windows", "httperr")
ZEEK_DNS = Logsource("dns", "zeek", "dns")
APPLICATION = Logsource("process_creation", "windows", "application")


def rule_text(detection: str) -> RuleText:
    body = detection if "condition:" in detection else f"sel: {detection}\ncondition: sel"
    text = "title: t\nlogsource: {category: process_creation}\ndetection:\n" + indent(body, "  ")
    return RuleText("t.yml", "sigma", text)


def answers(detection: str, event: dict, logsource: Logsource = WINDOWS) -> set[bool]:
    text = rule_text(detection)
    text = RuleText(text.path, "sigma", text.text.replace("process_creation", logsource.category))
    parsed = parse_rules([text])
    assert parsed.unsupported == ()
    [rule] = parsed.rules
    frame = pl.DataFrame({k: pl.Series([v, None], dtype=pl.String) for k, v in event.items()})
    found = [rows.tolist() for _, rows in SigmaEngine([rule]).match(Batch(logsource, frame))]
    return {bool(found and 0 in found[0]), matches(rule, event, logsource)}


CASES = [
    # not over an absent field
    ("sel: {a: x}\nfilter: {b: y}\ncondition: sel and not filter", {"a": "x"}, True),
    ("sel: {a: x}\nfilter: {b: y}\ncondition: sel and not filter", {"a": "x", "b": None}, True),
    ("sel: {a: x}\nfilter: {b: y}\ncondition: sel and not filter", {"a": "x", "b": "Y"}, False),
    (
        "sel: {a: x}\nfilter: {b: y, c: z}\ncondition: sel and not filter",
        {"a": "x", "b": "y"},
        True,
    ),
    ("sel: {a: x}\ncondition: not sel", {"b": "1"}, True),
    ("{a|neq: x}", {"b": "1"}, True),
    ("{a|neq: x}", {"a": "X"}, False),
    # null and ''
    ("{a: null}", {"b": "1"}, True),
    ("{a: null}", {"a": ""}, False),
    ("{a: ''}", {"a": ""}, True),
    ("{a: ''}", {"b": "1"}, False),
    ("{a: ['', null]}", {"b": "1"}, True),
    # exists
    ("{a|exists: true}", {"a": ""}, True),
    ("{a|exists: true}", {"a": None}, False),
    ("{a|exists: false}", {"b": "1"}, True),
    ("{a: '*'}", {"a": ""}, True),
    ("{a: '*'}", {"b": "x"}, False),
    ("{a: '?*'}", {"a": ""}, False),
    # wildcards and escapes
    (r"{a: 'x*z'}", {"a": "xyyz"}, True),
    (r"{a: 'x*z'}", {"a": "axyz"}, False),
    (r"{a: 'x?z'}", {"a": "xz"}, False),
    (r"{a|contains: 'x*z'}", {"a": "..x..z.."}, True),
    (r"{a|startswith: 'x?z'}", {"a": "xyzzy"}, True),
    (r"{a|endswith: 'x*z'}", {"a": "abxyz"}, True),
    (r"{a|endswith: 'x*z'}", {"a": "xyzq"}, False),
    ("{a|contains: 'x*z'}", {"a": "x\r\nz"}, True),
    (r"{a: 'x\*z'}", {"a": "x*z"}, True),
    (r"{a: 'x\*z'}", {"a": "xyz"}, False),
    (r"{a: 'C:\\*'}", {"a": "C:\\foo"}, True),
    (r"{a: 'C:\\\*'}", {"a": r"C:\*"}, True),
    (r"{a: 'C:\\\*'}", {"a": r"C:\x"}, False),
    (r"{a: '\\srv\share'}", {"a": r"\srv\share"}, True),
    (r"{a: '\\\\srv\share'}", {"a": r"\\srv\share"}, True),
    (r"{a|endswith: '\cmd.exe'}", {"a": r"C:\Windows\CMD.EXE"}, True),
    (r"{a|endswith: 'dir\'}", {"a": "dir\\"}, True),
    # case
    ("{a: ÄÖß}", {"a": "äöß"}, True),
    ("{a: ΟΔΟΣ}", {"a": "οδος"}, True),
    ("{a|contains: k}", {"a": "\u212a"}, False),
    ("{a|cased: Foo}", {"a": "foo"}, False),
    ("{a|contains|cased: oO}", {"a": "foO."}, True),
    # numbers are text; hex stays text
    ("{a: 42}", {"a": "42"}, True),
    ("{a: 42}", {"a": "42.0"}, False),
    ("{a: '0x3E7'}", {"a": "0x3e7"}, True),
    ("{a: true}", {"a": "True"}, True),
    ("{a|gt: 9}", {"a": "10"}, True),
    ("{a|gte: 10}", {"a": "9.99"}, False),
    ("{a|lt: 9}", {"a": "ten"}, False),
    ("{a|lte: -1}", {"a": "-1.5"}, True),
    ("{a|lt: 18446744073709551616}", {"a": "18446744073709551615"}, True),
    # lists, maps, all
    ("{a|contains|all: [x, y]}", {"a": "yx"}, True),
    ("{a|contains|all: [x, y]}", {"a": "x"}, False),
    ("[{a: x}, {b: y}]", {"b": "y"}, True),
    ("{a: [x, y], b: z}", {"a": "Y", "b": "z"}, True),
    # encodings
    ("{a|base64offset|contains: foobar}", {"a": "..Zm9vYmFy.."}, True),
    ("{a|base64offset|contains: foobar}", {"a": "!mb29iYX!"}, True),
    ("{a|base64|contains: foobar}", {"a": "zm9vymfy"}, True),
    ("{a|wide|base64offset|contains: ping}", {"a": "cABpAG4AZw"}, True),
    ("{a|utf16le|contains: ab}", {"a": "-a\0b\0"}, True),
    ("{a|utf16le|base64offset|contains: ping}", {"a": "cABpAG4AZw"}, True),
    ("{a|utf16be|contains: ab}", {"a": "\0a\0b"}, True),
    # windash
    ("{a|windash|contains: ' -f '}", {"a": "del /F x"}, True),
    ("{a|windash|contains: ' /f '}", {"a": "del \u2013f x"}, True),
    ("{a|windash|contains|all: [' -f ', ' -q ']}", {"a": "del /f \u2014q x"}, True),
    ("{a|windash|contains: '-a-b'}", {"a": "/a/b"}, True),
    # addresses
    ("{a|cidr: 192.168.0.0/16}", {"a": "192.168.3.4"}, True),
    ("{a|cidr: 192.168.0.0/16}", {"a": "::ffff:192.168.3.4"}, True),
    ("{a|cidr: 192.168.0.0/16}", {"a": "192.168.3.4:80"}, False),
    ("{a|cidr: 'fe80::/10'}", {"a": "FE80::1%12"}, True),
    # regular expressions: search, case-sensitive
    (r"{a|re: 'b+c$'}", {"a": "abbc"}, True),
    (r"{a|re: 'B'}", {"a": "b"}, False),
    (r"{a|re|i: 'B'}", {"a": "b"}, True),
    (r"{a|re: '(?i)B'}", {"a": "b"}, True),
    (r"{a|re: 'a.c'}", {"a": "a\nc"}, False),
    (r"{a|re|s: 'a.c'}", {"a": "a\nc"}, True),
    (r"{a|re: '^c'}", {"a": "a\nc"}, False),
    (r"{a|re|m: '^c'}", {"a": "a\nc"}, True),
    (r"{a|re: '\d\\x'}", {"a": r"1\x"}, True),
    # field references
    ("{a|fieldref: b}", {"a": "X", "b": "x"}, True),
    ("{a|fieldref: b}", {"a": "x"}, False),
    ("{a|fieldref|startswith: b}", {"a": "xyz", "b": "X"}, True),
    ("{a|fieldref|endswith: b}", {"a": "xyz", "b": "X"}, False),
    ("{a|fieldref|contains: b}", {"a": "xyz", "b": "Y"}, True),
    # parts of a time
    ("{a|hour: 4}", {"a": "2021-03-02T04:05:06Z"}, True),
    ("{a|hour: 4}", {"a": "2021-03-02T04:05:06+01:00"}, False),
    ("{a|minute: 5}", {"a": "04:05:06"}, True),
    ("{a|week: 53}", {"a": "2021-01-01 00:00:00"}, True),
    ("{a|month: [2, 3]}", {"a": "2021-03-02"}, True),
    ("{a|day: 2}", {"a": "yesterday"}, False),
    ("{a|year: 2021}", {"a": "2021-03-02 00:00:00.123"}, True),
    # keywords: any column's value, never the raw text or names
    ("[evil, worse]", {"b": "an EVIL one"}, True),
    ("[evil]", {"evil": "good", "@raw": "evil"}, False),
    ("['e*l']", {"b": "an evil one"}, True),
    ("sel: {'|all': [x, y]}\ncondition: sel", {"a": "1x", "b": "y2"}, True),
    ("sel: {'|all': [x, y]}\ncondition: sel", {"a": "1x"}, False),
    (r"sel: {'|re': '^x\d'}" + "\ncondition: sel", {"a": "y", "b": "x7"}, True),
    ("[17]", {"a": "0x170"}, True),
    # of, them, _
    ("s1: {a: x}\ns2: {b: y}\ncondition: 1 of s*", {"b": "y"}, True),
    ("s1: {a: x}\ns2: {b: y}\ncondition: all of s*", {"b": "y"}, False),
    ("s1: {a: x}\n_s2: {b: y}\ncondition: all of them", {"a": "x"}, True),
    ("s1: {a: x}\n_s2: {b: y}\ncondition: 1 of them", {"b": "y"}, False),
    (
        "s: {a: x}\nf1: {b: y}\nf2: {c: z}\ncondition: s and not 1 of f*",
        {"a": "x", "c": "z"},
        False,
    ),
    ("s: {a: x}\nt: {b: y}\nu: {c: z}\ncondition: s or t and u", {"a": "x"}, True),
]


@pytest.mark.parametrize(("detection", "event", "expected"), CASES)
def test_specification(detection: str, event: dict, expected: bool) -> None:
    assert answers(detection, event) == {expected}


STEM, QUERY = "/owa/auth/x.js", "a=/ecp/y&b=1"
SPLIT = {"cs-uri-stem": STEM, "cs-uri-query": QUERY}
WEB_CASES = [
    # community rules write the path into cs-uri-query
    (IIS, "{cs-uri-query|contains: /owa/auth/}", SPLIT, True),
    (IIS, "{cs-uri-query|startswith: a=}", SPLIT, True),
    (IIS, "{cs-uri-query|startswith: /owa/}", SPLIT, True),
    (IIS, "{cs-uri-query|endswith: .js}", SPLIT, True),
    (IIS, "{cs-uri-query|endswith: b=1}", SPLIT, True),
    # an unescaped "?" is any one character: it matches the joint as well
    (IIS, "{cs-uri-query|contains: '.js?a='}", SPLIT, True),
    (IIS, r"{cs-uri-query|contains: '.js\?a='}", SPLIT, True),
    (IIS, "{cs-uri-query: /owa/auth/x.js}", SPLIT, True),
    (IIS, r"{c-uri|re: 'x\.js\?a=.*b=\d$'}", SPLIT, True),
    (IIS, "{cs-uri-query|contains|all: [/owa/auth/, /ecp/]}", SPLIT, True),
    (IIS, "{cs-uri-query|contains: /owa/auth/}", {"cs-uri-stem": STEM}, True),
    (IIS, "s: {cs-uri-query|contains: /owa/}\ncondition: not s", SPLIT, False),
    (IIS, "s: {cs-uri-query|contains: /ews/}\ncondition: not s", {"cs-uri-stem": STEM}, True),
    # only text sees the joined view
    (IIS, "{cs-uri-query: null}", {"cs-uri-stem": STEM}, True),
    (IIS, "{cs-uri-query|exists: true}", {"cs-uri-stem": STEM}, False),
    (IIS, "{cs-uri-query: ''}", {"cs-uri-stem": STEM, "cs-uri-query": ""}, True),
    (IIS, "{cs-uri-stem|contains: ecp}", SPLIT, False),
    # names of the taxonomy and native names
    (
        IIS,
        "{cs-user-agent|contains: curl, cs-referer: x}",
        {"cs(User-Agent)": "curl/7", "cs(Referer)": "x"},
        True,
    ),
    (IIS, "{'cs(User-Agent)': curl}", {"cs(User-Agent)": "curl"}, True),
    (
        PROXY,
        "{cs-method: POST, sc-status: 200, c-ip|cidr: 10.0.0.0/8}",
        {"Method": "POST", "HttpStatus": "200", "ClientIpAddress": "10.1.1.1"},
        True,
    ),
    (
        PROXY,
        "{cs-uri-query|contains: /ecp/, cs-host: mail, cs-username: null}",
        {"UrlStem": "/ecp/y.js", "UrlHost": "MAIL"},
        True,
    ),
    (PROXY, "{UrlQuery|contains: /ecp/}", {"UrlStem": "/ecp/y.js", "UrlQuery": "q"}, True),
    (PROXY, "{AnchorMailbox|contains: 'ServerInfo~'}", {"AnchorMailbox": "ServerInfo~a"}, True),
    (
        HTTPERR,
        r"{cs-uri-stem|startswith: /a, cs-uri-query|contains: '?b'}",
        {"cs-uri": "/a?b"},
        True,
    ),
    (HTTPERR, r"{cs-uri-query|contains: 'b\?/a'}", {"cs-uri": "/a?b"}, False),
    (DEFENDER, "{ThreatName|contains: eicar}", {"Threat Name": "x/EICAR"}, True),
    # joined views belong to web servers only
    (WINDOWS, "{cs-uri-query|contains: /owa/auth/}", SPLIT, False),
]


@pytest.mark.parametrize(("logsource", "detection", "event", "expected"), WEB_CASES)
def test_web_fields(logsource: Logsource, detection: str, event: dict, expected: bool) -> None:
    assert answers(detection, event, logsource) == {expected}


@pytest.mark.parametrize(
    ("scope", "applies"),
    [
        ("{category: webserver}", True),
        ("{product: windows}", True),
        ("{category: webserver, service: iis}", True),
        ("{service: apache}", False),
        ("{product: linux, category: webserver}", False),
        ("{category: proxy}", False),
    ],
)
def test_a_rule_applies_where_each_part_it_names_is_equal(scope: str, applies: bool) -> None:
    text = f"title: t\nlogsource: {scope}\ndetection: {{s: {{a: x}}, condition: s}}"
    [rule] = parse_rules([RuleText("t", "sigma", text)]).rules
    engine = SigmaEngine([rule])
    assert engine.rules_for(IIS) == ((rule,) if applies else ())
    assert matches(rule, {"a": "x"}, IIS) is applies
    assert [r for r, _ in engine.match(Batch(IIS, pl.DataFrame({"a": ["x"]})))] == [rule] * applies


UNNAMED = {"Data": "one\ntwo\nlines", "param1": "one", "param2": "two\nlines"}


@pytest.mark.parametrize(
    ("logsource", "detection", "event", "expected"),
    [
        (ZEEK_DNS, "{answer: b.example}", {"answers": "a.example\nb.example"}, True),
        (ZEEK_DNS, "{answers|startswith: b}", {"answers": "a.example\nb.example"}, True),
        (ZEEK_DNS, "{answers|cidr: 10.0.0.0/8}", {"answers": "a.example\n10.0.0.1"}, True),
        (ZEEK_DNS, "{answers: 'a*b'}", {"answers": "a\nb"}, False),
        (ZEEK_DNS, "{answers|neq: a}", {"answers": "a\nb"}, False),
        (ZEEK_DNS, "['b.example']", {"answers": "a.example\nb.example"}, True),
        (APPLICATION, "{Data: one}", UNNAMED, True),
        (APPLICATION, '{Data: "two\\nlines"}', UNNAMED, True),
        (APPLICATION, "{Data|endswith: one}", UNNAMED, True),
        (APPLICATION, "{Data|endswith: two}", UNNAMED, False),
        (APPLICATION, "{Data|re: '^two'}", UNNAMED, True),
        (APPLICATION, "{Data|contains|all: [one, lines]}", UNNAMED, True),
        (APPLICATION, "{Data: one}", {"Data": "one"}, True),
        (APPLICATION, "{Data: null}", UNNAMED, False),
        (WINDOWS, "{CommandLine: b}", {"CommandLine": "a\nb"}, False),
    ],
)
def test_lists(logsource: Logsource, detection: str, event: dict, expected: bool) -> None:
    assert answers(detection, event, logsource) == {expected}


@pytest.mark.parametrize("value", ["n7", "*7", "x"])
def test_lists_of_many_distinct_values(value: str) -> None:
    rule = parse_rules([RuleText("t.yml", "sigma", f"""title: t
logsource: {{category: dns}}
detection:
  s: {{answers: '{value}'}}
  condition: s
""")]).rules[0]  # fmt: skip
    rows = [{"answers": f"n{n}\nm{n}{'' if n % 3 else chr(10)}"} for n in range(1500)]
    frame = pl.DataFrame(rows)
    found = [at for _, hits in SigmaEngine([rule]).match(Batch(ZEEK_DNS, frame)) for at in hits]
    assert found == [at for at, row in enumerate(rows) if matches(rule, row, ZEEK_DNS)]


def test_a_reference_between_very_many_distinct_values() -> None:
    """Pairs of values are numbered; there are more of them here than 32 bits tell apart."""
    rows = 50_000
    mine = pl.Series([f"v{n}" for n in range(rows)])
    other = pl.Series([f"V{n}" if n % 2 else f"w{n}" for n in range(rows)])
    (rule,) = parse_rules([rule_text("s: {a|fieldref: b}\ncondition: s")]).rules
    batch = Batch(WINDOWS, pl.DataFrame({"a": mine, "b": other}))
    ((_, found),) = SigmaEngine([rule]).match(batch)
    assert found.tolist() == list(range(1, rows, 2))
