"""From facts to dated spans, the interval of the patch, and doubts."""

from datetime import UTC, datetime, timedelta

import pytest

from afterpatch.exposure.timeline import expose
from afterpatch.model.places import Fact, Place
from afterpatch.model.times import Interval

FIX = "exchange-mar21su"
END = datetime(2021, 3, 31, tzinfo=UTC)
OLD, NEW = "15.1.2176.2", "15.1.2176.9"


def day(month, number, hour=0):
    return datetime(2021, month, number, hour, tzinfo=UTC)


def ran(value, when, record=1, name="exchange.build", source="MX/HttpProxy.LOG"):
    return Fact(name, value, when, Place(source, record))


def eomt(when, value="present"):
    return Fact("mitigation.eomt", value, when, Place("MX/applicationHost.config", 0))


def look(*facts, until=END, fix=FIX):
    return expose("exchange", fix, facts, until)


def states(exposure):
    return [(s.state, s.start, s.end) for s in exposure.timeline]


def test_patched_between_two_log_records():
    exposure = look(
        ran(OLD, day(2, 1)), ran(OLD, day(3, 4, 10)), ran(NEW, day(3, 4, 11)), ran(NEW, END)
    )
    assert states(exposure) == [
        ("affected", day(2, 1), day(3, 4, 10)),
        ("unknown", day(3, 4, 10), day(3, 4, 11)),
        ("fixed", day(3, 4, 11), END),
    ]
    assert exposure.patched_at == Interval(day(3, 4, 10), day(3, 4, 11))
    assert exposure.doubts == ()
    assert [s.build for s in exposure.timeline] == [OLD, f"{OLD} or {NEW}", NEW]


def test_evidence_names_build_reason_and_place():
    exposure = look(ran("15.01.2176.002", day(2, 1), record=7), ran(OLD, END, record=9))
    text = exposure.timeline[0].evidence
    for part in ("CU19 without the March 2021", "from 15.1.2176.9", "HttpProxy.LOG:7", "LOG:9"):
        assert part in text


def test_never_fixed():
    exposure = look(ran(OLD, day(2, 1)), ran(OLD, END))
    assert states(exposure) == [("affected", day(2, 1), END)]
    assert exposure.patched_at is None


def test_first_seen_fixed_says_so_and_dates_nothing():
    exposure = look(ran(NEW, day(3, 20)), ran(NEW, END))
    assert states(exposure) == [("fixed", day(3, 20), END)]
    assert exposure.patched_at is None
    assert any("first seen already fixed" in doubt for doubt in exposure.doubts)


def test_a_setup_log_dates_the_fix():
    exposure = look(ran("15.1.2242.4", day(3, 20), name="exchange.installed"))
    assert exposure.patched_at == Interval(day(3, 2), day(3, 20))


def test_a_setup_log_ends_the_interval():
    exposure = look(
        ran("15.1.2106.8", day(3, 1)),
        ran("15.1.2242.4", day(3, 20, 3), name="exchange.installed"),
        ran("15.1.2242.4", day(3, 20, 9)),
    )
    assert exposure.patched_at == Interval(day(3, 1), day(3, 20, 3))


def test_two_affected_builds_leave_no_hole():
    exposure = look(ran("15.1.2106.8", day(2, 1)), ran(OLD, day(2, 10)), ran(OLD, END))
    assert {span.state for span in exposure.timeline} == {"affected"}


def test_an_update_within_a_fixed_branch_stays_fixed():
    exposure = look(ran(NEW, day(3, 5)), ran("15.1.2176.12", day(3, 20)))
    assert {span.state for span in exposure.timeline} == {"fixed"}


def test_a_cumulative_update_may_have_run_without_its_security_update():
    exposure = look(ran("15.1.2106.13", day(3, 5)), ran(NEW, day(3, 20)))
    assert [span.state for span in exposure.timeline] == ["fixed", "unknown", "fixed"]
    always = look(ran("15.1.2106.13", day(3, 5)), ran("15.1.2242.4", day(3, 20)))
    assert {span.state for span in always.timeline} == {"fixed"}


def test_a_fix_that_is_lost_again():
    exposure = look(ran("15.1.2106.13", day(3, 5)), ran(OLD, day(3, 10)), ran(OLD, END))
    assert [span.state for span in exposure.timeline] == ["fixed", "unknown", "affected"]
    assert exposure.patched_at is None
    assert any("is followed by" in doubt for doubt in exposure.doubts)


def test_lost_and_fixed_again_counts_the_last_time():
    exposure = look(
        ran("15.1.2106.13", day(3, 5)), ran(OLD, day(3, 10)), ran(NEW, day(3, 11)), ran(NEW, END)
    )
    assert exposure.patched_at == Interval(day(3, 10), day(3, 11))


def test_two_builds_at_one_time_the_worse_one_counts():
    exposure = look(ran(OLD, day(3, 5)), ran(NEW, day(3, 5), source="MX2/HttpProxy.LOG"))
    assert exposure.timeline[0].state == "affected"
    assert exposure.timeline[0].build == f"{OLD} / {NEW}"
    assert any("both seen" in doubt for doubt in exposure.doubts)


