"""The hunt from the command line: exact counts, honest exit codes, the same bytes again."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from afterpatch.campaigns.load import load
from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.cli import main
from afterpatch.cli.hunt_options import hunt_request
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.reference import matches
from afterpatch.pipeline import executor
from afterpatch.pipeline.originals import events_at
from afterpatch.pipeline.run import assess_paths, hunt_paths
from afterpatch.report.document import document
from afterpatch.report.hunt_document import hunt_document
from afterpatch.report.hunt_outputs import OUTPUTS

HEAD = (
    "#Fields: date time cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status\n"
)
LINE = "2021-03-03 04:{:02d}:{:02d} {} {} - 443 203.0.113.9 ua 200\n"
SIGMA = """
title: Page {name}
id: {name}
level: {level}
tags: [attack.t1505.003, cve.2021-26855]
logsource: {{category: webserver}}
detection:
  selection: {{cs-uri-stem|contains: {value}}}
  condition: selection
"""
PLACEHOLDER = SIGMA.replace("{{cs-uri-stem|contains: {value}}}", "{{c-ip|expand: '%admins%'}}")
MACOS = SIGMA.replace("{{category: webserver}}", "{{product: macos}}")
YARA = 'rule marker { meta: level = "low" strings: $a = "MARKER-1" condition: $a }'


@pytest.fixture
def case(tmp_path):
    """One web server: 25,000 requests for a page, more than the engine keeps hits of a rule."""
    logs = tmp_path / "case" / "WEB01" / "inetpub" / "logs" / "LogFiles" / "W3SVC1"
    logs.mkdir(parents=True)
    rows = [LINE.format(n // 60 % 60, n % 60, "GET", "/page/x.aspx") for n in range(25_000)]
    (logs / "u_ex210303.log").write_text(HEAD + "".join(rows) + LINE.format(0, 0, "GET", "/b"))
    (tmp_path / "case" / "WEB01" / "notes.bin").write_bytes(b"\0\1 MARKER-1 \0")
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "page.yml").write_text(SIGMA.format(name="page", level="high", value="/page/"))
    (rules / "none.yml").write_text(SIGMA.format(name="none", level="low", value="/nothing/"))
    return tmp_path


def run(*arguments, cwd, stdin=None):
    command = [sys.executable, "-m", "afterpatch", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, input=stdin, check=False)


def found(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_counts_are_exact_beyond_the_hits_kept(case):
    done = run("hunt", "case", "--rules", "rules", "--format", "jsonl", cwd=case)
    assert done.returncode == 1, done.stderr
    (finding,) = found(done)
    assert (finding["rule_id"], finding["host"], finding["count"]) == ("page", "WEB01", 25_000)
    assert (finding["first"], finding["last"]) == ("2021-03-03T04:00:00Z", "2021-03-03T04:59:59Z")
    assert len(finding["examples"]) == 5
    assert finding["examples"][0]["excerpt"] == {"cs-uri-stem": "/page/x.aspx"}
    assert finding["campaigns"] == ["hafnium-exchange-2021"]
    assert b"2 rules: 2 evaluated, 0 not applicable" in done.stderr


def test_table_output_folder_and_account(case):
    (case / "rules" / "macos.yml").write_text(MACOS.format(name="macos", level="high", value="x"))
    (case / "rules" / "y.yar").write_text(YARA)
    done = run("hunt", "case", "-r", "rules", "--output", "out", "--account", cwd=case)
    assert done.returncode == 1
    text = done.stdout.decode()
    assert max(map(len, text.splitlines())) <= 80
    assert "25,000 matches on 1 of 1 host  page" in text
    unmet = "not applicable: macos Page macos: no format read here has events of product macos"
    assert unmet in " ".join(text.split())
    assert "1 match on 1 of 1 host  yara:marker" in text
    assert "evaluated: none Page none: 0 matched" in text
    assert sorted(p.name for p in (case / "out").iterdir()) == sorted(
        output.file for output in OUTPUTS.values()
    )


def test_stray_files_beside_the_collections_are_hunted(case):
    (case / "case" / "stray.bin").write_bytes(b"\0 MARKER-1 \0")
    (case / "case" / "empty.bin").write_bytes(b"\0 nothing")
    (case / "y.yar").write_text(YARA)
    done = run("hunt", "case", "-r", "y.yar", "--format", "json", cwd=case)
    document = json.loads(done.stdout)
    places = {f["host"]: f["examples"][0]["source"] for f in document["hunt"]["findings"]}
    assert places == {"WEB01": "case/WEB01/notes.bin", "case": "case/stray.bin"}
    assert {"case/stray.bin", "case/empty.bin"} <= {s["name"] for s in document["sources"]}


def test_exit_codes(case, monkeypatch):
    monkeypatch.chdir(case)

    def code(*arguments):
        monkeypatch.setattr(sys, "argv", ["afterpatch", "hunt", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return stopped.value.code

    quiet = ("--rules", "rules/none.yml")
    assert code("case", *quiet) == 0
    assert code("case", "--rules", "rules") == 1
    assert code("case", "--rules", "rules", "--exit-zero") == 0
    assert code("nowhere", *quiet) == 2
    assert code("case") == 2
    assert code("case", "--rules", "missing") == 2
    assert code("case/WEB01/notes.bin", *quiet) == 3
    (case / "rules" / "broken.yml").write_text("title: x\n")
    assert code("case", "--rules", "rules/none.yml", "--rules", "rules/broken.yml") == 3
    log = next((case / "case").rglob("*.log"))
    log.write_text(log.read_text() + "2021-03-03 04:06:00 GET /b")
    assert code("case", *quiet) == 3
    (case / "sup.yml").write_text("- {rule: none}")
    assert code("case", *quiet, "--suppressions", "sup.yml") == 2


def test_suppressions_hold_until_their_day(case):
    entry = "- {rule: page, host: 'web*', reason: a test, expires: 2026-01-01}\n"
    (case / "sup.yml").write_text(entry)
    arguments = ("hunt", "case", "-r", "rules", "--suppressions", "sup.yml", "--format", "json")
    done = run(*arguments, "--as-of", "2026-01-01", cwd=case)
    assert done.returncode == 0, done.stderr
    hunt = json.loads(done.stdout)["hunt"]
    assert hunt["findings"] == []
    assert [(s["state"], s["count"]) for s in hunt["suppressions"]] == [("applied", 25_000)]
    done = run(*arguments, "--as-of", "2026-01-02", cwd=case)
    assert done.returncode == 1
    hunt = json.loads(done.stdout)["hunt"]
    assert [finding["count"] for finding in hunt["findings"]] == [25_000]
    assert [(s["state"], s["count"]) for s in hunt["suppressions"]] == [("expired", 0)]


def test_placeholders_come_from_a_file(case):
    text = PLACEHOLDER.format(name="place", level="high")
    (case / "rules" / "place.yml").write_text(text)
    (case / "p.yml").write_text("admins: [192.0.2.1, 203.0.113.9]\n")
    arguments = ("hunt", "case", "-r", "rules/place.yml", "--format", "json")
    rules = json.loads(run(*arguments, cwd=case).stdout)["hunt"]["rules"]
    assert (rules["loaded"], rules["needs_placeholder"]) == (1, 1)
    hunt = json.loads(run(*arguments, "--placeholders", "p.yml", cwd=case).stdout)["hunt"]
    assert [finding["count"] for finding in hunt["findings"]] == [25_001]


def test_rules_are_kept_between_runs_where_that_can_be(case, monkeypatch):
    arguments = ("hunt", "case", "-r", "rules", "--format", "json")
    monkeypatch.setenv("AFTERPATCH_CACHE_DIR", str(case / "cache"))
    first = run(*arguments, cwd=case)
    kept = {path: path.read_bytes() for path in (case / "cache" / "rules").iterdir()}
    assert sorted(path.name.split("-")[0] for path in kept) == ["automaton", "rules"]
    second = run(*arguments, cwd=case)
    assert {path: path.read_bytes() for path in (case / "cache" / "rules").iterdir()} == kept
    monkeypatch.setenv("AFTERPATCH_CACHE_DIR", str(case / "rules" / "page.yml"))  # no folder
    assert run(*arguments, cwd=case).stdout == second.stdout == first.stdout


def test_indicators_alone_are_enough(case):
    (case / "list.txt").write_text("203.0.113.9\n198.51.100.1\n")
    done = run("hunt", "case", "--indicators", "list.txt", "--format", "jsonl", cwd=case)
    assert [(f["rule_id"], f["count"]) for f in found(done)] == [
        ("indicator:ip:203.0.113.9", 25_001)
    ]


PACK = load("hafnium-exchange-2021")
PACK_FOLDER = Path(load.__code__.co_filename).parent / "packs" / PACK.id


def request():
    return hunt_request(
        [str(PACK_FOLDER / "rules")], [str(PACK_FOLDER / "indicators.csv")], None, None, None
    )


def test_worker_count_changes_no_byte(evidence, monkeypatch):
    monkeypatch.setattr(executor, "SMALL_RUN_BYTES", 0)
    first, other = [
        OUTPUTS["json"].render(hunt_document(hunt_paths([str(evidence)], request(), workers)))
        for workers in (1, 3)
    ]
    assert other == first
    assert json.loads(first)["hunt"]["findings"]


def test_the_users_rules_change_no_verdict(evidence):
    alone = document(assess_paths([str(evidence)], PACK, workers=1), [PACK])
    beside = document(assess_paths([str(evidence)], PACK, workers=1, hunt=request()), [PACK])
    assert beside["hunt"]["findings"]
    assert {**beside, "hunt": None} == alone


def test_counts_equal_one_by_one_evaluation(evidence):
    texts = read_own_rules([str(PACK_FOLDER / "rules")]).texts
    rules = parse_rules([text for text in texts if text.language == "sigma"]).rules
    naive = Counter[str]()
    for event in events_at([str(evidence)]):
        for rule in rules:
            naive[rule.info.id] += matches(rule, event.fields, event.logsource)
    hunt = hunt_document(hunt_paths([str(evidence)], request(), 1))["hunt"]
    counts = Counter[str]()
    for finding in hunt["findings"]:
        if finding["engine"] == "sigma":
            counts[finding["rule_id"]] += finding["count"]
    silent = {rule.info.id for rule in rules} - counts.keys()
    assert counts
    assert {rule: naive[rule] for rule in counts} == dict(counts)
    fates = {fate["id"]: fate["count"] for fate in hunt["rules"]["each"]}
    assert {rule for rule in silent if naive[rule] and not fates[rule]} <= feeding(texts)


def feeding(texts):
    sigma = parse_rules([text for text in texts if text.language == "sigma"])
    return {rule for correlation in sigma.correlations for rule in correlation.rules}


def test_all_of_sigmahq_is_accounted_for(public_data):
    folder = public_data / "sigma"
    if not folder.is_dir():
        pytest.skip("SigmaHQ's rules are not among the public data (sigma/ missing)")
    trees = [f"rules{part}" for part in ("", "-compliance", "-emerging-threats",
                                         "-placeholder", "-threat-hunting")]  # fmt: skip
    samples = public_data / "evtx" / "attack-samples" / "Credential Access"
    own = hunt_request([str(folder / tree) for tree in trees], [], None, None, None)
    hunt = hunt_document(hunt_paths([str(samples)], own, 1))["hunt"]
    rules = hunt["rules"]
    states = Counter(fate["state"] for fate in rules["each"])
    assert rules["loaded"] == sum(states.values()) == 3_780
    assert states["unsupported"] == 0
    assert states["needs placeholder"] == 25
    assert states["evaluated"] > 2_000
    assert any(finding["level"] == "critical" for finding in hunt["findings"])
    parsed = parse_rules(own.rules.sigma).rules
    fired = {finding["rule_id"] for finding in hunt["findings"]}
    naive = Counter[str]()
    for event in events_at([str(samples)]):
        for rule in parsed:
            if rule.info.id in fired:
                naive[rule.info.id] += matches(rule, event.fields, event.logsource)
    counts = Counter[str]()
    for finding in hunt["findings"]:
        counts[finding["rule_id"]] += finding["count"]
    assert counts == naive
