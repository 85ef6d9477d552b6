"""The document: its shape, its order, its three descriptions that must agree."""

import json
import re
import types
import typing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from afterpatch.model.hits import Finding
from afterpatch.report import shape
from afterpatch.report.document import document
from afterpatch.report.json_report import json_bytes

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "src/afterpatch/report/assessment.schema.json").read_text("utf-8"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}(\d{3})?)?Z")


def problems(value, schema, at="$"):
    """What of JSON Schema our file uses, checked by hand."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        tried = [list(problems(value, one, at)) for one in schema["anyOf"]]
        return [] if any(not found for found in tried) else tried[0]
    if "const" in schema:
        return [] if value == schema["const"] else [f"{at}: {value!r}"]
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{at}: {value!r}"]
    kinds = {"string": str, "integer": int, "boolean": bool, "null": type(None)}
    kinds |= {"array": list, "object": dict}
    if type(value) is not kinds[schema["type"]]:
        return [f"{at}: {type(value).__name__} is no {schema['type']}"]
    found = []
    if schema.get("format") == "date-time" and not TIME.fullmatch(value):
        found.append(f"{at}: {value!r} is no time")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{at}: {len(value)} items")
        for number, one in enumerate(value):
            found += problems(one, schema["items"], f"{at}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{at}: no {name}" for name in schema["required"] if name not in value]
        for name, one in value.items():
            if name not in schema["properties"]:
                found.append(f"{at}.{name}: not in the schema")
            else:
                found += problems(one, schema["properties"][name], f"{at}.{name}")
    elif isinstance(value, dict):
        for name, one in value.items():
            found += problems(one, schema["additionalProperties"], f"{at}.{name}")
    return found


def test_document_holds_its_schema(doc):
    assert problems(doc, SCHEMA) == []


def test_document_without_campaigns_holds_its_schema(assessment):
    assert problems(document(assessment), SCHEMA) == []


def test_empty_assessment_holds_its_schema(assessment):
    empty = replace(
        assessment, hosts=(), intrusions=(), sources=(), gaps=(), notices=(), evidence=()
    )
    assert problems(document(empty), SCHEMA) == []


def test_the_checker_sees_faults(doc):
    broken = {**doc, "hosts": [{"host": 3}], "more": 1}
    assert len(problems(broken, SCHEMA)) >= 3


def structure(hint):
    if typing.is_typeddict(hint):
        return hint.__name__
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return set(inner)
    if origin is list:
        return ["list", structure(inner[0])]
    if origin is dict:
        return ["map", structure(inner[1])]
    if origin in (types.UnionType, typing.Union):
        return [structure(one) for one in inner]
    return {str: "string", int: "integer", bool: "boolean", type(None): "null"}[hint]


def schema_structure(entry):
    if "$ref" in entry:
        return entry["$ref"].rsplit("/", 1)[1]
    if "const" in entry or "enum" in entry:
        return set(entry.get("enum", [entry.get("const")]))
    if "anyOf" in entry:
        return [schema_structure(one) for one in entry["anyOf"]]
    if entry["type"] == "array":
        return ["list", schema_structure(entry["items"])]
    if entry["type"] == "object":
        return ["map", schema_structure(entry["additionalProperties"])]
    return entry["type"]


@pytest.mark.parametrize(
    "name", [name for name, kind in vars(shape).items() if typing.is_typeddict(kind)]
)
def test_types_schema_and_page_agree(name):
    entry = SCHEMA if name == "Document" else SCHEMA["$defs"][name]
    hints = typing.get_type_hints(getattr(shape, name))
    assert list(hints) == entry["required"] == list(entry["properties"])
    for field, hint in hints.items():
        assert structure(hint) == schema_structure(entry["properties"][field]), field
        assert entry["properties"][field]["description"], field
    page = (ROOT / "docs/document.md").read_text("utf-8")
    assert [field for field in hints if f"| `{field}` |" not in page] == []


def test_names_of_the_design_are_all_there(doc):
    verdict = doc["hosts"][0]["verdicts"][0]
    assert {"schema", "tool", "counts", "hosts", "intrusions", "sources", "gaps"} <= set(doc)
    assert {"version", "campaigns", "rules"} <= set(doc["tool"])
    assert {"campaign", "band", "stage", "cleared", "answer", "confidence", "because",
            "why_not_higher", "coverage", "cannot_be_cleared", "lifetimes", "exposure",
            "intrusions", "next"} <= set(verdict)  # fmt: skip
    assert {"product", "timeline", "patched_at", "order"} <= set(verdict["exposure"])
    assert {"sources", "records", "events", "skipped", "gaps"} <= set(doc["counts"])


def test_records_add_up(doc):
    counts = doc["counts"]
    assert counts["records"] == counts["events"] + counts["skipped"] + counts["unread_records"]
    assert (counts["unrecognised"], counts["gaps"], counts["unread_records"]) == (1, 2, 3)


def test_same_bytes_whatever_the_order(assessment, pack):
    chance = Random(7)

    def mixed(things):
        return tuple(chance.sample(list(things), len(things)))

    hosts = tuple(
        replace(
            host,
            verdicts=tuple(
                replace(
                    v,
                    because=mixed(v.because),
                    coverage=mixed(v.coverage),
                    answers=mixed(v.answers),
                    lifetimes=mixed(v.lifetimes),
                    intrusions=mixed(v.intrusions),
                )
                for v in host.verdicts
            ),
            facts=mixed(host.facts),
        )
        for host in mixed(assessment.hosts)
    )
    shuffled = replace(
        assessment,
        hosts=hosts,
        intrusions=mixed(assessment.intrusions),
        sources=mixed(assessment.sources),
        gaps=mixed(assessment.gaps),
        notices=mixed(assessment.notices),
        rule_infos=mixed(assessment.rule_infos),
    )
    assert json_bytes(document(shuffled, (pack,))) == json_bytes(document(assessment, (pack,)))


def test_lists_stand_in_their_documented_order(doc):
    assert [host["host"] for host in doc["hosts"]] == ["mail-01", "mail-02", "mail-03", "mail-04"]
    verdict = doc["hosts"][0]["verdicts"][0]
    assert [one["question"] for one in verdict["answers"]] == [
        "exposed", "hit", "by_whom", "blocked", "done",
    ]  # fmt: skip
    times = [one["first"] for one in verdict["because"]]
    assert times == [*sorted(times[:-1]), None]
    assert [log["needed"] for log in verdict["coverage"]] == [True, True, False]
    assert [one["id"] for one in doc["intrusions"]] == ["I-0f0f0f0f", "I-1e1e1e1e"]
    assert doc["intrusions"][0]["hypotheses"][0]["actor"] == "HAFNIUM"


def test_only_rules_that_fired_are_listed(doc):
    names = [rule["id"] for rule in doc["rules"]]
    assert "never-fired" not in names
    assert names == sorted(names)


def test_every_place_carries_the_hash_of_its_source(doc):
    hashes = {source["name"]: source["sha256"] for source in doc["sources"]}
    places = [
        place
        for host in doc["hosts"]
        for verdict in host["verdicts"]
        for finding in verdict["because"]
        for place in finding["places"]
    ]
    assert places
    assert all(place["sha256"] == hashes[place["source"]] for place in places)
    assert all(place["raw"] for place in places)


def test_bands_come_from_the_ladder_when_it_is_known(assessment, doc):
    def bands(document_):
        return [one["band"] for one in document_["hosts"][0]["verdicts"][0]["because"]]

    assert bands(doc) == ["compromised", "compromised", "compromised", "follow-up", "attempted"]
    assert bands(document(assessment)) == [None, None, None, "follow-up", None]


def test_a_question_left_open_is_answered_not_known(assessment):
    host = assessment.hosts[0]
    cut = replace(host, verdicts=(replace(host.verdicts[0], answers=()),))
    answers = document(replace(assessment, hosts=(cut,)))["hosts"][0]["verdicts"][0]["answers"]
    assert [one["answer"] for one in answers] == ["Not known"] * 5


def test_year_one_and_lone_surrogates_survive(assessment):
    host = assessment.hosts[2]
    early = datetime(1, 1, 1, tzinfo=UTC)
    odd = Finding("F", "h", "", "a\ud800b", early, early, 1, (), {"k\udfff": "v"}, ())
    changed = replace(host, verdicts=(replace(host.verdicts[0], because=(odd,)),))
    made = document(replace(assessment, hosts=(changed,)))
    finding = made["hosts"][0]["verdicts"][0]["because"][0]
    assert finding["first"] == "0001-01-01T00:00:00Z"
    assert finding["title"] == "a\ufffdb"
    assert finding["key"] == {"k\ufffd": "v"}
    assert finding["stage"] is None
    assert problems(made, SCHEMA) == []
