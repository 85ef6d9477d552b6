"""Lists of hosts in small CSV files: what their columns are called, and their rows as facts.

In: a CSV with a host column. Out: one piece; every row gives facts (and counts as skipped: it is no
event) or is a gap. Will not: say what a row tells; the formats do.
"""

import math
from collections.abc import Callable, Collection, Iterable
from typing import BinaryIO, Final

from afterpatch.formats.csv_rows import Row, rows
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_reader import lines
from afterpatch.model.batches import Piece
from afterpatch.model.places import Fact, Item

HOST: Final = (
    *("fqdn", "host", "hostname", "host name", "server", "servername", "server name"),
    *("computer", "computername", "computer name", "machine", "machinename", "name"),
)
ADDRESS: Final = ("ip", "ip address", "ipaddress", "ip_address", "ipv4", "ipv4address", "address")


def first(row: Row, names: Iterable[str]) -> str:
    """The first value that is not empty under one of these names; "" when there is none."""
    return next((row[name] for name in names if row.get(name)), "")


def facts_piece(
    stream: BinaryIO,
    item: Item,
    facts_of: Callable[[Row, int, Item], Collection[Fact]],
    *,
    unread: str,
    missing: str,
    most: float = math.inf,
) -> Piece:
    """The facts of every row.

    unread   why a line that is no row is a gap.     missing  why a row without facts is one.
    most     facts of one file; rows beyond are gaps.
    """
    gaps = GapRuns(item.name)
    facts: list[Fact] = []
    records = lost = 0
    for number, row, _ in rows(lines(stream)):
        records += 1
        found = facts_of(row, number, item) if row else ()
        if row is None:
            fault = unread
        elif row and not found:
            fault = missing
        elif len(facts) + len(found) > most:
            fault = f"more than {most:,} addresses in one file: only the first were taken"
        else:
            facts += found
            continue
        lost += 1
        gaps.add(number, fault)
    return Piece(records=records, skipped=records - lost, gaps=gaps.close(), facts=tuple(facts))
