"""Times of Windows events as tools write them -> microseconds since the epoch, UTC.

Will not: guess a time zone; a time that names none is taken as UTC and marked as such.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from afterpatch.model.times import to_us

SECOND_US: Final = 1_000_000
EARLIEST_US: Final = 0  # FILETIME 0 (year 1601) and the like mean "no time"
LATEST_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
_DOTNET_DATE: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")


def parse_event_time(value: Any) -> tuple[int | None, bool]:
    """(microseconds UTC or None, whether the text named its zone). Never raises.

    Reads ISO 8601, ``/Date(ms)/`` (.NET JSON, always UTC), epoch seconds or milliseconds, and
    PowerShell 5's ``{"value": "/Date(…)/", "DateTime": …}``.
    """
    if type(value) is str:  # nearly always
        return _parse_text(value.strip())
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
    dotnet = _DOTNET_DATE.fullmatch(text) if text.startswith("/") else None
    if dotnet:
        return _plausible(int(dotnet[1]) * 1_000), True
    try:
        when = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None, True
    if when.tzinfo is not None:
        return _plausible(to_us(when)), True
    return _plausible(to_us(when.replace(tzinfo=UTC))), text.endswith(" UTC")


def _plausible(time_us: int | None) -> int | None:
    return time_us if time_us is not None and EARLIEST_US < time_us < LATEST_US else None
