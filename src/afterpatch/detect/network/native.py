"""Batches of any log as neutral frames: which rows are connections, which are DNS queries.

Enters: a batch with its format's own names (:mod:`afterpatch.model.network` knows them). Leaves:
frames as in :mod:`frames`. A log that has the type of a query is about DNS; every other row with
both ends is a connection. Rows of other logs are none of our business.
"""

from typing import Final, NamedTuple

import polars as pl

from afterpatch.detect.network.frames import DNS, FLOWS, conform
from afterpatch.model.batches import RECORD, TIME, Batch
from afterpatch.model.network import native, neutral

_FLOW_NAMES: Final = (
    "src_ip", "dst_ip", "dst_port", "protocol", "bytes_out", "bytes_in", "duration", "sni", "host",
)  # fmt: skip
_DNS_NAMES: Final = ("src_ip", "query", "record_type", "answer")
_CONNECTION: Final = ("uid", "flow_id")  # Zeek, Suricata: one connection in several logs
_MACHINE: Final = "Computer"  # Windows events tell the host by name


class Neutral(NamedTuple):
    """Rows of a batch; ``others``: how many were neither."""

    flows: pl.DataFrame
    dns: pl.DataFrame
    others: int


def neutral_rows(batch: Batch) -> Neutral:
    """The network rows of a batch."""
    frame, source = batch.frame, batch.logsource
    dns_log = bool(native(source, "record_type"))
    has_query, has_ends = bool(native(source, "query")), bool(native(source, "dst_ip"))
    flows = _flows(batch) if has_ends and not dns_log else conform(frame.clear(), FLOWS)
    dns = _queries(batch) if has_query else conform(frame.clear(), DNS)
    if not dns_log:
        dns = dns.filter(pl.col("query").is_not_null())
    flows = flows.filter(pl.col("dst_ip").is_not_null()) if has_query else flows
    return Neutral(flows, dns, frame.height - flows.height - dns.height)


def _flows(batch: Batch) -> pl.DataFrame:
    own = next((name for name in _CONNECTION if name in batch.frame.columns), None)
    table = neutral(batch, _FLOW_NAMES).with_columns(
        batch.frame[TIME].alias("time"),
        batch.frame[RECORD].alias("record"),
        host=pl.coalesce("sni", "host"),
        duration_s="duration",
        flow_id=batch.frame[own] if own else pl.lit(None, pl.String),
    )
    return conform(table, FLOWS)


def _queries(batch: Batch) -> pl.DataFrame:
    table = neutral(batch, _DNS_NAMES).with_columns(
        batch.frame[TIME].alias("time"), batch.frame[RECORD].alias("record"), answers="answer"
    )
    if _MACHINE in batch.frame.columns:
        machine = batch.frame[_MACHINE].str.to_lowercase()
        table = table.with_columns(src_ip=pl.coalesce("src_ip", machine))
    return conform(table, DNS)