def test_mixed_servers_do_not_flood_the_timeline():
    facts = [
        ran(OLD if n % 2 else NEW, day(3, 5) + timedelta(minutes=n), record=n) for n in range(5000)
    ]
    exposure = look(*facts)
    assert len(exposure.timeline) < 10
    assert exposure.timeline[0].state == "affected"
    assert any("mixed" in doubt for doubt in exposure.doubts)


def test_three_parts_beside_the_whole_build_change_nothing():
    whole = [ran(OLD, day(3, 1)), ran(NEW, day(3, 9)), ran(NEW, END)]
    exposure = look(*whole, ran("15.1.2176", day(2, 1)), ran("15.1.2176", day(3, 20)))
    assert exposure == look(*whole)


def test_three_parts_of_another_branch_are_not_thrown_away():
    exposure = look(ran("15.1.2106.13", day(3, 5)), ran("15.1.2176", day(3, 20)))
    assert exposure.timeline[-1].state == "unknown"


def test_three_parts_alone_decide_nothing():
    exposure = look(ran("15.1.2106", day(3, 5)), ran("15.1.2106", END))
    assert states(exposure) == [("unknown", day(3, 5), END)]


def test_after_a_long_silence_an_affected_build_is_not_held_to_run():
    exposure = look(ran(OLD, day(3, 1)), ran(OLD, day(3, 10)))
    assert states(exposure) == [
        ("affected", day(3, 1), day(3, 10)),
        ("unknown", day(3, 10), END),
    ]
    weekend = look(ran(OLD, day(3, 1)), ran(OLD, day(3, 29)))
    assert states(weekend) == [("affected", day(3, 1), END)]
    assert "held to be unchanged" in weekend.timeline[0].evidence


def test_undated_builds_are_seen_at_the_end():
    exposure = look(ran("15.1.2507.44", None))
    assert states(exposure) == [("fixed", END, END)]
    assert any("undated" in doubt for doubt in exposure.doubts)


def test_an_undated_build_that_dated_evidence_knows_as_older_is_from_then():
    exposure = look(ran(OLD, day(3, 1)), ran(NEW, day(3, 9)), ran(NEW, END), ran(OLD, None))
    assert exposure.timeline[-1].state == "fixed"
    assert exposure.patched_at == Interval(day(3, 1), day(3, 9))
    assert any("undated" in doubt for doubt in exposure.doubts)


def test_undated_builds_without_an_end_are_told_not_placed():
    exposure = look(ran(OLD, None), until=None)
    assert exposure.timeline == ()
    assert "without the March 2021" in exposure.doubts[0]


def test_garbage_is_told():
    exposure = look(ran("<script>" * 50, day(3, 1)), ran(OLD, day(3, 30)))
    assert any("no Exchange build number" in doubt for doubt in exposure.doubts)
    assert max(map(len, exposure.doubts)) < 200


def test_doubts_are_bounded():
    exposure = look(*(ran(f"junk {n}", day(3, 1)) for n in range(1000)))
    assert len(exposure.doubts) == 21


def test_a_build_seen_before_its_release():
    exposure = look(ran(NEW, day(1, 5)), ran(NEW, END))
    assert any("before its release" in doubt for doubt in exposure.doubts)


def test_no_facts_and_no_fix():
    assert look().timeline == ()
    unknown = look(ran(OLD, END), fix="exchange-jan99su")
    assert unknown.timeline == ()
    assert "no fix set" in unknown.doubts[0]


def test_eomt_turns_affected_into_mitigated_from_its_date():
    exposure = look(ran(OLD, day(3, 1)), ran(OLD, END), eomt(day(3, 16)))
    assert states(exposure) == [
        ("affected", day(3, 1), day(3, 16)),
        ("mitigated", day(3, 16), END),
    ]
    assert "CVE-2021-26855 only" in exposure.timeline[1].evidence


def test_undated_eomt_counts_at_the_end_only():
    exposure = look(ran(OLD, day(3, 1)), ran(OLD, END), eomt(None))
    assert states(exposure) == [("affected", day(3, 1), END), ("mitigated", END, END)]
    assert any("since when" in doubt for doubt in exposure.doubts)


def test_eomt_taken_away_again():
    exposure = look(
        ran(OLD, day(3, 1)),
        ran(OLD, END),
        eomt(day(3, 6)),
        eomt(day(3, 9)),
        eomt(day(3, 20), "absent"),
    )
    assert states(exposure) == [
        ("affected", day(3, 1), day(3, 6)),
        ("mitigated", day(3, 6), day(3, 9)),
        ("affected", day(3, 9), END),
    ]


@pytest.mark.parametrize("fix", ["exchange-apr21su", "exchange-nov22su"])
def test_eomt_does_not_help_against_other_campaigns(fix):
    exposure = look(ran(NEW, day(3, 5)), ran(NEW, END), eomt(day(3, 16)), fix=fix)
    assert {span.state for span in exposure.timeline} == {"affected"}


def test_present_and_absent_at_one_time_is_absent():
    exposure = look(ran(OLD, day(3, 1)), ran(OLD, END), eomt(day(3, 6)), eomt(day(3, 6), "absent"))
    assert states(exposure) == [("affected", day(3, 1), END)]
    assert any("both present and absent" in doubt for doubt in exposure.doubts)


def test_eomt_leaves_fixed_spans_alone():
    exposure = look(ran(NEW, day(3, 5)), ran(NEW, END), eomt(day(3, 16)))
    assert {span.state for span in exposure.timeline} == {"fixed"}
