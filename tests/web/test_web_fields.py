"""Every field of SigmaHQ's web server and proxy rules reaches its value in every log that has it."""

from typing import Any

import pytest
import yaml
from test_web_rules import batch_of, rules  # noqa: F401
from web_lines import LOGS, WEBSERVERS

from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.fields import views

WEB_REQUEST = {"m": "POST", "u": "/a/b.php?x=1", "s": "403", "user": "alice"}
PROXY_REQUEST = WEB_REQUEST | {"u": "http://h.example:8080/a/b.php?x=1"}
MORE = {
    "agent": "Agent (a; b) 1.0",
    "referer": "http://r.example/p",
    "cookie": "k=v",
    "host": "v.example",
    "type": "text/xml",
    "dst": "203.0.113.9",
}
VALUES = {
    "cs-method": "POST",
    "sc-status": "403",
    "cs-username": "alice",
    "c-username": "alice",
    "c-ip": "192.0.2.77",
    "src_ip": "192.0.2.77",
    "cs-uri-stem": "/a/b.php",
    "c-uri-stem": "/a/b.php",
    "c-uri-path": "/a/b.php",
    "cs-uri-query": "x=1",
    "c-uri-query": "x=1",
    "cs-user-agent": MORE["agent"],
    "c-useragent": MORE["agent"],
    "cs-referer": MORE["referer"],
    "referer": MORE["referer"],
    "cs-cookie": MORE["cookie"],
    "cs-content-type": MORE["type"],
    "dst_ip": MORE["dst"],
    "sc-bytes": "1234",
    "cs-bytes": "99",
    "c-uri-extension": "php",
}
WEB_VALUES = VALUES | {"cs-host": MORE["host"], "c-uri": "x=1", "cs-uri": "x=1"}
PROXY_VALUES = VALUES | {
    "cs-host": "h.example",
    "r-dns": "h.example",
    "c-uri": PROXY_REQUEST["u"],
    "cs-uri": PROXY_REQUEST["u"],
}
# What a log's lines do not hold: no rule on these fields can find anything in it.
NO_AGENT = {"cs-user-agent", "c-useragent", "cs-referer", "referer"}
NO_REST = {"cs-cookie", "cs-content-type", "cs-bytes", "dst_ip"}
NOT_OF_SERVERS = {"c-uri-extension"}
ABSENT: dict[str, set[str]] = {
    "apache common": NO_AGENT | NO_REST | NOT_OF_SERVERS | {"cs-host"},
    "apache combined": NO_REST | NOT_OF_SERVERS | {"cs-host"},
    "apache vhost": NO_REST | NOT_OF_SERVERS,
    "nginx main": NO_REST | NOT_OF_SERVERS | {"cs-host"},
    "unknown server": NO_REST | NOT_OF_SERVERS | {"cs-host"},
    "iis": {"cs-bytes", "sc-bytes", "dst_ip"} | NOT_OF_SERVERS,
    "httpproxy": NO_REST | NOT_OF_SERVERS | {"cs-referer", "referer", "sc-bytes"},
    "squid": NO_AGENT | {"cs-cookie", "cs-content-type", "cs-bytes"},
    "squid combined": NO_REST,
    "proxysg": {"cs-content-type"},
    "tmg": {"cs-referer", "referer", "cs-cookie", "cs-content-type", "sc-bytes", "cs-bytes"},
}


def shown(name: str, field: str) -> list[str]:
    """The texts a test on the field sees in the one event of a log."""
    log = LOGS[name]
    base = WEB_REQUEST if name in WEBSERVERS else PROXY_REQUEST
    more = {key: value for key, value in MORE.items() if key in log.holds}
    batch = batch_of(log, base | more)
    columns = Columns(batch)
    found = (columns.view(view) for view in views(field, "contains", batch.logsource))
    return [value for column in found if column for value in column.values.to_list()]


@pytest.mark.parametrize("name", LOGS)
def test_fields_reach_their_values(name: str) -> None:
    values = WEB_VALUES if name in WEBSERVERS else PROXY_VALUES
    wrong = {
        field: texts
        for field, value in values.items()
        if field not in ABSENT[name] and value not in (texts := shown(name, field))
    }
    assert wrong == {}


@pytest.mark.parametrize("name", LOGS)
def test_absent_fields_show_nothing(name: str) -> None:
    unexpected = {f: texts for f in ABSENT[name] if (texts := shown(name, f)) and f != "dst_ip"}
    assert unexpected == {}


def test_the_table_has_every_field_of_the_rules(rules: dict[str, Any]) -> None:  # noqa: F811
    for category, values in (("webserver", WEB_VALUES), ("proxy", PROXY_VALUES)):
        used = {
            field
            for known, text in rules.values()
            if known == category
            for field in _fields(next(iter(yaml.safe_load_all(text.text)))["detection"])
        }
        assert used <= set(values)


def _fields(detection: Any) -> set[str]:
    """Names before the modifiers, wherever a mapping of the detection names a field."""
    found: set[str] = set()
    for name, part in detection.items():
        for one in part if isinstance(part, list) else [part]:
            if name != "condition" and isinstance(one, dict):
                found |= {key.split("|")[0] for key in one}
    return found - {""}
