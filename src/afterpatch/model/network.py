"""Neutral column names of network events, and what each log calls them.

A batch keeps its format's own names. Whoever compares logs of different makers (beacons, flows,
names looked up) asks for the neutral ones, which are Sigma's where the Sigma taxonomy has a name.
Values are the log's own text: nothing is converted but what the unit says.

DNS    query, record_type, answer (one per line), rcode, and who asked whom
FLOW   both ends, protocol, bytes_out and packets_out from source to destination, bytes_in and
       packets_in back, duration in seconds
TLS    sni, version, ja3, ja3s, subject, issuer, and both ends
HTTP   method, host, uri, user_agent, referrer, status, bytes_out (request), bytes_in (response),
       username, and both ends

Both ends: src_ip, src_port, dst_ip, dst_port, protocol. The source is who opened the connection or
asked the question. A new format adds one entry to ``NATIVE``.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from afterpatch.model.batches import Batch, Logsource

ENDS: Final = ("src_ip", "src_port", "dst_ip", "dst_port", "protocol")
DNS: Final = ("query", "record_type", "answer", "rcode", *ENDS)
FLOW: Final = (*ENDS, "bytes_out", "bytes_in", "packets_out", "packets_in", "duration")
TLS: Final = ("sni", "version", "ja3", "ja3s", "subject", "issuer", *ENDS)
HTTP: Final = (
    *("method", "host", "uri", "user_agent", "referrer", "status", "bytes_out", "bytes_in"),
    *("username", *ENDS),
)

# Neutral name -> the log's own columns; the first that is there and not null counts.
Names = Mapping[str, tuple[str, ...]]

_ZEEK_ENDS: Final[Names] = {
    "src_ip": ("id.orig_h",),
    "src_port": ("id.orig_p",),
    "dst_ip": ("id.resp_h",),
    "dst_port": ("id.resp_p",),
    "protocol": ("proto",),
}
_EVE_ENDS: Final[Names] = {
    "src_ip": ("src_ip",),
    "src_port": ("src_port",),
    "dst_ip": ("dest_ip",),
    "dst_port": ("dest_port",),
    "protocol": ("proto",),
}
_SAME: Final[Names] = {name: (name,) for name in dict.fromkeys((*DNS, *FLOW, *TLS, *HTTP))}
_EVE_GROUPED: Final = tuple(
    f"dns.grouped.{kind}" for kind in ("A", "AAAA", "CNAME", "TXT", "MX", "NS", "PTR", "SRV", "SOA")
)

# (product, service) of a log source -> its names.
NATIVE: Final[Mapping[tuple[str, str], Names]] = {
    ("bind", "queries"): _SAME,
    ("dnsmasq", "queries"): _SAME,
    ("pcap", "dns"): _SAME,
    ("pcap", "flow"): _SAME,
    ("pcap", "http"): _SAME,
    ("pcap", "tls"): _SAME,
    ("unbound", "queries"): _SAME,
    ("windows", "dns-debug"): _SAME,
    ("windows", "dns-server-analytic"): {
        "query": ("query", "QNAME"),
        "record_type": ("QTYPE",),  # the type's number: 1, 16, 28
        "rcode": ("RCODE",),
        "src_ip": ("Source",),
        "dst_ip": ("Destination",),
    },
    ("windows", "sysmon"): {
        "query": ("QueryName",),
        "answer": ("QueryResults",),
        "rcode": ("QueryStatus",),
        "src_ip": ("SourceIp",),
        "src_port": ("SourcePort",),
        "dst_ip": ("DestinationIp",),
        "dst_port": ("DestinationPort",),
        "protocol": ("Protocol",),
    },
    ("", "passive-dns"): {
        "query": ("query", "rrname", "qname"),
        "record_type": ("rrtype", "type"),
        "answer": ("rdata", "value"),
    },
    ("zeek", "dns"): {
        **_ZEEK_ENDS,
        "query": ("query",),
        "record_type": ("qtype_name",),
        "answer": ("answers",),
        "rcode": ("rcode_name",),
    },
    ("zeek", "conn"): {
        **_ZEEK_ENDS,
        "bytes_out": ("orig_bytes",),
        "bytes_in": ("resp_bytes",),
        "packets_out": ("orig_pkts",),
        "packets_in": ("resp_pkts",),
        "duration": ("duration",),
    },
    ("zeek", "ssl"): {
        **_ZEEK_ENDS,
        "sni": ("server_name",),
        "version": ("version",),
        "ja3": ("ja3",),
        "ja3s": ("ja3s",),
        "subject": ("subject",),
        "issuer": ("issuer",),
    },
    ("zeek", "http"): {
        **_ZEEK_ENDS,
        "method": ("method",),
        "host": ("host",),
        "uri": ("uri",),
        "user_agent": ("user_agent",),
        "referrer": ("referrer",),
        "status": ("status_code",),
        "bytes_out": ("request_body_len",),
        "bytes_in": ("response_body_len",),
        "username": ("username",),
    },
    ("suricata", "dns"): {
        **_EVE_ENDS,
        "query": ("dns.rrname", "dns.queries.rrname", "dns.query.rrname"),
        "record_type": ("dns.rrtype", "dns.queries.rrtype", "dns.query.rrtype"),
        "answer": ("dns.answers.rdata", "dns.answer.rdata", "dns.rdata", *_EVE_GROUPED),
        "rcode": ("dns.rcode", "dns.answer.rcode"),
    },
    ("suricata", "flow"): {
        **_EVE_ENDS,
        "bytes_out": ("flow.bytes_toserver",),
        "bytes_in": ("flow.bytes_toclient",),
        "packets_out": ("flow.pkts_toserver",),
        "packets_in": ("flow.pkts_toclient",),
        "duration": ("flow.age",),
    },
    ("suricata", "netflow"): {
        **_EVE_ENDS,
        "bytes_out": ("netflow.bytes",),
        "packets_out": ("netflow.pkts",),
        "duration": ("netflow.age",),
    },
    ("suricata", "tls"): {
        **_EVE_ENDS,
        "sni": ("tls.sni",),
        "version": ("tls.version",),
        "ja3": ("tls.ja3.hash",),
        "ja3s": ("tls.ja3s.hash",),
        "subject": ("tls.subject",),
        "issuer": ("tls.issuerdn",),
    },
    ("suricata", "http"): {
        **_EVE_ENDS,
        "method": ("http.http_method",),
        "host": ("http.hostname",),
        "uri": ("http.url",),
        "user_agent": ("http.http_user_agent",),
        "referrer": ("http.http_refer",),
        "status": ("http.status",),
        "bytes_in": ("http.length",),
    },
    ("nfdump", "flow"): {
        "src_ip": ("sa", "srcAddr", "src4_addr", "src6_addr"),
        "src_port": ("sp", "srcPort", "src_port"),
        "dst_ip": ("da", "dstAddr", "dst4_addr", "dst6_addr"),
        "dst_port": ("dp", "dstPort", "dst_port"),
        "protocol": ("pr", "proto"),
        "bytes_out": ("ibyt", "bytes", "in_bytes"),
        "bytes_in": ("obyt", "out_bytes"),
        "packets_out": ("ipkt", "packets", "in_packets"),
        "packets_in": ("opkt", "out_packets"),
        "duration": ("td", "duration"),
    },
}


def native(logsource: Logsource, name: str) -> tuple[str, ...]:
    """The columns that may hold what a neutral name means, best first; () when none does."""
    return NATIVE.get((logsource.product, logsource.service), {}).get(name, ())


def columns(*names: str) -> frozenset[str]:
    """Every log's own columns for some neutral names."""
    tables = NATIVE.values()
    return frozenset(own for table in tables for name in names for own in table.get(name, ()))


def neutral(batch: Batch, names: tuple[str, ...]) -> pl.DataFrame:
    """Neutral columns of a batch, one String column per name, null where the log has no such."""
    here = batch.frame.columns
    columns = []
    for name in names:
        found = [pl.col(own) for own in native(batch.logsource, name) if own in here]
        columns.append(pl.coalesce(found or [pl.lit(None, dtype=pl.String)]).alias(name))
    return batch.frame.select(columns) if columns else pl.DataFrame()
