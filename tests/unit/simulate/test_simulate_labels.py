from datetime import timedelta

import pytest

from afterpatch.simulate.acts import play
from afterpatch.simulate.labels import label
from afterpatch.simulate.scenario import Volume, utc

PATCH = utc("2021-03-01T18:00:00")


def of(plan):
    return label(plan, play(plan), "x")


def test_what_is_lost_lowers_the_stage_but_not_what_happened(make_plan, act):
    lost = {"httpproxy:*": utc("2021-03-01T20:00:00")}
    found = of(make_plan(act("session-forged"), rolled=lost))
    assert (found.happened, found.stage) == ("session-forged", "")
    assert found.ceiling == "session-forged"  # the IIS rows are still there
    assert of(make_plan(act("session-forged"))).stage == "session-forged"


@pytest.mark.parametrize(
    ("kind", "patched", "order"),
    [
        ("full-chain", PATCH, "patched-after-exploitation"),
        ("full-chain", None, "not-patched"),
        ("nmap-scan", PATCH, "patched-before"),
    ],
)
def test_order(make_plan, act, kind, patched, order):
    plan = make_plan(act(kind), build_after="15.1.2106.13", patched_at=patched)
    assert (of(plan).order, of(plan).order_certain) == (order, True)


def test_order_is_uncertain_without_builds_from_before(make_plan, act):
    rolled = dict.fromkeys(("httpproxy:*", "ecp-server"), PATCH + timedelta(hours=1))
    plan = make_plan(act("shell-use"), build_after="15.1.2106.13", patched_at=PATCH, rolled=rolled)
    assert not of(plan).order_certain


def test_two_actors_are_two_culprits(make_plan, act):
    plan = make_plan(act("full-chain", shell="/owa/auth/a.aspx"),
                     act("full-chain", 2, actor="b", shell="/owa/auth/b.aspx"))  # fmt: skip
    first, second = of(plan).intrusions
    assert (first.actor, second.actor) == ("a", "b")
    assert set(first.canaries).isdisjoint(second.canaries)
    assert second.shells == ("/owa/auth/b.aspx",)


def test_a_scan_has_no_culprit(make_plan, act):
    assert of(make_plan(act("nmap-scan"))).intrusions == ()


@pytest.mark.parametrize(
    ("changes", "complete"),
    [
        ({}, True),
        ({"rolled": {"httpproxy:Owa": utc("2021-01-20")}}, False),
        ({"missing": frozenset({"web-files"})}, False),
        ({"missing": frozenset({"ecp-server"})}, True),
        ({"missing": frozenset({"ecp-server", "windows:*"})}, False),
        ({"truncated": frozenset({"iis-front"})}, False),
        ({"holes": {"httpproxy:Ecp": ((utc("2021-02-01"), utc("2021-02-02")),)}}, False),
        ({"volume": Volume(60, 12)}, False),
    ],
)
def test_complete_is_the_whole_window_in_every_clearing_log(make_plan, changes, complete):
    plan = make_plan(days=(utc("2021-01-05"), utc("2021-03-04")), build_after="15.1.2106.13",
                     patched_at=utc("2021-03-03"), **changes)  # fmt: skip
    assert (of(plan).complete, of(plan).cleared) == (complete, complete)
