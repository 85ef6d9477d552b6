"""The debug log of a Windows DNS server (``dns.log``): a line per packet, maybe with details.

Enters: ``3/2/2021 4:05:06 AM 0E3C PACKET  000000A8 UDP Rcv 10.0.0.5 5b47   Q [0001   D   NOERROR] A
(3)www(7)example(3)com(0)`` in any locale, of Windows Server 2003 to 2025, and below it, where
details are logged, the message field by field. Leaves: one event per packet, columns by their
neutral names; names as dotted text. ``src_ip`` is who asked, ``dst_ip`` who was asked, whichever
way the packet went. Details are skipped lines; answers and the remote port are read from them.

Sources: the "Message logging key" at the head of each such log; [MS-DNSP] 2.2.9.1.1.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats.format import Format
from afterpatch.formats.line_log import read_line_log
from afterpatch.formats.line_shape import LineShape
from afterpatch.formats.local_dates import PATTERN, LocalTimes
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_text
from afterpatch.model.batches import Declared, Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("dns", "windows", "dns-debug")
_DECLARED: Final = Declared(LOGSOURCE, invented=frozenset({"action", "flag_codes"}))

_NAME: Final = r"(?:\[[0-9A-Fa-f]{4}\])?(?:\(\d+\)[^\r\n]*)?\(0\)|\."
_PACKET: Final = (
    rf"^(?:{PATTERN}) (?P<thread>[0-9A-Fa-f]{{2,8}}) PACKET +(?:(?P<packet>[0-9A-Fa-f]{{8,16}}) +)?"
    r"(?P<protocol>UDP|TCP) (?P<direction>Rcv|Snd) (?P<remote_ip>[0-9A-Fa-f.:]+(?:%\w+)?) +"
    r"(?P<xid>[0-9A-Fa-f]{4}) (?P<reply>[R ]) (?P<opcode>\S) "
    r"\[(?P<flags>[0-9A-Fa-f]{4}) (?P<flag_codes>[A-Z ]*?) +(?P<rcode>[A-Z0-9]+)\] *"
    rf"(?:(?P<record_type>[A-Z]+[A-Z0-9-]*|#?\d+) +)?(?P<query>{_NAME}) *$"
)
_SKIP: Final = (
    rf"^(?:(?:{PATTERN}) [0-9A-Fa-f]{{2,8}} (?:[A-OQ-Z][A-Z0-9_]*|P[B-Z0-9_][A-Z0-9_]*)(?: |$)"
    r"|DNS Server log file creation at|Log file wrap at|Message logging key"
    r"|\s+(?:Field #|-{4,}|\d{1,2} +\S))"
)
_DETAIL: Final = (
    r"^(?:(?:UDP|TCP) (?:question|response|message|update|notify|query) info at "
    r"|\s+\S|\*{3}|;;)"
)
_HEAD: Final = re.compile(
    rf"^(?:{PATTERN}) [0-9A-Fa-f]{{2,8}} PACKET +(?:[0-9A-Fa-f]{{8,16}} +)?"
    r"(?:UDP|TCP) (?:Rcv|Snd) ",
    re.MULTILINE,
)
_KEY: Final = "Message logging key (for packets - other items use a subset of these fields):"


def _dotted(names: pl.Expr) -> pl.Expr:
    """``(3)www(7)example(3)com(0)`` -> ``www.example.com``; the root is ``.``."""
    text = names.str.replace(r"^\[[0-9A-Fa-f]{4}\]", "").str.replace_all(r"\(\d+\)", ".")
    bare = text.str.strip_chars(".")
    return pl.when(bare != "").then(bare).when(text.is_not_null()).then(pl.lit("."))


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    remote = pl.col("remote_ip")
    is_reply = pl.col("reply") == "R"
    asked_us = (pl.col("direction") == "Rcv") != is_reply
    return frame.with_columns(
        _dotted(pl.col("query")).alias("query"),
        pl.when(is_reply).then(pl.lit("reply")).otherwise(pl.lit("query")).alias("action"),
        pl.col("protocol").str.to_lowercase(),
        pl.col("flag_codes").str.replace_all(" ", ""),
        pl.when(asked_us).then(remote).alias("src_ip"),
        pl.when(~asked_us).then(remote).alias("dst_ip"),
    ).drop("reply")


def _attach(details: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Answers, one per line of the value, and the remote port, from the details below a packet."""
    line = pl.col("line")
    section = line.str.extract(r"^\s+([A-Z]+) SECTION:").forward_fill().over("owner")
    told = details.with_columns(section.alias("section")).select(
        "owner",
        pl.when(pl.col("section") == "ANSWER")
        .then(line.str.extract(r"^\s+DATA\s+(\S.*?)\s*$"))
        .alias("answer"),
        line.str.extract(r"^\s+Remote addr \S+, port (\d{1,5})").alias("port"),
    )
    dotted = pl.col("answer").str.contains(r"^\"?(?:\[[0-9A-F]{4}\])?\(\d+\)")
    name = _dotted(pl.col("answer").str.strip_chars('"'))
    told = told.with_columns(pl.when(dotted).then(name).otherwise("answer").alias("answer"))
    found = told.group_by("owner", maintain_order=True).agg(
        pl.col("answer").drop_nulls().str.join("\n"),
        pl.col("port").drop_nulls().first(),
    )
    rows = pl.DataFrame({"owner": range(frame.height)}, schema={"owner": pl.Int64})
    found = rows.join(found, on="owner", how="left", maintain_order="left")
    answer = pl.when(pl.col("answer") != "").then("answer").alias("answer")
    return frame.hstack(found.select(answer, pl.col("port").alias("remote_port")))


SHAPE: Final = LineShape(
    logsource=LOGSOURCE,
    log="dns:windows",
    event=_PACKET,
    time=f"^({PATTERN}) ",
    skip=_SKIP,
    mark=" PACKET ",
    detail=_DETAIL,
    times=lambda item: LocalTimes(item.modified),
    finish=_finish,
    attach=_attach,
)


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    if _KEY in text:
        return "header"
    return "content" if " PACKET " in text and _HEAD.search(text) else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   action (query, reply), query, record_type, rcode, answer, src_ip, dst_ip, protocol,
             remote_ip, remote_port, direction (Rcv, Snd), xid, opcode, flags, flag_codes, thread,
             packet.
    Units:   the server's local time taken as UTC; a notice says so, and how dates were read.
    Gaps:    a packet line that is not whole, lines no such log has, times that are none. Content
             never raises.
    """
    return read_line_log(stream, item, wanted, SHAPE, block_bytes)


FORMAT: Final = Format(
    "windows-dns-debug",
    _recognise,
    read,
    marks=(_KEY, " PACKET "),
    prefilter="logsource",
    logsource=LOGSOURCE,
    declared=lambda head, item: _DECLARED,
    spelling="labels",
)
