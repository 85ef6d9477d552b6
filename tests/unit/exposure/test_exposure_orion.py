"""Which Orion builds carried SUNBURST: hash beats signed time beats version."""

from datetime import UTC, datetime, timedelta

import pytest

from afterpatch.exposure.orion_builds import CARRIERS, judge_orion
from afterpatch.exposure.products import ORION, expose
from afterpatch.model.places import Fact, Place

MAY = datetime(2020, 5, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("2019.4.5200.9083", "trojanised"),
        ("2020.2.100.12219", "trojanised"),
        ("2020.2.100.12299", "trojanised"),
        ("2020.2.5200.12394", "trojanised"),
        ("2020.2.5300.12432", "trojanised"),
        ("2019.4.5200.8890", "inert"),
        ("2019.4 HF5", "trojanised"),
        ("2020.2", "trojanised"),
        ("2020.2 HF1", "trojanised"),
        ("2020.2 Hotfix 1", "trojanised"),
        ("2020.2 RC1", "trojanised"),
        ("2020.2 RC2", "trojanised"),
        ("2019.4 HF4", "never"),
        ("2019.4", "never"),
        ("2019.2", "never"),
        ("2018.4 HF3", "never"),
        ("2019.4 HF6", "fixed"),
        ("2019.4.2", "fixed"),
        ("2020.2.1", "never"),
        ("2020.2.1 HF1", "never"),
        ("2020.2.1 HF2", "fixed"),
        ("2020.2.4", "fixed"),
        ("2020.2.5", "fixed"),
        ("2023.4.1", "fixed"),
        ("2019.4.5200.7777", "unknown"),
        ("2023.4.0.1", "fixed"),
        ("banana", "unknown"),
        ("", "unknown"),
    ],
)
def test_versions(version, state):
    assert judge_orion(version=version).state == state


def test_two_spellings_of_one_build_are_a_doubt():
    assert "12299" in judge_orion(version="2020.2.100.12219").doubts[0]
    assert judge_orion(CARRIERS[1].sha256, version="2020.2.100.12299").doubts == ()


@pytest.mark.parametrize("known", CARRIERS, ids=lambda known: known.version)
def test_the_hash_beats_everything(known):
    truth = judge_orion(known.sha256.upper(), datetime(2021, 1, 1, tzinfo=UTC), "2023.4")
    assert truth.state == known.state
    assert bool(truth.doubts) == (known.state == "trojanised")


def test_the_signed_time_beats_the_version():
    later = judge_orion("00" * 32, datetime(2020, 12, 15, tzinfo=UTC), "2020.2.5300.12432")
    assert (later.state, len(later.doubts)) == ("never", 1)
    known = CARRIERS[3]
    for moment in (known.signed, known.compiled):
        assert judge_orion("00" * 32, moment, "2020.2.1").state == "trojanised"
    between = judge_orion("00" * 32, known.signed + timedelta(days=1), "2020.2.1 HF2")
    assert between.state == "unknown"


def fact(name, value, time, **detail):
    return Fact(name, value, time, Place("list.csv", 2), detail)


def test_a_server_over_time():
    exposure = expose(
        ORION,
        "",
        [
            fact("orion.release", "2020.2 HF1", MAY),
            fact("orion.release", "2020.2.1 HF2", MAY + timedelta(days=210)),
        ],
        MAY + timedelta(days=220),
    )
    assert [span.state for span in exposure.timeline] == ["affected", "unknown", "fixed", "fixed"]
    assert exposure.patched_at == (MAY, MAY + timedelta(days=210))


def test_the_file_beats_what_the_inventory_says_of_the_same_moment():
    exposure = expose(
        ORION,
        "",
        [fact("orion.release", "2020.2.1 HF2", MAY), fact("orion.dll", CARRIERS[3].sha256, MAY)],
        None,
    )
    assert exposure.timeline[0].state == "affected"


def test_nothing_seen_is_nothing_known():
    assert expose(ORION, "", [fact("exchange.build", "15.1.2176.2", MAY)], MAY).timeline == ()
