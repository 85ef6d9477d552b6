"""Times: aware UTC datetimes, closed-open intervals, RFC 3339 text.

Source: RFC 3339; the assessment document writes UTC with ``Z``.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUR_US = 3_600_000_000


class Interval(NamedTuple):
    """Closed-open ``[start, end)`` in UTC."""

    start: datetime
    end: datetime


def from_us(micros: int) -> datetime:
    """Microseconds since the epoch -> aware UTC. Raises OverflowError outside years 1..9999."""
    return EPOCH + timedelta(microseconds=micros)


def to_us(when: datetime) -> int:
    """Aware datetime -> microseconds since the epoch, exactly."""
    since = when - EPOCH  # dividing it by a timedelta takes three times as long
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def rfc3339(when: datetime) -> str:
    """``2021-03-02T04:05:06.789Z``: milliseconds or microseconds only where there are any."""
    when = when.astimezone(UTC)
    if when.microsecond == 0:
        return f"{when:%Y-%m-%dT%H:%M:%S}Z"
    micros = f"{when.microsecond:06d}"
    fraction = micros.removesuffix("000")
    return f"{when:%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def parse_utc(text: str) -> datetime:
    """ISO 8601 text -> aware UTC; text without a zone is taken as UTC. Raises ValueError."""
    when = datetime.fromisoformat(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def merge(intervals: Iterable[Interval], tolerance: timedelta = timedelta(0)) -> list[Interval]:
    """Sorted union; neighbours closer than ``tolerance`` become one."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start - merged[-1].end <= tolerance:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, end))
        else:
            merged.append(Interval(start, end))
    return merged


def subtract(window: Interval, covered: Iterable[Interval]) -> list[Interval]:
    """The parts of ``window`` that no interval in ``covered`` reaches."""
    missing: list[Interval] = []
    at = window.start
    for start, end in merge(covered):
        if end <= at:
            continue
        if start >= window.end:
            break
        if start > at:
            missing.append(Interval(at, start))
        at = max(at, end)
    if at < window.end:
        missing.append(Interval(at, window.end))
    return missing


def hours_to_intervals(hours: Iterable[int], tolerance: timedelta) -> list[Interval]:
    """Hours since the epoch in which something was seen -> observed intervals.

    Silence of up to ``tolerance`` between two seen hours counts as observed.
    """
    spans = (Interval(EPOCH + hour * HOUR, EPOCH + (hour + 1) * HOUR) for hour in hours)
    return merge(spans, tolerance)
