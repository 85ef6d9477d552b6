"""The timeline: complete, sorted, no formulas."""

import csv
import io

import pytest

from afterpatch.report.csv_report import COLUMNS, csv_bytes, csv_text, safe_cell


def rows(doc):
    return list(csv.DictReader(io.StringIO(csv_text(doc), newline="")))


def test_one_row_per_example_sorted_by_time(doc):
    found = rows(doc)
    findings = [f for h in doc["hosts"] for v in h["verdicts"] for f in v["because"]]
    assert len(found) == sum(max(1, len(f["places"])) for f in findings)
    times = [row["time"] for row in found if row["time"]]
    assert times == sorted(times)
    assert [row["time"] for row in found][-1] == ""  # the one without a time is there, and last


def test_a_row_tells_where_it_is_from(doc):
    row = rows(doc)[0]
    assert tuple(row) == COLUMNS
    assert row["host"] == "mail-01"
    assert row["stage"] == "session-forged"
    assert row["band"] == "compromised"
    assert row["record"] == "17"
    assert row["sha256"] == "1a" * 32
    assert row["rule_title"] == "ECP session forged through proxyLogon.ecp"
    assert "HttpStatus=241" in row["fields"]
    assert row["excerpt"].startswith("2021-03-03T04:11:20.101Z,")


def test_excel_sees_utf_8(doc):
    assert csv_bytes(doc).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd", "%x", "＝1", "\n-2"]
)
def test_formulas_are_defused(cell):
    assert safe_cell(cell).startswith("'")


@pytest.mark.parametrize("cell", ["", "mail-01", "2021-03-03T04:11:20Z", "a=b", "203.0.113.7"])
def test_ordinary_cells_stay(cell):
    assert safe_cell(cell) == cell


def test_one_record_one_line():
    assert safe_cell("a\r\nb\x00c") == r"a\r\nb\x00c"
