"""Intervals from two dates."""

from datetime import UTC, datetime

from afterpatch.model.times import Interval


def interval(start: str, end: str) -> Interval:
    return Interval(*(datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (start, end)))
