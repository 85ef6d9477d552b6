"""The SUNBURST page and workbook: honest numbers, redaction, nothing that acts."""

import io
import re
import zipfile
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from afterpatch.campaigns.load import load
from afterpatch.detect.sunburst.categories import Funnel
from afterpatch.report.html import render_sunburst
from afterpatch.report.sunburst_page import MAX_STORIES, build_page, stretches
from afterpatch.report.sunburst_workbook import category_workbook

TRIAGE = load("sunburst-orion-2020").triage
FIRST_DAY, LAST_DAY = TRIAGE.first_day, TRIAGE.last_day
HOSTILE = '"><script>alert(1)</script><img src=http://evil.test/x>\x1b[31m\u202e'
CELL = {"host_id": "00" * 8, "machine": "", "domain": "[redacted]", "confidence": "ambiguous",
        "stage": "beaconed", "stopped": "no", "ed_21_01_category": "unknown", "because": "days",
        "doubts": "", "first": "2020-06-01T00:00:00Z", "last": "2020-06-02T00:00:00Z",
        "days_missing": "1", "labels": "2", "reasons": "Decodable query", "name_because": "a"}  # fmt: skip


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)


def page(rows, missing=(date(2020, 6, 3),), notes=()):
    counts = Funnel(len(rows), 0, sum(r["stage"] == "targeted" for r in rows), 0, 0, 0)
    return build_page(rows, counts, missing, notes, TRIAGE, redacted=True)


def test_what_look_ups_cannot_tell_is_never_a_number():
    bars = {bar.title: bar for bar in page([CELL]).bars}
    assert bars["Exposed"].count == "at least 1"
    assert bars["Follow-up"].count == "unknown"
    assert not bars["Exposed"].known and not bars["Follow-up"].known
    assert "1 day without look-ups" in bars["Beaconed"].open
    assert bars["Targeted"].count == "0"
    assert "no decision" in bars["Targeted"].open


def test_doubted_hosts_are_drawn_apart():
    rows = [CELL, {**CELL, "host_id": "11" * 8, "doubts": "a lone label", "stage": "targeted"}]
    exposed = build_page(rows, Funnel(2, 0, 1, 0, 0, 1), (), (), TRIAGE, redacted=True).bars[0]
    assert exposed.count == "at least 1"
    beaconed = next(bar for bar in page(rows).bars if bar.title == "Beaconed")
    assert (beaconed.sure, beaconed.doubted) == (50, 50)
    assert "1 of them doubted" in beaconed.open
    assert page(rows).stories[0].stage == "targeted"


def test_missing_days_in_a_row_are_one_stretch():
    days = [FIRST_DAY, FIRST_DAY + timedelta(days=1), LAST_DAY]
    first, last = stretches(days, TRIAGE)
    assert first.text == "2020-03-24 to 2020-03-25 (2 days)"
    assert last.text == "2020-12-13"
    assert last.left + last.width == pytest.approx(100)


def test_hosts_beyond_the_limit_are_counted():
    many = [{**CELL, "host_id": f"{n:016x}"} for n in range(MAX_STORIES + 7)]
    assert page(many).more_stories == 7
    assert "7 more hosts" in render_sunburst(page(many))


def test_no_field_can_act():
    text_cells = dict.fromkeys(
        ("machine", "domain", "doubts", "reasons", "name_because", "because", "confidence"), HOSTILE
    )
    html = render_sunburst(page([{**CELL, **text_cells}], notes=[HOSTILE]))
    assert "<script" not in html
    assert "<img" not in html
    assert "\x1b" not in html and "\u202e" not in html
    assert "content=\"default-src 'none';" in html
    tags = _Tags()
    tags.feed(html)
    assert not tags.names & {"script", "img", "iframe", "object", "link", "a", "form"}
    assert not tags.attributes & {"src", "href", "onload", "onerror", "onclick"}


def test_the_workbook_holds_strings_only_and_is_the_same_each_time():
    row = {**CELL, "machine": '=HYPERLINK("http://evil.test")', "doubts": "\x00\x1b@x" + HOSTILE}
    funnel = [("exposed", None, "=1+1"), ("beaconed", 1, "")]
    book = category_workbook([row], funnel, ["2020-06-03"])
    assert book == category_workbook([row], funnel, ["2020-06-03"])
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheets = [parts.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2, 3)]
        strings = parts.read("xl/sharedStrings.xml").decode()
        assert not any("hyperlink" in name or "rels/sheet" in name for name in parts.namelist())
    cells = [cell for sheet in sheets for cell in re.findall(r"<c [^>]*>", sheet)]
    assert len(cells) == 2 * 12 + 3 * 3 + 2
    assert all('t="s"' in cell for cell in cells)
    assert not any("<f>" in sheet for sheet in sheets)
    assert "\x1b" not in strings and "<script" not in strings
