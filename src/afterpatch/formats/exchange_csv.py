"""Exchange's own CSV logs: ``#Software: Microsoft Exchange``, ``#Log-type``, ``#Fields``, rows.

Enters: any log of that family; the header may stand after, or be replaced by, a bare row of column
names (so that spreadsheet tools read it). Leaves: batches with the native columns, mapped by
header and never by position: column sets differ between builds. Times are UTC.
Logs with a module of their own (HttpProxy, ECP Server, OAB generator) build on ``exchange_table``.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.table_log import (
    EXCHANGE_CSV,
    Clock,
    Head,
    Table,
    find_column,
    unique_names,
)
from afterpatch.formats.table_reader import Plan, read_table_log
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_comments
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

_TIME_TEMPLATE: Final = b"0000-00-00T00:00:00.000Z"
_VERSION: Final = ("MajorVersion", "MinorVersion", "BuildVersion", "RevisionVersion")
_HOST_COLUMNS: Final = ("ServerHostName", "ServerName")

_LOG_TYPE = re.compile(r"^#\s*Log-type:\s*(.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_EXCHANGE = re.compile(r"^#\s*Software:\s*Microsoft Exchange", re.MULTILINE)
_FIELDS = re.compile(r"^#\s*Fields:", re.MULTILINE)
# Only the build of the server's own record: S:BLD in ECP Server, S:Bld in ECP Activity logs.
_BUILD_TEXT = re.compile(rb"[;,'\"]S:B[Ll][Dd]=(\d{1,2}\.\d{1,3}\.\d{1,5}\.\d{1,4})\b")


def log_type(head: bytes) -> str:
    """The ``#Log-type`` a head names, or ""."""
    match = _LOG_TYPE.search(head_comments(head))
    return match[1] if match else ""


def slug(name: str) -> str:
    """``SMTP Receive Protocol Log`` -> ``smtp-receive-protocol``."""
    bare = re.sub(r"\s+logs?$", "", name.strip().lower())
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-") or "unnamed"


def exchange_table(head: Head, log: str, logsource: Logsource) -> Table:
    """The table of any Exchange CSV log: time, build and host columns found by name."""
    names = unique_names(head.fields)
    time = find_column(names, *EXCHANGE_CSV.header_names) or 0
    version = find_column(names, _VERSION[0])
    if version is not None and names[version : version + 4] != _VERSION:
        version = None
    return Table(
        names=names,
        logsource=logsource,
        log=log,
        clock=Clock((time,), _TIME_TEMPLATE),
        build_column=version,
        build_text=_BUILD_TEXT if "EventData" in names else None,
        host_column=find_column(names, *_HOST_COLUMNS),
    )


def exchange_reader(
    plan: Plan, stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int
) -> Iterator[Piece]:
    """Read an Exchange CSV log under ``plan``.

    Shape:   native columns; an empty field is an empty string.
    Units:   time UTC.
    Gaps:    wrong column count, quoted field without end, data before a header, NUL bytes, a last
             line without line end. Content never raises.
    Source:  published sample logs of build 15.1.2375.7 (artefacts.help, CC0).
    """
    return read_table_log(stream, item, wanted, EXCHANGE_CSV, plan, block_bytes)


def _plan(head: Head, item: Item) -> Table:
    name = slug(head.log_type)
    return exchange_table(head, f"exchange:{name}", Logsource("", "exchange", name))


def _recognise(head: bytes, item: Item) -> str:
    text = head_comments(head)
    return "header" if _EXCHANGE.search(text) and _FIELDS.search(text) else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block of any other Exchange log; see ``exchange_reader``."""
    return exchange_reader(_plan, stream, item, wanted, block_bytes)


FORMAT: Final = Format("exchange-log", _recognise, read, prefilter="exchange")
