"""JSON: exact, stable, whole."""

import io
import json

from afterpatch.report.json_report import json_bytes, write_json


def test_reads_back_exactly(doc):
    assert json.loads(json_bytes(doc)) == doc


def test_two_spaces_documented_order_one_newline(doc):
    text = json_bytes(doc).decode()
    assert text.startswith('{\n  "schema": "afterpatch.assessment/1",\n  "tool": {\n')
    assert text.endswith("}\n")
    assert not text.endswith("\n\n")


def test_writes_to_a_stream_and_to_a_file(doc, tmp_path):
    stream = io.BytesIO()
    write_json(doc, stream)
    write_json(doc, tmp_path / "a.json")
    assert stream.getvalue() == (tmp_path / "a.json").read_bytes() == json_bytes(doc)
