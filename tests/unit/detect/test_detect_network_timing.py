import numpy as np
import pytest

from afterpatch.detect.network.segments import deviation, quantile, sort_groups, starts_of
from afterpatch.detect.network.timing import READINGS, Timing, timing


def score(gaps_s: np.ndarray) -> Timing:
    ticks = np.round(np.concatenate(([0.0], np.cumsum(gaps_s))) * 100).astype(np.int64)
    return timing(ticks, np.array([len(ticks)]))


def jittered(period_s: float, jitter: float, count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return period_s * (1 + jitter * rng.uniform(-1, 1, count))


def test_statistics_of_groups_are_those_of_each_group_alone() -> None:
    rng = np.random.default_rng(1)
    counts = np.array([5, 0, 1, 12, 2])
    values = rng.integers(0, 1000, counts.sum())
    groups = np.repeat(np.arange(5), counts)
    ordered = sort_groups(values, groups)
    medians = quantile(ordered, starts_of(counts), counts, 0.5)
    spreads = deviation(ordered, groups, counts, np.nan_to_num(medians))
    for group, count in enumerate(counts):
        own = values[groups == group]
        if not count:
            assert np.isnan(medians[group])
            continue
        assert medians[group] == np.median(own)
        assert spreads[group] == pytest.approx(np.median(np.abs(own - np.median(own))), abs=0.5)


@pytest.mark.parametrize("period_s", [5, 60, 300, 7_200, 259_200])
def test_a_clock_is_regular_at_any_period(period_s: float) -> None:
    found = score(np.full(30, float(period_s)))
    assert found.score[0] > 0.9
    assert found.period_s[0] == pytest.approx(period_s)


def test_chance_and_people_are_not_regular() -> None:
    rng = np.random.default_rng(3)
    assert score(rng.exponential(300, 400)).score[0] < 0.15
    assert score(rng.lognormal(4, 2, 400)).score[0] < 0.3
    assert score(5 + 10 * rng.pareto(1, 400)).score[0] < 0.35


def test_jitter_of_half_the_period_is_still_far_from_chance() -> None:
    assert score(jittered(300, 0.5, 300)).score[0] > 0.5


def test_nights_off_and_missed_beats_do_not_hide_a_period() -> None:
    night = jittered(3_600, 0.1, 80)
    night[7::8] += 16 * 3_600
    assert score(night).score[0] > 0.8
    missed = 600 * np.random.default_rng(2).geometric(0.5, 100) * jittered(1, 0.02, 100)
    found = score(missed)
    assert found.score[0] > 0.85
    assert READINGS[found.reading[0]] == "multiples"
    assert found.period_s[0] == pytest.approx(600, rel=0.02)


def test_a_few_fixed_delays_in_turn_are_seen() -> None:
    rng = np.random.default_rng(5)
    gaps = rng.choice([130.0, 3_900.0, 40_000.0], 120) * jittered(1, 0.03, 120)
    found = score(gaps)
    assert found.score[0] > 0.45
    assert READINGS[found.reading[0]] == "modes"


def test_one_call_that_opens_three_connections_is_one_contact() -> None:
    calls = np.arange(40) * 300.0
    times = np.sort(np.concatenate([calls, calls + 0.2, calls + 0.4]))
    found = timing(np.round(times * 100).astype(np.int64), np.array([len(times)]))
    assert found.contacts[0] == 40
    assert found.score[0] > 0.9


def test_three_contacts_prove_nothing() -> None:
    assert score(np.full(2, 300.0)).score[0] == 0


def test_neighbours_do_not_matter() -> None:
    one, other = jittered(60, 0.2, 50), jittered(7_000, 0.4, 9)
    ticks = [np.round(np.cumsum(gaps) * 100).astype(np.int64) for gaps in (one, other)]
    both = timing(np.concatenate(ticks), np.array([len(t) for t in ticks]))
    for place, alone in enumerate(ticks):
        assert both.score[place] == timing(alone, np.array([len(alone)])).score[0]
