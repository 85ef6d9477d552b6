"""Explain: claim, rule, exact records with hash status, what would change the verdict."""

import io
from copy import deepcopy

import pytest
from rich.console import Console

from afterpatch.model.errors import UsageError
from afterpatch.report.explain import ExplainLine, render_explain

ECP = "evidence/mail-01.zip!HttpProxy/Ecp/HttpProxy_2021030304-1.LOG"


def explain(doc, host, finding=None, lines=None):
    stream = io.StringIO()
    console = Console(file=stream, width=100, highlight=False)
    render_explain(doc, host, finding, lines or {}, console)
    return " ".join(stream.getvalue().split())


def test_a_record_read_again(doc):
    lines = {(ECP, 17): ExplainLine(("the exact line\tof the log",), True)}
    text = explain(doc, "mail-01", "F-1a2b3c4d", lines)
    assert "Claim F-1a2b3c4d: Forged ECP session granted (241)" in text
    assert "Misses: Servers that keep no such log." in text
    assert "Source: https://example.org/rule" in text
    assert "evidence/mail-01.zip, member HttpProxy/Ecp/HttpProxy_2021030304-1.LOG" in text
    assert f"sha256 {'1a' * 32} read again; hash as recorded | the exact line\\tof the log" in text
    assert text.count("not re-read from the evidence") == 1  # record 18 was not handed over
    assert "Web shell used" not in text


def test_changed_evidence_is_shouted(doc):
    text = explain(doc, "mail-01", "F-1a2b3c4d", {(ECP, 17): ExplainLine(("x",), False)})
    assert "THE EVIDENCE CHANGED" in text
    assert "read again; hash as recorded" not in text


def test_of_records_with_one_number_the_one_the_assessment_kept(doc):
    place = doc["hosts"][0]["verdicts"][0]["because"][0]["places"][0]
    assert (place["source"], place["record"]) == (ECP, 17)
    others = ("another computer's record", place["raw"] + " and all the rest", "a third")
    text = explain(doc, "mail-01", "F-1a2b3c4d", {(ECP, 17): ExplainLine(others, True)})
    assert "and all the rest" in text
    assert "another computer" not in text
    others = ("one", "two")
    text = explain(doc, "mail-01", "F-1a2b3c4d", {(ECP, 17): ExplainLine(others, True)})
    assert "the first of 2 records with this number; its own text was not kept | one" in text


def test_what_would_change_the_verdict(doc):
    text = explain(doc, "mail-01")
    assert "Not higher because: This is the highest stage" in text
    assert "Cannot be cleared for 2021-01-06 to 2021-02-01 (27 days)" in text
    assert "from %ExchangeInstallPath%\\Logging\\HttpProxy\\Ecp: missing 2021-01-06" in text
    assert "2 of 214 records kept as examples" in text


def test_host_without_findings(doc):
    assert "No record speaks for a hit" in explain(doc, "mail-03")
    assert "The needed logs cover the window." in explain(doc, "mail-03")


def test_unknown_finding_names_the_known_ones(doc):
    with pytest.raises(UsageError, match="F-1a2b3c4d"):
        explain(doc, "mail-01", "F-nope")


def test_all_claims_show_a_few_records_each_and_none_twice(doc):
    doc = deepcopy(doc)
    because = doc["hosts"][0]["verdicts"][0]["because"]
    place = because[0]["places"][0]
    because[0]["places"] = [{**place, "record": number} for number in range(1, 8)]
    because[0]["count"] = 7
    because[1]["places"] = [{**place, "record": 1}]
    text = explain(doc, "mail-01")
    assert "and 4 more records: name the claim" in text
    assert "the same record as printed above" in text
    assert "more records: name" not in explain(doc, "mail-01", because[0]["finding"])


def test_says_which_claims_hold_the_verdict_up(doc):
    assert "Lower, if claim" in explain(doc, "mail-01")
    assert "Lower, if" not in explain(doc, "mail-03")
