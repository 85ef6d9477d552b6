"""The whole of it: ``make conformance``."""

from pathlib import Path

import pytest
from public_data import (
    ABSENT,
    WHY,
    Expected,
    batches,
    count,
    found_by_engine,
    found_by_reference,
    logs,
    regressions,
    rules,
)
from right_log import misplaced

pytestmark = pytest.mark.skipif(ABSENT, reason=WHY)


def test_every_public_rule_is_taken() -> None:
    parsed = rules()
    assert parsed.unsupported == ()
    assert (len(parsed.rules), len(parsed.needs_placeholder)) == (3755, 25)


def test_there_are_as_many_regression_cases_as_known() -> None:
    assert len(regressions()) == 202


@pytest.mark.parametrize("case", regressions(), ids=lambda case: case.rule)
@pytest.mark.parametrize("suffix", [".evtx", ".json"])
def test_regression(case: Expected, suffix: str) -> None:
    assert case.met_by(count(case.rule, case.events.with_suffix(suffix)))


@pytest.mark.parametrize("path", logs(), ids=lambda path: path.name)
def test_engine_and_reference_agree(path: Path) -> None:
    for batch in batches(path):
        found = found_by_engine(batch)
        assert found == found_by_reference(batch)
        assert misplaced(batch, found) == []
