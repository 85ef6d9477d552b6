"""Phrases: exact, honest, short."""

from copy import deepcopy
from datetime import timedelta

import pytest

from afterpatch.report import words, words_coverage

DAY = "2021-01-{:02}T00:00:00Z"


@pytest.mark.parametrize(
    ("span", "phrase"),
    [
        ([DAY.format(6), DAY.format(7)], "2021-01-06 (1 day)"),
        ([DAY.format(6), DAY.format(9)], "2021-01-06 to 2021-01-08 (3 days)"),
        (
            [DAY.format(6), "2021-01-06T05:30:00Z"],
            "2021-01-06 00:00 to 2021-01-06 05:30 (5 hours)",
        ),
    ],
)
def test_interval(span, phrase):
    assert words.interval(span) == phrase


def test_many_intervals_are_counted():
    spans = [[DAY.format(n), DAY.format(n + 1)] for n in range(1, 20, 2)]
    phrase = words.intervals(spans, 2)
    assert phrase == "2021-01-01 (1 day), 2021-01-03 (1 day), and 8 more (8 days together)"


def test_lasting_rounds_down():
    assert words.lasting(timedelta(days=1, hours=23)) == "1 day"
    assert words.lasting(timedelta(seconds=59)) == "59 seconds"


def test_bounds():
    early, late = "2021-03-03T04:00:00Z", "2021-03-03T05:00:00Z"
    assert words.bounds(early, late) == "between 2021-03-03 04:00:00 and 2021-03-03 05:00:00"
    assert words.bounds(None, late) == "by 2021-03-03 05:00:00"
    assert words.bounds(early, None) == "after 2021-03-03 04:00:00"
    assert words.bounds(None, None) == "not seen"


def test_only_a_whole_window_reads_one_hundred():
    assert words_coverage.percent([1.0] * 8) == 100
    assert words_coverage.percent([1.0] * 7 + [0.999]) == 99
    assert words_coverage.percent([0.0001] + [0.0] * 7) == 1
    assert words_coverage.percent([0.0] * 8) == 0
    assert words_coverage.percent([]) == 0


def test_headlines(doc):
    assert words.headline(doc) == "1 of 4 hosts shows a compromise."
    rest = {**doc, "hosts": doc["hosts"][1:]}
    assert words.headline(rest) == "No compromise found; 1 of 3 hosts was attacked."
    rest = {**doc, "hosts": doc["hosts"][2:]}
    assert words.headline(rest) == "No evidence found, but 1 of 2 hosts cannot be cleared."
    rest = {**doc, "hosts": [doc["hosts"][2], doc["hosts"][2]]}
    assert words.headline(rest) == "Nothing found, and the needed logs clear all 2 hosts."
    assert words.headline({**doc, "hosts": []}) == "No host could be named in this evidence."


def test_one_host_is_answered_in_its_own_sentence(doc):
    assert words.headline({**doc, "hosts": doc["hosts"][3:]}).startswith("No evidence found, but")


def test_uncleared_names_the_days_and_the_logs(doc):
    unreadable = doc["hosts"][3]["verdicts"][0]
    assert words_coverage.uncleared(unreadable) == (
        "Cannot be cleared for 2021-01-06 to 2021-03-19 (73 days): "
        "fetch HttpProxy log, Ecp and IIS log, front end."
    )
    assert words_coverage.uncleared(doc["hosts"][2]["verdicts"][0]) == ""


def test_unread_is_counted(doc):
    assert words.unread(doc) == [
        "1 file not recognised",
        "12 of 15 columns: 1 place, 3 records unread",
        "encrypted, no password given: 1 place, amount not known",
        "3 rules could not be evaluated",
    ]


def test_time_that_needs_no_log_counts_for_nothing(doc):
    verdict = deepcopy(doc["hosts"][0]["verdicts"][0])
    log = {**verdict["coverage"][0], "needed": True}
    verdict["coverage"] = [
        {**log, "observed": [[DAY.format(6), DAY.format(8)]], "missing": []},
        {**log, "observed": [], "missing": [[DAY.format(6), DAY.format(8)]]},
        {**log, "needed": False, "observed": [[DAY.format(6), DAY.format(10)]], "missing": []},
    ]
    shares = words_coverage.seen_share(verdict, 4, DAY.format(6))
    assert shares == [0.5, 0.5, None, None]
    assert words_coverage.percent(shares) == 50
    verdict["coverage"][1]["observed"], verdict["coverage"][1]["missing"] = [], []
    assert words_coverage.percent(words_coverage.seen_share(verdict, 4, DAY.format(6))) == 100
    assert words_coverage.percent([None]) == 0


def test_dated_says_who_was_first(doc):
    compromised, attempted = (doc["hosts"][n]["verdicts"][0] for n in (0, 1))
    assert words.dated(compromised).startswith("Exploited from 2021-03-03 04:11 to 2021-03-09 18:4")
    assert "; fix went in between 2021-03-09 20:00 and" in words.dated(compromised)
    assert words.dated(attempted).startswith("Attacked ")
    nothing = deepcopy(compromised)
    nothing["because"], nothing["exposure"]["patched_at"] = [], None
    nothing["exposure"]["order"] = "not-patched"
    assert words.dated(nothing) == "No fix seen."
    nothing["exposure"]["order"] = "unknown"
    assert words.dated(nothing) == ""


def test_weak_findings_decide_nothing(doc):
    verdict = doc["hosts"][0]["verdicts"][0]
    deciding = [one for one in verdict["because"] if words.decides(one, verdict)]
    assert deciding
    assert {one["stage"] for one in deciding} == {verdict["stage"]}
    assert not words.decides({**deciding[0], "weak": True}, verdict)
    assert not words.decides({**deciding[0], "stage": None}, {**verdict, "stage": None})


def test_by_value_says_each_value_once():
    fields = {"c-ip": "203.0.113.7", "ClientIp": "203.0.113.7", "empty": "", "uri": "/x"}
    assert words.by_value(fields) == [("c-ip, ClientIp", "203.0.113.7"), ("uri", "/x")]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a.example.org", "b.example.net", "a.example.org"], ["a", "b", "a"]),
        (["a.example.org", "a.example.net"], ["a.example.org", "a.example.net"]),
        (["a.example.org"], ["a.example.org"]),
        (["10.0.0.1", "11.0.0.1"], ["10.0.0.1", "11.0.0.1"]),
        (["a", "b"], ["a", "b"]),
        ([".", "x.y"], [".", "x.y"]),
        ([], []),
    ],
)
def test_short_names(names, shown):
    short = words.short_names(names)
    assert [short[name] for name in names] == shown
