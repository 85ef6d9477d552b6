import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from afterpatch.simulate.httpproxy import BOM, COLUMNS, head, padded, row, version_number

WHEN = datetime(2021, 3, 3, 6, 49, 42, 162_000, tzinfo=UTC)
SAMPLES = Path(__file__).resolve().parents[4] / "shared/data/exchange/samples"


def test_versions_as_public_rows_spell_them():
    assert padded("15.1.2375.7") == "15.01.2375.007"
    assert version_number("15.1.2375.7") == 1942063431  # FEAuth=BEVersion of the sample rows
    assert version_number("15.0.1497.2") == 1941997017  # Test-AMSI.ps1


@pytest.mark.parametrize("bare", [False, True])
def test_head(bare):
    lines = head("15.1.2106.2", WHEN, bare).split("\r\n")
    assert lines[0].startswith(BOM)
    assert lines[0].removeprefix(BOM).startswith("DateTime," if bare else "#Software")
    assert "#Version: 15.01.2106.002" in lines
    assert lines[-2] == "#Fields: " + ",".join(COLUMNS)
    assert lines[-1] == ""


def test_row_has_every_column():
    cells = next(csv.reader([row(WHEN, "15.1.2106.2", 133, {"UserAgent": 'a "b", c'})]))
    found = dict(zip(COLUMNS, cells, strict=True))
    assert found["DateTime"] == "2021-03-03T06:49:42.162Z"
    assert (found["BuildVersion"], found["RevisionVersion"]) == ("2106", "2")
    assert found["UserAgent"] == 'a "b", c'
    assert "BeginRequest=2021-03-03T06:49:42.029Z;" in found["GenericInfo"]


def test_unknown_column_is_refused():
    with pytest.raises(KeyError):
        row(WHEN, "15.1.2106.2", 1, {"NoSuchColumn": "x"})


def test_columns_are_those_of_real_logs():
    if not SAMPLES.is_dir():
        pytest.skip("real sample logs are not here")
    for sample in SAMPLES.glob("HttpProxy*"):
        text = sample.read_text(encoding="utf-8")
        fields = next(line for line in text.splitlines() if line.startswith("#Fields: "))
        assert tuple(fields.removeprefix("#Fields: ").split(",")) == COLUMNS
