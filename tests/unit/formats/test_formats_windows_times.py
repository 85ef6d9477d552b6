"""Times of events in many spellings."""

import pytest

from afterpatch.formats.windows_times import parse_event_time

MOMENT = 1_615_704_013_660_000  # 2021-03-14T06:40:13.660Z


@pytest.mark.parametrize(
    ("written", "zoned"),
    [
        ("2021-03-14T06:40:13.660Z", True),
        ("2021-03-14T06:40:13.6600000Z", True),
        ("2021-03-14T01:40:13.660-05:00", True),
        ("2021-03-14 06:40:13.660", False),
        ("2021-03-14 06:40:13.660 UTC", True),
        ("/Date(1615704013660)/", True),
        ("/Date(1615704013660+0100)/", True),
        (1615704013.66, True),
        (1615704013660, True),
        ({"value": "/Date(1615704013660)/", "DateTime": "Sunday"}, True),
    ],
)
def test_one_moment_in_many_spellings(written, zoned):
    assert parse_event_time(written) == (MOMENT, zoned)


@pytest.mark.parametrize("digits", ["1234567", "1234560", "123456999", "1234569"])
def test_digits_beyond_microseconds_are_cut(digits):
    zoned = (1_614_774_000_123_456, True)  # 2021-03-03T12:20:00.123456Z
    assert parse_event_time(f"2021-03-03T12:20:00.{digits}Z") == zoned
    assert parse_event_time(f"2021-03-03T13:20:00.{digits}+01:00") == zoned
    assert parse_event_time(f"2021-03-03 12:20:00.{digits} UTC") == zoned


@pytest.mark.parametrize(
    "written", ["1969-12-31T23:59:59.9999999Z", "1970-01-01T00:00:00.0000009Z"]
)
def test_what_is_not_after_the_epoch_is_no_time(written):
    assert parse_event_time(written)[0] is None


@pytest.mark.parametrize(
    "written",
    [None, "", "yesterday", "3/14/2021 6:40 AM", True, [], {}, float("nan"), float("inf"), 1e300,
     "1601-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "/Date(99999999999999999)/"],
)  # fmt: skip
def test_no_time_is_none(written):
    assert parse_event_time(written)[0] is None
