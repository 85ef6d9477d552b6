"""Times of Windows events, and clocks that lie.

In: a time as some tool wrote it. Out: microseconds since the epoch, UTC. Beside it: the check of a
block's record times against Sysmon's own ``UtcTime``, which is UTC by contract (Sysinternals,
"Sysmon": "UtcTime is the time in UTC when this event was generated"). Will not: guess a time zone
from anything else.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median_low
from typing import Any, Final

from afterpatch.model.times import to_us

SECOND_US: Final = 1_000_000
QUARTER_US: Final = 15 * 60 * SECOND_US  # every zone of the tz database is a multiple of 15 min
LEAST_WITNESSES: Final = 5
_SLACK_US: Final = 5 * SECOND_US
_LEAST_SHIFT_US: Final = 10 * 60 * SECOND_US
_MOST_SHIFT_US: Final = 26 * 3600 * SECOND_US  # UTC+14 to UTC-12
_EARLIEST_US: Final = 0  # FILETIME 0 (year 1601) and the like mean "no time"
_LATEST_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
_DOTNET_DATE: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")


def parse_event_time(value: Any) -> tuple[int | None, bool]:
    """(microseconds UTC or None, whether the text named its zone). Never raises.

    Reads ISO 8601, ``/Date(ms)/`` (.NET JSON, always UTC), epoch seconds or milliseconds, and
    PowerShell 5's ``{"value": "/Date(…)/", "DateTime": …}``.
    """
    if isinstance(value, dict):
        value = value.get("value", value.get("DateTime"))
    if isinstance(value, bool) or value is None:
        return None, True
    if isinstance(value, int | float):
        return _plausible(_epoch_us(value)), True
    if not isinstance(value, str):
        return None, True
    return _parse_text(value.strip())


def _epoch_us(value: float) -> int | None:
    if not abs(value) < 1e14:  # also NaN and infinity
        return None
    return round(value * (1_000 if abs(value) > 1e11 else SECOND_US))


def _parse_text(text: str) -> tuple[int | None, bool]:
    dotnet = _DOTNET_DATE.fullmatch(text)
    if dotnet:
        return _plausible(int(dotnet[1]) * 1_000), True
    try:
        when = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None, True
    zoned = when.tzinfo is not None or text.endswith(" UTC")
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return _plausible(to_us(when)), zoned


def _plausible(time_us: int | None) -> int | None:
    return time_us if time_us is not None and _EARLIEST_US < time_us < _LATEST_US else None


def zone_error(differences_us: Sequence[int]) -> int | None:
    """How far record times are behind UTC, in microseconds; 0 = right; None = cannot tell.

    ``differences_us`` are ``UtcTime`` minus record time. An answer needs five witnesses, 90 % of
    them within five seconds of one multiple of 15 minutes: delays and a wrong zone look different.
    """
    if len(differences_us) < LEAST_WITNESSES:
        return None
    middle = median_low(differences_us)
    shift = round(middle / QUARTER_US) * QUARTER_US
    if abs(middle) < _LEAST_SHIFT_US:
        return 0
    agreeing = sum(abs(difference - shift) <= _SLACK_US for difference in differences_us)
    if agreeing * 10 < len(differences_us) * 9 or abs(shift) > _MOST_SHIFT_US:
        return None
    return shift


def describe_shift(shift_us: int) -> str:
    """``5 h behind UTC``, ``5 h 30 min ahead of UTC``."""
    hours, minutes = divmod(abs(shift_us) // (60 * SECOND_US), 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return f"{' '.join(parts)} {'behind' if shift_us > 0 else 'ahead of'} UTC"
