"""Squid's access log in its ``combined`` and ``common`` formats.

Enters: lines of the Combined or Common Log Format with ``action:hierarchy`` as one word more
(squid.conf, ``logformat combined``). Leaves: batches of a proxy with Sigma's column names, times in
UTC by each record's own offset.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats import clf_lines
from afterpatch.formats.format import Format
from afterpatch.formats.proven_log import (
    ProvenLog,
    declares,
    half_of_first_lines,
    read_proven_log,
)
from afterpatch.formats.squid import LOGSOURCE
from afterpatch.formats.text_blocks import BLOCK_BYTES
from afterpatch.formats.web_url import with_url_fields
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Item

_ACTION: Final = r"^ ([A-Z][A-Z_]+):([A-Z][A-Z_]+)$"
_LINE_END: Final = re.compile(r'["0-9-] [A-Z][A-Z_]+:[A-Z][A-Z_]+$')


def _columns(groups: pl.DataFrame) -> pl.DataFrame:
    named = clf_lines.parsed(groups).select(
        pl.col("ip").alias("c-ip"),
        pl.col("user").alias("cs-username"),
        pl.col("method").alias("cs-method"),
        pl.col("target").alias("c-uri"),
        pl.col("version").alias("cs-version"),
        pl.col("status").alias("sc-status"),
        pl.col("bytes").alias("sc-bytes"),
        pl.col("referer").alias("cs-referer"),
        pl.col("agent").alias("cs-user-agent"),
        pl.col("more").str.extract(_ACTION, 1).alias("s-action"),
        pl.col("more").str.extract(_ACTION, 2).alias("s-hierarchy"),
        pl.when(pl.col("target").is_null()).then("request").alias("request"),
        pl.col("more").str.strip_chars(" "),
    )
    return with_url_fields(clf_lines.without_hyphens(named))


LOG: Final = ProvenLog(
    "squid",
    LOGSOURCE,
    clf_lines.PATTERNS,
    clf_lines.GROUPS,
    clf_lines.TORN,
    clf_lines.prove,
    clf_lines.times,
    _columns,
)


def _recognise(head: bytes, item: Item) -> str:
    del item
    return "content" if half_of_first_lines(head, _is_line) else ""


def _is_line(line: str) -> bool:
    return clf_lines.is_line(line) and _LINE_END.search(line) is not None


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block; gaps as in :mod:`afterpatch.formats.access_log`."""
    return read_proven_log(stream, item, wanted, LOG, block_bytes)


FORMAT: Final = Format(
    "squid-combined",
    _recognise,
    read,
    prefilter="logsource",
    logsource=LOGSOURCE,
    declared=declares(LOG),
    spelling="backslashed",
)
