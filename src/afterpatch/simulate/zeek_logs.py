"""Simulated traffic as Zeek's own logs: conn, dns, http, ssl, tab separated, joined by ``uid``.

Field names and order follow Zeek 6's default scripts (docs.zeek.org, "Zeek Log Formats"). Only
columns are written, no row is built by itself.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import orjson
import polars as pl

from afterpatch.simulate.network import NetworkPlan, Traffic
from afterpatch.simulate.network_rows import generator

_RESOLVER: Final = "10.20.0.2"
_BASE62: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_UID_CHARS: Final = 17
_QTYPES: Final[Mapping[str, str]] = {"A": "1", "AAAA": "28", "PTR": "12"}

_ID: Final = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port",
    "id.resp_h": "addr", "id.resp_p": "port",
}  # fmt: skip
CONN: Final[Mapping[str, str]] = _ID | {
    "proto": "enum", "service": "string", "duration": "interval", "orig_bytes": "count",
    "resp_bytes": "count", "conn_state": "string", "local_orig": "bool", "local_resp": "bool",
    "missed_bytes": "count", "history": "string", "orig_pkts": "count", "orig_ip_bytes": "count",
    "resp_pkts": "count", "resp_ip_bytes": "count", "tunnel_parents": "set[string]",
}  # fmt: skip
DNS: Final[Mapping[str, str]] = _ID | {
    "proto": "enum", "trans_id": "count", "rtt": "interval", "query": "string", "qclass": "count",
    "qclass_name": "string", "qtype": "count", "qtype_name": "string", "rcode": "count",
    "rcode_name": "string", "AA": "bool", "TC": "bool", "RD": "bool", "RA": "bool", "Z": "count",
    "answers": "vector[string]", "TTLs": "vector[interval]", "rejected": "bool",
}  # fmt: skip
HTTP: Final[Mapping[str, str]] = _ID | {
    "trans_depth": "count", "method": "string", "host": "string", "uri": "string",
    "referrer": "string", "version": "string", "user_agent": "string", "origin": "string",
    "request_body_len": "count", "response_body_len": "count", "status_code": "count",
    "status_msg": "string",
}  # fmt: skip
SSL: Final[Mapping[str, str]] = _ID | {
    "version": "string", "cipher": "string", "curve": "string", "server_name": "string",
    "resumed": "bool", "last_alert": "string", "next_protocol": "string", "established": "bool",
}  # fmt: skip


def write_zeek(plan: NetworkPlan, made: Traffic, folder: Path) -> None:
    """Write the four logs and ``labels.json`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    start, end = plan.start, datetime.fromtimestamp(_last_us(made) / 1e6, UTC)
    flows = _flows(plan, made.flows)
    tls = flows.filter((pl.col("dst_port") == 443) & pl.col("host").is_not_null())
    web = flows.filter((pl.col("dst_port") == 80) & pl.col("host").is_not_null())
    for path, fields, table in (
        ("conn", CONN, flows.with_columns(**_CONN)),
        ("ssl", SSL, tls.with_columns(**_SSL)),
        ("http", HTTP, web.with_columns(**_HTTP)),
        ("dns", DNS, _queries(plan, made.dns)),
    ):
        _write(folder / f"{path}.log", path, fields, table, start, end)
    (folder / "labels.json").write_bytes(
        orjson.dumps({"seed": plan.seed, "channels": made.labels}, option=orjson.OPT_INDENT_2)
    )


def _text(value: str) -> pl.Expr:
    return pl.lit(value)


_ABSENT: Final = pl.lit(None, pl.String)
_PACKETS_OUT: Final = pl.col("bytes_out") // 1_400 + 4
_PACKETS_IN: Final = pl.col("bytes_in") // 1_400 + 4
_CONN: Final[Mapping[str, pl.Expr]] = {
    "proto": pl.col("protocol"),
    "service": pl.when(pl.col("dst_port") == 443).then(_text("ssl"))
    .when(pl.col("dst_port") == 80).then(_text("http"))
    .when(pl.col("dst_port") == 123).then(_text("ntp")),
    "duration": pl.col("duration_s").map_elements("{:.6f}".format, pl.String),
    "orig_bytes": pl.col("bytes_out"), "resp_bytes": pl.col("bytes_in"),
    "conn_state": _text("SF"), "local_orig": _text("T"), "local_resp": _text("F"),
    "missed_bytes": _text("0"), "history": _text("ShADadFf"),
    "orig_pkts": _PACKETS_OUT, "orig_ip_bytes": pl.col("bytes_out") + 40 * _PACKETS_OUT,
    "resp_pkts": _PACKETS_IN, "resp_ip_bytes": pl.col("bytes_in") + 40 * _PACKETS_IN,
    "tunnel_parents": _ABSENT,
}  # fmt: skip
_SSL: Final[Mapping[str, pl.Expr]] = {
    "version": _text("TLSv12"), "cipher": _text("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    "curve": _text("x25519"), "server_name": pl.col("host"), "resumed": _text("F"),
    "last_alert": _ABSENT, "next_protocol": _text("h2"), "established": _text("T"),
}  # fmt: skip
_HTTP: Final[Mapping[str, pl.Expr]] = {
    "trans_depth": _text("1"), "method": _text("GET"), "uri": _text("/"), "referrer": _ABSENT,
    "version": _text("1.1"), "user_agent": _text("Microsoft-CryptoAPI/10.0"), "origin": _ABSENT,
    "request_body_len": _text("0"), "response_body_len": pl.col("bytes_in"),
    "status_code": _text("200"), "status_msg": _text("OK"),
}  # fmt: skip


def _flows(plan: NetworkPlan, flows: pl.DataFrame) -> pl.DataFrame:
    rng = generator(plan.seed, "zeek", "flows")
    return flows.with_columns(**_ends(rng, flows)).with_columns(
        pl.col("dst_ip").alias("id.resp_h"), pl.col("dst_port").alias("id.resp_p")
    )


def _queries(plan: NetworkPlan, queries: pl.DataFrame) -> pl.DataFrame:
    rng = generator(plan.seed, "zeek", "dns")
    answered = pl.col("answers").is_not_null()
    constant = {
        "id.resp_h": _RESOLVER, "id.resp_p": "53", "proto": "udp", "rtt": "0.012000",
        "qclass": "1", "qclass_name": "C_INTERNET", "AA": "F", "TC": "F", "RD": "T", "RA": "T",
        "Z": "0", "rejected": "F",
    }  # fmt: skip
    table = queries.with_columns(**_ends(rng, queries))
    table = table.with_columns(pl.lit(value).alias(name) for name, value in constant.items())
    return table.with_columns(
        trans_id=pl.Series(rng.integers(0, 65_536, queries.height)),
        qtype=pl.col("record_type").replace_strict(_QTYPES, default="255"),
        qtype_name=pl.col("record_type"),
        rcode=pl.when(answered).then(_text("0")).otherwise(_text("3")),
        rcode_name=pl.when(answered).then(_text("NOERROR")).otherwise(_text("NXDOMAIN")),
        TTLs=pl.when(answered).then(_text("300.000000")),
    )


def _ends(rng: np.random.Generator, table: pl.DataFrame) -> dict[str, pl.Expr | pl.Series]:
    """Time, identifier and source end of each row."""
    letters = np.frombuffer(_BASE62, np.uint8)[
        rng.integers(0, 62, (table.height, _UID_CHARS), dtype=np.uint8)
    ]
    uids = letters.view(f"S{_UID_CHARS}").ravel().astype(str)
    fraction = (pl.col("time") % 1_000_000).cast(pl.String).str.zfill(6)
    return {
        "ts": (pl.col("time") // 1_000_000).cast(pl.String) + "." + fraction,
        "uid": "C" + pl.Series(uids, dtype=pl.String),
        "id.orig_h": pl.col("src_ip"),
        "id.orig_p": pl.Series(rng.integers(49_152, 65_536, table.height)),
    }


def _last_us(made: Traffic) -> int:
    times = [made.flows["time"].max(), made.dns["time"].max()]
    return max(int(time) for time in times if isinstance(time, int))


def _write(
    path: Path,
    name: str,
    fields: Mapping[str, str],
    table: pl.DataFrame,
    start: datetime,
    end: datetime,
) -> None:
    stamp = "%Y-%m-%d-%H-%M-%S"
    head = (
        "#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-",
        f"#path\t{name}", f"#open\t{start:{stamp}}",
        "#fields\t" + "\t".join(fields), "#types\t" + "\t".join(fields.values()),
    )  # fmt: skip
    body = table.select(*fields).write_csv(
        separator="\t", include_header=False, quote_style="never", null_value="-"
    )
    text = "\n".join(head) + "\n" + body + f"#close\t{end:{stamp}}\n"
    path.write_text(text, encoding="utf-8", newline="\n")
