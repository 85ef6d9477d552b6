"""A sample of ``whole_public_data.py`` for every day."""

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
)
from right_log import misplaced

from afterpatch.model.batches import Batch

pytestmark = pytest.mark.skipif(ABSENT, reason=WHY)
MAX_ROWS = 5


@pytest.mark.parametrize("case", regressions()[::20], ids=lambda case: case.rule)
def test_regression(case: Expected) -> None:
    for suffix in (".evtx", ".json"):
        assert case.met_by(count(case.rule, case.events.with_suffix(suffix)))


@pytest.mark.parametrize("path", logs()[::40], ids=lambda path: path.name)
def test_engine_and_reference_agree(path: Path) -> None:
    for whole in batches(path)[:5]:
        batch = Batch(whole.logsource, whole.frame.head(MAX_ROWS))
        found = found_by_engine(batch)
        assert found == found_by_reference(batch)
        assert misplaced(batch, found) == []
