"""Rows as the detectors want them: typed, named alike, counted; and which of them take part.

Enters: neutral frames (:mod:`frames`). Leaves: rows for a spool, and from a spool's part the rows
of each kind of channel.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import polars as pl

from afterpatch.detect.network.addresses import Networks
from afterpatch.detect.network.frames import DNS, FLOWS, conform
from afterpatch.detect.network.zones import normal_name, zones

NOT_LOGGED: Final = "(host not logged)"  # passive DNS does not say who asked
_ADDRESS: Final = r"^\d{1,3}(?:\.\d{1,3}){3}$|^\[|:.*:"
_CODE: Final = r"(?:^|[\s,;])127\.\d+\.\d+\.\d+"
_ONE: Final = ("src", "flow")  # one connection: identifiers are a sensor's own, and may clash
MAX_TIME_US: Final = 7_258_118_400_000_000  # 2200-01-01
MAX_BYTES: Final = 1 << 50  # a count of bytes above this is a fault of the sensor
MAX_DURATION_S: Final = 400 * 86_400.0


class Channels(NamedTuple):
    """Rows of one part by what their target is; columns: time, src, target, place, …"""

    by_address: pl.DataFrame  # bytes; name: the server name of the connection, if known
    by_name: pl.DataFrame  # bytes
    held: pl.DataFrame  # duration_s, bytes; target: the name if known, else the address
    sent: pl.DataFrame  # role, bytes; target: zone of the name if known, else the address


def flow_rows(frame: pl.DataFrame, source: int) -> pl.DataFrame:
    """Connections for the spool; those without time or source host are left out."""
    flows = conform(frame, FLOWS).filter(
        _usable_time(), pl.col("src_ip").is_not_null(), pl.col("dst_ip").is_not_null()
    )
    return flows.select(
        "time",
        "record",
        src="src_ip",
        dst="dst_ip",
        host=_server_name(),
        duration_s=_sane("duration_s", MAX_DURATION_S),
        bytes_out=_sane("bytes_out", MAX_BYTES),
        bytes_in=_sane("bytes_in", MAX_BYTES),
        flow=pl.when(pl.col("flow_id").is_not_null()).then(pl.col("flow_id").hash()),
        source=pl.lit(source, pl.UInt32),
    )


def query_rows(frame: pl.DataFrame, source: int) -> pl.DataFrame:
    """DNS queries for the spool; those without time or a name in a zone are left out."""
    queries = conform(frame, DNS).select(
        "time",
        "record",
        answered=pl.col("answers").is_not_null(),
        codes=pl.col("answers").str.contains(_CODE).fill_null(value=False),
        src=pl.col("src_ip").fill_null(NOT_LOGGED),
        query=normal_name("query"),
        source=pl.lit(source, pl.UInt32),
    )
    queries = queries.with_columns(zone=zones(queries["query"])).filter(
        _usable_time(), pl.col("zone").is_not_null()
    )
    return queries.filter(pl.col("zone").str.contains(".", literal=True))


def _server_name() -> pl.Expr:
    """Host or server name without its port; a bare address is no name."""
    name = normal_name("host").str.replace(r"\.?:\d{1,5}$", "")
    return pl.when(~name.str.contains(_ADDRESS)).then(name)


def _usable_time() -> pl.Expr:
    return pl.col("time").is_between(0, MAX_TIME_US)


def _sane(column: str, most: float) -> pl.Expr:
    value = pl.col(column)
    return pl.when(value.is_between(0, most)).then(value).alias(column)


def outbound(flows: pl.DataFrame, internal: Networks) -> tuple[pl.DataFrame, int, int]:
    """Rows from own hosts to the outside; how many stay inside; how many come from outside."""
    own_source = internal.mask(flows["src"])
    own_target = internal.mask(flows["dst"])
    inside = int((own_source & own_target).sum())
    return flows.filter(own_source & ~own_target), inside, int((~own_source).sum())


def channels_of(flows: pl.DataFrame, roles: Mapping[str, Networks]) -> Channels:
    """Join rows of one connection, and give each kind of channel its rows."""
    plain = pl.col("host").is_null()
    bare = flows.filter(plain)
    named = flows.filter(~plain)
    seen = bare.filter(pl.col("flow").is_not_null())
    if not named.is_empty() and not seen.is_empty():
        named = _with_sizes(named, seen)
        names = named.filter(pl.col("flow").is_not_null()).group_by(*_ONE).agg(pl.col("host").min())
        bare = bare.drop("host").join(names, on=_ONE, how="left")
        alone = named.join(seen.select(*_ONE).unique(), on=_ONE, how="anti")
        whole = pl.concat([bare.select(alone.columns), alone])
    else:
        whole = flows
    where = ("time", "src", "place", "bytes_out", "bytes_in")
    zone = zones(whole["host"])
    held = whole.select(*where, "duration_s", target=pl.coalesce("host", "dst"))
    sent = whole.with_columns(zone=zone).select(
        *where, target=pl.coalesce("zone", "dst"), role=_role(whole["src"], roles)
    )
    return Channels(
        whole.select(*where, target="dst", name="host"),
        named.select(*where, target="host"),
        held,
        sent,
    )


def _with_sizes(named: pl.DataFrame, seen: pl.DataFrame) -> pl.DataFrame:
    """A handshake's row takes the bytes of its connection, if it is the only row of that."""
    sizes = seen.group_by(*_ONE).agg(out=pl.col("bytes_out").sum(), inn=pl.col("bytes_in").sum())
    single = named.group_by(*_ONE).len().filter(pl.col("len") == 1)
    sizes = sizes.join(single.select(*_ONE), on=_ONE, how="semi")
    return (
        named.join(sizes, on=_ONE, how="left")
        .with_columns(
            bytes_out=pl.coalesce("bytes_out", "out"), bytes_in=pl.coalesce("bytes_in", "inn")
        )
        .drop("out", "inn")
    )


def _role(sources: pl.Series, roles: Mapping[str, Networks]) -> pl.Series:
    """The roles of each host, joined by comma; empty for most."""
    distinct = sources.unique()
    masks: Sequence[tuple[str, pl.Series]] = [
        (name, networks.mask(distinct)) for name, networks in sorted(roles.items())
    ]
    texts = [
        ", ".join(name for name, mask in masks if mask[place]) for place in range(len(distinct))
    ]
    table = pl.DataFrame({"src": distinct, "role": texts}, schema_overrides={"role": pl.String})
    joined = pl.DataFrame({"src": sources}).join(table, on="src", how="left")
    return joined["role"]
