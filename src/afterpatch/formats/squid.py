"""Squid's own ``access.log``.

Enters: lines ``time elapsed client action/status bytes method URL user hierarchy/peer type``, times
in seconds since the epoch (squid.conf, ``logformat squid``). Leaves: batches with Sigma's column
names. The log has no user agent and no referer; Squid's ``combined`` log is read by
:mod:`afterpatch.formats.squid_combined`.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import BitIndex, Bytes, Mask, Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.epoch_times import EPOCH_CHARS, read_epoch_times
from afterpatch.formats.format import Format
from afterpatch.formats.line_scan import NO_TIME
from afterpatch.formats.proven_log import (
    ProvenLog,
    declares,
    half_of_first_lines,
    read_proven_log,
)
from afterpatch.formats.text_blocks import BLOCK_BYTES
from afterpatch.formats.web_url import with_url_fields
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("proxy", "squid", "squid")

# Columns are padded with spaces. A URL holds a space only under ``uri_whitespace allow``.
_START: Final = (
    r"^(?P<time>[0-9]{10}\.[0-9]{3}) +(?P<elapsed>[^ ]+) +(?P<client>[^ ]+)"
    r" +(?P<action>[^ ]*)/(?P<status>[0-9]{3}) +(?P<bytes>[^ ]+) +(?P<method>[^ ]+) +(?P<url>.+?)"
)
_PATTERNS: Final = tuple(
    rf"{_START} +(?P<user>[^ ]+) +(?P<hierarchy>{hierarchy}) +(?P<type>[^ ]+)(?P<more> .*)?$"
    for hierarchy in (r"[A-Z0-9_]+/[^ ]+", r"[^ ]+")
)
_GROUPS: Final = (
    "time", "elapsed", "client", "action", "status", "bytes", "method", "url", "user",
    "hierarchy", "type", "more",
)  # fmt: skip
_TORN: Final = (
    pl.concat_str(_GROUPS[5:], separator=" ", ignore_nulls=True)
    .str.contains(r"[0-9]{10}\.[0-9]{3} +[0-9-]+ +[^ ]+ +[A-Z_]+/[0-9]{3} ")
    .fill_null(value=False)
)
_SEPARATORS: Final = 9
_LINE: Final = re.compile(_PATTERNS[0])
_FILE_NAME: Final = re.compile(r"/squid3?/(?:[^/]*/)*access\.log[^/]*$", re.IGNORECASE)
_SPACE, _SLASH, _ZERO, _NINE = map(ord, " /09")


def _times(stamps: pl.Series) -> Offsets:
    text = "".join(stamps.to_list()).encode()
    buffer = np.frombuffer(text, dtype=np.uint8)
    return read_epoch_times(buffer, np.arange(0, len(text), EPOCH_CHARS, dtype=np.int64))


def _prove(lines: BlockLines) -> tuple[Offsets, Offsets]:
    """Lines of ten words, the first a time, the fourth ending in a status, and their times."""
    buffer = lines.buffer
    spaces = buffer == _SPACE
    spaces[1:] &= buffer[:-1] != _SPACE  # a run of spaces is one separator
    separators = BitIndex.of_mask(spaces)
    first = separators.rank(lines.starts)
    right = separators.rank(lines.ends) - first == _SEPARATORS
    right &= buffer[np.maximum(lines.ends - 1, 0)] != _SPACE
    chosen = np.flatnonzero(right)
    times = read_epoch_times(buffer, lines.starts[chosen])
    after = buffer[np.minimum(lines.starts[chosen] + EPOCH_CHARS, len(buffer) - 1)]
    fits = (times != NO_TIME) & (after == _SPACE)
    chosen, times = chosen[fits], times[fits]
    status = _has_status(buffer, separators.select(first[chosen] + 3))
    return chosen[status], times[status]


def _has_status(buffer: Bytes, ends: Offsets) -> Mask:
    """``/200`` before the fourth word's end."""
    fits: Mask = buffer[ends - 4] == _SLASH
    for back in (3, 2, 1):
        digit = buffer[ends - back]
        fits &= (digit >= _ZERO) & (digit <= _NINE)
    return fits


def _columns(groups: pl.DataFrame) -> pl.DataFrame:
    peer = pl.col("hierarchy").str.splitn("/", 2).struct
    # Only a direct request goes to the address it names; others go to a parent or a sibling.
    direct = pl.col("hierarchy").str.contains("DIRECT", literal=True)
    named = groups.select(
        pl.col("elapsed").alias("time-taken"),
        pl.col("client").alias("c-ip"),
        pl.col("action").alias("s-action"),
        pl.col("status").alias("sc-status"),
        pl.col("bytes").alias("sc-bytes"),
        pl.col("method").alias("cs-method"),
        pl.col("url").alias("c-uri"),
        pl.col("user").alias("cs-username"),
        peer.field("field_0").alias("s-hierarchy"),
        peer.field("field_1").alias("s-supplier-name"),
        pl.when(direct).then(peer.field("field_1")).alias("dst_ip"),
        pl.col("type").alias("rs(Content-Type)"),
        pl.col("more").str.strip_chars(" "),
    )
    return with_url_fields(named.with_columns(pl.when(pl.all() != "-").then(pl.all())))


LOG: Final = ProvenLog("squid", LOGSOURCE, _PATTERNS, _GROUPS, _TORN, _prove, _times, _columns)


def _recognise(head: bytes, item: Item) -> str:
    if half_of_first_lines(head, _LINE.match):
        return "content"
    return "file name" if _FILE_NAME.search(f"/{item.origin}") else ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   Sigma's column names; ``-`` as null. ``dst_ip`` only where Squid asked the server
             itself.
    Units:   time UTC; ``time-taken`` milliseconds, as text.
    Gaps:    lines of another shape, two records on one line, NUL bytes, a last line without line
             end. Content never raises.
    Source:  squid.conf documentation, ``logformat``; Squid wiki, "Squid log files".
    """
    return read_proven_log(stream, item, wanted, LOG, block_bytes)


FORMAT: Final = Format(
    "squid",
    _recognise,
    read,
    prefilter="logsource",
    logsource=LOGSOURCE,
    declared=declares(LOG),
)
