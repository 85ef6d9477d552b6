"""A hunt on a terminal and beside verdicts: counts first, nothing acts, nothing is silent."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console
from sample_hunt import group, rule, sample_hunt

from afterpatch.report.document import document
from afterpatch.report.html import render_html
from afterpatch.report.hunt_document import hunt_document
from afterpatch.report.hunt_text import render_hunt
from afterpatch.report.text import render_summary


def shown(hunt, top=50, account=False, terminal=False):
    stream = io.StringIO()
    console = Console(file=stream, width=80, force_terminal=terminal, highlight=False,
                      color_system="standard" if terminal else None)  # fmt: skip
    render_hunt(hunt_document(hunt), console, top, account)
    return stream.getvalue()


def test_counts_come_first_then_examples_then_the_account():
    text = shown(sample_hunt())
    order = ["3 rules matched", "CRITICAL  Rule r-critical", "12,348 matches on 2 of 3 hosts",
             "12,345  ex01", "Examples", "record 7", "Suppressed: 4 matches (as of 2026-01-01)",
             "expired: r-critical", "Rules: 9 loaded", "need a placeholder",
             "below level low, not listed: 17 matches", "Left unread"]  # fmt: skip
    at = [text.index(part) for part in order]
    assert at == sorted(at)


def test_it_reads_at_80_columns_without_colour_or_control():
    text = shown(sample_hunt(), account=True)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f‮]", text)
    assert all(line == line.rstrip() for line in text.splitlines())


def test_colour_is_for_terminals():
    assert "\x1b[" in shown(sample_hunt(), terminal=True)


def test_what_is_cut_is_counted():
    many = [group(rule(f"r{n:03}"), count=1) for n in range(60)]
    text = shown(replace(sample_hunt(), groups=tuple(many)), top=50)
    assert "and 10 more rules with 10 matches" in text
    assert "Rule r059" in shown(replace(sample_hunt(), groups=tuple(many)), top=0)
    wide = [group(rule("r"), f"host{n:02}", 2) for n in range(20)]
    assert "12 more hosts: 24 matches" in shown(replace(sample_hunt(), groups=tuple(wide)))


def test_the_account_lists_every_rule_when_asked():
    assert "not applicable: r-none None: no event" not in shown(sample_hunt())
    text = shown(sample_hunt(), account=True)
    assert "not applicable: r-none None: no event" in text
    assert "evaluated: r-sup Sup: 4 matched" in text


def test_nothing_found_is_said():
    text = shown(replace(sample_hunt(), groups=(), own_gaps=(), gaps=(), sources=()))
    assert text.startswith("No rule matched on any of 3 hosts.")
    assert "Left unread: nothing." in text


@pytest.fixture
def both(assessment, pack):
    return document(replace(assessment, hunt=sample_hunt()), (pack,))


def test_an_assessment_shows_the_hunt_beside_its_verdicts(both, doc):
    stream = io.StringIO()
    render_summary(both, Console(file=stream, width=80))
    text = stream.getvalue()
    assert "Your own rules (no verdict rests on them)" in text
    assert "12,348 matches on 2 of 3 hosts" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    assert {**both, "hunt": None} == doc


def test_the_page_shows_the_hunt_and_escapes_it(both, doc):
    page = render_html(both)
    assert "<h2>Your own rules</h2>" in page
    assert "12,348 matches" in page
    assert "</script>" not in page
    assert "<b>{{" not in page
    assert 'href="javascript' not in page
    assert "<h2>Your own rules</h2>" not in render_html(doc)
