"""The first screen: five answers per host, readable at 80 columns, honest about what is open."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from sample_assessment import fleet, sample_assessment

from afterpatch.report.document import document
from afterpatch.report.text import render_summary


def summary(doc, width=80, **options):
    stream = io.StringIO()
    render_summary(doc, Console(file=stream, width=width, highlight=False, **options))
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_fits_the_screen(doc, width):
    lines = summary(doc, width).splitlines()
    assert max(cell_len(line.rstrip()) for line in lines) <= width


@pytest.mark.parametrize("width", [80, 120])
def test_first_screen_answers_the_five_questions(doc, width):
    text = summary(doc, width)
    for title in ("Host", "Exposed", "Hit", "By whom", "Blocked", "Done", "Logs seen"):
        assert title in text
    for word in ("compromised,", "attempted", "not cleared", "cleared", "HAFNIUM", "100%", "0%"):
        assert word in text


def test_worst_host_comes_first(doc):
    names = [line.split()[0] for line in summary(doc).splitlines() if line.startswith("mail-0")]
    assert names == ["mail-01", "mail-02", "mail-04", "mail-03"]


def test_says_what_cannot_be_cleared_and_what_was_unread(doc):
    text = " ".join(summary(doc).split())
    assert "No evidence found, but cannot be cleared for 2021-01-06 .. 2021-03-20: fetch" in text
    assert "Cannot be cleared for 2021-01-06 to 2021-02-01 (27 days)" in text
    assert "1 file not recognised" in text
    assert "12 of 15 columns: 1 place, 3 records unread" in text
    assert "clock: The clock was set back" in text
    assert "1. Take the server off the network" in text


def test_never_says_clean(doc):
    assert "clean" not in summary(doc).lower()


def test_colour_only_on_a_terminal(doc, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" not in summary(doc)
    assert "\x1b[" in summary(doc, force_terminal=True, color_system="standard")


def test_honours_no_color(doc, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    text = summary(doc, force_terminal=True, color_system="standard")
    colours = [f"\x1b[{style}{code}m" for style in ("", "1;") for code in range(30, 38)]
    assert not any(colour in text for colour in colours)


def test_nothing_at_all_still_has_a_first_line(doc):
    empty = {**doc, "hosts": [], "gaps": [], "notices": [], "sources": []}
    assert summary(empty).startswith("No host could be named")


def test_steps_name_their_hosts_once():
    text = " ".join(summary(document(fleet(16)), 120).split())
    assert text.count("Install the update today.") == 1
    assert "ex000.region-0.example.org" in text
    assert "ex004.region-4.example.org and 5 more 7. Keep the logs" in text


def test_plain_terminals_get_plain_bars():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    render_summary(document(sample_assessment()), Console(file=stream, width=100))
    stream.seek(0)
    assert "######## 100%" in stream.read()
