"""SigmaHQ's DNS and Zeek rules on the logs they are meant for, with no configuration."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from afterpatch.detect.detector import Detector
from afterpatch.detect.sigma.ast import ANY_FIELD, Rule
from afterpatch.detect.sigma.ast import tests as every_test
from afterpatch.detect.sigma.fields import names
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.formats import zeek_logs
from afterpatch.model.batches import Declared, Logsource
from afterpatch.model.campaigns import RuleText
from afterpatch.model.network import NATIVE
from afterpatch.model.places import Item
from afterpatch.model.readings import Reading
from afterpatch.pipeline.engines import Engines
from afterpatch.pipeline.unit import read_units

LINES = yaml.safe_load((Path(__file__).parent / "sigma_network_lines.yml").read_text("utf-8"))
TREES = ("rules", "rules-emerging-threats", "rules-threat-hunting")
NEEDED = ("category: dns\n", "product: zeek", "category: proxy", "category: webserver", "category: firewall")  # fmt: skip

Event = Mapping[str, Any]
Render = Callable[[Event], str]
TIME = 1614657906
ENDS = {"id.orig_h": "10.0.0.5", "id.orig_p": 53211, "id.resp_h": "10.0.0.53", "id.resp_p": 53}


@cache
def sigmahq(folder: Path) -> tuple[RuleText, ...]:
    """Every SigmaHQ rule for a network log."""
    files = sorted(path for tree in TREES for path in (folder / tree).rglob("*.yml"))
    texts = [(path, path.read_text("utf-8")) for path in files]
    return tuple(
        RuleText(path.stem, "sigma", text)
        for path, text in texts
        if any(part in text for part in NEEDED)
    )


@pytest.fixture(scope="module")
def rule_texts(public_data: Path) -> tuple[RuleText, ...]:
    if not (public_data / "sigma").is_dir():
        pytest.skip("the SigmaHQ rules are not in the public data beside the checkout (sigma/)")
    return sigmahq(public_data / "sigma")


@pytest.fixture(scope="module")
def detector(rule_texts: tuple[RuleText, ...]) -> Detector:
    return Detector.build(rule_texts, (), ())


@pytest.fixture(scope="module")
def rules(rule_texts: tuple[RuleText, ...]) -> dict[str, Rule]:
    """By file name."""
    return {
        text.path: rule for text in rule_texts for rule in parse_rules([text]).rules
    }  # fmt: skip


def tsv(path: str, event: Event) -> str:
    """A whole Zeek log of one event, as Zeek writes it."""
    fields = {"ts": f"{TIME}.123456", "uid": "CHhAvVGS1DHFjwGM9", **ENDS, **event}
    kinds = [
        "set[string]" if isinstance(v, list) else "bool" if isinstance(v, bool) else "string"
        for v in fields.values()
    ]
    head = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-"]
    head += [f"#path\t{path}", "#fields\t" + "\t".join(fields), "#types\t" + "\t".join(kinds)]
    return "\n".join([*head, "\t".join(map(cell, fields.values())), "#close\tx"]) + "\n"


def cell(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, list):
        return ",".join(str(member).replace(",", "\\x2c") for member in value)
    return str(value).replace("\\", "\\\\")


def zeek_json(path: str, event: Event) -> str:
    fields = {"_path": path, "ts": TIME + 0.5, "uid": "CHhAvVGS1DHFjwGM9", **ENDS, **event}
    return json.dumps(fields, separators=(",", ":")) + "\n"


def zeek_dns(event: Event) -> dict[str, Any]:
    answer = [event["answer"]] if "answer" in event else []
    kind = event.get("record_type", "A")
    return {"query": event["query"], "qtype_name": kind, "answers": answer, "Z": 0}


def debug(event: Event) -> str:
    labels = "".join(f"({len(label)}){label}" for label in event["query"].split(".")) + "(0)"
    kind = event.get("record_type", "A")
    head = f"3/13/2021 4:05:06 AM 0E70 PACKET  00000000033397A0 UDP Snd 10.0.0.5        5b47 R Q [8081   DR  NOERROR] {kind:<6} {labels}\n"
    if "answer" not in event:
        return head
    return f'{head}UDP response info at 00000000033397A0\n    ANSWER SECTION:\n    Name      "{labels}"\n      TYPE   TXT  (16)\n      DATA   {event["answer"]}\n'


def bind(event: Event) -> str:
    kind = event.get("record_type", "A")
    return f"13-Mar-2021 04:05:06.789 queries: info: client @0x7f8b4c 10.0.0.5#53211 ({event['query']}): query: {event['query']} IN {kind} +E(0)K (10.0.0.53)\n"


def eve(version: int) -> Render:
    def render(event: Event) -> str:
        kind = event.get("record_type", "A")
        dns: dict[str, Any] = {"version": version, "type": "answer", "rrname": event["query"]}
        dns |= {"rrtype": kind}
        if version == 3:
            dns = {"version": 3, "queries": [{"rrname": event["query"], "rrtype": kind}]}
        if "answer" in event and version == 1:
            dns |= {"rdata": event["answer"]}
        elif "answer" in event:
            dns |= {"answers": [{"rrtype": kind, "rdata": event["answer"]}]}
        fields = {"timestamp": "2021-03-02T04:05:06.789012+0000", "event_type": "dns", "dns": dns}
        return json.dumps(fields) + "\n"

    return render


def pdns(event: Event) -> str:
    fields = {"rrname": event["query"], "rrtype": event.get("record_type", "A"), "time_first": TIME}
    return json.dumps(fields | {"rdata": event.get("answer", "203.0.113.9")}) + "\n"


def analytic(event: Event) -> str:
    fields = {
        "EventID": 257,
        "Channel": "Microsoft-Windows-DNS-Server/Analytical",
        "ProviderName": "Microsoft-Windows-DNSServer",
        "TimeCreated": "2021-03-02T04:05:06Z",
        "QNAME": event["query"] + ".",
    }
    return json.dumps(fields) + "\n"


DNS_LOGS: Mapping[str, Render] = {
    "windows-dns-analytic": analytic,
    "zeek-tsv": lambda event: tsv("dns", zeek_dns(event)),
    "zeek-json": lambda event: zeek_json("dns", zeek_dns(event)),
    "windows-dns-debug": debug,
    "bind": bind,
    "unbound": lambda e: f"[{TIME}] unbound[1:0] info: 10.0.0.5 {e['query']}. A IN\n",
    "dnsmasq": lambda e: (
        f"2021-03-02T04:05:06+00:00 dnsmasq[1]: query[A] {e['query']} from 10.0.0.5\n"
    ),
    "eve-1": eve(1),
    "eve-2": eve(2),
    "eve-3": eve(3),
    "passive-dns": pdns,
}
NO_ANSWERS = ("bind", "unbound", "dnsmasq", "windows-dns-analytic")
ZEEK_LOGS: Mapping[str, Callable[[str, Event], str]] = {"tsv": tsv, "json": zeek_json}


def read(text: str, detector: Detector, folder: Path) -> Reading:
    path = folder / "sensor.log"
    path.write_text(text, encoding="utf-8")
    item = Item("sensor.log", None, "sensor.log", "r", (str(path),), len(text))
    (reading,) = read_units([item], Engines(detector), folder)
    assert not reading.gaps
    assert reading.source.events == 1
    return reading


def hits(reading: Reading, rules: Mapping[str, Rule]) -> set[str]:
    by_id = {rule.info.id: stem for stem, rule in rules.items()}
    return {by_id[hit.rule] for hit in reading.hits}


def test_every_rule_has_lines(rules: dict[str, Rule]) -> None:
    dns = {stem for stem, rule in rules.items() if rule.scope.category == "dns"}
    zeek = {stem for stem, rule in rules.items() if rule.scope.product == "zeek"}
    assert dns == set(LINES["dns"])
    assert zeek == set(LINES["zeek"])
    assert (len(dns), len(zeek)) == (11, 24)


@pytest.mark.parametrize("stem", sorted(LINES["dns"]))
@pytest.mark.parametrize("log", sorted(DNS_LOGS))
def test_dns_rules(
    stem: str, log: str, detector: Detector, rules: dict[str, Rule], tmp_path: Path
) -> None:
    render, lines = DNS_LOGS[log], LINES["dns"][stem]
    if "answer" in lines["fires"] and log in NO_ANSWERS:
        pytest.skip(f"{log} does not log record type and answer on one line")
    found = hits(read(render(lines["fires"]), detector, tmp_path), rules)
    assert stem in found
    for other in found:
        scope = rules[other].scope
        assert scope.category == "dns" or (scope.product == "zeek" and log.startswith("zeek"))
    assert stem not in hits(read(render(lines["silent"]), detector, tmp_path), rules)


@pytest.mark.parametrize("stem", sorted(LINES["zeek"]))
@pytest.mark.parametrize("form", sorted(ZEEK_LOGS))
def test_zeek_rules(
    stem: str, form: str, detector: Detector, rules: dict[str, Rule], tmp_path: Path
) -> None:
    render, lines = ZEEK_LOGS[form], LINES["zeek"][stem]
    for fate in ("fires", "silent"):
        reading = read(render(lines["path"], lines[fate]), detector, tmp_path)
        found = hits(reading, rules)
        assert (stem in found) == (fate == "fires"), fate
        source = zeek_logs.logsource(lines["path"])
        for other in found:
            scope = rules[other].scope
            assert scope.product in ("", "zeek")
            assert scope.service in ("", lines["path"])
            assert scope.category in ("", source.category, "webserver")


@pytest.mark.parametrize(
    ("category", "fires", "silent"),
    [
        ("net_firewall_apt_equationgroup_c2", "69.42.98.86", "69.42.98.87"),
    ],
)
def test_firewall_rules_on_flows(
    category: str,
    fires: str,
    silent: str,
    detector: Detector,
    rules: dict[str, Rule],
    tmp_path: Path,
) -> None:
    flows: Mapping[str, Render] = {
        "zeek": lambda e: tsv("conn", {"id.resp_h": e["ip"]}),
        "nfdump": lambda e: f"ts,te,td,sa,da,sp,dp,pr\n2021-03-02 04:05:06,2021-03-02 04:05:07,1.000,10.0.0.5,{e['ip']},1,443,TCP\n",
        "eve": lambda e: json.dumps({"timestamp": "2021-03-02T04:05:06.789012+0000", "event_type": "flow", "dest_ip": e["ip"]}) + "\n",
    }  # fmt: skip
    for render in flows.values():
        assert category in hits(read(render({"ip": fires}), detector, tmp_path), rules)
        assert category not in hits(read(render({"ip": silent}), detector, tmp_path), rules)


def test_a_proxy_rule_sees_host_and_uri_of_http_log(
    detector: Detector, rules: dict[str, Rule], tmp_path: Path
) -> None:
    event = {"method": "GET", "host": "www.ghostbin.co", "uri": "/paste/abc/raw/x", "status_code": 200}  # fmt: skip
    for render in ZEEK_LOGS.values():
        found = hits(read(render("http", event), detector, tmp_path), rules)
        assert any(rules[stem].scope.category == "proxy" for stem in found)


def test_a_rule_without_literals_forces_only_its_own_log(
    detector: Detector, rule_texts: tuple[RuleText, ...]
) -> None:
    columns = frozenset({"ts", "uid", *ENDS, "proto", "service", "orig_bytes"})
    for path in ("conn", "dce_rpc", "files", "smb_files", "ssl"):
        declared = Declared(zeek_logs.logsource(path), columns)
        assert detector.wanted_of(declared, "escaped") is not None
    dns = Declared(zeek_logs.logsource("dns"), columns | {"query", "Z"})
    assert detector.wanted_of(dns, "escaped") is None
    others = [text for text in rule_texts if text.path != "zeek_dns_susp_zbit_flag"]
    assert Detector.build(others, (), ()).wanted_of(dns, "escaped") is not None
    debug = Declared(Logsource("dns", "windows", "dns-debug"))
    assert detector.wanted_of(debug, "labels") is not None


def test_windows_dns_analytic_events_are_dns_events(
    detector: Detector, rules: dict[str, Rule], tmp_path: Path
) -> None:
    event = {
        "EventID": 257,
        "Channel": "Microsoft-Windows-DNS-Server/Analytical",
        "ProviderName": "Microsoft-Windows-DNSServer",
        "TimeCreated": "2021-03-02T04:05:06Z",
    }
    for query, stem in (("api.telegram.org", "net_dns_susp_telegram_api"), ("a.example", None)):
        found = hits(read(json.dumps({**event, "QNAME": query}) + "\n", detector, tmp_path), rules)
        assert found == ({stem} if stem else set())


# What a Zeek log of each kind has, by Zeek's documentation, of what the rules name.
ZEEK_COLUMNS = {
    "dce_rpc": {"endpoint", "operation"},
    "dns": {"query", "answers", "rejected", "Z", "qtype_name", "id.resp_p"},
    "http": {"resp_mime_types", "user_agent", "uri", "host", "method", "id.resp_h", "client_header_names", "request_body_len", "status_code"},
    "kerberos": {"request_type", "cipher", "service"},
    "rdp": {"id.orig_h"},
    "smb_files": {"name", "path"},
    "x509": {"certificate.serial"},
}  # fmt: skip


def test_every_field_of_these_rules_resolves(rules: dict[str, Rule]) -> None:
    for stem, rule in rules.items():
        for test in every_test(rule.condition):
            if test.field == ANY_FIELD:
                continue
            if rule.scope.product == "zeek":
                source = zeek_logs.logsource(rule.scope.service)
                found = set(names(test.field, source)) & ZEEK_COLUMNS[rule.scope.service]
                assert found, (stem, test.field)
            elif rule.scope.category == "dns":
                assert {"query", "record_type", "answer"} >= {test.field}
                for product, service in (("zeek", "dns"), ("suricata", "dns"), ("", "passive-dns")):
                    assert NATIVE[product, service][test.field]
                    assert set(NATIVE[product, service][test.field]) <= set(
                        names(test.field, Logsource("dns", product, service))
                    )
