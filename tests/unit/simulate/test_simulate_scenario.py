from datetime import timedelta

import pytest

from afterpatch.simulate.scenario import STAGES, band, hours, rank, utc


def test_bands_follow_the_ladder():
    assert [band(stage) for stage in ("", *STAGES)] == (
        ["none"] + ["attempted"] * 2 + ["compromised"] * 5 + ["follow-up"]
    )
    assert [rank(stage) for stage in ("", *STAGES)] == list(range(9))


def test_build_changes_with_the_patch(make_plan):
    patched = utc("2021-03-01T12:00:00")
    plan = make_plan(build_after="15.1.2106.13", patched_at=patched)
    assert plan.build_at(patched - timedelta(seconds=1)) == "15.1.2106.2"
    assert plan.build_at(patched) == "15.1.2106.13"


@pytest.mark.parametrize(
    ("changes", "hour", "kept"),
    [
        ({}, 5, True),
        ({}, 30, False),
        ({"rolled": {"httpproxy:Ecp": utc("2021-03-01T06:00:00")}}, 5, False),
        ({"rolled": {"httpproxy:*": utc("2021-03-01T06:00:00")}}, 6, True),
        ({"missing": frozenset({"httpproxy:*"})}, 6, False),
        ({"missing": frozenset({"ecp-server"})}, 6, True),
        ({"holes": {"httpproxy:Ecp": ((utc("2021-03-01T05:00:00"), utc("2021-03-01T07:00:00")),)}},
         6, False),
        ({"holes": {"httpproxy:Owa": ((utc("2021-03-01T05:00:00"), utc("2021-03-01T07:00:00")),)}},
         6, True),
    ],
)  # fmt: skip
def test_what_the_evidence_keeps(make_plan, changes, hour, kept):
    plan = make_plan(**changes)
    assert plan.keeps("httpproxy:Ecp", plan.days[0] + timedelta(hours=hour)) is kept


def test_hours_and_names(make_plan):
    plan = make_plan()
    assert len(list(hours(plan))) == 24
    assert (plan.domain, plan.netbios) == ("contoso.local", "CONTOSO")
