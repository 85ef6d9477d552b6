"""Every vector of ``vectors/*.yml`` (see the README there), on both evaluators."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.correlation import Row, correlate
from afterpatch.detect.sigma.explain import explain
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.reference import matches
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import RuleText

FOLDER = Path(__file__).parent / "vectors"
LOGSOURCE = Logsource("process_creation", "windows", "sysmon")
# Of a product whose values may be lists.
WITH_LISTS = Logsource("process_creation", "zeek", "")
KEYS = {"id", "cite", "detection", "rules", "events", "matches", "groups", "rejects"}
Event = dict[str, str | None]


def load() -> list[dict[str, Any]]:
    files = sorted(FOLDER.glob("*.yml"))
    return [v for path in files for v in yaml.safe_load(path.read_text("utf-8"))]


VECTORS = load()


def parsed(vector: dict[str, Any]) -> Parsed:
    bodies = vector.get("rules") or [{"detection": vector["detection"]}]
    base = {"title": vector["id"], "logsource": {"category": "process_creation"}}
    documents = [
        {"title": vector["id"], "name": vector["id"]} | body
        if "correlation" in body
        else base | body
        for body in bodies
    ]
    text = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)
    return parse_rules([RuleText(f"{vector['id']}.yml", "sigma", text)])


def logged(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(logged, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def events(vector: dict[str, Any]) -> list[Event]:
    return [
        {name: logged(value) for name, value in event.items() if name != "@time"}
        for event in vector["events"]
    ]


def logsource(vector: dict[str, Any]) -> Logsource:
    values = (value for event in vector["events"] for value in event.values())
    return WITH_LISTS if any(isinstance(value, list) for value in values) else LOGSOURCE


def fast(rule: Rule, rows: list[Event], names: list[str], source: Logsource) -> list[int]:
    data = {n: pl.Series([row.get(n) for row in rows], dtype=pl.String) for n in names}
    numbers = pl.Series("@record", range(len(rows)), dtype=pl.Int64)
    frame = pl.DataFrame({"@record": numbers} | data)
    found = SigmaEngine([rule]).match(Batch(source, frame))
    return [at for _, hits in found for at in hits.tolist()]


def slow(rule: Rule, rows: list[Event], source: Logsource) -> list[int]:
    return [at for at, row in enumerate(rows) if matches(rule, row, source)]


def hits(rule: Rule, rows: list[Event], source: Logsource) -> list[int]:
    names = sorted({name for row in rows for name in row})
    found = slow(rule, rows, source)
    told = [at for at, row in enumerate(rows) if explain(rule, row, source).held]
    assert told == found, "the explanation and the reference evaluator disagree"
    assert fast(rule, rows, names, source) == found, "the fast and the reference evaluator disagree"
    # Alone, an event lacks the columns of the others; many copies take the paths for many rows.
    assert [at for at, row in enumerate(rows) if fast(rule, [row], sorted(row), source)] == found
    many = [at + len(rows) * copy for copy in range(50) for at in found]
    assert fast(rule, rows * 50, names, source) == many
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    taken = parsed(vector)
    if "rejects" in vector:
        [(_, reason)] = taken.refused
        assert vector["rejects"] in reason
        assert taken.correlations == ()
        assert taken.rules == () or "detection" not in vector
        return
    assert taken.refused == ()
    rows, source = events(vector), logsource(vector)
    if "groups" not in vector:
        [rule] = taken.rules
        assert hits(rule, rows, source) == vector["matches"]
        return
    times = [round(event["@time"] * 1_000_000) for event in vector["events"]]
    seen = [
        Row(rule.info.id, times[at], rows[at], at)
        for rule in taken.rules
        for at in hits(rule, rows, source)
    ]
    outermost = next(body for body in vector["rules"] if "correlation" in body)
    name = outermost.get("name", vector["id"])
    assert {c.name or c.info.id for c in taken.correlations} >= {name}
    groups = {
        tuple(sorted(stretch.group.items()))
        for order in (seen, seen[::-1])
        for stretch in correlate(taken.correlations, order)
        if (stretch.correlation.name or stretch.correlation.info.id) == name
    }
    wanted = [{key: logged(value) for key, value in group.items()} for group in vector["groups"]]
    assert sorted(map(dict, groups), key=str) == sorted(wanted, key=str)


def test_there_are_enough_vectors_and_each_is_whole() -> None:
    assert len(VECTORS) >= 300
    assert [name for name, n in Counter(v["id"] for v in VECTORS).items() if n > 1] == []
    for vector in VECTORS:
        assert vector.keys() <= KEYS
        assert vector["cite"]
        assert ("rejects" in vector) != ("events" in vector)
