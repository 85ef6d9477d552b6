"""Every kind of mistake in a pack is named with its file and line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from afterpatch.campaigns.lint import lint
from afterpatch.campaigns.new import create

INDICATORS = "type,value,stage,weak,source,note,first_seen,last_seen\n"
RULE = "rules/first.yml"
PROOF = "tests/rules/first.yml"
ACTOR = "actors: [{id: a, name: A, summary: s"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create(tmp_path / "my-pack", "my-pack")
    return tmp_path / "my-pack"


def edit(folder: Path, name: str, change: Callable[[str], str]) -> None:
    path = folder / name
    path.write_text(change(path.read_text("utf-8")), "utf-8")


def line_of(folder: Path, name: str, text: str) -> int:
    lines = (folder / name).read_text("utf-8").splitlines()
    return next(n for n, line in enumerate(lines, start=1) if text in line)


def test_a_new_pack_is_clean(folder: Path) -> None:
    assert lint(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "marker", "reason"),
    [
        ("product: exchange", "prodct: exchange", "prodct:", "unknown key"),
        ("band: compromised", "band: destroyed", "band: destroyed", "'follow-up'"),
        ("band: compromised", "band: none", "band: none", "above a higher one"),
        ("sees: [attempted, exploited]", "sees: [atempted]", "sees:", "unknown stage 'atempted'"),
        ("  - [iis-front]", "  - [iis-frnt]", "- [iis-frnt]", "not among the logs"),
        ("pattern: ^([0-9A-Fa-f.:]+)$", "pattern: (?<=a)b", "pattern:", "not a RE2 pattern"),
        ("pattern: ^([0-9A-Fa-f.:]+)$", "pattern: abc", "pattern:", "exactly one group"),
        ("    hours: 24\n", "\n", "- name: source address", "needs hours"),
        ("from: 2021-01-01T00:00:00Z", "from: 2999-01-01T00:00:00Z", "from:", "in the future"),
        ("from: 2021-01-01T00:00:00Z", "from: soon", "from:", "window.from"),
        ("  - id: exploited", "  - id: attempted", "", "id 'attempted' is used twice"),
        ("title: Say what", "title: [", "", "not valid YAML"),
        ("id: my-pack", "id: your-pack", "id: your-pack", "the folder is not named"),
        ("cves: []", "cves: []\ncves: []", "", "'cves' is given twice"),
        ("cves: []", "cves: [CVE-21-1]", "cves:", "cves[0]"),
    ],
)
def test_campaign_file(folder: Path, old: str, new: str, marker: str, reason: str) -> None:
    edit(folder, "campaign.yaml", lambda text: text.replace(old, new, 1))
    problems = [p for p in lint(folder) if reason in p]
    assert problems
    if marker:
        assert problems[0].startswith(f"campaign.yaml:{line_of(folder, 'campaign.yaml', marker)}:")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("stage: exploited", "stage: unknown-stage", "unknown stage 'unknown-stage'"),
        ("  weak: false", "  waek: false", "unknown key 'waek'"),
        ("  finds: A", "  finds: ''\n  # A", "does not say what it finds"),
        ("  misses: Any", "  misses: ''\n  # Any", "does not say what it misses"),
        ("references:\n  - https://example.org/advisory\n", "", "has no reference"),
        ("condition: page", "condition: pge", "rules/first.yml:"),
        ("detection:", "detektion:", "neither detection nor correlation"),
        ("title:", "title: [", "not valid YAML"),
    ],
)
def test_rule_file(folder: Path, old: str, new: str, reason: str) -> None:
    edit(folder, RULE, lambda text: text.replace(old, new, 1))
    assert any(reason in problem and problem.startswith(RULE) for problem in lint(folder))


TRIAGE = (
    "triage: {{directive: D, first_day: 2020-01-01, last_day: {last}, means: {{'2': two}}, "
    "rules: [{{when: '{when}', category: '{category}', because: '{because}'}}]}}\ncves: []"
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"when": "stage:nowhere"}, "unknown stage 'nowhere'"),
        ({"when": "stopped"}, "the last rule must be 'always'"),
        ({"category": "9"}, "category '9' is not among 'means'"),
        ({"last": "2019-01-01"}, "the last day is before the first"),
        ({"because": "since {moon}"}, "unknown placeholder {moon}"),
        ({"when": "sometimes"}, "triage.rules[0].when"),
    ],
)
def test_triage(folder: Path, change: dict[str, str], reason: str) -> None:
    right = {"when": "always", "category": "2", "because": "so", "last": "2020-12-13"}
    edit(folder, "campaign.yaml", lambda text: text.replace("cves: []", TRIAGE.format(**right), 1))
    assert lint(folder) == []
    wrong = TRIAGE.format(**right | change)
    edit(folder, "campaign.yaml", lambda text: text.replace(TRIAGE.format(**right), wrong, 1))
    assert any(reason in problem for problem in lint(folder))


def test_log_about_a_column_no_key_keeps(folder: Path) -> None:
    edit(
        folder, "campaign.yaml", lambda t: t.replace("    sees: ", "    about: [x]\n    sees: ", 1)
    )
    assert any("'x' is no field of a key" in problem for problem in lint(folder))


def test_rule_without_proof(folder: Path) -> None:
    (folder / PROOF).unlink()
    assert f"{RULE}:1: no proof: {PROOF} is missing" in lint(folder)


def test_proof_with_too_few_events(folder: Path) -> None:
    edit(folder, PROOF, lambda text: text[: text.rindex("  - ")])
    line = line_of(folder, PROOF, "silent:")
    assert lint(folder) == [f"{PROOF}:{line}: 'silent' must list at least 2 events"]


def test_two_rules_with_one_id(folder: Path) -> None:
    (folder / "rules/second.yml").write_text((folder / RULE).read_text("utf-8"), "utf-8")
    assert any("is also used in rules/first.yml" in problem for problem in lint(folder))


@pytest.mark.parametrize(
    "life",
    [
        "lifetimes: [{name: shell, key: nothing}]",
        "lifetimes: [{name: shell, key: source address, present_by: [no-such-rule]}]",
        f"{ACTOR}, speaks_for: [{{when: 'rule:x', weight: 1, because: b}}]}}]",
        f"{ACTOR}, speaks_for: [{{when: 'stage:x', weight: 1, because: b}}]}}]",
        f"{ACTOR}, speaks_against: [{{when: 'before:soon', weight: 1, because: b}}]}}]",
        f"{ACTOR}, speaks_for: [{{when: 'moon:full', weight: 1, because: b}}]}}]",
    ],
)
def test_dangling_references(folder: Path, life: str) -> None:
    edit(folder, "campaign.yaml", lambda text: text + "\n" + life + "\n")
    line = line_of(folder, "campaign.yaml", life)
    assert [problem.split(":")[1] for problem in lint(folder)] == [str(line)]


@pytest.mark.parametrize(
    "row",
    [
        "ip,300.1.1.1,attempted,true,me,,,",
        "cidr,10.0.0.1/8,attempted,true,me,,,",
        "sha256,abc,exploited,false,me,,,",
        "domain,no spaces.example,attempted,true,me,,,",
        "path,file.aspx,attempted,true,me,,,",
        "colour,red,attempted,true,me,,,",
        "ip,192.0.2.1,attempted,perhaps,me,,,",
        "ip,192.0.2.1,attempted,false,me,,,",
        "ip,192.0.2.1,attempted,true,,,,",
        "ip,192.0.2.1,attempted,true,me,,yesterday,",
        "ip,192.0.2.1,no-such-stage,true,me,,,",
        "ip,192.0.2.1,attempted,true",
    ],
)
def test_malformed_indicator(folder: Path, row: str) -> None:
    good = "ip,192.0.2.9,attempted,true,me,,2021-03-01T00:00:00Z,\n"
    (folder / "indicators.csv").write_text(INDICATORS + good + row + "\n", "utf-8")
    problems = lint(folder)
    assert problems
    assert {problem.split(": ")[0] for problem in problems} == {"indicators.csv:3"}


def test_malformed_networks(folder: Path) -> None:
    text = "cidr,owner,network_class\n192.0.2.0/24,Example,hosting\n192.0.2.1/24,Example,hosting\n"
    (folder / "networks.csv").write_text(text, "utf-8")
    assert [problem.split(": ")[0] for problem in lint(folder)] == ["networks.csv:3"]


def test_yara_that_does_not_compile(folder: Path) -> None:
    (folder / "rules/page.yar").write_text("rule Page {\n condition:\n  nonsense\n}\n", "utf-8")
    assert any(problem.startswith("rules/page.yar:3:") for problem in lint(folder))


def test_strange_file_among_rules(folder: Path) -> None:
    (folder / "rules/notes.txt").write_text("x", "utf-8")
    assert lint(folder) == ["rules/notes.txt:1: neither a .yml nor a .yar file"]


def test_file_that_is_not_text(folder: Path) -> None:
    (folder / "indicators.csv").write_bytes(INDICATORS.encode() + b"\xff\n")
    assert lint(folder) == ["indicators.csv:2: not UTF-8 text"]


def test_empty_folder(tmp_path: Path) -> None:
    assert any(problem.startswith("campaign.yaml:1: cannot be read") for problem in lint(tmp_path))
