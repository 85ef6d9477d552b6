"""Every SigmaHQ rule for web servers and proxies finds its request in every log that can carry it."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from web_lines import LOGS, PROXIES, SENSORS, WEBSERVERS, Log, Request

from afterpatch.detect.detector import Detector
from afterpatch.formats.format import Format
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import Batch, Declared, Wanted
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

SPECS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("web_rules.yml").read_text("utf-8")
)
CATEGORIES = {"webserver": WEBSERVERS | SENSORS, "proxy": PROXIES | SENSORS}


@pytest.fixture(scope="module")
def rules(public_data: Path) -> dict[str, tuple[str, RuleText]]:
    """SigmaHQ's rules for web servers and proxies: id -> (category, text)."""
    folder = public_data / "sigma"
    if not folder.is_dir():
        pytest.skip("SigmaHQ's rules are not in the public data (sigma/ missing)")
    found = {}
    for path in sorted(folder.glob("rules*/**/*.yml")):
        text = path.read_text("utf-8")
        rule = next(iter(yaml.safe_load_all(text)))
        category = ((rule or {}).get("logsource") or {}).get("category")
        if category in CATEGORIES:
            found[rule["id"]] = category, RuleText(path.name, "sigma", text)
    return found


@pytest.fixture(scope="module")
def detector(rules: dict[str, tuple[str, RuleText]]) -> Detector:
    return Detector.build([text for _, text in rules.values()], [], [])


def wanted_lines(known: Format, data: bytes, item: Item, detector: Detector) -> Wanted | None:
    """The prefilter of a log, as its format asks for it."""
    if known.declared:
        declared = known.declared(data, item)
        assert declared
        return detector.wanted_of(declared, known.spelling)
    if known.prefilter == "logsource":
        assert known.logsource
        return detector.wanted_of(Declared(known.logsource), known.spelling)
    return detector.wanted(known.prefilter) if known.prefilter else None


def hits(log: Log, request: Request, detector: Detector, *, prefiltered: bool) -> set[str] | None:
    """Ids of the rules that match the request in this log; None where it cannot carry it."""
    data = log.write(request)
    if data is None:
        return None
    item = Item("x", None, log.origin, "root", ("x",), 0)
    known, _ = recognise(data, item)
    assert known is not None
    assert known.kind == log.kind
    wanted = wanted_lines(known, data, item, detector) if prefiltered else None
    pieces = list(known.read(io.BytesIO(data), item, wanted))
    assert [piece.gaps for piece in pieces if piece.gaps] == []
    assert sum(piece.events for piece in pieces) == 1
    assert [hour for piece in pieces for hours in piece.observed.values() for hour in hours] == [
        1615380936 // 3600
    ]
    return {
        hit.rule
        for piece in pieces
        for batch in piece.batches
        for result in detector.match(batch, [("x", batch.frame.height)])
        for hit in result.hits
    }


def test_every_rule_has_its_requests_and_is_understood(
    rules: dict[str, tuple[str, RuleText]], detector: Detector
) -> None:
    assert sorted(spec["id"] for spec in SPECS) == sorted(rules)
    assert detector.unsupported == ()


@pytest.mark.parametrize("prefiltered", [True, False], ids=["prefiltered", "whole"])
@pytest.mark.parametrize("name", LOGS)
def test_rules_find_their_requests(
    name: str,
    prefiltered: bool,
    rules: dict[str, tuple[str, RuleText]],
    detector: Detector,
) -> None:
    wrong = []
    for spec in SPECS:
        category, _ = rules[spec["id"]]
        if name not in CATEGORIES[category]:
            continue
        found = hits(LOGS[name], spec["fires"], detector, prefiltered=prefiltered)
        if found is not None and spec["id"] not in found:
            wrong.append(("does not fire", spec["id"], spec["fires"]))
        found = hits(LOGS[name], spec["silent"], detector, prefiltered=prefiltered)
        if found is not None and spec["id"] in found:
            wrong.append(("is not silent", spec["id"], spec["silent"]))
    assert wrong == []


def test_every_rule_is_tried_in_some_log(rules: dict[str, tuple[str, RuleText]]) -> None:
    untried = [
        spec["id"]
        for spec in SPECS
        for side in ("fires", "silent")
        if not any(log.write(spec[side]) for log in CATEGORIES[rules[spec["id"]][0]].values())
    ]
    assert untried == []


PRODUCTS = {
    "apache combined": ("apache", "access"),
    "nginx main": ("nginx", "access"),
    "iis": ("windows", "iis"),
    "httpproxy": ("exchange", "httpproxy"),
    "squid": ("squid", "squid"),
    "proxysg": ("", "elff"),
}


@pytest.mark.parametrize("asked", PRODUCTS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_a_rule_for_one_product_matches_no_other(asked: str, name: str) -> None:
    product, service = PRODUCTS[asked]
    scope = f"  product: {product}\n" if product else f"  service: {service}\n"
    rule = (
        "title: t\nid: 11111111-1111-4111-8111-111111111111\nstatus: test\nlevel: low\n"
        f"logsource:\n{scope}detection:\n  s:\n    cs-method: GET\n  condition: s\n"
    )
    detector = Detector.build([RuleText("t.yml", "sigma", rule)], [], [])
    request = {"u": "http://www.example.com/"}
    assert bool(hits(LOGS[name], request, detector, prefiltered=False)) == (asked == name)


def test_a_rule_for_a_category_meets_every_log_of_it(detector: Detector) -> None:
    for category, logs in CATEGORIES.items():
        rule = (
            "title: t\nid: 11111111-1111-4111-8111-111111111111\nstatus: test\nlevel: low\n"
            f"logsource:\n  category: {category}\ndetection:\n  s:\n    cs-method: GET\n"
            "  condition: s\n"
        )
        one = Detector.build([RuleText("t.yml", "sigma", rule)], [], [])
        for name, log in LOGS.items():
            found = hits(log, {"u": "http://www.example.com/"}, one, prefiltered=False)
            assert bool(found) == (name in logs)


def batch_of(log: Log, request: Request) -> Batch:
    """The one event of a request in a log."""
    data = log.write(request)
    assert data is not None
    item = Item("x", None, log.origin, "root", ("x",), 0)
    known, _ = recognise(data, item)
    assert known is not None
    (batch,) = [b for piece in known.read(io.BytesIO(data), item, None) for b in piece.batches]
    return batch
