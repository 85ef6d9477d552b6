"""The page: self-contained, scriptless, complete, accessible."""

import re
from copy import deepcopy
from html.parser import HTMLParser

import pytest
from sample_assessment import fleet

from afterpatch.report.document import document
from afterpatch.report.html import is_web_address, render_html

VOID = {"meta", "br", "hr", "img", "link", "input", "line", "rect", "circle", "path"}


class Outline(HTMLParser):
    """Tags, attributes and text; complains about crossed tags."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def page(doc):
    return render_html(doc)


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def test_is_well_formed_and_same_every_time(doc, page, outline):
    assert outline.open == []
    assert render_html(doc) == page
    assert page.count("<!doctype html>") == 1


def test_asks_for_nothing_from_outside(page, outline):
    assert "default-src 'none'" in page
    assert not {"script", "iframe", "object", "embed", "link", "img", "form"} & set(outline.tags)
    assert not any(name in ("src", "srcset", "data", "action") for _, name, _ in outline.attributes)
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []


def test_links_go_to_sections_or_web_sources(outline):
    ids = {value for _, name, value in outline.attributes if name == "id"}
    hrefs = [value for _, name, value in outline.attributes if name == "href"]
    assert hrefs
    for href in hrefs:
        assert href.removeprefix("#") in ids or href.startswith("https://")


def test_shows_the_five_answers_and_what_is_open(outline):
    for part in (
        "1 of 4 hosts shows a compromise.",
        "Exposed", "Hit", "By whom", "Blocked", "Done", "low confidence",
        "No evidence found, but cannot be cleared for 2021-01-06 .. 2021-03-20",
        "Cannot be cleared for 2021-01-06 to 2021-02-01 (27 days)",
        "Forged ECP session granted (241)",
        "and 212 more records",
        "Misses: Servers that keep no such log.",
        "Why not higher",
        "not seen to be gone",
        "Patching does not evict",
        "2021-02-14 (1 day)",
        "the address is in no leased-server range",
        "encrypted, no password given",
        "notes.bin",
        "The clock was set back",
        "modifier not supported",
    ):  # fmt: skip
        assert part in outline.text


def test_never_says_clean(outline):
    assert "clean" not in outline.text.lower()


def test_is_accessible(page, outline):
    assert ("html", "lang", "en") in outline.attributes
    headers = page.count("<th ") + page.count("<th>")
    assert headers == sum(
        1 for tag, name, _ in outline.attributes if (tag, name) == ("th", "scope")
    )
    pictures = page.count('<svg role="img"') + page.count('<svg class="bar" role="img"')
    assert pictures == page.count('role="img" aria-label="')
    assert page.count("<h1>") == 1


def test_prints_and_follows_light_and_dark(page):
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page
    assert "break-inside: avoid" in page
    assert "details.host::details-content" in page


def test_five_hundred_hosts_stay_one_moderate_page():
    page = render_html(document(fleet(500)))
    assert len(page) < 8_000_000
    assert page.count('<details class="host brief">') == 500


def test_one_host_is_open():
    page = render_html(document(fleet(1)))
    assert page.count('<details class="host" open>') == 1


def test_nothing_found_at_all(doc):
    empty = {**doc, "hosts": [], "intrusions": [], "gaps": [], "notices": [], "sources": []}
    assert "No host could be named" in Outline(render_html(empty)).text


@pytest.mark.parametrize(
    ("address", "links"),
    [
        ("https://example.org/a?b=c#d", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("https://example.org/\njavascript:x", False),
        ('https://example.org/"onx=', False),
        ("data:text/html,x", False),
        ("//example.org", False),
    ],
)
def test_only_plain_web_addresses_become_links(address, links):
    assert is_web_address(address) is links


def test_what_decides_stands_open_and_weak_signals_are_folded(doc):
    doc = deepcopy(doc)
    doc["hosts"][0]["verdicts"][0]["because"][0]["weak"] = True
    page = render_html(doc)
    folded = re.search(r"\d+ weak signals?: shown, proves? nothing alone</summary>", page)
    assert folded is not None
    assert page.count('<details class="finding" open>') >= 1
    assert page.index('<details class="finding" open>') < folded.start()


def test_first_screen_has_sentence_confidence_dates_and_next_step(outline):
    text = outline.text[: outline.text.index("Host by host")]
    assert "Exploited from 2021-03-03 04:11" in text
    assert "Confidence: high." in text
    assert "Next: Take the server off the network" in text
