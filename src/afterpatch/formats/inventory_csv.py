"""A list of servers and their versions (CSV) -> dated ``exchange.build``, ``orion.release`` facts.

In: a CSV with a host column and a build column, and perhaps a date. Out: one fact per row, the
host in its detail, since one file covers many hosts. Rows without host or build are gaps: a server
whose version is not known must not look accounted for. Will not: take the file as being *from* any
of the hosts.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Final

from afterpatch.formats.builds import exchange_build, orion_release
from afterpatch.formats.csv_rows import Row, header_of
from afterpatch.formats.format import Format
from afterpatch.formats.host_rows import ADDRESS, HOST, facts_piece, first
from afterpatch.formats.text_blocks import head_text
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Fact, Item, Place
from afterpatch.model.times import parse_utc

BUILD: Final = (
    *("build", "buildnumber", "build number", "exchangebuild", "exchange build"),
    *("exchange version", "exchangeversion", "fileversion", "productversion", "exsetup"),
    *("version", "admindisplayversion", "orion version", "orionversion", "orion", "engineversion"),
)
HOTFIX: Final = ("hotfix", "hf", "hotfixversionnumber", "hotfix version")
WHEN: Final = (
    *("date", "as of", "asof", "checked", "checked at", "collected", "collected at"),
    *("scan date", "scanned", "last seen", "timestamp", "time"),
)


def recognise(head: bytes, item: Item) -> str:
    """ "header" when host and build columns are named and a row below holds a build."""
    del item
    text = head_text(head)
    names = header_of(text)
    if not all(any(name in names for name in wanted) for wanted in (BUILD, HOST)):
        return ""
    for line in "\n".join(text.split("\n", 20)[:20]).splitlines()[1:20]:
        if any(_build(value.strip('"')) for value in _cells(line)):
            return "header"
    return ""


def _cells(line: str) -> list[str]:
    return line.replace(";", ",").replace("\t", ",").split(",")


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece of facts; every row is a fact (counted as skipped: it is no event) or a gap."""
    del wanted
    yield facts_piece(
        stream,
        item,
        _facts,
        unread="row has not as many columns as the header, or is too long",
        missing="row names no host, or no build that can be read",
    )


def _facts(row: Row, number: int, item: Item) -> tuple[Fact, ...]:
    host = first(row, HOST)
    written = next((row[name] for name in BUILD if _build(row.get(name, ""))), None)
    if not host or written is None:
        return ()
    when = first(row, WHEN)
    detail = {"host": host, "from": "inventory", "written": written}
    address = first(row, ADDRESS)
    if address:
        detail["ip"] = address
    if when and _time(when) is None:
        detail["date as written"] = when
    name, value = _build(written) or ("", "")
    hotfix = first(row, HOTFIX)
    if name == "orion.release" and hotfix.isdecimal() and " " not in value:
        value = f"{value} HF{hotfix}"
    return (Fact(name, value, _time(when), Place(item.name, number), detail),)


def _build(text: str) -> tuple[str, str] | None:
    """(fact name, value) of a version this product knows."""
    exchange = exchange_build(text)
    if exchange:
        return "exchange.build", exchange
    orion = orion_release(text)
    return ("orion.release", orion) if orion else None


def _time(text: str) -> datetime | None:
    """ISO 8601 only: ``3/2/2021`` is March to some and February to others."""
    try:
        return parse_utc(text)
    except (ValueError, OverflowError):
        return None


FORMAT: Final = Format(kind="inventory-csv", recognise=recognise, read=read)
