"""Counts are exact and memory is not theirs; what excuses a record is told by its fields."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import polars as pl
import pytest

from afterpatch.detect import hunter as hunter_module
from afterpatch.detect.detector import Detector
from afterpatch.detect.excuses import Excuses
from afterpatch.detect.hunter import Hunter
from afterpatch.model.batches import RAW, RECORD, TIME, Batch, Logsource
from afterpatch.model.campaigns import Indicator, RuleText
from afterpatch.model.errors import UsageError
from afterpatch.model.hunts import Suppression

SOURCE = Logsource("process_creation", "windows", "sysmon")
RULE = """
title: Whoami
id: whoami
level: high
logsource: {category: process_creation, product: windows}
detection:
  selection: {CommandLine|contains: whoami}
  condition: selection
"""
BURST = """
title: Burst
id: burst
correlation:
  type: event_count
  rules: [whoami]
  group-by: [User]
  timespan: 1h
  condition: {gte: 3}
"""
YARA = 'rule shell { strings: $a = "eval(" condition: $a }'


def batch(commands: Sequence[str], first_us: int | None = 1_000_000) -> Batch:
    count = len(commands)
    times = [None if first_us is None else first_us + n * 1_000_000 for n in range(count)]
    return Batch(
        SOURCE,
        pl.DataFrame(
            {
                TIME: pl.Series(times, dtype=pl.Int64),
                RECORD: pl.Series(range(1, count + 1), dtype=pl.Int64),
                RAW: [f"raw {command}" for command in commands],
                "CommandLine": list(commands),
                "User": ["bob" if n % 2 else "eve" for n in range(count)],
            },
        ),
    )


def hunter(
    *rules: str, suppressions: Sequence[Suppression] = (), examples: int = 3, yara: str = ""
) -> Hunter:
    texts = [RuleText(f"r{n}.yml", "sigma", text) for n, text in enumerate(rules)]
    yara_texts = [RuleText("y.yar", "yara", yara)] if yara else []
    indicators = [Indicator("sha256", "a" * 64, "", False, "test")]
    return Hunter(Detector.build(texts, yara_texts, indicators), suppressions, examples)


def entry(rule: str, conditions: str = "", host: str = "") -> Suppression:
    return Suppression(rule, host, conditions, "reason", date(2030, 1, 1), "s.yml:1")


def test_the_hit_cap_caps_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunter_module, "MAX_HITS_PER_RULE", 2)
    (found,) = hunter(RULE).match(batch(["whoami"] * 5_000), [("a", 5_000)])
    ((key, total),) = found.sums.items()
    assert key == ("whoami", frozenset())
    assert total.count == 5_000
    assert total.first == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert total.last == datetime(1970, 1, 1, 1, 23, 20, tzinfo=UTC)
    assert [hit.place.record for hit in total.examples] == [1, 2, 3]
    assert found.feeding == ()
    assert found.evaluated >= {"whoami"}


def test_examples_show_the_fields_that_the_rule_tests() -> None:
    (found,) = hunter(RULE).match(batch(["whoami /all"]), [("a", 1)])
    (hit,) = next(iter(found.sums.values())).examples
    assert hit.fields == {"CommandLine": "whoami /all"}
    assert hit.raw == "raw whoami /all"


def test_each_source_gets_its_own() -> None:
    rows = batch(["whoami", "dir", "whoami", "whoami", "dir"])
    first, second, third = hunter(RULE).match(rows, [("a", 2), ("b", 2), ("c", 1)])
    assert [s.count for s in first.sums.values()] == [1]
    assert [s.count for s in second.sums.values()] == [2]
    assert third.sums == {}
    assert third.evaluated == first.evaluated
    assert {h.place.source for s in second.sums.values() for h in s.examples} == {"b"}


def test_records_without_a_time_count() -> None:
    (found,) = hunter(RULE).match(batch(["whoami"] * 2, None), [("a", 2)])
    (total,) = found.sums.values()
    assert (total.count, total.first, total.last) == (2, None, None)


def test_rules_that_feed_a_correlation_hand_on_their_hits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunter_module, "MAX_HITS_PER_RULE", 6)
    own = hunter(RULE, BURST)
    (found,) = own.match(batch(["whoami"] * 10), [("a", 10)])
    assert found.sums == {}
    assert len(found.feeding) == 6
    assert found.overflow == {"whoami": 4}
    assert {hit.fields["User"] for hit in found.feeding} == {"bob", "eve"}
    assert found.evaluated >= {"whoami", "burst"}
    loud = hunter(RULE, BURST.replace("timespan", "generate: true\n  timespan"))
    (found,) = loud.match(batch(["whoami"] * 3), [("a", 3)])
    assert [s.count for s in found.sums.values()] == [3]


def test_what_excuses_a_record_splits_the_sum() -> None:
    entries = [
        entry("whoami", "CommandLine|endswith: ' /all'"),
        entry("Whoami", "User: bob"),
        entry("whoami", host="ex01"),
        entry("other", "User: bob"),
    ]
    own = hunter(RULE, suppressions=entries)
    (found,) = own.match(batch(["whoami", "whoami", "whoami /all", "whoami /all"]), [("a", 4)])
    assert {excused: total.count for (_, excused), total in found.sums.items()} == {
        frozenset({2}): 1,
        frozenset({1, 2}): 1,
        frozenset({0, 2}): 1,
        frozenset({0, 1, 2}): 1,
    }


def test_conditions_are_sigma_selections() -> None:
    with pytest.raises(UsageError, match=r"s\.yml:1: fields: "):
        Excuses([entry("whoami", "CommandLine|nonsense: x")])


def test_content_is_hunted_by_rule_and_by_hash() -> None:
    own = hunter(yara=YARA, suppressions=[entry("yara:shell", "TargetFilename|startswith: C:/ok/")])
    fields = {"TargetFilename": "C:/web/x.aspx"}
    found = own.match_content(b"x eval(", "b" * 64, "x", fields, None)
    assert [(key, s.count) for key, s in found.sums.items()] == [(("yara:shell", frozenset()), 1)]
    assert found.evaluated == {"yara:shell", "indicator:sha256"}
    found = own.match_content(b"x eval(", "b" * 64, "x", {"TargetFilename": "C:/ok/x"}, None)
    assert list(found.sums) == [("yara:shell", frozenset({0}))]
    found = own.match_content(None, "a" * 64, "big", fields, None)
    assert [rule for rule, _ in found.sums] == [f"indicator:sha256:{'a' * 64}"]
    assert found.evaluated == {"indicator:sha256"}
