"""The lying clock: record times of Windows events against Sysmon's own UTC.

Some exports write local time with a ``Z``. Sysmon puts the time of each event into the event, as
``UtcTime`` (Sysinternals, "Sysmon": the time in UTC when the event was generated), so the two show
how far an export's zone is off. Each block of a source is judged by its own Sysmon events; what is
found corrects every time of that block and of those after it, until a block shows another.
Will not: correct on the word of few or contradictory witnesses, or by anything but a time zone.
"""

from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import Final

from afterpatch.formats.windows_times import SECOND_US

QUARTER_US: Final = 15 * 60 * SECOND_US  # every zone of the tz database is a multiple of 15 min
LEAST_WITNESSES: Final = 5
_SLACK_US: Final = 5 * SECOND_US
_LEAST_SHIFT_US: Final = 10 * 60 * SECOND_US
_MOST_SHIFT_US: Final = 26 * 3600 * SECOND_US  # UTC+14 to UTC-12


class Clock:
    """Sysmon's own UTC against the record times, block by block."""

    def __init__(self) -> None:
        self._differences: list[int] = []
        self._shift_us = 0
        self._seen = 0  # events so far
        self._shifts: list[tuple[int, int, int]] = []  # (shift, from record, events)
        self._seen_before_first_test = 0
        self._contradictory = 0
        self.was_tested = False

    def witness(self, difference_us: int) -> None:
        self._differences.append(difference_us)

    def settle(self, first_record: int, events: int) -> int:
        """The correction for the block just collected, in microseconds."""
        answer = zone_error(self._differences)
        if answer is not None:
            if not self.was_tested:
                self._seen_before_first_test = self._seen
            self.was_tested = True
            self._shift_us = answer
        elif looks_wrong(self._differences):
            self._contradictory += len(self._differences)
        if events:
            self._note(first_record, events)
        self._seen += events
        self._differences = []
        return self._shift_us

    def _note(self, first_record: int, events: int) -> None:
        if self._shifts and self._shifts[-1][0] == self._shift_us:
            shift, start, before = self._shifts[-1]
            self._shifts[-1] = (shift, start, before + events)
        else:
            self._shifts.append((self._shift_us, first_record, events))

    def in_words(self) -> Iterator[str]:
        for shift_us, first_record, events in self._shifts:
            if shift_us:
                yield (
                    f"times in this file are {describe_shift(shift_us)} (Sysmon's own UtcTime "
                    f"shows it); corrected for {events} events from record {first_record} on"
                )
            elif len(self._shifts) > 1:
                yield (
                    f"the file's clock changes: {events} events from record {first_record} on "
                    "were taken as written"
                    + ("" if self._seen_before_first_test == 0 else ", no Sysmon event near them")
                )
        if self._contradictory:
            yield (
                f"{self._contradictory} Sysmon events disagree with their record times, but are "
                "too few or differ by varying amounts; nothing was corrected on their word"
            )


def zone_error(differences_us: Sequence[int]) -> int | None:
    """How far record times are behind UTC, in microseconds; 0 = right; None = cannot tell.

    ``differences_us`` are ``UtcTime`` minus record time. An answer needs five witnesses, 90 % of
    them within five seconds of one multiple of 15 minutes: delays and a wrong zone look different.
    """
    if len(differences_us) < LEAST_WITNESSES:
        return None
    middle = median_low(differences_us)
    shift = round(middle / QUARTER_US) * QUARTER_US
    if not looks_wrong(differences_us):
        return 0
    agreeing = sum(abs(difference - shift) <= _SLACK_US for difference in differences_us)
    if agreeing * 10 < len(differences_us) * 9 or abs(shift) > _MOST_SHIFT_US:
        return None
    return shift


def looks_wrong(differences_us: Sequence[int]) -> bool:
    """Whether record times and ``UtcTime`` are far apart, however little can be made of it."""
    return bool(differences_us) and abs(median_low(differences_us)) >= _LEAST_SHIFT_US


def describe_shift(shift_us: int) -> str:
    """``5 h behind UTC``, ``5 h 30 min ahead of UTC``."""
    hours, minutes = divmod(abs(shift_us) // (60 * SECOND_US), 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return f"{' '.join(parts)} {'behind' if shift_us > 0 else 'ahead of'} UTC"
