"""``afterpatch rules``: lint, list, explain."""

import json

import pytest
from click.testing import CliRunner

from afterpatch.cli.rules import rules
from afterpatch.model.errors import UsageError

RULE = """title: Who
id: 11111111-1111-1111-1111-111111111111
status: test
level: high
logsource: {category: webserver}
detection:
  a: {cs-uri-stem|contains: /page/}
  f: {sc-status: 404}
  condition: a and not f
"""
LOG = """#Fields: date time cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status
2021-03-03 04:05:00 GET /page/x.aspx - 443 203.0.113.9 ua 200
2021-03-03 04:05:01 GET /page/y.aspx - 443 203.0.113.9 ua 404
"""


def ask(*arguments, text=None):
    done = CliRunner().invoke(rules, list(map(str, arguments)), input=text, standalone_mode=False)
    if isinstance(done.exception, UsageError):
        raise done.exception
    assert done.exception is None, done.exception
    return done.return_value, done.stdout


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "who.yml").write_text(RULE)
    logs = tmp_path / "case" / "inetpub" / "logs" / "LogFiles" / "W3SVC1"
    logs.mkdir(parents=True)
    (logs / "u_ex210303.log").write_text(LOG)
    return tmp_path


def test_lint_is_quiet_about_good_rules(folder):
    assert ask("lint", folder / "rules") == (0, "1 file: 0 errors, 0 warnings\n")


def test_lint_names_file_and_line(folder):
    (folder / "rules" / "bad.yml").write_text(RULE.replace("a and not f", "b").replace("1", "2"))
    (folder / "rules" / "bytes.yml").write_bytes(b"title: \xff")
    code, text = ask("lint", folder / "rules")
    assert code == 1
    lines = text.splitlines()
    assert lines[0].startswith(f"{folder}/rules/bad.yml:1: error: ")
    assert lines[1] == f"{folder}/rules/bytes.yml:1: error: line 1: not UTF-8 text"
    assert lines[-1] == "2 files: 2 errors, 0 warnings"
    code, text = ask("lint", folder / "rules", "--format", "jsonl")
    assert [json.loads(line)["severity"] for line in text.splitlines()] == ["error", "error"]


def test_lint_names_yaml_that_is_taken_for_no_rule(folder):
    (folder / "rules" / "broken.yml").write_text("title: a\n  bad: [")
    (folder / "rules" / "README.md").write_text("no rule, and no wonder")
    code, text = ask("lint", folder / "rules")
    assert code == 0
    assert text.splitlines()[-1].endswith(f"is in it: {folder}/rules/broken.yml")


def test_list(folder):
    code, text = ask("list", folder / "rules", "--format", "jsonl")
    (rule,) = map(json.loads, text.splitlines())
    assert code == 0
    assert (rule["title"], rule["status"], rule["state"]) == ("Who", "test", "loaded")
    code, text = ask("list", folder / "rules")
    assert "high     Who" in text
    assert max(map(len, text.splitlines())) <= 80
    with pytest.raises(UsageError, match=r"no \.yml"):
        ask("list", folder / "case")


def test_explain_a_json_event(folder):
    rule = folder / "rules" / "who.yml"
    code, text = ask(
        "explain", rule, "-", text='{"cs-uri-stem": "/page/\\u001b[1m", "sc-status": 404}'
    )
    assert code == 0
    assert "stays silent" in text
    assert "+ cs-uri-stem contains '/page/': cs-uri-stem = '/page/\\x1b[1m'" in text
    assert "\x1b" not in text
    code, text = ask("explain", rule, "-", "--format", "json", text='{"cs-uri-stem": "/page/"}')
    assert code == 1
    assert json.loads(text)["held"] is True
    code, text = ask("explain", rule, "-", "--logsource", "category=proxy",
                     text='{"cs-uri-stem": "/page/"}')  # fmt: skip
    assert code == 0
    assert "- log source is category webserver: the event is of category proxy" in text


