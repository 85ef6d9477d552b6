"""Exchange HttpProxy logs (``Logging/HttpProxy/<protocol>/HttpProxy_*.LOG``).

Enters: the front end's own request log, hourly files. Leaves: batches with the native columns, and
the server's build at every change: the four version columns date an update for free. The coverage
name follows the Protocol column of each record, not the folder.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats.exchange_csv import exchange_reader, exchange_table, log_type
from afterpatch.formats.format import Format
from afterpatch.formats.table_log import Head, Table, find_column
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_text
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("webserver", "exchange", "httpproxy")

# A header row without any # line: known by columns no other log has.
_BARE_HEADER = re.compile(r"DateTime,RequestId,(?:[^,\n]*,)*Protocol,")
_FOLDER = re.compile(r"/HttpProxy/([^/]+)/[^/]*\.log$", re.IGNORECASE)
_FILE_NAME = re.compile(r"/HttpProxy_[^/]*\.log$", re.IGNORECASE)
_QUERY: Final = "UrlQuery"
_PROTOCOL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,31}")


def _plan(head: Head, item: Item) -> Table:
    folder = _FOLDER.search(f"/{item.origin}")
    here = folder[1] if folder else "unknown"

    def log_name(protocol: str) -> str:
        return f"httpproxy:{protocol if _PROTOCOL.fullmatch(protocol) else here}"

    table = exchange_table(head, log_name(""), LOGSOURCE)
    protocol = find_column(table.names, "Protocol")
    return replace(table, log_column=protocol, log_name=log_name, extend=_without_empty_query)


def _without_empty_query(frame: pl.DataFrame) -> pl.DataFrame:
    """A query stands with its question mark, so an empty text is no query at all."""
    if _QUERY not in frame.columns:
        return frame
    return frame.with_columns(pl.when(pl.col(_QUERY) != "").then(_QUERY).alias(_QUERY))


def _recognise(head: bytes, item: Item) -> str:
    named = log_type(head)
    if named:
        return "header" if named.lower().startswith("httpproxy") else ""
    if _BARE_HEADER.match(head_text(head)):
        return "header"
    origin = f"/{item.origin}"
    return "file name" if _FOLDER.search(origin) or _FILE_NAME.search(origin) else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block; see ``exchange_reader``."""
    return exchange_reader(_plan, stream, item, wanted, block_bytes)


FORMAT: Final = Format("httpproxy", _recognise, read, prefilter="exchange", logsource=LOGSOURCE)
