"""What other programs take in: valid by their own schema, whatever the evidence holds."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from sample_hunt import NASTY, sample_hunt
from test_report_document import problems

from afterpatch.model.errors import UsageError
from afterpatch.report.hunt_document import hunt_document
from afterpatch.report.hunt_outputs import OUTPUTS, write_hunt
from afterpatch.report.ocsf import VERSION

SCHEMAS = Path(__file__).parents[2] / "cases" / "schemas"
DOCUMENT = hunt_document(sample_hunt())
EMPTY = hunt_document(replace(sample_hunt(), groups=(), suppressed=(), fates=(), gaps=()))


def faults(schema: str, document: object) -> list[str]:
    """What a consumer's schema finds wrong."""
    text = (SCHEMAS / schema).read_text("utf-8")
    found = jsonschema.Draft202012Validator(json.loads(text)).iter_errors(document)
    return [error.message for error in found]


def lines(form: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in OUTPUTS[form].render(DOCUMENT).splitlines()]


@pytest.mark.parametrize("form", OUTPUTS)
@pytest.mark.parametrize("document", [DOCUMENT, EMPTY], ids=["full", "empty"])
def test_output_is_json_that_no_terminal_acts_on(form, document):
    text = OUTPUTS[form].render(document)
    assert not re.search(rb"[^\n\x20-\x7e]", text)
    parsed = text.splitlines() if OUTPUTS[form].file.endswith(".jsonl") else [text]
    assert all(json.loads(one) for one in parsed)


def test_document_holds_its_schema():
    assert problems(DOCUMENT, {"$ref": "#/$defs/HuntDocument"}) == []
    assert problems(EMPTY, {"$ref": "#/$defs/HuntDocument"}) == []


def test_json_gives_the_original_characters_back():
    example = json.loads(OUTPUTS["json"].render(DOCUMENT))["hunt"]["findings"][0]["examples"][0]
    assert example["raw"] == f"raw {NASTY}"


def test_jsonl_has_one_line_per_rule_and_host_with_the_exact_count():
    found = lines("jsonl")
    assert [(f["rule_id"], f["host"], f["count"]) for f in found][:2] == [
        ("r-critical", "ex01", 12_345),
        ("r-critical", f"ex02{NASTY}", 3),
    ]
    names = {"rule_id", "title", "level", "host", "count", "first", "last", "examples"}
    assert all(names <= finding.keys() for finding in found)


def test_timesketch_takes_every_line():
    found = lines("timesketch")
    assert len(found) == sum(len(g["examples"]) for g in DOCUMENT["hunt"]["findings"])
    kinds: dict[str, type] = {}
    for event in found:
        assert faults("timesketch-line.json", event) == []
        assert "\n" not in event["message"]
        assert "\x1b" not in event["message"]
        for name, value in event.items():
            assert kinds.setdefault(name, type(value)) is type(value)
    assert found[0]["timestamp"] == 1_614_744_306_789_000
    assert found[0]["message"].startswith("[critical] Rule r-critical on ex01: CommandLine: cmd")
    assert found[0]["field_message"] == "not ours"
    assert found[0]["a_b_c"] == "dotted"
    assert found[-1]["timestamp_desc"].endswith("time unknown")


@pytest.mark.parametrize("document", [DOCUMENT, EMPTY], ids=["full", "empty"])
def test_navigator_layer_is_of_format_4_5(document):
    layer = json.loads(OUTPUTS["navigator"].render(document))
    assert faults("navigator-layer-4.5.json", layer) == []
    assert layer["gradient"]["maxValue"] > layer["gradient"]["minValue"]  # no schema can say so


def test_navigator_layer_tells_the_rules_of_a_technique():
    layer = json.loads(OUTPUTS["navigator"].render(DOCUMENT))
    (technique,) = layer["techniques"]
    assert technique["techniqueID"] == "T1505.003"
    assert technique["score"] == 100
    assert technique["comment"].startswith("24,693 matches on 2 hosts: ")
    assert "1 rule without a technique" in layer["description"]


def test_the_schemas_made_of_tables_see_faults():
    layer = json.loads(OUTPUTS["navigator"].render(DOCUMENT))
    layer["techniques"][0]["techniqueId"] = "T1"
    layer["versions"]["navigator"] = "4.8.2"
    assert len(faults("navigator-layer-4.5.json", layer)) == 2
    event = lines("timesketch")[0] | {"a.b": "c", "datetime": "2021-03-02 04:05:06"}
    assert len(faults("timesketch-line.json", event)) == 2


@cache
def sarif_validator():
    schema = json.loads((SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("document", [DOCUMENT, EMPTY], ids=["full", "empty"])
def test_sarif_holds_its_schema(document):
    log = json.loads(OUTPUTS["sarif"].render(document))
    assert [e.message for e in sarif_validator().iter_errors(log)] == []


def test_sarif_says_what_was_suppressed_and_what_was_not_asked():
    (run,) = json.loads(OUTPUTS["sarif"].render(DOCUMENT))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert [r["occurrenceCount"] for r in run["results"]] == [12_345, 3, 12_345, 12_345, 4]
    assert [len(r.get("suppressions", [])) for r in run["results"]] == [0, 0, 0, 0, 1]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    (invocation,) = run["invocations"]
    texts = [n["message"]["text"] for n in invocation["toolConfigurationNotifications"]]
    assert len(texts) == 2
    assert len(invocation["toolExecutionNotifications"]) == 2


def test_the_sarif_schema_sees_faults():
    log = json.loads(OUTPUTS["sarif"].render(DOCUMENT))
    log["runs"][0]["results"][0]["level"] = "critical"
    assert list(sarif_validator().iter_errors(log))


@cache
def ocsf_validator():
    packed = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))
    return jsonschema.Draft202012Validator(packed.get_class_schema("detection_finding"))


def test_ocsf_lines_are_detection_findings():
    found = lines("ocsf")
    assert len(found) == len(DOCUMENT["hunt"]["findings"])
    for finding in found:
        assert [e.message for e in ocsf_validator().iter_errors(finding)] == []
        assert (finding["class_uid"], finding["type_uid"]) == (2004, 200401)
    assert len({finding["finding_info"]["uid"] for finding in found}) == len(found)
    assert found[0]["severity_id"] == 5
    assert found[0]["time"] == 1_614_816_000_000
    assert found[2]["severity_id"] == 0
    assert found[3]["time"] == 0
    assert found[3]["unmapped"]["time_unknown"] is True


def test_the_ocsf_schema_sees_faults():
    finding = lines("ocsf")[0]
    del finding["finding_info"]["title"]
    finding["more"] = 1
    assert len(list(ocsf_validator().iter_errors(finding))) >= 1


def test_all_outputs_are_written_whole(tmp_path):
    paths = write_hunt(DOCUMENT, tmp_path / "out")
    assert [path.name for path in paths] == [output.file for output in OUTPUTS.values()]
    assert (tmp_path / "out" / "hunt.json").read_bytes() == OUTPUTS["json"].render(DOCUMENT)


def test_no_output_is_written_through_a_link(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "hunt.sarif").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="symbolic link"):
        write_hunt(DOCUMENT, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["hunt.sarif"]
