"""Unbound's query and reply log (``log-queries``, ``log-replies``, with or without tags).

Enters: lines such as ``[1614657906] unbound[123:0] info: 10.0.0.5 www.example.com. A IN`` and, for
replies, the same with ``NOERROR 0.012345 0 54``; times in seconds, as text or ISO 8601, or through
syslog. Leaves: one event per line, columns by their neutral names. Other lines of Unbound, and of
other programs in the same syslog, are skipped.

Shape: action (query, reply), query, record_type, record_class, src_ip, src_port, and of replies
rcode, duration, from_cache, bytes_in.
Units: time UTC; duration seconds, bytes_in bytes, as text.

Source: unbound.conf manual page, ``log-queries``, ``log-replies``, ``log-tag-queryreply``.
"""

from typing import Final

import polars as pl

from afterpatch.formats.line_log import line_log_format
from afterpatch.formats.line_shape import LineShape
from afterpatch.formats.log_times import ANY, LogTimes
from afterpatch.model.batches import Logsource

LOGSOURCE: Final = Logsource("dns", "unbound", "queries")

_PROGRAM: Final = r"unbound(?:\[\d+(?::[0-9a-f]+)?\])?:? (?:\[\d+:[0-9a-f]+\] )?info: "
_ASKED: Final = r"[0-9A-Fa-f.:]+(?:@\d+)? \S+ [A-Z]+[A-Z0-9-]* (?:IN|CH|HS|ANY|NONE|CLASS\d+)"
_EVENT: Final = (
    rf"^{ANY} (?:\S+ )?{_PROGRAM}(?:(?P<action>query|reply): )?"
    r"(?P<src_ip>[0-9A-Fa-f.:]+)(?:@(?P<src_port>\d+))? (?P<query>\S+) "
    r"(?P<record_type>[A-Z]+[A-Z0-9-]*) (?P<record_class>IN|CH|HS|ANY|NONE|CLASS\d+)"
    r"(?: (?P<rcode>[A-Z]+\d*) (?P<duration>\d+\.\d+) (?P<from_cache>[01]) (?P<bytes_in>\d+)"
    r"(?: \S.*)?)?$"
)
_SKIP: Final = rf"^{ANY} (?:\S+ )?[\w./-]+(?:\[\d+(?::[0-9a-f]+)?\])?:? "
_MARK: Final = (
    rf"{_PROGRAM}(?:(?:query|reply): |[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(?:@\d+)?(?: \S| ?$))"
)
_HEAD: Final = rf"\b{_PROGRAM}(?:(?:query|reply): )?{_ASKED}\b"


def _finish(frame: pl.DataFrame) -> pl.DataFrame:
    name = pl.col("query").str.strip_suffix(".")
    return frame.with_columns(
        pl.when(name != "").then(name).otherwise("query").alias("query"),
        pl.coalesce(
            "action", pl.when(pl.col("rcode").is_null()).then(pl.lit("query")), pl.lit("reply")
        ).alias("action"),
    )


SHAPE: Final = LineShape(
    logsource=LOGSOURCE,
    log="dns:unbound",
    event=_EVENT,
    time=f"^({ANY}) ",
    skip=_SKIP,
    mark=_MARK,
    times=lambda item: LogTimes(item.modified),
    finish=_finish,
)


FORMAT: Final = line_log_format("unbound-queries", SHAPE, "unbound", _HEAD, ["action"])
