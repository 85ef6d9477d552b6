"""The hidden channel ranks strictly better than by RITA v5's published score, on the same data."""

import pytest

from afterpatch.simulate.network import Beacon
from benchmarks.beacons import ADDRESS, NAME, DataSet, Ranks, is_better, ranks

HOSTS = 30


def small(name: str, beacon: Beacon, days: float = 2.0) -> Ranks:
    return ranks(DataSet(name, beacon, days, 15), "test", HOSTS)


@pytest.mark.parametrize("percent", [0, 20, 50])
def test_jittered(percent: int) -> None:
    found = small(f"jitter {percent}", Beacon(5, ADDRESS, NAME, (300.0,), percent / 100))
    assert is_better(found), found
    assert found.ours == 1


def test_working_hours_only() -> None:
    found = small("work", Beacon(5, ADDRESS, None, (900.0,), 0.3, hours=(9, 17)), 4.0)
    assert is_better(found), found
    assert found.ours == 1


def test_sleeping_for_hours() -> None:
    found = small("sleep", Beacon(5, ADDRESS, NAME, (21_600.0,), 0.2), 10.0)
    assert is_better(found), found
    assert found.ours is not None
    assert found.ours <= 3


def test_half_of_the_calls_missed() -> None:
    found = small("missed", Beacon(5, ADDRESS, NAME, (1_200.0,), 0.1, miss=0.5))
    assert is_better(found), found
    assert found.ours is not None
    assert found.ours <= 3
