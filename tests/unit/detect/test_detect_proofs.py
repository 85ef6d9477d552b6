"""A pack's rules are proven by examples, or the problem is told with its place."""

import pytest

from afterpatch.detect.proofs import prove
from afterpatch.model.campaigns import RuleText

SIGMA = """
title: Forged
id: 11111111-1111-4111-8111-111111111111
logsource: {category: webserver, product: windows}
detection: {s: {cs-user-agent|contains: evil, sc-status: 241}, condition: s}
"""
YARA = 'rule shell { meta: id = "y1" title = "Shell" strings: $a = { 4d 5a } condition: $a }'
CORRELATION = """
title: Often
id: 21111111-1111-4111-8111-111111111111
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [c-ip]
  timespan: 1m
  condition: {gte: 2}
"""
RULES = [
    RuleText("f.yml", "sigma", SIGMA),
    RuleText("c.yml", "sigma", CORRELATION),
    RuleText("y.yar", "yara", YARA),
]
GOOD = {
    "f": """
rule: Forged
logsource: {service: iis}
fires: [{"cs(User-Agent)": EVIL/1, sc-status: 241}]
silent: [{"cs(User-Agent)": EVIL/1, sc-status: 302}, {sc-status: 241, cs-user-agent: null}]
""",
    "c": """
rule: 21111111-1111-4111-8111-111111111111
fires:
  - - {"@rule": 11111111-1111-4111-8111-111111111111, "@time": 2021-03-02T04:00:00Z, c-ip: 1}
    - {"@rule": 11111111-1111-4111-8111-111111111111, "@time": "2021-03-02T04:01:00Z", c-ip: 1}
silent:
  - - {"@rule": 11111111-1111-4111-8111-111111111111, "@time": 2021-03-02T04:00:00Z, c-ip: 1}
    - {"@rule": 11111111-1111-4111-8111-111111111111, "@time": 2021-03-02T04:00:00Z, c-ip: 2}
""",
    "y": "rule: y1\nfires: [{hex: 4d 5a}, {text: xMZ}]\nsilent: [{text: nothing}]",
}


def test_a_proven_pack_has_no_problems() -> None:
    assert prove(RULES, GOOD) == []


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("f", ("302", "241"), "f: Forged: silent[0]: must stay silent, but fires"),
        (
            "f",
            ("EVIL/1, sc-status: 241}]", "good, sc-status: 241}]"),
            "f: Forged: fires[0]: must fire, but is silent",
        ),
        ("y", ("4d 5a", "00 00"), "y: Shell: fires[0]: must fire, but is silent"),
        ("y", ("4d 5a", "0"), "y: Shell: fires[0]: not a usable example"),
        ("y", ("4d 5a", "zz"), "y: Shell: fires[0]: not a usable example"),
        (
            "y",
            ("silent: [{text: nothing}]", ""),
            "y: Shell: needs at least one example under 'silent'",
        ),
        ("c", ("04:01:00", "04:01:01"), "c: Often: fires[0]: must fire, but is silent"),
        ("c", ('"@time"', '"@tume"'), "c: Often: fires[0]: not a usable example"),
        ("f", ("rule: Forged", "rule: Absent"), "f: there is no rule 'Absent'"),
        ("f", ("silent:", "silence:"), "f: not a proof"),
        ("f", ("{service: iis}", "{servce: iis}"), "f: Forged: fires[0]: not a usable example"),
        ("f", ("rule:", "rule: ["), "f: not a proof"),
    ],
)
def test_problems_name_rule_and_example(name: str, change: tuple[str, str], problem: str) -> None:
    problems = prove(RULES, GOOD | {name: GOOD[name].replace(*change)})
    assert any(each.startswith(problem) for each in problems), problems


def test_rules_without_a_proof_and_unusable_rules_are_problems() -> None:
    broken = RuleText("b.yml", "sigma", SIGMA.replace("241", "'x'").replace("contains", "expandx"))
    problems = prove(
        [*RULES, RuleText("b2.yml", "sigma", broken.text.replace("11111111-1", "91111111-1"))],
        {"f": GOOD["f"], "c": GOOD["c"]},
    )
    assert sorted(p.split(":")[0] for p in problems) == [
        "91111111-1111-4111-8111-111111111111",
        "y1",
    ]
