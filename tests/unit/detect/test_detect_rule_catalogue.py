"""Every rule is listed, every problem has its file and line."""

from afterpatch.detect.rule_catalogue import catalogue
from afterpatch.model.campaigns import RuleText

GOOD = """title: Good
id: 11111111-1111-1111-1111-111111111111
status: stable
level: high
logsource: {category: webserver}
detection:
  a: {cs-uri-stem: /x}
  condition: a
"""


def sigma(path: str, text: str) -> RuleText:
    return RuleText(path, "sigma", text)


def problems(*texts: RuleText) -> list[tuple[str, int, str]]:
    return [(p.path, p.line, p.severity) for p in catalogue(texts).problems]


def test_a_good_rule_has_no_problem() -> None:
    found = catalogue([sigma("good.yml", GOOD)])
    assert found.problems == ()
    (rule,) = found.rules
    assert (rule.title, rule.level, rule.logsource, rule.status, rule.state) == (
        "Good", "high", "webserver/*/*", "stable", "loaded",
    )  # fmt: skip


def test_errors_stand_at_their_document() -> None:
    bad = GOOD.replace("1111", "2222").replace("condition: a", "condition: b")
    assert problems(sigma("two.yml", GOOD + "---\n" + bad)) == [("two.yml", 10, "error")]


def test_yaml_errors_stand_at_their_line() -> None:
    assert problems(sigma("y.yml", "title: x\nid: [\n")) == [("y.yml", 3, "error")]
    assert problems(sigma("y.yml", GOOD + "level: low\n")) == [("y.yml", 9, "error")]


def test_the_later_of_two_equal_ids_is_the_error() -> None:
    (problem,) = catalogue([sigma("a.yml", GOOD), sigma("b.yml", GOOD)]).problems
    assert (problem.path, problem.severity) == ("b.yml", "error")
    assert "same id as a.yml" in problem.text


def test_a_placeholder_is_a_warning_until_its_values_are_known() -> None:
    text = sigma("p.yml", GOOD.replace("{cs-uri-stem: /x}", "{c-ip|expand: '%admins%'}"))
    (rule,) = catalogue([text]).rules
    assert (rule.state, rule.logsource) == ("needs placeholder", "webserver/*/*")
    assert problems(text) == [("p.yml", 1, "warning")]
    (rule,) = catalogue([text], {"admins": ("192.0.2.1", "192.0.2.2")}).rules
    assert rule.state == "loaded"


def test_what_a_reader_misses_is_a_warning() -> None:
    text = sigma(
        "w.yml", GOOD.replace("level: high\n", "").replace("id: 1111", "date: never\nid: 1111")
    )
    found = catalogue([text])
    assert {p.severity for p in found.problems} == {"warning"}
    assert any("no level" in p.text for p in found.problems)
    assert any("date" in p.text for p in found.problems)
    assert found.rules[0].state == "loaded"


def test_yara_rules_and_errors() -> None:
    good = RuleText("g.yar", "yara", "rule one { condition: true }\nrule two { condition: false }")
    bad = RuleText("b.yar", "yara", "rule x {\n  condition: $a\n}")
    found = catalogue([good, bad])
    assert [(r.id, r.line, r.state) for r in found.rules] == [
        ("b.yar", 2, "unsupported"), ("yara:one", 1, "loaded"), ("yara:two", 2, "loaded"),
    ]  # fmt: skip
    assert [(p.path, p.line, p.severity) for p in found.problems] == [("b.yar", 2, "error")]
