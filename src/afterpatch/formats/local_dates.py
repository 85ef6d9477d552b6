"""Dates and times as Windows writes them in the locale of the server -> microseconds.

In: a series of texts: ``3/2/2021 4:05:06 AM``, ``02.03.2021 04:05:06``, ``2021-03-02 04:05:06``,
``20210302 04:05:06`` … Out: microseconds, the local time taken as UTC; null where it is no time.

Day and month look alike until one of them is above 12. Dates are read in the order of the file.
The first is day first with dots or a 24-hour clock, month first with slashes and a 12-hour clock
(United States), unless that puts the log after its file's last change. The first change of date
tells more: logs go on by days, not by months. A number above 12 settles it. ``in_words`` says which
order was used, why, and how many times were read in the other order before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from afterpatch.model.times import to_us

_HALVES: Final = (
    r"AM|PM|am|pm|A\.M\.|P\.M\.|a\.\s?m\.|p\.\s?m\.|\u4e0a\u5348|\u4e0b\u5348|"
    "\uc624\uc804|\uc624\ud6c4|\u03c0\u03bc|\u03bc\u03bc"
)
_HALF_BEFORE: Final = rf"(?:(?:{_HALVES})\s?)?"
_HALF_AFTER: Final = rf"(?:\s(?:{_HALVES}))?"
# A date, maybe the half of the day, a clock, maybe the half of the day.
PATTERN: Final = (
    r"(?:\d{8}|\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}\.?) "
    rf"{_HALF_BEFORE}\d{{1,2}}[:.]\d\d[:.]\d\d{_HALF_AFTER}"
)
_AFTERNOON: Final = re.compile("PM|pm|P\\.M|p\\.|\u4e0b\u5348|\uc624\ud6c4|\u03bc\u03bc")
_HALF: Final = re.compile(_HALVES)
_GUESS: Final = "nothing in the file proves it"
_STEP: Final = "so its dates follow each other most closely"
_PROOF: Final = "a number above 12 proves it"
_NUMBERS: Final = re.compile(r"\d+")


@dataclass(slots=True)
class LocalTimes:
    """The clock of one source. ``modified``: the file's last-modified time.

    day_first  None until a date was met. why: what its value rests on. count: times read.
    misread    times read in the other order before the file told.
    """

    modified: datetime | None
    day_first: bool | None = None
    why: str = _GUESS
    count: int = 0
    misread: int = 0
    _seen: str = ""
    _last: tuple[int, int, int] | None = None
    _dates: dict[tuple[bool | None, tuple[str, ...]], datetime | None] = field(default_factory=dict)

    def read(self, texts: pl.Series) -> pl.Series:
        """Int64 microseconds, one per text."""
        frame = texts.alias("text").rle().struct.unnest()
        micros: list[int | None] = []
        for text, length in zip(frame["value"].to_list(), frame["len"].to_list(), strict=True):
            day = (text or "").partition(" ")[0]
            if self.why != _PROOF and day != self._seen:
                self._learn(text or "")
                self._seen = day
            self.count += length
            micros.append(self._micros(text))
        series = pl.Series(micros, dtype=pl.Int64)
        return series.repeat_by(frame["len"]).explode()

    def in_words(self) -> Iterator[tuple[str, str]]:
        """How the dates were read."""
        if self.count:
            yield (
                "clock",
                (
                    f"{self.count} times are the server's local time and were taken as UTC; "
                    "nothing in the file names its time zone"
                ),
            )
        if self.day_first is not None:
            order = "day before month" if self.day_first else "month before day"
            yield "clock", f"dates were read with {order}: {self.why}"
        if self.misread:
            yield (
                "clock",
                (
                    f"the first {self.misread} times were read with day and month the other way "
                    "round, before the file told their order"
                ),
            )

    def _learn(self, text: str) -> None:
        """Settle whether the day or the month comes first, as far as this text tells."""
        date = _open_date(text)
        if date is None or date == self._last:
            return
        first, second, _ = date
        if (first > 12) != (second > 12):
            self._settle(first > 12, _PROOF)
        elif self.day_first is None:
            self.day_first = self._guess(text, date)
        elif self.why == _GUESS and (told := self._by_step(date)) is not None:
            self._settle(told, _STEP)
        self._last = date

    def _settle(self, told: bool, why: str) -> None:
        if self.day_first not in (None, told):
            self.misread = self.count
        self.day_first, self.why = told, why

    def _by_step(self, date: tuple[int, int, int]) -> bool | None:
        """The order in which the log goes on by less; None where both or neither make sense."""
        if self._last is None:
            return None
        steps = {}
        for day_first in (True, False):
            before, after = _day(self._last, day_first), _day(date, day_first)
            if before is not None and after is not None and after > before:
                steps[day_first] = after - before
        if len(steps) == 2 and steps[True] != steps[False]:
            return steps[True] < steps[False]
        return next(iter(steps)) if len(steps) == 1 else None

    def _guess(self, text: str, date: tuple[int, int, int]) -> bool:
        usual = "/" not in text or not _HALF.search(text)
        if self.modified is not None:
            limit = self.modified + timedelta(days=1)
            here, there = _day(date, usual), _day(date, not usual)
            if here is not None and there is not None and there <= limit < here:
                return not usual
        return usual

    def _micros(self, text: str | None) -> int | None:
        numbers = _NUMBERS.findall(text or "")
        if text is None or len(numbers) not in (4, 6):
            return None
        *date, hour, minute, second = numbers
        day = self._date(tuple(date))
        clock = int(hour), int(minute), int(second)
        half = _HALF.search(text)
        if half:
            if not 1 <= clock[0] <= 12:
                return None
            clock = (clock[0] % 12 + 12 * bool(_AFTERNOON.match(half[0])), *clock[1:])
        if day is None or clock[0] > 23 or clock[1] > 59 or clock[2] > 59:
            return None
        return to_us(day) + (clock[0] * 3600 + clock[1] * 60 + clock[2]) * 1_000_000

    def _date(self, numbers: tuple[str, ...]) -> datetime | None:
        key = self.day_first, numbers
        if key not in self._dates:
            if len(self._dates) > 10_000:  # hostile: no log has that many days
                self._dates.clear()
            self._dates[key] = self._new_date(numbers)
        return self._dates[key]

    def _new_date(self, numbers: tuple[str, ...]) -> datetime | None:
        if len(numbers) == 1:
            numbers = numbers[0][:4], numbers[0][4:6], numbers[0][6:]
        one, two, three = map(int, numbers)
        if len(numbers[0]) == 4:
            return _day((three, two, one), day_first=True)
        return _day((one, two, _year(numbers[2])), day_first=bool(self.day_first))


def _open_date(text: str) -> tuple[int, int, int] | None:
    """First and second number and year of a date that does not start with its year."""
    numbers = _NUMBERS.findall(text)
    if len(numbers) != 6 or len(numbers[0]) > 2:
        return None
    return int(numbers[0]), int(numbers[1]), _year(numbers[2])


def _year(text: str) -> int:
    return int(text) + 2000 * (len(text) == 2)


def _day(date: tuple[int, int, int], day_first: bool) -> datetime | None:
    first, second, year = date
    day, month = (first, second) if day_first else (second, first)
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
