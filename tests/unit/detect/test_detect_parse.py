"""Every document is a rule, a correlation, or accounted for with a reason."""

from pathlib import Path

import pytest

from afterpatch.detect.sigma.ast import And, FieldTest, Not, Or, Scope
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.model.campaigns import RuleText

DATA = next((p for p in Path(__file__).parents if (p / "shared" / "data").is_dir()), Path())
SIGMAHQ = DATA / "shared" / "data" / "sigma"
RULE = """
title: Forged session
id: 11111111-1111-4111-8111-111111111111
name: forged
level: high
tags: [attack.initial_access, cve.2021-26855]
references: [https://example.org/a]
fields: [c-ip, cs-uri-stem]
logsource: {category: webserver, service: iis}
detection: {sel: {sc-status: 241}, condition: sel}
"""


def parse(*texts: str) -> Parsed:
    return parse_rules(RuleText(f"{n}.yml", "sigma", text) for n, text in enumerate(texts))


def test_rule_info_carries_what_a_pack_says() -> None:
    ours = "afterpatch: {stage: session-forged, weak: true, finds: F, misses: M}\n"
    [rule] = parse(RULE + ours).rules
    info = rule.info
    assert (info.id, info.title) == ("11111111-1111-4111-8111-111111111111", "Forged session")
    assert (info.level, info.engine, info.stage, info.weak) == (
        "high",
        "sigma",
        "session-forged",
        True,
    )
    assert (info.finds, info.misses, info.fields) == ("F", "M", ("c-ip", "cs-uri-stem"))
    assert info.tags == ("attack.initial_access", "cve.2021-26855")
    assert info.references == ("https://example.org/a",)
    assert rule.scope == Scope("webserver", "", "iis")
    assert rule.condition == FieldTest("sc-status", "equals", "241")


def test_description_stands_in_for_finds() -> None:
    [rule] = parse(RULE + "description: |\n  Two\n  lines\n").rules
    assert rule.info.finds == "Two lines"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("sc-status: 241", "a|re: 'x(?=y)'"), "outside RE2"),
        (("sc-status: 241", "a|re: 'x('"), "missing )"),
        (("sc-status: 241", "a|nonsense: x"), "nonsense"),
        (("sc-status: 241", "a|cidr: 10.0.0.0/99"), "CIDR"),
        (("sc-status: 241", "a|windash|base64: '-a -b -c -d'"), "windash"),
        (("sc-status: 241", "a|wide: é"), "base64"),
        (("sc-status: 241", "a|gt: 9007199254740993"), "too large"),
        (("condition: sel", "condition: other"), "other"),
        (("condition: sel", "condition: sel | count() > 3"), "pipe"),
        (("condition: sel", "condition: 1 of other*"), "other*"),
        (("condition: sel", "timeframe: 5m, condition: sel"), "correlation"),
        (("logsource: {category: webserver, service: iis}", ""), "log source"),
        (("title: Forged", "afterpatch: {stagge: x}\ntitle: Forged"), "unknown key 'stagge'"),
        (
            ("title: Forged", "afterpatch: {weak: maybe}\ntitle: Forged"),
            "weak must be of type bool",
        ),
        (("title: Forged", "afterpatch: [x]\ntitle: Forged"), "must be a mapping"),
        (("title: Forged", "title: twice\ntitle: Forged"), "Duplicate key"),
        (("detection:", "detectoin:"), "detection"),
    ],
)
def test_what_cannot_be_evaluated_is_named(change: tuple[str, str], reason: str) -> None:
    parsed = parse(RULE.replace(*change), RULE.replace("11111111-1", "21111111-1"))
    assert len(parsed.rules) == 1
    [(_, told)] = parsed.unsupported
    assert reason in told


@pytest.mark.parametrize("text", ["", "---\n", "just words", "- a\n- b", "a: [", "\t", "title: x"])
def test_files_that_are_no_rules_are_reported(text: str) -> None:
    parsed = parse(text)
    assert (parsed.rules, len(parsed.unsupported)) == ((), 1)
    assert parsed.unsupported[0][0] == "0.yml"


def test_alias_bombs_are_refused() -> None:
    levels = "".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]\n" for n in range(8))
    parsed = parse("l0: &l0 [x]\n" + levels + RULE)
    assert (parsed.rules, len(parsed.unsupported)) == ((), 1)


def test_faults_that_do_not_change_matching_are_let_pass() -> None:
    parsed = parse(RULE + "date: someday\nstatus: whatever\n")
    assert (len(parsed.rules), parsed.unsupported) == (1, ())


def test_the_first_rule_of_an_id_counts() -> None:
    parsed = parse(RULE, RULE.replace("241", "302"))
    assert [rule.condition.value for rule in parsed.rules] == ["241"]
    [(rule, reason)] = parsed.unsupported
    assert rule.startswith("11111111")
    assert "0.yml" in reason


def test_several_documents_and_actions_in_one_file() -> None:
    text = """
action: global
title: Both
logsource: {category: webserver}
---
id: 31111111-1111-4111-8111-111111111111
detection: {s: {a: x}, condition: s}
---
id: 41111111-1111-4111-8111-111111111111
detection: {s: {a: y}, condition: s}
"""
    rules = parse(text).rules
    assert [rule.condition for rule in rules] == [
        FieldTest("a", "equals", "x"),
        FieldTest("a", "equals", "y"),
    ]


def test_several_conditions_are_alternatives() -> None:
    text = RULE.replace("condition: sel", "o: {a: x}, condition: [sel, not o]")
    [rule] = parse(text).rules
    assert rule.condition == Or(
        (FieldTest("sc-status", "equals", "241"), Not(FieldTest("a", "equals", "x")))
    )


