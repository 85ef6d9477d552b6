"""Small CSV files with a header -> rows by lower-case column name.

In: numbered lines. Out: ``(line number, row, raw line)``; row None where the line has not as many
columns as the header. A ``#TYPE`` line (Export-Csv of PowerShell 5), ``sep=`` and blank lines come
out as empty rows. Will not: read quoted values that span lines; such lines come out as None.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

Row = Mapping[str, str]
DELIMITERS: Final = ("\t", ";", ",")


@lru_cache(maxsize=2)
def header_of(head: str) -> tuple[str, ...]:
    """Lower-case column names of the first line that can be a header; () when there is none.

    Remembered, because several formats ask about the same head.
    """
    first = "\n".join(head.split("\n", 4)[:4])  # all of a head has many lines
    for line in first.splitlines()[:4]:
        if not _is_preamble(line):
            return _names(line, _delimiter(line))
    return ()


def rows(lines: Iterable[tuple[int, str | None]]) -> Iterator[tuple[int, Row | None, str]]:
    """Every line of the file, the header and preamble as empty rows. Content never raises."""
    names: tuple[str, ...] = ()
    delimiter = ","
    for number, line in lines:
        if line is None:
            yield number, None, ""
        elif _is_preamble(line):
            yield number, {}, line
        elif not names:
            delimiter = _delimiter(line)
            names = _names(line, delimiter)
            yield number, {}, line
        else:
            values = _split(line, delimiter)
            is_whole = len(values) == len(names)
            row = dict(zip(names, map(str.strip, values), strict=True)) if is_whole else None
            yield number, row, line


def _is_preamble(line: str) -> bool:
    return not line.strip() or line.startswith(("#TYPE", "sep="))


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _names(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(name.strip().casefold() for name in _split(line, delimiter))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:  # an open quote, or a field beyond the csv module's limit
        return []
