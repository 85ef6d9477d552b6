"""The whole story of one host."""

import io

import pytest
from rich.console import Console

from afterpatch.model.errors import UsageError
from afterpatch.report.story import render_story


def story(doc, host, width=100):
    stream = io.StringIO()
    render_story(doc, host, Console(file=stream, width=width, highlight=False))
    return " ".join(stream.getvalue().split())


def test_tells_what_when_why_and_what_is_open(doc):
    text = story(doc, "mail-01")
    for part in (
        "Also called MAIL-01.example.org",
        "2021-03-03 04:11:20 session-forged Forged ECP session granted (241) ×2",
        "214 records, first 2021-03-03 04:13:02, last 2021-03-09 18:40:00",
        "sc-status: 200",
        "u_ex210303.log, record 88,120",
        "Why not higher",
        "missing 2021-02-14 (1 day)",
        "Windows Security log (helps, not needed)",
        "gone between 2021-03-09 18:40:00 and 2021-03-10 07:02:00",
        "not seen to be gone",
        "affected, build 15.1.2106.2",
        "Patching does not evict",
        "Intrusion I-0f0f0f0f",
        "for: first seen before the flaws were public",
        "against: the address is in no leased-server range",
        "Treat every account",
        "line 77: 12 of 15 columns (3 records)",
    ):
        assert part in text


def test_one_excerpt_per_finding(doc):
    assert story(doc, "mail-01").count("HttpProxy_2021030304-1.LOG, record") == 1


@pytest.mark.parametrize("name", ["MAIL-01", "mail-01.EXAMPLE.org"])
def test_any_name_of_the_host_will_do(doc, name):
    assert story(doc, name).startswith("mail-01")


def test_unreadable_host(doc):
    text = story(doc, "mail-04")
    assert "Cannot be cleared" in text
    assert "seen never" in text
    assert "No build is known at any time." in text
    assert "clean" not in text.lower()


def test_unknown_host_names_the_known_ones(doc):
    with pytest.raises(UsageError, match="mail-01, mail-02"):
        story(doc, "mail-99")
