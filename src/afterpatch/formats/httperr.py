"""HTTP.sys error logs (``httperr*.log``): requests that never reached IIS.

Enters: W3C text of ``#Software: Microsoft HTTP API``, times in UTC. Leaves: batches with native
column names, ``-`` as null. Source: Microsoft, "Error logging in HTTP APIs" (KB 820729).
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.iis_w3c import w3c_clock
from afterpatch.formats.table_log import W3C, Head, Table, unique_names
from afterpatch.formats.table_reader import read_table_log
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_comments, head_text
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("webserver", "windows", "httperr")

_FIELDS = re.compile(r"^#\s*Fields:.*\bcs-uri\b.*\bs-reason\b", re.MULTILINE)
_FILE_NAME = re.compile(r"/httperr\d*\.log$", re.IGNORECASE)


def _plan(head: Head, item: Item) -> Table:
    names = unique_names(head.fields)
    return Table(names, LOGSOURCE, "httperr", w3c_clock(names, head.date))


def _recognise(head: bytes, item: Item) -> str:
    text = head_text(head)
    if text.startswith("#Software: Microsoft HTTP API") or _FIELDS.search(head_comments(head)):
        return "header"
    return "file name" if _FILE_NAME.search(f"/{item.origin}") else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block; gaps as in :mod:`afterpatch.formats.iis_w3c`."""
    return read_table_log(stream, item, wanted, W3C, _plan, block_bytes)


FORMAT: Final = Format("httperr", _recognise, read, prefilter="webserver", logsource=LOGSOURCE)
