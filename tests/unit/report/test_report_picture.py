"""The timeline picture: honest geometry."""

from copy import deepcopy

import pytest

from afterpatch.report.picture import MIN_GAP_PERCENT, close_up, overview

START = "2021-01-06T00:00:00Z"


@pytest.fixture
def verdict(doc):
    return deepcopy(doc["hosts"][0]["verdicts"][0])


@pytest.fixture
def stages(doc):
    return doc["tool"]["campaigns"][0]["stages"]


def lanes(picture):
    return {lane.label: lane for group in picture.groups for lane in group.lanes}


def test_ladder_has_its_highest_rung_on_top(verdict, stages):
    happened = overview(verdict, stages, START).groups[0]
    assert [lane.label for lane in happened.lanes] == [
        "Follow-up", "Web shell used", "File write fired", "Session forged",
    ]  # fmt: skip


def test_every_lane_says_in_words_what_it_shows(verdict, stages):
    for lane in lanes(overview(verdict, stages, START)).values():
        assert lane.label in lane.described or "build" in lane.described


def test_a_short_gap_is_never_invisible(verdict, stages):
    verdict["coverage"][0]["missing"] = [["2021-02-20T00:00:00Z", "2021-02-20T00:00:01Z"]]
    lane = lanes(overview(verdict, stages, START))["HttpProxy log, Ecp"]
    gap = lane.bars[-1]
    assert (gap.look, gap.width) == ("gap", MIN_GAP_PERCENT)


def test_thousands_of_hours_are_drawn_as_few_bars(verdict, stages):
    hours = [
        [f"2021-02-{day:02}T{hour:02}:00:00Z", f"2021-02-{day:02}T{hour:02}:30:00Z"]
        for day in range(1, 29)
        for hour in range(24)
    ]
    verdict["coverage"][0]["observed"] = hours
    assert len(lanes(overview(verdict, stages, START))["HttpProxy log, Ecp"].bars) < 20


def test_nothing_leaves_the_picture(verdict, stages):
    verdict["because"][0]["first"] = "0001-01-01T00:00:00Z"
    verdict["exposure"]["timeline"][0]["from"] = "0001-01-01T00:00:00Z"
    verdict["exposure"]["timeline"][-1]["to"] = "9999-12-31T23:59:59Z"
    picture = overview(verdict, stages, START)
    for lane in lanes(picture).values():
        assert all(0 <= bar.x <= bar.x + bar.width <= 100.001 for bar in lane.bars)
        assert all(0 <= mark.x <= mark.tail_x <= 100 for mark in lane.marks)
    assert "begins outside the picture" in lanes(picture)["Session forged"].marks[0].title
    assert 2 <= len(picture.ticks) <= 9


def test_fix_is_marked(verdict, stages):
    fixed = overview(verdict, stages, START).fixed
    assert 80 < fixed.x < 90
    assert "2021-03-09 20:00" in fixed.title


def test_close_up_leaves_weak_and_early_noise_out(verdict, stages):
    picture = close_up(verdict, stages, START)
    assert "2021-03-03 04:11:20 to 2021-03-09 18:41:12" in picture.caption
    assert "Scanned" not in lanes(picture)


def test_no_close_up_without_a_burst(doc, stages):
    assert close_up(doc["hosts"][1]["verdicts"][0], stages, START) is None


def test_only_extreme_times_do_not_break_it(verdict, stages):
    verdict["coverage"], verdict["cannot_be_cleared"] = [], []
    verdict["exposure"]["patched_at"] = ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"]
    for finding in verdict["because"]:
        finding["first"], finding["last"] = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
    assert overview(verdict, stages, None) is not None
    for finding in verdict["because"]:
        finding["first"] = finding["last"] = "9999-12-31T23:59:59.999999Z"
    assert overview(verdict, stages, None) is not None
    assert close_up(verdict, stages, None) is None


def test_nothing_dated_no_picture(verdict, stages):
    verdict["coverage"], verdict["cannot_be_cleared"], verdict["because"] = [], [], []
    verdict["exposure"]["timeline"] = []
    assert overview(verdict, stages, None) is None


def test_what_cannot_be_cleared_lies_above_the_logs_that_are_needed(verdict, stages):
    groups = {group.title: group.lanes for group in overview(verdict, stages, START).groups}
    needed, helpful = groups["Logs that are needed"], groups["Logs that help"]
    assert needed[0].label == "Cannot be cleared"
    assert {bar.look for bar in needed[0].bars} == {"open"}
    assert "2021-01-06 to 2021-02-01 (27 days)" in needed[0].described
    assert "gap" not in {bar.look for lane in helpful for bar in lane.bars}
    verdict["cannot_be_cleared"] = []
    assert "Cannot be cleared" not in lanes(overview(verdict, stages, START))


def test_ticks_name_the_month(verdict, stages):
    labels = [tick.label for tick in overview(verdict, stages, START).ticks]
    assert "1 Mar" in labels
