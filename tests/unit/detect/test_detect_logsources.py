"""The right rules for the right log: which events a scope covers, and who serves it."""

from collections import Counter
from pathlib import Path

import polars as pl
import pytest
import yaml

from afterpatch.detect.detector import Detector
from afterpatch.detect.sigma.ast import Scope
from afterpatch.detect.sigma.fields import applies
from afterpatch.detect.sigma.served import formats_for
from afterpatch.formats.windows_logsources import WIDER_CATEGORY, logsources
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import Indicator, RuleText
from afterpatch.model.rules import RuleStatus

DATA = next((p for p in Path(__file__).parents if (p / "shared" / "data").is_dir()), Path())
SIGMAHQ = DATA / "shared" / "data" / "sigma"
TREES = (
    "rules",
    "rules-emerging-threats",
    "rules-threat-hunting",
    "rules-compliance",
    "rules-placeholder",
)
EVENT_LOGS = ("evtx", "windows-json")
# Sensors other than the Windows event log (file system filters) name these.
NOT_IN_EVENT_LOGS = {Scope("file_access", "windows"), Scope("file_rename", "windows")}


def test_a_wider_category_covers_the_narrower_ones() -> None:
    registry_set = Logsource("registry_set", "windows", "sysmon")
    assert applies(Scope("registry_event", "windows"), registry_set)
    assert applies(Scope("registry_set", "windows"), registry_set)
    assert not applies(Scope("registry_add", "windows"), registry_set)
    only_registry = Logsource("registry_event", "windows", "sysmon")
    assert not applies(Scope("registry_set", "windows"), only_registry)
    assert applies(
        Scope("file_delete", "windows"), Logsource("file_delete_detected", "windows", "sysmon")
    )


@pytest.mark.parametrize("source", logsources(), ids="-".join)
def test_a_scope_covers_exactly_the_parts_it_names(source: Logsource) -> None:
    wider = WIDER_CATEGORY.get(source.category)
    for category in ("", source.category, wider or "", "process_access", "dns"):
        for product in ("", "windows", "linux", "macos", "zeek"):
            for service in ("", source.service, "security", "auditd"):
                expected = (
                    category in ("", source.category, wider)
                    and product in ("", "windows")
                    and service in ("", source.service)
                )
                assert applies(Scope(category, product, service), source) == expected


@pytest.mark.parametrize(
    ("scope", "kinds"),
    [
        (Scope("process_creation", "windows"), EVENT_LOGS),
        (Scope("registry_event", "windows"), EVENT_LOGS),
        (Scope("", "windows", "msexchange-management"), EVENT_LOGS),
        (Scope("antivirus"), EVENT_LOGS),
        (Scope("process_creation", "macos"), ()),
        (Scope("file_access", "windows"), ()),
        (Scope("", "windows", "no-such-service"), ()),
    ],
)
def test_who_serves_a_scope(scope: Scope, kinds: tuple[str, ...]) -> None:
    assert formats_for(scope) == kinds
    assert "iis-w3c" in formats_for(Scope("webserver"))


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="public Sigma rules are not on this machine")
def test_every_log_source_of_the_public_rules_is_served_or_said_to_be_not() -> None:
    scopes: Counter[Scope] = Counter()
    for tree in TREES:
        for path in (SIGMAHQ / tree).rglob("*.yml"):
            source = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)["logsource"]
            parts = (source.get(name) or "" for name in ("category", "product", "service"))
            scopes[Scope(*parts)] += 1
    assert sum(scopes.values()) == 3780
    windows = {scope for scope in scopes if scope.product == "windows"}
    assert {scope for scope in windows if not formats_for(scope)} == NOT_IN_EVENT_LOGS
    # One rule for each log source: whether a format serves it or not, its state says so.
    rules = [
        f"title: t\nid: {number:08}-0000-4000-8000-000000000000\n"
        + yaml.safe_dump(
            {
                "logsource": {
                    name: part
                    for name in ("category", "product", "service")
                    if (part := getattr(scope, name))
                },
                "detection": {"sel": {"a": 1}, "condition": "sel"},
            }
        )
        for number, scope in enumerate(scopes)
    ]
    texts = [RuleText(f"{number}", "sigma", text) for number, text in enumerate(rules)]
    statuses = list(Detector.build(texts, [], []).statuses(()))
    assert len(statuses) == len(scopes)
    for scope, status in zip(scopes, statuses, strict=True):
        assert status.state == "not applicable"
        assert ("no format read here" in status.reason) == (formats_for(scope) == ())


