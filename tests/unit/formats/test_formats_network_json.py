"""Suricata EVE, passive DNS and nfdump."""

import json
from pathlib import Path

import pytest
from network_reading import Read

from afterpatch.model.batches import Batch
from afterpatch.model.network import DNS, FLOW, HTTP, NATIVE, TLS, neutral

EVE = {"timestamp": "2021-03-02T04:05:06.789012+0000", "src_ip": "10.0.0.5", "dest_ip": "192.0.2.1"}


def eve(event_type: str, **fields: object) -> str:
    return json.dumps({**EVE, "event_type": event_type, **fields}) + "\n"


def test_eve_has_a_batch_per_event_type_and_skips_counters() -> None:
    text = (
        eve("alert", alert={"signature": "ET X", "severity": 1, "metadata": {"tag": ["a", "b"]}})
        + eve("stats", stats={"uptime": 1})
        + eve("tls", tls={"sni": "c2.example.net", "ja3": {"hash": "ab"}})
        + eve("http", http={"hostname": "h.example", "url": "/x", "http_method": "GET"})
        + eve("flow", flow={"bytes_toserver": 10, "bytes_toclient": 20, "age": 3})
        + '{"timestamp": "x", "no": "event"}\n'
    )
    found = Read(text, "eve.json")
    assert (found.kind, found.events, found.skipped) == ("suricata-eve", 4, 1)
    assert [(gap.place, gap.records) for gap in found.gaps] == [("line 6", 1)]
    assert [batch.logsource for batch in found.batches] == [
        ("", "suricata", "alert"),
        ("", "suricata", "tls"),
        ("firewall", "suricata", "flow"),
        ("proxy", "suricata", "http"),
    ]
    assert found.rows("alert.metadata.tag")[0] == ("a\nb",)
    by_service = {batch.logsource.service: batch for batch in found.batches}
    assert row(by_service["tls"], TLS) | {"sni": "c2.example.net", "ja3": "ab"} == row(by_service["tls"], TLS)  # fmt: skip
    assert row(by_service["http"], HTTP)["uri"] == "/x"
    flow = row(by_service["flow"], FLOW)
    assert (flow["bytes_out"], flow["bytes_in"], flow["duration"]) == ("10", "20", "3")


def row(batch: Batch, names: tuple[str, ...]) -> dict[str, str | None]:
    (found,) = neutral(batch, names).to_dicts()
    return found


@pytest.mark.parametrize(
    "dns",
    [
        {"type": "answer", "rrname": "a.example", "rrtype": "A", "rdata": "192.0.2.1"},
        {"version": 2, "rrname": "a.example", "rrtype": "A", "grouped": {"A": ["192.0.2.1"]}},
        {"version": 2, "rrname": "a.example", "rrtype": "A", "answers": [{"rrname": "a.example", "rrtype": "A", "rdata": "192.0.2.1"}]},
        {"version": 3, "queries": [{"rrname": "a.example", "rrtype": "A"}], "answers": [{"rdata": "192.0.2.1"}]},
    ],
)  # fmt: skip
def test_eve_dns_versions_have_the_same_neutral_columns(dns: dict[str, object]) -> None:
    (batch,) = Read(eve("dns", dns=dns), "eve.json").batches
    expected = {"query": "a.example", "record_type": "A", "answer": "192.0.2.1", "dst_ip": "192.0.2.1"}  # fmt: skip
    assert row(batch, DNS) | expected == row(batch, DNS)


COF = '{"rrname":"a.example.","rrtype":"A","rdata":["192.0.2.1","192.0.2.2"],"time_first":1614657906,"time_last":1614657999,"count":3}'  # fmt: skip


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        (COF + "\n" + COF + "\n", 0),
        (f"[{COF},{COF}]", 0),
        (f"[\n {COF},\n {COF}\n]\n", 0),
        (f'{{"cond":"begin"}}\n{{"obj":{COF}}}\n{{"obj":{COF}}}\n{{"cond":"succeeded"}}\n', 2),
        (f'{{"count": 2, "results": [{COF}, {COF}]}}', 0),
        (f'  "results": [\n{COF},\n{COF}\n]\n', 0),
    ],
    ids=["lines", "list", "pretty", "dnsdb", "results", "cut-out"],
)
def test_passive_dns_shapes(text: str, skipped: int) -> None:
    found = Read(text, "pdns.json")
    assert (found.kind, found.events, found.skipped, found.gaps) == ("passive-dns", 2, skipped, [])
    assert found.observed == set()
    named = neutral(found.batches[0], ("query", "record_type", "answer"))
    assert named.row(0) == ("a.example", "A", "192.0.2.1\n192.0.2.2")
    assert found.times()[0] == "2021-03-02T04:05:06+00:00"


def test_passive_dns_cut_is_a_gap() -> None:
    assert Read(f"[{COF},{COF[:50]}", "pdns.json").gaps
    assert Read(f"{COF}\n{COF[:50]}", "pdns.json").gaps


def test_public_passive_dns_is_read_whole(public_data: Path) -> None:
    path = public_data / "sunburst" / "sunburst_raw.json"
    if not path.is_file():
        pytest.skip("the public passive DNS is not beside the checkout (sunburst/)")
    data = path.read_bytes()
    found = Read(data, "sunburst_raw.json")
    assert found.gaps == []
    assert found.events == data.count(b'"qname"')


FLOW_JSON = '{"type":"FLOW","first":"2021-03-02T04:05:06.789","last":"2021-03-02T04:05:07.789","proto":6,"src4_addr":"10.0.0.5","dst4_addr":"192.0.2.1","src_port":1,"dst_port":443,"in_packets":3,"in_bytes":60}'  # fmt: skip
OLD = "ts,te,td,sa,da,sp,dp,pr,flg,ipkt,ibyt\n2021-03-02 04:05:06,2021-03-02 04:05:07,1.000,10.0.0.5,192.0.2.1,1,443,TCP,...AP.SF,3,60\n"  # fmt: skip
SUMMARY = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,60,3,1,1,1\n"
NEW = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes\n2021-03-02 04:05:06.123,1.000,TCP,10.0.0.5,1,192.0.2.1,443,3,60\n"  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "skipped"),
    [
        (f"[\n{FLOW_JSON}\n]\n", "nfdump-json", 0),
        (FLOW_JSON + "\n", "nfdump-json", 0),
        (OLD + SUMMARY, "nfdump-csv", 4),
        (NEW, "nfdump-csv", 1),
    ],
)
def test_nfdump_forms_have_the_same_neutral_columns(text: str, kind: str, skipped: int) -> None:
    found = Read(text, "flows")
    assert (found.kind, found.events, found.skipped, found.gaps) == (kind, 1, skipped, [])
    names = ("src_ip", "src_port", "dst_ip", "dst_port", "bytes_out", "packets_out")
    assert neutral(found.batches[0], names).rows() == [("10.0.0.5", "1", "192.0.2.1", "443", "60", "3")]  # fmt: skip
    assert str(found.times()[0]).startswith("2021-03-02T04:05:06")


def test_the_neutral_table_names_only_neutral_columns() -> None:
    known = {*DNS, *FLOW, *TLS, *HTTP}
    assert all(set(table) <= known for table in NATIVE.values())
