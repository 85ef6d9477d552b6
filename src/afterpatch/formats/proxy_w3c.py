"""Proxy logs in W3C extended format: ProxySG (Blue Coat), ISA Server and Forefront TMG, and others.

Enters: text with ``#Fields``, columns apart by spaces with quotes around values that hold any
(ProxySG, "ELFF"), or apart by tabs (ISA, TMG). Times are UTC in both (Broadcom, "ProxySG Log Fields
and Substitutions"; Microsoft, "Web proxy log fields"). Leaves: batches with the native column names
and, where the log has only the URL or only its parts, the other (``web_url``). A proxy is told from
IIS by columns that no web server's log has.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Final

import polars as pl

from afterpatch.formats.format import HEAD_BYTES, Format
from afterpatch.formats.iis_w3c import w3c_clock
from afterpatch.formats.table_log import Head, Syntax, Table, find_column, unique_names
from afterpatch.formats.table_reader import Plan, read_table_log
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_comments, head_text
from afterpatch.formats.web_url import with_url_fields
from afterpatch.model.batches import Declared, Logsource, Piece, Wanted
from afterpatch.model.places import Item

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LOGSOURCE: Final = Logsource("proxy", "", "elff")
_SPACES: Final = Syntax(" ", quoted=True, absent="-")
_TABS: Final = Syntax("\t", quoted=False, absent="-")

_FIELDS = re.compile(r"^#\s*Fields:(.*)$", re.MULTILINE)
_SOFTWARE = re.compile(
    r"^#\s*Software:\s*(?:SGOS|Microsoft\S* (?:Forefront|Internet Security))", re.MULTILINE
)
# Each names what only a proxy knows: its own decision, where it went, the URL as asked for.
_PROXY_COLUMNS: Final = frozenset(
    {
        *("s-action", "s-hierarchy", "s-supplier-name", "s-supplier-ip", "sc-filter-result"),
        *("x-exception-id", "cs-categories", "cs-uri-scheme", "cs-uri-path", "cs-uri-extension"),
        *("rs(Content-Type)", "r-host", "r-ip", "c-agent", "s-operation", "s-object-source"),
    }
)
_URL_COLUMNS: Final = frozenset(
    {"c-uri", "cs-uri", "cs-uri-path", "cs-uri-stem", "cs-host", "cs(Host)"}
)


def _declared(names: tuple[str, ...]) -> Declared:
    whole = with_url_fields(pl.DataFrame(schema=dict.fromkeys(names, pl.String))).columns
    return Declared(LOGSOURCE, frozenset(whole), frozenset(whole).difference(names), tested="named")


def declared(head: bytes, item: Item) -> Declared:
    """What the first header says; without columns where the head has none."""
    del item
    found = _FIELDS.search(head_comments(head))
    if found is None:
        return Declared(LOGSOURCE)
    syntax = _TABS if _has_tabs(head) else _SPACES
    return _declared(unique_names(syntax.names(found[1].strip())))


def _planner(syntax: Syntax, first: Declared) -> Plan:
    def plan(head: Head, item: Item) -> Table:
        table = _plan(head, item)
        if syntax == _TABS:
            template = table.clock.template.replace(b" ", b"\t")
            table = replace(table, clock=replace(table.clock, template=template))
        return replace(table, unfiltered=_declared(table.names) != first)

    return plan


def _plan(head: Head, item: Item) -> Table:
    del item
    names = unique_names(head.fields)
    return Table(
        names=names,
        logsource=LOGSOURCE,
        log="proxy",
        clock=w3c_clock(names, head.date),
        host_column=find_column(names, "s-computername"),
        extend=with_url_fields,
    )


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_comments(head)
    found = _FIELDS.search(text)
    names = set(found[1].split()) if found else set()
    if names.isdisjoint(_URL_COLUMNS):
        return ""
    return "header" if _SOFTWARE.search(text) or names & _PROXY_COLUMNS else ""


def _has_tabs(head: bytes) -> bool:
    """By the ``#Fields`` line, or by a first row with exactly the tabs its columns need.

    A few tabs prove nothing: a client may send some in a header's value.
    """
    text = head_text(head)
    found = _FIELDS.search(text)
    fields = found[1].strip() if found else ""
    rows = (line for line in text.split("\n") if line.strip() and not line.startswith("#"))
    columns = len(fields.split())
    return "\t" in fields or (columns > 1 and next(rows, "").count("\t") == columns - 1)


class _Again(io.RawIOBase):
    """A stream with its first bytes put back in front."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        """It is read from."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """The head first, then the stream."""
        view = memoryview(buffer).cast("B")
        found = self._head[: len(view)] or self._stream.read(len(view))
        self._head = self._head[len(view) :]
        view[: len(found)] = found
        return len(found)


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   native columns, ``-`` as null, and the URL's parts.
    Units:   time UTC; ``time-taken`` milliseconds, as text.
    Gaps:    wrong column count, data before ``#Fields``, NUL bytes, a quoted value without end, a
             last line without line end. A time that is not in ``date`` and ``time`` is noted as
             unreadable. Content never raises.
    Source:  Broadcom, "ProxySG Log Fields and Substitutions"; Microsoft, "Web proxy log fields".
    """
    head = b""
    while len(head) < HEAD_BYTES and (more := stream.read(HEAD_BYTES - len(head))):
        head += more
    syntax = _TABS if _has_tabs(head) else _SPACES
    plan = _planner(syntax, declared(head, item))
    again: BinaryIO = io.BufferedReader(_Again(head, stream))
    return read_table_log(again, item, wanted, syntax, plan, block_bytes)


FORMAT: Final = Format(
    "proxy-w3c",
    _recognise,
    read,
    prefilter="logsource",
    logsource=LOGSOURCE,
    declared=declared,
    spelling="parted",
)
