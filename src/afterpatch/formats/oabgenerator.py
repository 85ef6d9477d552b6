"""Offline address book generator logs (``Logging/OABGeneratorLog/*.LOG``).

Enters: an Exchange CSV log whose columns differ between builds. Leaves: the native columns and,
whatever they are called, the record's whole text as Message: the trace of CVE-2021-26858 is a
sentence ("Download failed and temporary file …").
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats.exchange_csv import exchange_reader, exchange_table, log_type
from afterpatch.formats.format import Format
from afterpatch.formats.table_log import Head, Table
from afterpatch.formats.text_blocks import BLOCK_BYTES
from afterpatch.model.batches import RAW, Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("", "exchange", "oabgenerator")

_LOG_TYPE = re.compile(r"(oab|offline address book)\s*gen", re.IGNORECASE)
_FOLDER = re.compile(r"/OABGeneratorLog/(?:[^/]+/)*[^/]*\.log$", re.IGNORECASE)


def _add_message(frame: pl.DataFrame) -> pl.DataFrame:
    if "Message" in frame.columns:
        return frame
    return frame.with_columns(pl.col(RAW).alias("Message"))


def _plan(head: Head, item: Item) -> Table:
    return replace(exchange_table(head, "oabgenerator", LOGSOURCE), extend=_add_message)


def _recognise(head: bytes, item: Item) -> str:
    named = log_type(head)
    if _LOG_TYPE.search(named):
        return "header"
    return "file name" if _FOLDER.search(f"/{item.origin}") else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block; see ``exchange_reader``."""
    return exchange_reader(_plan, stream, item, wanted, block_bytes)


FORMAT: Final = Format("oabgenerator", _recognise, read, prefilter="exchange", logsource=LOGSOURCE)
