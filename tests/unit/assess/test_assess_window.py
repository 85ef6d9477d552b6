"""The stretch of time a verdict is about: from the campaign's start to the fix, never less."""

from datetime import UTC, datetime

import pytest

from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.judge import examine, judge
from afterpatch.model.hits import RuleInfo
from afterpatch.model.places import Fact, Place
from afterpatch.model.verdicts import Verdict

BEFORE_THE_WINDOW = ("2020-11-01", "2020-12-01")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def verdict(campaign, rules, reading, hours):
    def make(span, hits=(), build: str | None = None, as_of: str | None = None) -> Verdict:
        facts = ()
        if build:
            facts = (Fact("exchange.build", build, day(span[0]), Place("EX01/x", 1)),)
        observed = {log: hours(*span) for log in ("proxy", "web")}
        one = reading(first=span[0], last=span[1], observed=observed, hits=tuple(hits), facts=facts)
        host = HostEvidence("ex01", (), "folder", ("EX01",), (one,), ())
        known = rules | {"r-dump": RuleInfo("r-dump", "Dumped", "high", "sigma", "follow-up")}
        case = examine(host, (), (), known, campaign, day(as_of) if as_of else None)
        return judge(case, (), campaign)

    return make


def test_logs_that_end_before_the_window_clear_nothing(verdict):
    found = verdict(BEFORE_THE_WINDOW)
    assert not found.cleared
    [open_interval] = found.cannot_be_cleared
    assert open_interval.start == day("2021-01-06")
    assert open_interval.end >= day("2021-03-02")  # nobody had the fix before


def test_logs_that_end_before_the_fix_was_published_leave_the_rest_open(verdict):
    found = verdict(("2021-01-01", "2021-02-01"))
    assert [tuple(i) for i in found.cannot_be_cleared] == [(day("2021-02-01"), day("2021-03-02"))]


def test_logs_up_to_the_fix_are_enough(verdict):
    assert verdict(("2021-01-01", "2021-03-05")).cleared


def test_a_follow_up_older_than_the_window_and_every_entry_proves_another_matter(verdict, hit):
    found = verdict(BEFORE_THE_WINDOW, [hit("r-dump", "2020-11-05")])
    assert found.band == "none"
    assert [(f.stage, f.weak) for f in found.because] == [("follow-up", True)]
    assert "before 2021-01-06" in found.why_not_higher[-1]


def test_a_follow_up_older_than_the_window_counts_after_an_entry(verdict, hit):
    hits = [hit("r-forge", "2020-11-04"), hit("r-dump", "2020-11-05")]
    found = verdict(BEFORE_THE_WINDOW, hits)
    assert found.band == "follow-up"


def test_an_entry_older_than_the_window_counts(verdict, hit):
    assert verdict(BEFORE_THE_WINDOW, [hit("r-forge", "2020-11-04")]).band == "compromised"
