"""What the user brings: rule folders, indicator lists, suppressions, placeholders."""

from datetime import date
from pathlib import Path

import pytest

from afterpatch.campaigns.own_indicators import load_indicators, read_indicator_list
from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.campaigns.placeholders import read_placeholders
from afterpatch.campaigns.suppressions import load_suppressions, read_suppressions
from afterpatch.model.errors import UsageError

SHA = "a" * 64


def test_every_file_is_a_rule_unread_or_ignored(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yml").write_text("title: hidden", "utf-8")
    (tmp_path / "deep" / "er" / "a.YML").write_text("title: a\nlogsource: {}", "utf-8")
    (tmp_path / "ci.yml").write_text("jobs: {}\n  detection: x", "utf-8")
    (tmp_path / "b.yara").write_text("rule b { condition: true }", "utf-8")
    (tmp_path / "c.yaml").write_bytes(b"title: ok\nbad: \xff\n")
    (tmp_path / "README.md").write_text("no rule", "utf-8")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    own = read_own_rules([str(tmp_path), str(tmp_path / "b.yara")])
    assert [(Path(t.path).name, t.language) for t in own.texts] == [
        ("b.yara", "yara"),
        ("a.YML", "sigma"),
    ]
    assert [(Path(path).name, reason) for path, reason in own.unread] == [
        ("c.yaml", "line 2: not UTF-8 text")
    ]
    assert [Path(path).name for path in own.ignored] == ["README.md", "ci.yml"]
    assert len(read_own_rules([str(tmp_path / "ci.yml")]).texts) == 1


def test_a_missing_rule_path_is_an_error() -> None:
    with pytest.raises(UsageError, match="no such rule file"):
        read_own_rules(["/nowhere/at/all"])


def test_indicators_as_a_bare_list() -> None:
    text = f"# comment\n203.0.113.9\nhxxps://evil[.]example/path?q\n198.51.100.0/24\n{SHA.upper()}\n2001:db8::1\nC:\\Windows\\x.exe\n203[.]0[.]113[.]9\n"
    found, problems = read_indicator_list(text, "list.txt")
    assert problems == []
    assert [(i.type, i.value, i.weak) for i in found] == [
        ("ip", "203.0.113.9", True),
        ("domain", "evil.example", True),
        ("cidr", "198.51.100.0/24", True),
        ("sha256", SHA, False),
        ("ip", "2001:db8::1", True),
        ("path", "C:\\Windows\\x.exe", True),
    ]
    assert {i.source for i in found} == {"list.txt"}


def test_indicators_as_a_table() -> None:
    text = 'Type,Value,Note,tlp\nip,203.0.113.9,"seen, often",green\nuser-agent,python-requests/2.0,,\n'
    found, problems = read_indicator_list(text, "t.csv")
    assert problems == []
    assert [(i.type, i.note) for i in found] == [("ip", "seen, often"), ("user-agent", "")]


def test_indicator_problems_name_their_lines(tmp_path: Path) -> None:
    _, problems = read_indicator_list("type,value\nip,300.1.1.1\nmutex,x\nip\n", "t.csv")
    assert problems == [
        "t.csv:2: '300.1.1.1' is not a well-formed ip",
        "t.csv:3: unknown type 'mutex': must be one of ip, cidr, domain, sha256, path, user-agent",
        "t.csv:4: 1 cells instead of 2",
    ]
    assert read_indicator_list("\n# only\n", "l.txt")[1] == ["l.txt:1: no indicator in this file"]
    path = tmp_path / "l.txt"
    path.write_text("203.0.113.9\nnot one\n", "utf-8")
    with pytest.raises(UsageError, match=r"l\.txt:2: 'not one' is none of"):
        load_indicators(str(path))


def test_suppressions_are_read_with_their_places() -> None:
    text = """
- rule: abc
  host: "BACKUP*"
  fields:
    CommandLine|contains: nightly
  reason: the backup agent
  expires: 2026-12-31
- {rule: d, reason: e, expires: 2026-01-01}
"""
    (first, second), problems = read_suppressions(text, "s.yml")
    assert problems == []
    assert (first.rule, first.host, first.expires, first.place) == (
        "abc", "BACKUP*", date(2026, 12, 31), "s.yml:2",
    )  # fmt: skip
    assert "CommandLine|contains" in first.conditions
    assert (second.conditions, second.place) == ("", "s.yml:8")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rule: x", "s.yml:1: the file must hold a list of entries"),
        ("- x", "s.yml:1: an entry must be a mapping"),
        ("- {rule: x, expires: 2026-01-01}", "s.yml:1: 'reason' is required, as text"),
        ("- {rule: x, reason: ' ', expires: 2026-01-01}", "s.yml:1: 'reason' is required, as text"),
        ("- {rule: x, reason: y}", "s.yml:1: 'expires' is required, as a day: 2026-12-31"),
        ("- rule: x\n  reason: y\n  expires: never",
         "s.yml:3: 'expires' is required, as a day: 2026-12-31"),
        ("- {rule: x, reason: y, expires: 2026-01-01T00:00:00Z}",
         "s.yml:1: 'expires' is required, as a day: 2026-12-31"),
        ("- {rule: x, reason: y, expires: 2026-01-01, fields: []}",
         "s.yml:1: 'fields' must be a Sigma selection"),
        ("- {rule: x, reason: y, expires: 2026-01-01, until: z}",
         "s.yml:1: unknown key 'until': known are rule, host, fields, reason, expires"),
        ("- {rule: [", "s.yml:2: not valid YAML"),
        ("- {rule: 1, reason: y, expires: 2026-01-01}", "s.yml:1: 'rule' is required, as text"),
    ],
)  # fmt: skip
def test_suppression_problems(text: str, problem: str) -> None:
    entries, problems = read_suppressions(text, "s.yml")
    assert entries == ()
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_missing_suppressions_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_suppressions(str(tmp_path / "none.yml"))


def test_placeholders() -> None:
    names, problems = read_placeholders("'%admins%': [root, 0]\nnet: '10.'\n", "p.yml")
    assert problems == []
    assert names == {"admins": ("root", "0"), "net": ("10.",)}
    _, problems = read_placeholders("a: [x, [y]]\nb: []\nc: true\nd: 10.", "p.yml")
    assert [p.split(": ")[0] for p in problems] == ["p.yml:1", "p.yml:2", "p.yml:3", "p.yml:4"]
