"""Indicator lists that the user brings: text in; indicators and problems with their lines out.

Three shapes are read. A table with a header that names at least ``type`` and ``value`` (a pack's
``indicators.csv`` is one; ``source``, ``note``, ``first_seen`` and ``last_seen`` are kept, other
columns passed over). A list with one value per line, whose type shows in its form. In both, lines
that start with ``#`` are comments, and defanged values (``hxxp``, ``[.]``, ``[:]``) are understood.
Every indicator but a hash is a weak signal (law 4), whatever the list says.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from afterpatch.campaigns.tables import SHAPES
from afterpatch.campaigns.user_files import load_user_file
from afterpatch.model.campaigns import Indicator

_DEFANGED: Final = ((re.compile(r"\[\.\]|\(\.\)|\[dot\]", re.IGNORECASE), "."),
                    (re.compile(r"\[:\]"), ":"))  # fmt: skip
_URL: Final = re.compile(r"h(?:xx|tt)ps?://([^/:?#]+)", re.IGNORECASE)
# The order in which a bare value is asked what it is: the narrow forms first.
_GUESSES: Final = ("sha256", "cidr", "ip", "domain", "path")


def load_indicators(path: str) -> tuple[Indicator, ...]:
    """Every indicator of a file. Raises UsageError with all problems, ``file:line: text`` each."""
    return load_user_file(path, read_indicator_list)


def read_indicator_list(text: str, name: str) -> tuple[tuple[Indicator, ...], list[str]]:
    """Indicators in file order, the first of each kept; problems as ``name:line: text``."""
    lines = [(at, line) for at, line in enumerate(text.splitlines(), start=1) if _says(line)]
    if not lines:
        return (), [f"{name}:1: no indicator in this file"]
    header = [cell.strip().casefold() for cell in next(csv.reader([lines[0][1]]), [])]
    table = {"type", "value"} <= set(header)
    rows = _table(lines[1:], header, name) if table else _values(lines, name)
    found: dict[tuple[str, str], Indicator] = {}
    problems = []
    for row in rows:
        if isinstance(row, str):
            problems.append(row)
        else:
            found.setdefault((row.type, row.value), row)
    return tuple(found.values()), problems


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _table(
    lines: Sequence[tuple[int, str]], header: Sequence[str], name: str
) -> Iterator[Indicator | str]:
    for at, line in lines:
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error as error:
            yield f"{name}:{at}: not valid CSV: {error}"
            continue
        if len(cells) != len(header):
            yield f"{name}:{at}: {len(cells)} cells instead of {len(header)}"
            continue
        row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
        kind, value = row["type"].casefold(), _refanged(row["value"])
        shape = SHAPES.get(kind)
        if shape is None:
            yield f"{name}:{at}: unknown type '{kind}': must be one of {', '.join(SHAPES)}"
        elif not shape(_spelled(kind, value)):
            yield f"{name}:{at}: '{value}' is not a well-formed {kind}"
        else:
            yield _indicator(kind, _spelled(kind, value), row, name)


def _values(lines: Sequence[tuple[int, str]], name: str) -> Iterator[Indicator | str]:
    for at, line in lines:
        value = line.strip()
        if match := _URL.match(value):
            value = match[1]
        value = _refanged(value)
        kind = next((kind for kind in _GUESSES if SHAPES[kind](_spelled(kind, value))), None)
        if kind is None:
            types = ", ".join(_GUESSES)
            yield f"{name}:{at}: '{value}' is none of {types}; a table with a type column can say"
        else:
            yield _indicator(kind, _spelled(kind, value), {}, name)


def _refanged(value: str) -> str:
    for pattern, plain in _DEFANGED:
        value = pattern.sub(plain, value)
    return value.strip()


def _spelled(kind: str, value: str) -> str:
    return value.casefold() if kind in ("sha256", "domain") else value


def _indicator(kind: str, value: str, row: Mapping[str, str], name: str) -> Indicator:
    return Indicator(
        type=kind,
        value=value,
        stage="",
        weak=kind != "sha256",
        source=row.get("source") or Path(name).name,
        note=row.get("note", ""),
        first_seen=row.get("first_seen", ""),
        last_seen=row.get("last_seen", ""),
    )
