"""dnsmasq's query log (``log-queries``, with or without ``extra``), Pi-hole's included.

Enters: syslog lines such as ``Mar  2 04:05:06 dnsmasq[123]: query[A] www.example.com from
10.0.0.5``. Leaves: one event per query, forward, reply and answer from a file or cache; ``src_ip``
is who asked, ``dst_ip`` who was asked, ``answer`` what came back. Other lines of dnsmasq, and of
other programs in the same syslog, are skipped.

Shape: action, query, record_type, answer, src_ip, src_port, dst_ip, serial.
Units: time UTC, or local time taken as UTC (a notice says so); the year comes from the file's
last-modified time, see :mod:`afterpatch.formats.log_times`.

Source: dnsmasq manual page, ``--log-queries``; dnsmasq's own sources, ``log_query``.
"""

from typing import Final

import polars as pl

from afterpatch.formats.line_log import line_log_format
from afterpatch.formats.line_shape import LineShape
from afterpatch.formats.log_times import ANY, LogTimes
from afterpatch.model.batches import Logsource

LOGSOURCE: Final = Logsource("dns", "dnsmasq", "queries")

_PROGRAM: Final = r"dnsmasq(?:\[\d+\])?: "
_EXTRA: Final = r"(?:(?P<serial>\d+) (?P<asker>[0-9A-Fa-f.:]+)/(?P<src_port>\d+) )?"
_FROM_FILE: Final = r"/[^ ]+|DHCP|config|(?:cached|gravity|regex|exactly)[a-z -]*?"
_ACTION: Final = (
    rf"(?:(?P<asked>query|auth|ipset|nftset)(?:\[(?P<record_type>[A-Za-z0-9=]+)\])?"
    rf"|(?P<told>forwarded|reply|validation|dnssec-[a-z]+(?:\[[A-Z0-9]+\])?|{_FROM_FILE}))"
)
_EVENT: Final = (
    rf"^{ANY} (?:\S+ )?{_PROGRAM}{_EXTRA}{_ACTION} (?P<query>\S+) "
    r"(?P<link>from|to|is) (?P<object>\S.*)$"
)
_SKIP: Final = rf"^{ANY} (?:\S+ )?[\w./-]+(?:\[\d+\])?: "
_MARK: Final = rf"{_PROGRAM}(?:\d+ [0-9A-Fa-f.:]+/\d+ )?(?:query\[|forwarded |reply |cached )"
_HEAD: Final = (
    rf"\b{_PROGRAM}(?:\d+ [0-9A-Fa-f.:]+/\d+ )?(?:query\[[A-Za-z0-9=]+\] \S+ from|forwarded \S+ to"
    r"|reply \S+ is|cached \S+ is) "
)


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    link, told = pl.col("link"), pl.col("object")
    asker = pl.when(link == "from").then(told).otherwise(pl.col("asker"))
    return frame.select(
        pl.coalesce("asked", "told").alias("action"),
        "query",
        "record_type",
        pl.when(link == "is").then(told).alias("answer"),
        asker.alias("src_ip"),
        "src_port",
        pl.when(link == "to").then(told).alias("dst_ip"),
        "serial",
    )


SHAPE: Final = LineShape(
    logsource=LOGSOURCE,
    log="dns:dnsmasq",
    event=_EVENT,
    time=f"^({ANY}) ",
    skip=_SKIP,
    mark=_MARK,
    times=lambda item: LogTimes(item.modified),
    finish=_finish,
)


FORMAT: Final = line_log_format("dnsmasq-queries", SHAPE, "dnsmasq", _HEAD)
