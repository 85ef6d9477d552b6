"""The face pipeline sees: hits with their fields, exact counts, accounting, correlation."""

from datetime import UTC, datetime

import polars as pl
import pytest

from afterpatch.detect import detector as detector_module
from afterpatch.detect.detector import Detector, MatchResult
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import Indicator, RuleText
from afterpatch.model.places import Place

PROXY = Logsource("webserver", "exchange", "httpproxy")
FORGED = "11111111-1111-4111-8111-111111111111"
OFTEN = "21111111-1111-4111-8111-111111111111"
SIGMA = f"""
title: Forged
id: {FORGED}
fields: [c-ip, UrlStem]
logsource: {{category: webserver}}
detection: {{s: {{cs-uri-stem|contains: /ecp/}}, condition: s}}
"""
CORRELATION = f"""
title: Often
id: {OFTEN}
correlation:
  type: event_count
  rules: [{FORGED}]
  group-by: [cs-user-agent]
  timespan: 1m
  condition: {{gte: 2}}
"""
ADDRESS = Indicator("ip", "10.1.2.3", "", True, "src")
T0 = 1_614_657_600_000_000  # 2021-03-02T04:00:00Z


def texts(*rules: str) -> list[RuleText]:
    return [RuleText(f"{n}.yml", "sigma", rule) for n, rule in enumerate(rules)]


def batch(count: int = 3, **columns: list) -> Batch:
    data = {
        "@time": pl.Series([T0 + n * 1_000_000 for n in range(count)], dtype=pl.Int64),
        "@record": pl.Series(range(7, 7 + count), dtype=pl.Int64),
        "@raw": pl.Series([f"raw {n}" for n in range(count)]),
        "UrlStem": pl.Series(["/ecp/y.js", "/owa/", "/ecp/z.js"][:count] or []),
        "ClientIpAddress": pl.Series(["10.1.2.3", None, None][:count], dtype=pl.String),
        "UserAgent": pl.Series(["ua"] * count),
    }
    return Batch(PROXY, pl.DataFrame(data | columns))


def match(detector: Detector, events: Batch) -> MatchResult:
    [result] = detector.match(events, [("a.log", events.frame.height)])
    return result


def test_events_of_several_sources_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    built = Detector.build(texts(SIGMA), [], [])
    one, none, other = built.match(batch(), [("a.log", 1), ("b.log", 1), ("c.log", 1)])
    assert [hit.place for hit in one.hits] == [Place("a.log", 7)]
    assert none.hits == ()
    assert [hit.place for hit in other.hits] == [Place("c.log", 9)]
    monkeypatch.setattr(detector_module, "MAX_HITS_PER_RULE", 1)
    one, other = built.match(batch(), [("a.log", 2), ("c.log", 1)])
    assert one.overflow == other.overflow == {}


def test_hits_carry_place_time_and_fields() -> None:
    found = match(Detector.build(texts(SIGMA), [], [], keep=["UserAgent", "Absent"]), batch())
    first, second = found.hits
    assert first.rule == FORGED
    assert first.place == Place("a.log", 7)
    assert first.time == datetime(2021, 3, 2, 4, tzinfo=UTC)
    assert first.fields == {"c-ip": "10.1.2.3", "UrlStem": "/ecp/y.js", "UserAgent": "ua"}
    assert first.raw == "raw 0"
    assert second.fields == {"UrlStem": "/ecp/z.js", "UserAgent": "ua"}
    assert found.overflow == {}
    assert found.evaluated == {FORGED}


def test_values_and_raw_text_are_cut() -> None:
    long = "/ecp/" + "x" * 5_000
    found = match(
        Detector.build(texts(SIGMA), [], []), batch(1, UrlStem=[long], **{"@raw": [long]})
    )
    assert found.hits[0].fields["UrlStem"] == found.hits[0].raw == long[:2_000]


def test_counts_stay_exact_beyond_the_hits_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_module, "MAX_HITS_PER_RULE", 1)
    found = match(Detector.build(texts(SIGMA), [], []), batch())
    assert len(found.hits) == 1
    assert found.overflow == {FORGED: 1}


def test_times_that_are_no_dates_are_none() -> None:
    columns = {"@time": pl.Series([None, 0, 2**62], dtype=pl.Int64)}
    found = match(Detector.build(texts(SIGMA), [], []), batch(3, **columns))
    assert [hit.time for hit in found.hits] == [None, None]