RULES = """
title: Logons
id: 11111111-1111-4111-8111-111111111111
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Cloud
id: 21111111-1111-4111-8111-111111111111
logsource: {product: nosuchcloud, service: audit}
detection: {s: {a: 1}, condition: s}
---
title: Needy
id: 31111111-1111-4111-8111-111111111111
logsource: {product: windows, service: security}
detection: {s: {a|expand: '%x%', b|expand: '%y%'}, condition: s}
---
title: Broken
id: 41111111-1111-4111-8111-111111111111
logsource: {product: windows, service: security}
detection: {s: {a|re: '('}, condition: s}
---
title: Many
id: 51111111-1111-4111-8111-111111111111
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  timespan: 1m
  condition: {gte: 2}
"""


def test_every_rule_has_a_status() -> None:
    detector = Detector.build(
        [RuleText("r.yml", "sigma", RULES)], [], [Indicator("ip", "10.1.2.3", "", True, "src")]
    )
    short = {s.rule[0]: (s.state, s.reason) for s in detector.statuses(())}
    assert short["1"] == (
        "not applicable",
        "the evidence has no events of product windows, service security",
    )
    assert short["2"] == (
        "not applicable",
        "no format read here has events of product nosuchcloud, service audit",
    )
    assert short["3"] == ("needs placeholder", "needs values for %x%, %y%")
    assert short["4"][0] == "unsupported"
    assert short["5"] == ("not applicable", "none of the rules it reads was evaluated")
    assert short["i"] == ("not applicable", "no evidence of the kind it looks at")
    met = detector.applicable(Logsource("", "windows", "security"))
    after = {s.rule[0]: s for s in detector.statuses(met | {"indicator:ip"})}
    assert [after[key].state for key in "1235"] == [
        "evaluated",
        "not applicable",
        "needs placeholder",
        "evaluated",
    ]
    assert after["1"] == RuleStatus("11111111-1111-4111-8111-111111111111", "evaluated")
    refused = {rule[0] for rule, _ in detector.unsupported}
    assert refused == {"3", "4"}


def test_given_placeholders_are_used() -> None:
    texts = [RuleText("r.yml", "sigma", RULES)]
    detector = Detector.build(texts, [], [], placeholders={"x": ("1",), "y": ("2",)})
    assert {s.state for s in detector.statuses(())} == {"not applicable", "unsupported"}


def test_a_chain_of_correlations_is_evaluated_where_its_first_rule_is() -> None:
    rule = (
        "title: r\nid: r\nname: r\nlogsource: {product: windows}\n"
        "detection: {s: {a: x}, condition: s}"
    )
    chain = [
        f"title: c{n}\nid: c{n}\nname: c{n}\ncorrelation:\n  type: event_count\n  rules: [{read}]\n"
        "  timespan: 1m\n  condition: {gte: 1}"
        for n, read in ((3, "c2"), (2, "c1"), (1, "r"))
    ]
    texts = [RuleText(f"{n}", "sigma", text) for n, text in enumerate([*chain, rule])]
    detector = Detector.build(texts, [], [])
    batch = Batch(Logsource("", "windows", "system"), pl.DataFrame({"a": ["x"]}))
    met = detector.rules.of_batch(batch)
    assert met == {"r", "c1", "c2", "c3"}
    assert {s.rule: s.state for s in detector.statuses({"r"})} == dict.fromkeys(met, "evaluated")
    assert {s.state for s in detector.statuses(())} == {"not applicable"}
