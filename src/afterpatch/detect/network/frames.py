"""The columns the detectors of this folder take, whatever log they come from.

``FLOWS`` one row per connection (or per HTTP request, TLS handshake): who spoke to whom, when, how
much. ``DNS`` one row per query. ``time`` is UTC microseconds since 1970, ``duration_s`` seconds,
``bytes_out`` is what the source sent, ``host`` the TLS server name or HTTP Host. ``flow_id`` joins
rows of one connection that a sensor spread over several logs (Zeek ``uid``, EVE ``flow_id``).
``record`` is the record number in the source. Everything but ``time`` and ``src_ip`` may be null.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

FLOWS: Final[Mapping[str, pl.DataType]] = {
    "time": pl.Int64(),
    "src_ip": pl.String(),
    "dst_ip": pl.String(),
    "dst_port": pl.UInt16(),
    "protocol": pl.String(),
    "duration_s": pl.Float64(),
    "bytes_out": pl.Int64(),
    "bytes_in": pl.Int64(),
    "host": pl.String(),
    "flow_id": pl.String(),
    "record": pl.Int64(),
}
DNS: Final[Mapping[str, pl.DataType]] = {
    "time": pl.Int64(),
    "src_ip": pl.String(),
    "query": pl.String(),
    "record_type": pl.String(),
    "answers": pl.String(),
    "record": pl.Int64(),
}


def conform(frame: pl.DataFrame, shape: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The columns of ``shape`` in its order and types; absent ones and bad numbers are null."""
    absent = (pl.lit(None, kind).alias(n) for n, kind in shape.items() if n not in frame.columns)
    return frame.with_columns(absent).select(
        pl.col(name).cast(kind, strict=False) for name, kind in shape.items()
    )