def test_filters_narrow_the_rules_they_name() -> None:
    filter_text = """
title: Health checks
logsource: {category: webserver, service: iis}
filter:
  rules: [forged]
  probe: {cs-user-agent|contains: AMProbe}
  condition: not probe
"""
    other = RULE.replace("11111111-1", "51111111-1").replace("name: forged", "name: free")
    parsed = parse(filter_text, RULE, other)
    narrowed, free = parsed.rules
    assert narrowed.condition == And(
        (
            FieldTest("sc-status", "equals", "241"),
            Not(FieldTest("cs-user-agent", "contains", "AMProbe")),
        )
    )
    assert free.condition == FieldTest("sc-status", "equals", "241")


CORRELATION = """
title: Many
id: 61111111-1111-4111-8111-111111111111
correlation:
  type: value_count
  rules: [forged]
  group-by: [c-ip]
  timespan: 10m
  condition: {gte: 3, field: cs-uri-stem}
"""


def test_correlations_resolve_names_in_any_order() -> None:
    chained = """
title: Chained
id: 71111111-1111-4111-8111-111111111111
correlation: {type: temporal, rules: [61111111-1111-4111-8111-111111111111, forged], timespan: 1h}
"""
    parsed = parse(chained, CORRELATION, RULE)
    assert parsed.unsupported == ()
    many, last = parsed.correlations
    assert (many.kind, many.timespan_us, many.threshold) == ("value_count", 600_000_000, 3)
    assert (many.group_by, many.fields) == (("c-ip",), ("cs-uri-stem",))
    assert many.rules == ("11111111-1111-4111-8111-111111111111",)
    assert last.rules == (many.info.id, many.rules[0])
    assert last.threshold == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("rules: [forged]", "rules: [absent]"), "absent"),
        (("rules: [forged]", "rules: [61111111-1111-4111-8111-111111111111]"), "not usable"),
        (("timespan: 10m", "timespan: soon"), "soon"),
        (("type: value_count", "type: value_wonder"), "value_wonder"),
        (("{gte: 3, field: cs-uri-stem}", "{gte: 3}"), "field"),
    ],
)
def test_broken_correlations_are_named(change: tuple[str, str], reason: str) -> None:
    parsed = parse(RULE, CORRELATION.replace(*change))
    assert (len(parsed.rules), parsed.correlations) == (1, ())
    [(_, told)] = parsed.unsupported
    assert reason in told


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="SigmaHQ rules are not on this machine")
def test_every_web_rule_of_sigmahq_loads() -> None:
    files = sorted(SIGMAHQ.glob("rules*/**/web/**/*.yml"))
    parsed = parse(*(path.read_text(encoding="utf-8") for path in files))
    assert parsed.unsupported == ()
    assert len(parsed.rules) == len(files) > 40


NEEDY = "sc-status|expand: ['%code%', 'x%code%y%more%']"


def with_placeholders(text: str, **values: tuple[str, ...]) -> Parsed:
    return parse_rules([RuleText("0.yml", "sigma", text)], values)


def test_missing_placeholders_are_a_state_of_their_own() -> None:
    parsed = with_placeholders(RULE.replace("sc-status: 241", NEEDY), more=("m",), other=("x",))
    assert (parsed.rules, parsed.unsupported) == ((), ())
    assert parsed.needs_placeholder == (("11111111-1111-4111-8111-111111111111", ("code",)),)


def test_placeholders_stand_for_each_of_their_values() -> None:
    parsed = with_placeholders(
        RULE.replace("sc-status: 241", NEEDY), code=("1", "50%", "a*"), more=("m", "n")
    )
    [rule] = parsed.rules
    assert isinstance(rule.condition, Or)
    assert [(test.op, test.value) for test in rule.condition.items] == [
        ("equals", "1"),
        ("equals", "50%"),
        ("startswith", "a"),
        ("equals", "x1ym"),
        ("equals", "x1yn"),
        ("equals", "x50%ym"),
        ("equals", "x50%yn"),
        ("wildcard", "xa*ym"),
        ("wildcard", "xa*yn"),
    ]


def test_in_a_regular_expression_they_stand_for_themselves() -> None:
    text = RULE.replace("sc-status: 241", r"a|re|expand: '^%name%\.$'")
    [rule] = with_placeholders(text, name=("a.b",)).rules
    assert rule.condition == FieldTest("a", "regex", r"^a\.b\.$")


def test_placeholders_of_a_filter_are_the_rules_need() -> None:
    filter_ = """
title: Ours
logsource: {category: webserver, service: iis}
filter: {rules: [forged], sel: {u|expand: '%us%'}, condition: not sel}
"""
    parsed = parse_rules([RuleText("0", "sigma", RULE), RuleText("1", "sigma", filter_)])
    assert [names for _, names in parsed.needs_placeholder] == [("us",)]
    parsed = parse_rules(
        [RuleText("0", "sigma", RULE), RuleText("1", "sigma", filter_)], {"us": ("me",)}
    )
    assert [rule.condition for rule in parsed.rules] == [
        And((FieldTest("sc-status", "equals", "241"), Not(FieldTest("u", "equals", "me"))))
    ]


def test_encoded_placeholders_are_needed_too() -> None:
    parsed = with_placeholders(RULE.replace("sc-status: 241", "a|expand|base64: '%name%'"))
    assert [names for _, names in parsed.needs_placeholder] == [("name",)]


def test_placeholders_do_not_multiply_beyond_reason() -> None:
    text = RULE.replace("sc-status: 241", "a|expand: '%n%%n%%n%%n%%n%%n%'")
    [(_, reason)] = with_placeholders(text, n=tuple(map(str, range(10)))).unsupported
    assert "more than 100000 values" in reason
