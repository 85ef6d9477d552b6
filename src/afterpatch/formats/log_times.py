"""Times as network services write them -> microseconds since the epoch, whole columns at once.

In: a series of texts, each one time: ISO 8601 with or without zone, BIND's ``02-Mar-2021
04:05:06.789``, syslog's ``Mar  2 04:05:06``, seconds since 1970 (``[1614657906]``).
Out: microseconds in UTC, null where the text is no time.

Syslog's times name no year: it is the latest in which the time is not after the file's own
last-modified time; without that they stay unread. A text that names no zone is taken as UTC, and
``zoneless`` counts those.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from afterpatch.model.times import to_us

SYSLOG: Final = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
ISO: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
BIND: Final = r"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d{1,6})?"
EPOCH: Final = r"\[?\d{9,11}(?:\.\d{1,9})?\]?"
ANY: Final = f"(?:{SYSLOG}|{ISO}|{BIND}|{EPOCH})"

NO_YEAR: Final = "its times name no year, and no last-modified time of the file tells it"
_DAY: Final = timedelta(days=1)
_LEAP_YEARS: Final = 8  # a 29 February may lie that far back (1896-1904)
_ZONE: Final = r"(?:Z|[+-]\d\d:?\d\d)$"


@dataclass(slots=True)
class LogTimes:
    """``modified``: the source's last-modified time. ``zoneless``, ``yearless``: times so far."""

    modified: datetime | None
    zoneless: int = 0
    yearless: int = 0

    def read(self, texts: pl.Series) -> pl.Series:
        """Int64 microseconds, one per text. Seconds come in runs; only fractions differ."""
        usual = _halves(texts)
        if usual is not None:
            seconds, fraction = usual
            return self._seconds(seconds) + fraction
        if texts.str.contains("[.,]").any():
            digits = texts.str.extract("[.,]([0-9]{1,6})").str.pad_end(6, "0")
            fraction = digits.cast(pl.Int64, strict=False).fill_null(0)
            return self._seconds(texts.str.replace("[.,][0-9]{1,9}", "")) + fraction
        return self._seconds(texts)

    def _seconds(self, texts: pl.Series) -> pl.Series:
        frame = texts.alias("text").rle().struct.unnest()
        heads, length = frame["value"], frame["len"]
        micros = pl.select(
            pl.when(heads.str.contains("^[A-Z]"))
            .then(self._syslog(heads))
            .when(heads.str.contains("^[0-9]{2}-"))
            .then(_parsed(heads, "%d-%b-%Y %H:%M:%S"))
            .when(heads.str.contains("^[0-9]{4}-"))
            .then(_iso(heads))
            .otherwise(_epoch(heads))
        ).to_series()
        zoneless = ~heads.str.contains(_ZONE) & ~heads.str.contains("^\\[?[0-9]{9}")
        self.zoneless += int(length.filter(zoneless.fill_null(value=False)).sum())
        yearless = heads.str.contains("^[A-Z]") & micros.is_null()
        self.yearless += int(length.filter(yearless.fill_null(value=False)).sum())
        return micros.repeat_by(length).explode()

    def in_words(self) -> Iterator[tuple[str, str]]:
        """What was taken for granted."""
        if self.yearless:
            yield "clock", f"{self.yearless} events are without time: {NO_YEAR}"
        if self.zoneless:
            yield (
                "clock",
                (
                    f"{self.zoneless} times name no time zone and were taken as UTC; nothing in "
                    "the file can confirm that"
                ),
            )

    def _syslog(self, heads: pl.Series) -> pl.Series:
        found = pl.Series([None] * len(heads), dtype=pl.Int64)
        if self.modified is None:
            return found
        limit = to_us(self.modified + _DAY)
        for year in range(self.modified.year, self.modified.year - _LEAP_YEARS, -1):
            dated = _parsed(f"{year} " + heads, "%Y %b %e %H:%M:%S")
            found = found.zip_with(found.is_not_null() | (dated > limit), dated)
            if not found.has_nulls():
                break
        return found


def _halves(texts: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """Times that all end in a dot and up to six digits: what stands before, and microseconds."""
    halves = texts.str.splitn(".", 2).struct.unnest()
    digits = halves["field_1"]
    if digits.null_count() or not digits.str.len_bytes().is_between(1, 6).all():
        return None
    fraction = digits.str.pad_end(6, "0").cast(pl.UInt32, strict=False)
    if fraction.null_count() or digits.str.starts_with("+").any():
        return None
    return halves["field_0"], fraction.cast(pl.Int64)


def _parsed(texts: pl.Series, template: str) -> pl.Series:
    return texts.str.to_datetime(template, strict=False, time_unit="us").cast(pl.Int64)


def _iso(texts: pl.Series) -> pl.Series:
    plain = texts.str.replace(" ", "T", literal=True).str.replace("Z$", "+00:00")
    with_zone = plain.zip_with(plain.str.contains(_ZONE), plain + "+00:00")
    moments = with_zone.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%:z", strict=False, time_unit="us", time_zone="UTC"
    )
    return moments.cast(pl.Int64)


def _epoch(texts: pl.Series) -> pl.Series:
    return texts.str.strip_chars("[]").cast(pl.Int64, strict=False) * 1_000_000
