"""Times, intervals and lists as a reader wants them in a sentence."""

from collections.abc import Sequence
from datetime import datetime

from afterpatch.model.times import Interval


def day(when: datetime) -> str:
    """``2021-03-03 04:05``: to the minute, UTC."""
    return f"{when:%Y-%m-%d %H:%M}"


def span(interval: Interval) -> str:
    """``2021-01-06 .. 2021-02-14``: days where both ends are midnights, else minutes."""
    whole = all(end.hour == end.minute == end.second == 0 for end in interval)
    return " .. ".join(f"{end:%Y-%m-%d}" if whole else day(end) for end in interval)


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
