"""IIS request logs in W3C extended format (``u_ex*.log``).

Enters: the log as IIS writes it: fields apart by spaces, spaces inside as ``+``, ``-`` for nothing,
times in UTC (Microsoft, "W3C Extended Log File Format"). Leaves: batches with the native column
names. Values stay as logged: nothing is decoded. Exchange's front end is IIS site 1 on 443 and 80,
its back end site 2 on 444 and 81.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.table_log import W3C, Clock, Head, Table, find_column, unique_names
from afterpatch.formats.table_reader import read_table_log
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_comments, head_text
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("webserver", "windows", "iis")
_SITE_LOGS: Final = {"1": "iis-front", "2": "iis-back"}
_PORT_LOGS: Final = {"443": "iis-front", "80": "iis-front", "444": "iis-back", "81": "iis-back"}

_FIELDS = re.compile(r"^#\s*Fields:(.*)$", re.MULTILINE)
_SITE_FOLDER = re.compile(r"/W3SVC(\d+)/", re.IGNORECASE)
_FILE_NAME = re.compile(r"/u_(?:ex|nc|in)\w*\.log$", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def w3c_clock(names: tuple[str, ...], date: str) -> Clock:
    """Where a W3C log's time stands; a log without a date column has its header's date."""
    day, time = find_column(names, "date"), find_column(names, "time")
    if time is None:
        return Clock()
    if day is None:
        header_day = _DAY.match(date)
        return Clock((time,), b"00:00:00", header_day[0]) if header_day else Clock()
    template = b"0000-00-00 00:00:00" if time == day + 1 else b""
    return Clock((day, time), template)


def _plan(head: Head, item: Item) -> Table:
    names = unique_names(head.fields)
    folder = _SITE_FOLDER.search(f"/{item.origin}")
    log = _SITE_LOGS.get(folder[1], "iis") if folder else "iis"
    return Table(
        names=names,
        logsource=LOGSOURCE,
        log=log,
        clock=w3c_clock(names, head.date),
        loose=find_column(names, "cs(User-Agent)"),
        log_column=find_column(names, "s-port") if log == "iis" else None,
        log_name=lambda port: _PORT_LOGS.get(port, "iis"),
        host_column=find_column(names, "s-computername"),
    )


def _recognise(head: bytes, item: Item) -> str:
    fields = _FIELDS.search(head_comments(head))
    if fields and "cs-uri-stem" in fields[1] and "cs-method" in fields[1]:
        return "header"
    if head_text(head).startswith("#Software: Microsoft Internet Information Services"):
        return "header"
    return "file name" if _FILE_NAME.search(f"/{item.origin}") else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   native W3C columns, ``-`` as null. A user agent with unescaped spaces stays one value.
    Units:   time UTC; ``time-taken`` milliseconds, as text.
    Gaps:    wrong column count, data before ``#Fields``, NUL bytes, two records on one line, a last
             line without line end. Content never raises.
    Source:  Microsoft, "W3C Extended Log File Format (IIS 6.0)" and IIS logging reference.
    """
    return read_table_log(stream, item, wanted, W3C, _plan, block_bytes)


FORMAT: Final = Format("iis-w3c", _recognise, read, prefilter="webserver", logsource=LOGSOURCE)
