"""What a log with a column header looks like: its syntax, its header, the table the header makes.

Enters: header lines. Leaves: values that tell :mod:`afterpatch.formats.table_reader` which column
is the time, which names the log, where the build and the host stand. Nothing here reads a file.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from afterpatch.formats.delimited_text import split_around, split_quoted
from afterpatch.model.batches import RESERVED, Logsource
from afterpatch.model.times import parse_utc, to_us

# Real logs have up to 90 columns; a header of thousands is damage or an attack.
MAX_COLUMNS: Final = 1000

_DIRECTIVE = re.compile(r"#\s*([A-Za-z-]+)\s*:\s*(.*)")
_COLUMN_NAME = re.compile(r"[A-Za-z][\w.() -]*")
_EPOCH = re.compile(r"([0-9]{1,11})(?:\.([0-9]{1,9}))?")
# The template of a time that counts seconds since 1970 (Zeek's ``ts``).
EPOCH_TEMPLATE: Final = b"0000000000.000000"


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a line is cut into fields.

    absent        the text that stands for "no value", if there is one.
    header_names  first column names by which a header row without ``#`` is known.
    directive     what a header line says, as (name, value) in its two groups.
    kept          directives beyond the usual ones that a plan wants to know: ``Head.others``.
    fewest        columns a header must name to be one.
    """

    separator: str
    quoted: bool
    absent: str | None = None
    header_names: tuple[str, ...] = ()
    directive: re.Pattern[str] = _DIRECTIVE
    kept: tuple[str, ...] = ()
    fewest: int = 2

    def split(self, text: str, count: int, loose: int | None) -> list[str] | None:
        """Fields of one line; None when a quoted field does not end or fields are missing."""
        if self.quoted:
            return split_quoted(text, self.separator)
        fields = text.split(self.separator)
        if len(fields) != count and loose is not None:
            return split_around(text, self.separator, count, loose) or fields
        return fields

    def names(self, text: str) -> tuple[str, ...]:
        """Column names of a header."""
        if self.quoted:
            parts = split_quoted(text, self.separator) or []
        else:  # W3C's names stand apart by one space or several
            parts = text.split(None if self.separator == " " else self.separator)
        return tuple(part.strip() for part in parts)


W3C: Final = Syntax(" ", quoted=False, absent="-")
EXCHANGE_CSV: Final = Syntax(
    ",", quoted=True, header_names=("DateTime", "TimeStamp", "Timestamp", "date-time")
)


@dataclass(frozen=True, slots=True)
class Head:
    """What a log's header lines have said so far."""

    fields: tuple[str, ...] = ()
    log_type: str = ""
    date: str = ""
    others: tuple[tuple[str, str], ...] = ()

    def after(self, line: str, syntax: Syntax) -> "Head | None":
        """The head after one line, or None when the line belongs to no header."""
        line = line.lstrip("\ufeff")
        if line.startswith("#"):
            match = syntax.directive.match(line)
            name, value = (match[1].lower(), match[2].strip()) if match else ("", "")
            if name == "fields":
                return replace(self, fields=syntax.names(value))
            if name == "date":
                return replace(self, date=value)
            if name in syntax.kept:
                return replace(
                    self, others=tuple(sorted({**dict(self.others), name: value}.items()))
                )
            return replace(self, log_type=value) if name == "log-type" else self
        if not line.startswith(syntax.header_names or ("#",)):
            return None
        names = syntax.names(line)
        if names[0] in syntax.header_names and all(map(_COLUMN_NAME.fullmatch, names)):
            return replace(self, fields=names)
        return None


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the time stands and how it is written.

    columns   one column, or a date and a time column; empty = no time at all.
    template  the usual text from the first column on (see ``line_scan.read_times``); b"" = none.
    day       the date (``2021-03-02``) when the column holds only a time.
    timeless  the log has no times by its nature: their absence is no gap.
    """

    columns: tuple[int, ...] = ()
    template: bytes = b""
    day: str = ""
    timeless: bool = False

    @property
    def day_us(self) -> int:
        """Microseconds to add to a time read by ``template``."""
        return to_us(parse_utc(self.day)) if self.day else 0

    def read(self, fields: Sequence[str]) -> int | None:
        """Microseconds since the epoch in UTC, or None."""
        texts = [self.day, *(fields[column] for column in self.columns)]
        if self.template == EPOCH_TEMPLATE:
            return _epoch_us(texts[-1])
        try:
            return to_us(parse_utc(" ".join(filter(None, texts))))
        except (ValueError, OverflowError):
            return None


def _epoch_us(text: str) -> int | None:
    """``1614667200.5`` -> microseconds; digits beyond the sixth are cut."""
    match = _EPOCH.fullmatch(text)
    return int(match[1]) * 1_000_000 + int((match[2] or "")[:6].ljust(6, "0")) if match else None


def _as_is(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


@dataclass(frozen=True, slots=True)
class Table:
    """What a header means.

    names         unique column names. loose: the column that may hold the separator unescaped.
    log           coverage name; where ``log_column`` is set, ``log_name`` makes it from that
                  column's text instead.
    build_column  first of four neighbouring columns with the product's version.
    build_text    finds a version anywhere in a line, in group 1; the last one of a line counts.
    extend        adds columns to a batch.
    summary       lines under this header are no events by the log's own rules, and are skipped.
    unfiltered    the prefilter was not made for this table: every event must be in a batch.
    empty         the text that stands for an empty one, if there is one.
    """

    names: tuple[str, ...]
    logsource: Logsource
    log: str
    clock: Clock
    loose: int | None = None
    log_column: int | None = None
    log_name: Callable[[str], str] = str
    build_column: int | None = None
    build_text: re.Pattern[bytes] | None = None
    host_column: int | None = None
    extend: Callable[[pl.DataFrame], pl.DataFrame] = _as_is
    summary: bool = False
    unfiltered: bool = False
    empty: str = ""


def unique_names(fields: Sequence[str]) -> tuple[str, ...]:
    """Column names made unique and kept apart from the reserved ones."""
    seen: set[str] = set(RESERVED)
    names = []
    for position, field in enumerate(fields, start=1):
        name = field or f"column{position}"
        while name in seen:
            name = f"{name}_{position}"
        seen.add(name)
        names.append(name)
    return tuple(names)


def find_column(names: Sequence[str], *wanted: str) -> int | None:
    """Index of the first of ``wanted`` among ``names``."""
    return next((names.index(name) for name in wanted if name in names), None)
