"""``indicators.csv`` and ``networks.csv`` of a pack: text in; rows and problems out.

Never raises. Only the hash of bad content proves anything alone, so every other row must be weak.
"""

import csv
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from afterpatch.model.campaigns import Indicator, Network
from afterpatch.model.times import parse_utc

INDICATOR_COLUMNS: Final = (
    "type",
    "value",
    "stage",
    "weak",
    "source",
    "note",
    "first_seen",
    "last_seen",
)
NETWORK_COLUMNS: Final = ("cidr", "owner", "network_class")

_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_range(value: str) -> bool:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return "/" in value


def _is_time(value: str) -> bool:
    try:
        parse_utc(value)
    except ValueError:
        return False
    return True


SHAPES: Final[Mapping[str, Callable[[str], bool]]] = {
    "ip": _is_address,
    "cidr": _is_range,
    "domain": lambda value: bool(_DOMAIN.fullmatch(value)),
    "sha256": lambda value: bool(re.fullmatch(r"[0-9a-f]{64}", value)),
    # A path without folder would match anywhere: that is a file name, not a path.
    "path": lambda value: len(value) > 3 and ("\\" in value or "/" in value),
    "user-agent": lambda value: len(value) >= 4,
}


def read_indicators(text: str, name: str) -> tuple[tuple[Indicator, ...], list[str]]:
    """Rows of ``indicators.csv`` in file order; problems as ``name:line: text``."""
    rows: list[Indicator] = []
    problems: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in _rows(text, name, INDICATOR_COLUMNS, problems):
        key = (row["type"], row["value"].lower())
        wrong = list(_indicator_problems(row))
        if key in seen:
            wrong.append(f"'{row['value']}' stands already on line {seen[key]}")
        seen.setdefault(key, line)
        problems += [f"{name}:{line}: {text}" for text in wrong]
        if not wrong:
            rows.append(Indicator(**{**row, "weak": row["weak"] == "true"}))  # type: ignore[arg-type]
    return tuple(rows), problems


def _indicator_problems(row: Mapping[str, str]) -> Iterator[str]:
    shape = SHAPES.get(row["type"])
    if shape is None:
        yield f"unknown type '{row['type']}': must be one of {', '.join(SHAPES)}"
    elif not shape(row["value"]):
        yield f"'{row['value']}' is not a well-formed {row['type']}"
    if row["weak"] not in ("true", "false"):
        yield f"weak must be true or false, not '{row['weak']}'"
    if row["type"] != "sha256" and row["weak"] != "true":
        yield f"a {row['type']} alone proves nothing: weak must be true"
    if not row["source"]:
        yield "source is empty: say who published it"
    for column in ("first_seen", "last_seen"):
        if row[column] and not _is_time(row[column]):
            yield f"{column} '{row[column]}' is not an ISO 8601 time"


def read_networks(text: str, name: str) -> tuple[tuple[Network, ...], list[str]]:
    """Rows of ``networks.csv`` in file order; problems as ``name:line: text``."""
    rows: list[Network] = []
    problems: list[str] = []
    for line, row in _rows(text, name, NETWORK_COLUMNS, problems):
        if not _is_range(row["cidr"]):
            problems.append(f"{name}:{line}: '{row['cidr']}' is not an address range")
        elif not row["owner"] or not row["network_class"]:
            problems.append(f"{name}:{line}: owner and network_class must be given")
        else:
            rows.append(Network(**row))
    return tuple(rows), problems


def _rows(
    text: str, name: str, columns: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, cells by column) of every data row; a wrong header or row becomes a problem."""
    if not text:
        return
    reader = csv.reader(text.splitlines())
    try:
        header = tuple(next(reader, ()))
        if header != columns:
            problems.append(f"{name}:1: the header must read {','.join(columns)}")
            return
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                problems.append(
                    f"{name}:{reader.line_num}: {len(cells)} cells instead of {len(columns)}"
                )
                continue
            stripped = (cell.strip() for cell in cells)
            yield reader.line_num, dict(zip(columns, stripped, strict=True))
    except csv.Error as error:
        problems.append(f"{name}:{reader.line_num}: not valid CSV: {error}")
