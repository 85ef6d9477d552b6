"""Exchange Control Panel server logs (``Logging/ECP/Server/ECPServer*.LOG``).

Enters: rows TimeStamp, ServerName, EventId, EventData. Leaves: those columns plus the documented
keys of EventData under their upper-case names (``S:CMD=…`` becomes CMD). It was here that the real
intrusions left their script-bearing ``Set-OabVirtualDirectory``.
EventData is ``;``-separated ``S:KEY=value``; an item with special characters stands in single
quotes, with doubled single quotes inside. A client chooses what stands in URL and REFERRER, so the
*first* item of a key counts: the server writes its own CMD before them.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats.delimited_text import split_quoted
from afterpatch.formats.exchange_csv import exchange_reader, exchange_table, log_type
from afterpatch.formats.format import Format
from afterpatch.formats.table_log import Head, Table
from afterpatch.formats.text_blocks import BLOCK_BYTES
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("", "exchange", "ecp-server")
# Build 15.1.2375.7 writes exactly these (artefacts.help sample); a fixed list keeps batches alike.
KEYS: Final = (
    *("TIME", "SID", "CMD", "REQID", "URL", "REFERRER", "EX", "ACTID", "RS", "BLD"),
    *("TNAME", "TID", "USID", "EDOID", "ACID"),
)

_ITEM = re.compile(r"[A-Za-z0-9]{1,4}:([A-Za-z][\w.]*)=(.*)", re.DOTALL)
_FOLDER = re.compile(r"/ECP/Server/[^/]*\.log$", re.IGNORECASE)


def split_event_data(text: str) -> dict[str, str]:
    """``S:TIME=13;'S:CMD=Set-X.Url=''http://a;b'''`` -> ``{"TIME": "13", "CMD": …}``.

    Text that starts no new ``S:KEY=`` belongs to the item before it. A quote that does not end is
    plain text. Never raises.
    """
    items = split_quoted(text, ";", "'")
    if items is None:
        items = text.split(";")
    values: dict[str, str] = {}
    key, continued = "", False
    for item in items:
        match = _ITEM.fullmatch(item.lstrip("'") if item.startswith("'S:") else item)
        if match:
            key = match[1].upper()
            continued = key not in values
            if continued:
                values[key] = match[2]
        elif continued:
            values[key] += ";" + item
    return values


def _add_keys(frame: pl.DataFrame) -> pl.DataFrame:
    if "EventData" not in frame.columns:
        return frame
    split = [split_event_data(text or "") for text in frame["EventData"]]
    return frame.with_columns(
        pl.Series(key, [values.get(key) for values in split], dtype=pl.String)
        for key in KEYS
        if key not in frame.columns
    )


def _plan(head: Head, item: Item) -> Table:
    return replace(exchange_table(head, "ecp-server", LOGSOURCE), extend=_add_keys)


def _recognise(head: bytes, item: Item) -> str:
    named = log_type(head)
    if named:
        return "header" if named.lower().startswith("ecp server") else ""
    return "file name" if _FOLDER.search(f"/{item.origin}") else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block; see ``exchange_reader``."""
    return exchange_reader(_plan, stream, item, wanted, block_bytes)


FORMAT: Final = Format("ecp-server", _recognise, read, prefilter="exchange", logsource=LOGSOURCE)