def test_rules_are_accounted_for() -> None:
    other = SIGMA.replace("11111111-1", "31111111-1").replace("webserver", "proxy")
    broken = SIGMA.replace("11111111-1", "41111111-1").replace("contains", "expandx")
    built = Detector.build(
        texts(SIGMA, other, broken, CORRELATION), [], [ADDRESS, Indicator("ip", "x", "", True, "s")]
    )
    assert {info.id for info in built.infos} == {
        FORGED,
        other_id(other),
        OFTEN,
        "indicator:ip:10.1.2.3",
    }
    assert [rule for rule, _ in built.unsupported] == [
        "41111111-1111-4111-8111-111111111111",
        "indicator:ip:x",
    ]
    found = match(built, batch())
    assert found.evaluated == {FORGED, OFTEN, "indicator:ip"}
    assert [hit.rule for hit in found.hits] == [FORGED, FORGED, "indicator:ip:10.1.2.3"]
    assert match(built, Batch(PROXY, batch().frame.clear())).evaluated == frozenset()


def other_id(text: str) -> str:
    return text.split("id: ")[1].splitlines()[0]


def test_correlations_run_over_hits_in_any_order() -> None:
    built = Detector.build(texts(SIGMA, CORRELATION), [], [ADDRESS])
    hits = match(built, batch()).hits
    assert hits[0].fields["cs-user-agent"] == "ua"
    [hit] = built.correlate(reversed(hits))
    assert (hit.rule, hit.place, hit.raw) == (OFTEN, Place("a.log", 9), "raw 2")
    assert hit.fields == {
        "cs-user-agent": "ua",
        "@first": "2021-03-02T04:00:00Z",
        "@matches": "2",
        "@rules": FORGED,
    }
    assert built.correlate(hits[:1]) == ()
    assert built.silent == {FORGED}


def test_generate_keeps_the_rules_own_findings() -> None:
    loud = CORRELATION.replace("type:", "generate: true\n  type:")
    assert Detector.build(texts(SIGMA, loud), [], []).silent == frozenset()


def test_content_is_matched_by_yara_and_by_hash() -> None:
    digest = "ab" * 32
    yara = 'rule shell { meta: id = "y1" strings: $a = "hello" condition: $a }'
    bad = Indicator("sha256", digest, "file-written", False, "src")
    built = Detector.build([], [RuleText("y.yar", "yara", yara)], [bad])
    fields = {"TargetFilename": "C:/x.aspx"}
    by_hash, by_rule = built.content.match(b"hello", digest.upper(), "z.zip!x.aspx", fields, None)
    assert (by_hash.rule, by_rule.rule) == (f"indicator:sha256:{digest}", "y1")
    assert by_rule.place == Place("z.zip!x.aspx", 0)
    assert (by_rule.fields, by_rule.raw, by_rule.time) == (fields, "0x0: hello", None)
    assert built.content.match(b"x", "00" * 32, "a", {}, None) == ()
    assert built.content.take_gaps() == ()


def test_unfinished_scans_become_gaps() -> None:
    slow = "rule slow { condition: for all i in (0..100000000000) : (i >= 0) }"
    built = Detector.build([], [RuleText("y.yar", "yara", slow)], [])
    built.rules.yara._time_limit_s = 1
    assert built.content.match(b"x", "00" * 32, "a.aspx", {}, None) == ()
    [gap] = built.content.take_gaps()
    assert (gap.source, gap.place) == ("a.aspx", "file")
    assert built.content.take_gaps() == ()


@pytest.mark.parametrize(
    ("logsource", "web", "exchange"),
    [
        ("category: webserver", True, True),
        ("category: webserver, service: iis", True, False),
        ("product: windows, service: httperr", True, False),
        ("product: exchange, service: ecp-server", False, True),
        ("product: exchange", False, True),
        ("product: windows", True, False),
        ("category: process_creation, product: windows", False, False),
    ],
)
def test_prefilters_hold_the_rules_of_their_logs(logsource: str, web: bool, exchange: bool) -> None:
    rule = SIGMA.replace("category: webserver", logsource)
    built = Detector.build(texts(rule), [], [])
    line = b"2021-03-02 GET /ecp/y.js"
    assert bool(len(built.wanted("webserver").offsets(line))) is web
    assert bool(len(built.wanted("exchange").offsets(line))) is exchange


def test_a_rule_without_a_trigger_asks_for_every_line_of_its_logs() -> None:
    rule = SIGMA.replace("category: webserver", "product: exchange").replace(
        "|contains: /ecp/", ": null"
    )
    built = Detector.build(texts(rule), [], [])
    assert built.wanted("exchange") is None
    assert [rule for rule, _ in built.forced_by("exchange")] == [FORGED]
    assert built.wanted("webserver") is not None
