"""NetFlow and IPFIX records as nfdump writes them in CSV (``-o csv``), old and new header.

Enters: a header row (``ts,te,td,sa,da,…`` up to 1.7.3, ``firstSeen,duration,proto,…`` since), one
flow per line, and at the end a summary, whose lines are skipped. Leaves: batches with nfdump's own
names. nfdump prints local time without a zone: it is taken as UTC.

Source: nfdump(1), "OUTPUT FORMATS"; nfdump's ``output_csv.c`` for the names.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.nfdump_json import LOG, LOGSOURCE
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.table_log import Clock, Head, Syntax, Table, find_column, unique_names
from afterpatch.formats.table_reader import Plan, read_table_log
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_text
from afterpatch.model.batches import Declared, Piece, Wanted
from afterpatch.model.places import Item

_TIMES: Final = ("ts", "firstSeen")
_SUMMARY: Final = ("Summary", "flows")
_SYNTAX: Final = Syntax(",", quoted=True, header_names=(*_TIMES, *_SUMMARY), fewest=1)
_ROW: Final = re.compile(r"^(?:ts|firstSeen),[^\r\n]*", re.MULTILINE)
_HEAD: Final = re.compile(r"^(?:ts,te,td,sa,da,|firstSeen,(?:[A-Za-z]+,)*srcAddr,)", re.MULTILINE)


def _recognise(head: bytes, item: Item) -> str:
    del item
    return "header" if _HEAD.search(head_text(head)) else ""


def declared(head: bytes, item: Item) -> Declared | None:
    """The columns of the header row, where the head has one."""
    del item
    found = _ROW.search(head_text(head))
    if found is None:
        return None
    return Declared(LOGSOURCE, frozenset(unique_names(_SYNTAX.names(found[0]))))


def _planner(head: bytes, item: Item) -> Plan:
    first = declared(head, item)

    def plan(head: Head, item: Item) -> Table:
        del item
        names = unique_names(head.fields)
        time = find_column(names, *_TIMES)
        if time is None:
            return Table(names, LOGSOURCE, LOG, Clock(timeless=True), summary=True)
        clock = Clock((time,), b"0000-00-00 00:00:00")
        other = Declared(LOGSOURCE, frozenset(names)) != first
        return Table(names, LOGSOURCE, LOG, clock, unfiltered=other)

    return plan


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   nfdump's names. Units: time UTC (see above), duration seconds, bytes and packets as
             text.
    Gaps:    wrong column count, data before the header, a last line without line end. Content never
             raises.
    """
    peeked = Peeked(stream)
    plan = _planner(peeked.head, item)
    return read_table_log(peeked, item, wanted, _SYNTAX, plan, block_bytes)


FORMAT: Final = Format(
    "nfdump-csv",
    _recognise,
    read,
    marks=("srcAddr,", "ts,te,td"),
    prefilter="logsource",
    declared=declared,
)
