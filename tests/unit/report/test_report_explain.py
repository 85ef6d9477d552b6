"""Explain: claim, rule, exact records with hash status, what would change the verdict."""

import io

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
    lines = {(ECP, 17): ExplainLine("the exact line\tof the log", True)}
    text = explain(doc, "mail-01", "F-1a2b3c4d", lines)
    assert "Claim F-1a2b3c4d: Forged ECP session granted (241)" in text
    assert "Misses: Servers that keep no such log." in text
    assert "Source: https://example.org/rule" in text
    assert "evidence/mail-01.zip, member HttpProxy/Ecp/HttpProxy_2021030304-1.LOG" in text
    assert f"sha256 {'1a' * 32} read again; hash as recorded | the exact line\\tof the log" in text
    assert text.count("not re-read from the evidence") == 1  # record 18 was not handed over
    assert "Web shell used" not in text


def test_changed_evidence_is_shouted(doc):
    text = explain(doc, "mail-01", "F-1a2b3c4d", {(ECP, 17): ExplainLine("x", False)})
    assert "THE EVIDENCE CHANGED" in text
    assert "read again; hash as recorded" not in text


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
