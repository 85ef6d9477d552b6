"""Times, intervals and lists as a reader wants them in a sentence."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Final

from afterpatch.model.times import Interval

_MIDNIGHT: Final = time(0, tzinfo=UTC)


def day(when: datetime) -> str:
    """``2021-03-03 04:05``: to the minute, UTC."""
    return f"{when:%Y-%m-%d %H:%M}"


def span(interval: Interval) -> str:
    """``2021-01-06 to 2021-02-14``: first and last day of whole days, else to the minute."""
    start, end = interval
    if any(moment.timetz() != _MIDNIGHT for moment in interval) or start == end:
        return f"{day(start)} to {day(end)}"
    last = end - timedelta(days=1)
    return f"{start:%Y-%m-%d} to {last:%Y-%m-%d}" if last > start else f"{start:%Y-%m-%d}"


def spans(intervals: Sequence[Interval], most: int = 3) -> str:
    """The first few intervals and how many more."""
    shown = ", ".join(span(interval) for interval in intervals[:most])
    more = len(intervals) - most
    return f"{shown} and {more} more" if more > 0 else shown


def listed(items: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def inside(title: str) -> str:
    """A title inside a sentence: ``Shell used`` -> ``shell used``; ``HTTP C2`` stays."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
