"""Laws of the simulator: whatever is drawn, rows stay whole and labels stay honest."""

import csv
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.simulate.csvtext import stamp
from afterpatch.simulate.dice import dice
from afterpatch.simulate.ecp import ecp_row
from afterpatch.simulate.httpproxy import COLUMNS, row
from afterpatch.simulate.matrix import matrix
from afterpatch.simulate.scenario import rank

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)
TIMES = st.datetimes(datetime(2013, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=100, deadline=None)
@given(TIMES, st.dictionaries(st.sampled_from(COLUMNS[6:30]), TEXT), st.integers(0, 99_999))
def test_httpproxy_row_reads_back(when, cells, took_ms):
    found = dict(
        zip(COLUMNS, next(csv.reader([row(when, "15.2.792.3", took_ms, cells)])), strict=True)
    )
    assert found["DateTime"] == stamp(when)
    assert {name: found[name] for name in cells} == cells


@settings(max_examples=100, deadline=None)
@given(TIMES, TEXT, TEXT)
def test_ecp_row_reads_back(when, command, url):
    cells = next(csv.reader([ecp_row(when, "EX01", "15.1.2106.2", dice("x"), command, url)]))
    assert len(cells) == 4
    assert command.replace("'", "''") in cells[3] or command in cells[3]


@settings(max_examples=20, deadline=None)
@given(st.text(max_size=8))
def test_evidence_never_proves_more_than_happened(seed):
    for case in matrix(seed, 24):
        label = case.label
        assert rank(label.stage) <= rank(label.happened), case
        assert rank(label.stage) <= rank(label.ceiling), case
        assert rank(label.ceiling) <= max(rank(label.happened), rank("scanned")), case
        assert not (label.cleared and label.band in ("compromised", "follow-up"))
