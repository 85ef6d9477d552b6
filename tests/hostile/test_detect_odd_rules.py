"""Rule files with values of any kind in any place: one bad rule is refused, and costs no other."""

from typing import Any

import pytest
import yaml

from afterpatch.detect.rule_catalogue import catalogue
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.model.campaigns import RuleText

RULE: dict[str, Any] = {
    "title": "t",
    "id": "22222222-2222-4222-8222-222222222222",
    "name": "n",
    "related": [],
    "taxonomy": "sigma",
    "status": "test",
    "license": "MIT",
    "description": "d",
    "author": "a",
    "date": "2021-01-01",
    "modified": "2021-01-01",
    "references": ["x"],
    "tags": ["attack.t1003"],
    "level": "high",
    "fields": ["a"],
    "falsepositives": ["x"],
    "scope": ["x"],
    "logsource": {"category": "webserver"},
    "detection": {"s": {"a": 1}, "condition": "s"},
}
COUNT = {"type": "value_count", "rules": ["n"], "timespan": "1m", "group-by": ["a"],
         "condition": {"gte": 1, "field": "v"}}  # fmt: skip
GOOD = RuleText("good.yml", "sigma", "title: g\nlogsource: {category: dns}\n"
                "detection: {s: {query: x}, condition: s}\n")  # fmt: skip
ODD = [1, 1.5, True, None, "zz", "", [], [1], [None], [[1]], {}, {"a": 1}, {"a": None}, {1: 2},
       "\U0001f600", 10**400, "99999999999999999999d", {"gte": "x"}, {"gte": 1, "lte": [1]}]  # fmt: skip
MODIFIERS = (
    *("", "contains", "startswith", "re", "re|i", "cidr", "gt", "exists", "base64", "base64offset"),
    *("windash", "expand", "fieldref", "all", "neq", "cased", "wide", "hour", "utf16", "zzz", "|"),
)


def within(section: str, key: str, value: Any) -> dict[str, Any]:
    return RULE | {section: RULE[section] | {key: value}}


def places(value: Any) -> dict[str, list[dict[str, Any]]]:
    """Documents with the value in each place of a rule."""
    found = {key: [RULE | {key: value}] for key in (*RULE, "correlation", "filter", "action")}
    for part in ("category", "product", "service", "definition"):
        found[f"logsource.{part}"] = [within("logsource", part, value)]
    for part in ("s", "condition", "timeframe"):
        found[f"detection.{part}"] = [within("detection", part, value)]
    for name in MODIFIERS:
        found[f"a|{name}"] = [within("detection", "s", {f"a|{name}".rstrip("|"): value})]
    for key in (*COUNT, "aliases", "generate"):
        found[f"correlation.{key}"] = [RULE, {"title": "c", "correlation": COUNT | {key: value}}]
    return found


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_odd_values_cost_their_own_rule_at_most(value: Any) -> None:
    for place, documents in places(value).items():
        text = RuleText("odd.yml", "sigma", yaml.safe_dump_all(documents, allow_unicode=True))
        parsed = parse_rules([text, GOOD])
        assert "good.yml" in {rule.info.id for rule in parsed.rules}, place
        assert all(rule.info.level for rule in parsed.rules), place
        listed = catalogue([text, GOOD]).rules
        assert "good.yml" in {rule.id for rule in listed}, place
