"""Dates and times as Windows writes them in the locale of the server -> microseconds.

In: a series of texts: ``3/2/2021 4:05:06 AM``, ``02.03.2021 04:05:06``, ``2021-03-02 04:05:06``,
``20210302 04:05:06`` … Out: microseconds, the local time taken as UTC; null where it is no time.

Day and month look alike until one of them is above 12. The first date that tells decides for the
rest of the file; until then a date with dots is day first, one with a 12-hour clock month first
(United States), unless that puts the log after its file's last change; else day first.
``in_words`` says which order was used and whether the file proved it.
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
_NUMBERS: Final = re.compile(r"\d+")
_COMPACT: Final = re.compile(r"\d{8} ")


@dataclass(slots=True)
class LocalTimes:
    """The clock of one source. ``modified``: the file's last-modified time."""

    modified: datetime | None
    day_first: bool | None = None
    guessed: bool = False
    count: int = 0
    _dates: dict[tuple[str, ...], datetime | None] = field(default_factory=dict)

    def read(self, texts: pl.Series) -> pl.Series:
        """Int64 microseconds, one per text."""
        frame = texts.alias("text").rle().struct.unnest()
        heads = frame["value"].to_list()
        self.count += len(texts)
        self._learn(heads)
        micros = pl.Series([self._micros(text) for text in heads], dtype=pl.Int64)
        return micros.repeat_by(frame["len"]).explode()

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
            why = "the file does not prove it" if self.guessed else "a date above 12 proves it"
            yield "clock", f"dates were read with {order}: {why}"

    def _learn(self, texts: list[str | None]) -> None:
        """Settle whether the day or the month comes first, if these texts need and tell it."""
        if self.day_first is not None and not self.guessed:
            return
        pairs = {pair for text in texts if text for pair in _day_and_month(text)}
        if not pairs:
            return
        proofs = {first > 12 for first, second, _ in pairs if (first > 12) != (second > 12)}
        if len(proofs) == 1 and (self.day_first is None or proofs == {self.day_first}):
            self.day_first, self.guessed = proofs.pop(), False
        elif self.day_first is None:
            self.day_first, self.guessed = self._guess(texts, min(pairs)), True

    def _guess(self, texts: list[str | None], pair: tuple[int, int, int]) -> bool:
        text = next(text for text in texts if text and any(_day_and_month(text)))
        usual = "/" not in text or not _HALF.search(text)
        if self.modified is not None:
            limit = self.modified + timedelta(days=1)
            first, second, year = pair
            orders = {True: (second, first), False: (first, second)}
            month, day = orders[usual]
            other_month, other_day = orders[not usual]
            if _late(year, month, day, limit) and not _late(year, other_month, other_day, limit):
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
        if numbers not in self._dates:
            if len(self._dates) > 10_000:  # hostile: no log has that many days
                self._dates.clear()
            self._dates[numbers] = self._new_date(numbers)
        return self._dates[numbers]

    def _new_date(self, numbers: tuple[str, ...]) -> datetime | None:
        if len(numbers) == 1:
            year, month, day = numbers[0][:4], numbers[0][4:6], numbers[0][6:]
        elif len(numbers[0]) == 4:
            year, month, day = numbers
        elif self.day_first:
            day, month, year = numbers
        else:
            month, day, year = numbers
        try:
            return datetime(int(year) + 2000 * (len(year) == 2), int(month), int(day), tzinfo=UTC)
        except ValueError:
            return None


def _day_and_month(text: str) -> Iterator[tuple[int, int, int]]:
    """The first two numbers of a date that does not start with its year, and the year."""
    numbers = _NUMBERS.findall(text)
    if len(numbers) == 6 and len(numbers[0]) <= 2 and not _COMPACT.match(text):
        yield int(numbers[0]), int(numbers[1]), int(numbers[2]) + 2000 * (len(numbers[2]) == 2)


def _late(year: int, month: int, day: int, limit: datetime) -> bool:
    try:
        return datetime(year, month, day, tzinfo=UTC) > limit
    except ValueError:
        return True
