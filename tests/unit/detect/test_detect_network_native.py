"""Rows of several makers' logs as neutral frames."""

import polars as pl

from afterpatch.detect.network.frames import DNS, FLOWS
from afterpatch.detect.network.native import Neutral, neutral_rows
from afterpatch.model.batches import RAW, RECORD, TIME, Batch, Logsource

TIMES = [1_000_000, 2_000_000]


def rows(product: str, service: str, **columns: list[str | None]) -> Neutral:
    reserved = {TIME: TIMES, RECORD: [7, 8], RAW: ["a", "b"]}
    frame = pl.DataFrame(
        {**reserved, **columns}, schema_overrides=dict.fromkeys(columns, pl.String)
    )
    return neutral_rows(Batch(Logsource("", product, service), frame))


def test_zeek_connections() -> None:
    found = rows(
        "zeek", "conn",
        **{"uid": ["C1", "C2"], "id.orig_h": ["10.0.0.1", "10.0.0.2"],
           "id.resp_h": ["203.0.113.1", "203.0.113.2"], "id.resp_p": ["443", "x"],
           "duration": ["1.5", None], "orig_bytes": ["10", "-"], "resp_bytes": ["20", None]},
    )  # fmt: skip
    assert found.dns.is_empty()
    assert found.others == 0
    assert dict(found.flows.schema) == dict(FLOWS)
    assert found.flows.row(0, named=True) == {
        "time": 1_000_000, "src_ip": "10.0.0.1", "dst_ip": "203.0.113.1", "dst_port": 443,
        "protocol": None, "duration_s": 1.5, "bytes_out": 10, "bytes_in": 20, "host": None,
        "flow_id": "C1", "record": 7,
    }  # fmt: skip
    second = found.flows.row(1, named=True)
    assert (second["dst_port"], second["bytes_out"], second["duration_s"]) == (None, None, None)


def test_server_names_of_tls_and_hosts_of_http() -> None:
    ends = {"src_ip": ["10.0.0.1"] * 2, "dest_ip": ["203.0.113.1"] * 2, "flow_id": ["5", "6"]}
    tls = rows("suricata", "tls", **ends, **{"tls.sni": ["a.example", None]})
    assert tls.flows["host"].to_list() == ["a.example", None]
    assert tls.flows["flow_id"].to_list() == ["5", "6"]
    http = rows("suricata", "http", **ends, **{"http.hostname": ["b.example", None]})
    assert http.flows["host"].to_list() == ["b.example", None]


def test_queries_and_their_answers() -> None:
    found = rows(
        "zeek", "dns",
        **{"id.orig_h": ["10.0.0.1"] * 2, "id.resp_h": ["10.0.0.53"] * 2,
           "query": ["a.example", None], "qtype_name": ["A", None], "answers": ["127.0.0.1", None]},
    )  # fmt: skip
    assert found.flows.is_empty()
    assert dict(found.dns.schema) == dict(DNS)
    assert found.dns["answers"].to_list() == ["127.0.0.1", None]


def test_events_of_windows_tell_the_host_by_name() -> None:
    found = rows(
        "windows", "sysmon",
        Computer=["PC-1.corp.example", "PC-1.corp.example"], QueryName=["a.example", None],
        DestinationIp=[None, "203.0.113.1"], SourceIp=[None, "10.0.0.1"],
    )  # fmt: skip
    assert found.dns["src_ip"].to_list() == ["pc-1.corp.example"]
    assert found.flows["dst_ip"].to_list() == ["203.0.113.1"]
    assert found.others == 0


def test_rows_of_other_logs_are_counted() -> None:
    found = rows("windows", "security", SubjectUserName=["x", "y"])
    assert (found.flows.height, found.dns.height, found.others) == (0, 0, 2)
