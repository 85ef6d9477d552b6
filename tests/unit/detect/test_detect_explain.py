"""An explanation never disagrees with the evaluator, and says what the event has to say."""

import pytest

from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.explain import Explained, explain
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.model.batches import Logsource
from afterpatch.model.campaigns import RuleText

SYSMON = Logsource("process_creation", "windows", "sysmon")
HTTPPROXY = Logsource("webserver", "exchange", "httpproxy")


def rule(detection: str, logsource: str = "{category: process_creation}") -> Rule:
    text = f"title: T\nid: t\nlogsource: {logsource}\ndetection:\n{detection}"
    parsed = parse_rules([RuleText("t.yml", "sigma", text)])
    assert parsed.unsupported == ()
    return parsed.rules[0]


def leaves(tree: Explained) -> list[tuple[str, bool, str]]:
    if not tree.children:
        return [(tree.text, tree.held, tree.why)]
    return [leaf for child in tree.children for leaf in leaves(child)]


def test_every_test_says_why() -> None:
    one = rule("""
  a:
    CommandLine|contains: whoami
    Image|endswith: \\cmd.exe
  b:
    User: null
  condition: a and not b
""")
    tree = explain(one, {"CommandLine": "WHOAMI /all", "Image": r"C:\x.exe"}, SYSMON)
    assert tree.held is False
    assert leaves(tree) == [
        ("log source is category process_creation", True,
         "the event is of category process_creation, product windows, service sysmon"),
        ("CommandLine contains 'whoami'", True, "CommandLine = 'WHOAMI /all'"),
        ("Image ends with '\\cmd.exe'", False, "Image = 'C:\\x.exe'"),
        ("User is absent", True, "the event has no User"),
    ]  # fmt: skip


def test_the_wrong_log_source_is_named() -> None:
    one = rule("  a: {X: y}\n  condition: a", "{product: linux}")
    tree = explain(one, {"X": "y"}, SYSMON)
    assert not tree.held
    assert [child.held for child in tree.children] == [False, True]


@pytest.mark.parametrize(
    ("detection", "event", "text", "why"),
    [
        ("X|re|i: ab+", {"X": "ABB"}, "X matches the expression /ab+/i", "X = 'ABB'"),
        ("X|cidr: 10.0.0.0/8", {"X": "10.1.1.1"}, "X is an address in '10.0.0.0/8'", "X = '10.1.1.1'"),
        ("X|gte: 5", {"X": "7"}, "X is at least 5", "X = '7'"),
        ("X|exists: true", {"X": ""}, "X is present", "X = ''"),
        ("X|fieldref: Y", {"X": "a", "Y": "A"}, "X is the value of Y", "X = 'a'; Y = 'A'"),
        ("X|cased: Ab", {"X": "Ab"}, "X is 'Ab' (in this case)", "X = 'Ab'"),
        ("X|windash|contains: ' -a'", {"X": "b /a"}, "X contains ' -a' (any dash)", "X = 'b /a'"),
        ("X: 'a*b'", {"X": "axb"}, "X is like 'a*b'", "X = 'axb'"),
    ],
)  # fmt: skip
def test_kinds_of_tests_in_words(detection, event, text, why) -> None:
    tree = explain(rule(f"  a:\n    {detection}\n  condition: a"), event, SYSMON)
    assert leaves(tree)[1:] == [(text, True, why)]


def test_a_keyword_looks_everywhere() -> None:
    tree = explain(rule("  a: [whoami]\n  condition: a"), {"X": "run whoami", "Y": None}, SYSMON)
    assert leaves(tree)[1:] == [
        ("some field contains 'whoami'", True, "looked at all 1 fields of the event")
    ]


def test_a_url_shows_every_view() -> None:
    one = rule("  a: {cs-uri-query|contains: '/owa/auth'}\n  condition: a", "{category: webserver}")
    tree = explain(one, {"UrlStem": "/owa/auth/x.js", "UrlQuery": "a=1"}, HTTPPROXY)
    assert leaves(tree)[1][1:] == (
        True,
        "UrlQuery = 'a=1'; UrlStem = '/owa/auth/x.js'; UrlStem + ? + UrlQuery = '/owa/auth/x.js?a=1'",
    )


@pytest.mark.parametrize(
    ("logsource", "field", "event", "why"),
    [
        (
            HTTPPROXY,
            "cs-uri-stem",
            {"UrlStem": "/owa"},
            "UrlStem = '/owa'",
        ),
        (
            Logsource("proxy", "", "elff"),
            "cs-uri-query",
            {"cs-uri-query": "?owa"},
            "cs-uri-query = '?owa'; cs-uri-query without its ? = 'owa'",
        ),
        (
            Logsource("webserver", "windows", "iis"),
            "cs-user-agent",
            {"cs(User-Agent)": "an+owa"},
            "cs(User-Agent) = 'an+owa'; cs(User-Agent) with + as space = 'an owa'",
        ),
        (
            Logsource("proxy", "zeek", "http"),
            "c-uri",
            {"host": "a.example", "uri": "/owa"},
            "uri = '/owa'; host + uri = 'a.example/owa'",
        ),
        (
            Logsource("proxy", "zeek", "http"),
            "c-uri",
            {"host": "a.example", "uri": "owa"},
            "uri = 'owa'; uri starts with no slash",
        ),
    ],
)
def test_a_value_read_in_another_way_is_shown_so(logsource, field, event, why) -> None:
    category = f"{{category: {logsource.category}}}"
    one = rule(f"  a: {{{field}|contains: owa}}\n  condition: a", category)
    assert leaves(explain(one, event, logsource))[1][1:] == (True, why)
