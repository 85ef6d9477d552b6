"""Times as the document writes and sorts them.

Enters: aware datetimes and intervals. Leaves: RFC 3339 in UTC, and the key that sorts it.
"""

from datetime import datetime
from typing import Final

from afterpatch.model.times import Interval, rfc3339
from afterpatch.report.shape import Span, Time

_AFTER_ALL_TIMES: Final = "~"  # sorts behind every digit: unknown times come last


def time_or_none(when: datetime | None) -> Time | None:
    return None if when is None else sure_time(when)


def sure_time(when: datetime) -> Time:
    # Logs do carry .NET's DateTime.MinValue; C's %Y does not pad the year 1 to four digits.
    year, rest = rfc3339(when).split("-", 1)
    return f"{year:0>4}-{rest}"


def span_of(interval: Interval) -> Span:
    return [sure_time(interval.start), sure_time(interval.end)]


def time_order(when: Time | None) -> str:
    """Sort key of a time; unknown comes last.

    Fractions do not disturb: "…06Z" sorts after "…06.5Z" as text, so the Z is dropped.
    """
    return _AFTER_ALL_TIMES if when is None else when.removesuffix("Z")