def test_explain_a_list_in_a_json_event(folder):
    rule = folder / "rules" / "list.yml"
    rule.write_text(
        "title: L\nlogsource: {product: zeek, service: dns}\n"
        "detection: {s: {answers: b.example}, condition: s}\n"
    )
    code, shown = ask("explain", rule, "-", text='{"answers": ["a.example", "b.example"]}')
    assert code == 1
    assert "answers = 'a.example\\nb.example'" in shown


def test_explain_a_place_in_evidence(folder):
    place = "case/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"
    arguments = ("--rules", folder / "rules", "--evidence", folder / "case")
    code, text = ask("explain", "Who", f"{place}:2", *arguments)
    assert code == 1
    assert "fires" in text
    code, text = ask("explain", "Who", f"{place}:3", *arguments)
    assert code == 0
    assert "sc-status is '404': sc-status = '404'" in text


def test_explain_finds_a_rule_by_a_title_that_is_written_otherwise(folder):
    (folder / "rules" / "it.yml").write_text(
        RULE.replace("title: Who", "title: 'It''s'").replace("1111", "2222")
    )
    code, _ = ask("explain", "It's", "-", "-r", folder / "rules", text='{"cs-uri-stem": "/page/"}')
    assert code == 1
    (folder / "rules" / "two.yml").write_text(RULE.replace("1111", "3333"))
    with pytest.raises(UsageError, match="Who means several rules; give an id: 3333"):
        ask("explain", "Who", "-", "-r", folder / "rules", text="{}")


@pytest.mark.parametrize(
    ("rule", "event", "message"),
    [
        ("nobody", "-", "there is no Sigma rule 'nobody'"),
        ("who", "missing.json", "cannot be read"),
        ("Who", "missing.json", "cannot be read"),
        ("Who", "[1]", "cannot be read"),
    ],
)
def test_explain_says_what_is_wrong(folder, rule, event, message):
    with pytest.raises(UsageError, match=message):
        ask("explain", rule, event, "--rules", folder / "rules", text="{}")


@pytest.mark.parametrize("place", ["a:²", "a:", "a", "a:-1", "a:" + "9" * 5_000])
def test_explain_wants_a_place_in_evidence(folder, place):
    with pytest.raises(UsageError, match="a place is SOURCE:RECORD"):
        ask("explain", folder / "rules" / "who.yml", place, "--evidence", folder / "rules")


def test_explain_wants_one_event_and_a_usable_rule(folder):
    with pytest.raises(UsageError, match="not one JSON object"):
        ask("explain", folder / "rules" / "who.yml", "-", text="[1]")
    for given, message in {
        "{": "no log that is known .*#Fields.* and not JSON",
        "": "is empty",
        '{"a": 1}\n{"a": 2}\n': "several JSON objects",
    }.items():
        with pytest.raises(UsageError, match=message):
            ask("explain", folder / "rules" / "who.yml", "-", text=given)
    with pytest.raises(UsageError, match="an id or a title needs --rules"):
        ask("explain", "Who", "-", text="{}")
    (folder / "rules" / "other.yml").write_text(RULE.replace("1111", "4444") + "  more: [}")
    with pytest.raises(UsageError, match="no Sigma rule 'nobody'"):
        ask("explain", "nobody", "-", "-r", folder / "rules", text="{}")
    with pytest.raises(UsageError, match="no event at"):
        ask("explain", "Who", "x.log:1", "-r", folder / "rules", "--evidence", folder / "case")
    with pytest.raises(UsageError, match="several events"):
        log = folder / "case/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"
        ask("explain", "Who", log, "-r", folder / "rules")
    (folder / "rules" / "who.yml").write_text(RULE.replace("a and not f", "b"))
    with pytest.raises(UsageError, match="not usable"):
        ask("explain", folder / "rules" / "who.yml", "-", text="{}")
