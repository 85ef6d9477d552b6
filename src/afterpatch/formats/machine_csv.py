"""A list of machines and their addresses (CSV) -> ``host.address`` facts.

In: a CSV with a host column and an IP column, as ``afterpatch orion collect`` writes it
(``machines.csv``) or an inventory exports it. Out: one fact per address, the host in its detail.
Rows without host or address are gaps. Every column must be one such lists have: a log with columns
of these names is none. Will not: take the file as being *from* any of the machines.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.csv_rows import Row, header_of
from afterpatch.formats.format import Format
from afterpatch.formats.host_rows import ADDRESS, HOST, facts_piece, first
from afterpatch.formats.text_blocks import head_text
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Fact, Item, Place

# Beside the columns of one address: several in one cell, IPv6, the first of several.
ADDRESSES: Final = (*ADDRESS, "ips", "ip addresses", "ipv6", "ipv6address", "primary ip")
_OTHERS: Final = re.compile(
    r"(?:mac|physical|hardware)[ _]?address(?:es)?|macs?\d*|machine[ _]?guid|(?:ad|dns)?[ _]?domain"
    r"(?:[ _]?name)?|dnshostname|distinguishedname|os|operating ?system|description|location|site"
    r"|owner|department|vendor|model|serial|role|type|node_?id"
)
MAX_FACTS: Final = 200_000  # of one file; larger fleets are told in several
_SPLIT: Final = re.compile(r"[\s,;|]+")


def recognise(head: bytes, item: Item) -> str:
    """ "header" when hosts and addresses are named, and nothing that a list of machines lacks."""
    del item
    names = header_of(head_text(head))
    known = all(n in HOST or n in ADDRESSES or _OTHERS.fullmatch(n) for n in names)
    listed = any(n in HOST for n in names) and any(n in ADDRESSES for n in names)
    return "header" if known and listed else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece of facts; every row is counted as skipped (it is no event) or a gap."""
    del wanted
    fault = "row names no host and address, or cannot be read"
    yield facts_piece(stream, item, _facts, unread=fault, missing=fault, most=MAX_FACTS)


def addresses(row: Row) -> Iterator[str]:
    """Every address of a row, in one spelling; several may stand in one cell."""
    cells = (row.get(name, "") for name in ADDRESSES)
    for word in (word for cell in cells for word in _SPLIT.split(cell) if word):
        try:
            yield str(ipaddress.ip_address(word))
        except ValueError:
            continue


def _facts(row: Row, number: int, item: Item) -> list[Fact]:
    host = first(row, HOST)
    place, detail = Place(item.name, number), {"host": host, "from": "inventory"}
    found = dict.fromkeys(addresses(row)) if host else ()
    return [Fact("host.address", address, None, place, detail) for address in found]


FORMAT: Final = Format(kind="machine-csv", recognise=recognise, read=read)
