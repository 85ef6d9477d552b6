"""What Sysmon's own UTC says of an export's clock."""

import pytest

from afterpatch.formats.windows_clock import QUARTER_US, describe_shift, zone_error
from afterpatch.formats.windows_times import SECOND_US

HOUR = 4 * QUARTER_US


def test_a_right_clock_needs_no_correction():
    assert zone_error([0, -5_000, 2_000, 7_000, -90_000]) == 0
    assert zone_error([30 * SECOND_US] * 10) == 0


@pytest.mark.parametrize("shift", [5 * HOUR, -8 * HOUR, 5 * HOUR + 2 * QUARTER_US])
def test_a_wrong_zone_is_found_to_the_quarter_hour(shift):
    assert zone_error([shift - 3_000, shift, shift - SECOND_US, shift, shift - 9_000]) == shift


def test_what_cannot_be_told():
    assert zone_error([5 * HOUR] * 4) is None  # too few
    assert zone_error([5 * HOUR, 4 * HOUR, 3 * HOUR, 5 * HOUR, 2 * HOUR]) is None  # contradictory
    assert zone_error([5 * HOUR + 60 * SECOND_US] * 9) is None  # no time zone
    assert zone_error([400 * HOUR] * 9) is None  # a wrong date, not a wrong zone


def test_corrections_in_words():
    assert describe_shift(5 * HOUR) == "5 h behind UTC"
    assert describe_shift(-(5 * HOUR + 2 * QUARTER_US)) == "5 h 30 min ahead of UTC"
