"""Explanations: the tree, the values seen, why a rule does not apply."""

import pytest

from afterpatch.detect.sigma.ast import ANY_FIELD, And, FieldTest, Not, Or, Rule, Scope
from afterpatch.detect.sigma.explain import Look, explain, words_of
from afterpatch.model.batches import Logsource
from afterpatch.model.hits import RuleInfo

IIS = Logsource("webserver", "windows", "iis")
SYSMON = Logsource("process_creation", "windows", "sysmon")
SHELL = FieldTest("Image", "endswith", "\\cmd.exe")
WHOAMI = FieldTest("CommandLine", "contains", "whoami")


PROCESSES = Scope("process_creation", "windows")


def rule(condition, scope: Scope = PROCESSES) -> Rule:
    return Rule(RuleInfo("r1", "", "low", "sigma"), scope, condition)


def test_every_test_is_told_with_its_value() -> None:
    told = explain(
        rule(And((SHELL, Not(WHOAMI)))), {"Image": "C:\\cmd.exe", "CommandLine": "WHOAMI"}, SYSMON
    )
    assert (told.applies, told.fires, told.condition.words) == (True, False, "all of")
    shell, without = told.condition.steps
    assert shell.holds
    assert shell.saw == (Look("Image", "C:\\cmd.exe", True),)
    assert (without.holds, without.words) == (False, "not")
    assert without.steps[0].test is WHOAMI
    assert without.steps[0].saw == (Look("CommandLine", "WHOAMI", True),)


def test_absent_fields_are_told_as_absent() -> None:
    told = explain(rule(Or((SHELL, FieldTest("User", "null")))), {"CommandLine": "x"}, SYSMON)
    shell, user = told.condition.steps
    assert shell.saw == (Look("Image", None, False),)
    assert (user.holds, user.words, user.saw) == (
        True,
        "User is absent",
        (Look("User", None, True),),
    )
    assert told.fires


def test_the_views_of_a_web_request_are_told_one_by_one() -> None:
    test = FieldTest("cs-uri-query", "contains", "/owa/?a")
    event = {"cs-uri-stem": "/owa/", "cs-uri-query": "a=1"}
    told = explain(rule(test, Scope("webserver")), event, IIS)
    assert told.fires
    assert told.condition.saw == (
        Look("cs-uri-query", "a=1", False),
        Look("cs-uri-stem", "/owa/", False),
        Look("cs-uri-stem?cs-uri-query", "/owa/?a=1", True),
    )


def test_native_columns_are_named() -> None:
    test = FieldTest("cs-uri-stem", "equals", "/x")
    told = explain(rule(test), {"UrlStem": "/x"}, Logsource("webserver", "exchange", "httpproxy"))
    assert told.condition.saw == (Look("UrlStem", "/x", True),)
    assert not told.applies
    assert told.why_not == (
        "the rule is for category process_creation, product windows; "
        "the event is of category webserver, product exchange, service httpproxy"
    )


def test_keywords_name_the_columns_that_hold_them() -> None:
    test = FieldTest(ANY_FIELD, "contains", "evil")
    event = {"a": "x", "b": "EVIL", "c": None, "@raw": "evil"}
    assert explain(rule(test), event, SYSMON).condition.saw == (Look("b", "EVIL", True),)
    told = explain(rule(test), {"a": "x", "b": "y"}, SYSMON)
    assert told.condition.saw == (Look("none of 2 columns", None, False),)


def test_field_references_show_both_sides() -> None:
    test = FieldTest("a", "fieldref", "b", option="startswith")
    told = explain(rule(test), {"a": "xyz", "b": "xy"}, SYSMON)
    assert told.condition.saw == (Look("a", "xyz", True), Look("b", "xy", True))
    assert told.condition.words == "a startswith the value of b"


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (WHOAMI, "CommandLine contains 'whoami'"),
        (
            FieldTest("a", "equals", "\u2014x", option="dashes", cased=True),
            "a equals '\u2014x' (dashes, case-sensitive)",
        ),
        (FieldTest("a", "regex", "^x", option="i"), "a regex '^x' (i)"),
        (FieldTest("a", "compare", "7", option="gte"), "a gte 7"),
        (FieldTest("a", "timepart", "7", option="hour"), "a hour 7"),
        (FieldTest("a", "cidr", "10.0.0.0/8"), "a is in the network 10.0.0.0/8"),
        (FieldTest("a", "exists", "true"), "a is present"),
        (FieldTest("a", "exists", "false"), "a is absent"),
        (FieldTest(ANY_FIELD, "contains", "x"), "any column contains 'x'"),
    ],
)
def test_tests_in_words(test: FieldTest, words: str) -> None:
    assert words_of(test) == words
