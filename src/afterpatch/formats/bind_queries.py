"""BIND's query log (``queries`` category of named), from its own file or through syslog.

Enters: lines such as ``02-Mar-2021 04:05:06.789 queries: info: client @0x7f… 10.0.0.5#53211
(www.example.com): query: www.example.com IN A +E(0)K (10.0.0.53)``; the time, category and severity
are options of the ``channel``. Leaves: one event per query, columns by their neutral names.
Other lines of named, and of other programs in the same syslog, are skipped.

Shape: query, record_type, record_class, src_ip, src_port, dst_ip, flags, view.
Units: time UTC, or local time taken as UTC where the log names no zone (a notice says so).

Source: BIND 9 Administrator Reference Manual, "The query Category" and "querylog".
"""

from typing import Final

import polars as pl

from afterpatch.formats.line_log import line_log_format
from afterpatch.formats.line_shape import LineShape
from afterpatch.formats.log_times import ANY, LogTimes
from afterpatch.model.batches import Logsource

LOGSOURCE: Final = Logsource("dns", "bind", "queries")

_PREFIX: Final = rf"^(?:{ANY} )?(?:\S+ named(?:\[\d+\])?: )?(?:[a-z-]+: )?(?:[a-z]+(?: \d+)?: )?"
_EVENT: Final = (
    rf"{_PREFIX}client (?:@0x[0-9a-f]+ )?(?P<src_ip>[0-9A-Fa-f.:]+(?:%\w+)?)#(?P<src_port>\d+)"
    r"(?:/key \S+)?(?: \(.*?\))?:(?: view (?P<view>[^:]+):)? query: "
    r"(?P<query>\S+) (?P<record_class>[A-Z]+\d*) (?P<record_type>[A-Z]+[A-Z0-9-]*)"
    r" (?P<flags>[+-]\S*)(?: \((?P<dst_ip>[0-9A-Fa-f.:]+(?:%\w+)?)\))?(?: \[ECS [^\]]*\])?$"
)
_SKIP: Final = rf"^(?:{ANY} (?:\S+ [\w./-]+(?:\[\d+\])?: |[a-z-]+: |\S)|client )"
_HEAD: Final = r"\bclient (?:@0x[0-9a-f]+ )?[0-9A-Fa-f.:]+(?:%\w+)?#\d+.{0,400}: query: \S"

SHAPE: Final = LineShape(
    logsource=LOGSOURCE,
    log="dns:bind",
    event=_EVENT,
    time=f"^({ANY}) ",
    skip=_SKIP,
    mark=r": query: \S",
    times=lambda item: LogTimes(item.modified),
    finish=lambda frame: frame.with_columns(_without_root(frame["query"])),
)


def _without_root(names: pl.Series) -> pl.Series:
    """``www.example.com.`` -> ``www.example.com``; the root itself stays ``.``."""
    bare = names.str.strip_suffix(".")
    return bare.zip_with(bare != "", names).alias(names.name)


FORMAT: Final = line_log_format("bind-queries", SHAPE, ": query: ", _HEAD)
