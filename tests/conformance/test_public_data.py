"""Public rules on public events: a sample, or all of it with ``--all-public-data``."""

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

from afterpatch.model.batches import Batch

pytestmark = pytest.mark.skipif(ABSENT, reason=WHY)
MAX_BATCHES = 5  # of a file in a sample
MAX_ROWS = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_whole = metafunc.config.getoption("--all-public-data")
    if "case" in metafunc.fixturenames:
        chosen = regressions()[:: 1 if is_whole else 20]
        metafunc.parametrize("case", chosen, ids=lambda case: case.rule)
    if "path" in metafunc.fixturenames:
        metafunc.parametrize("path", logs()[:: 1 if is_whole else 40], ids=lambda path: path.name)


def test_every_public_rule_is_taken() -> None:
    parsed = rules()
    assert parsed.unsupported == ()
    assert (len(parsed.rules), len(parsed.needs_placeholder)) == (3755, 25)


def test_every_public_case_is_known() -> None:
    cases = regressions()
    assert len({case.rule for case in cases}) == len(cases) == 202


@pytest.mark.parametrize("suffix", [".evtx", ".json"])
def test_regression(case: Expected, suffix: str) -> None:
    assert count(case.rule, case.events.with_suffix(suffix)) == case.count


def test_engine_and_reference_agree(path: Path, pytestconfig: pytest.Config) -> None:
    looked_at = batches(path)
    if not pytestconfig.getoption("--all-public-data"):
        looked_at = [Batch(b.logsource, b.frame.head(MAX_ROWS)) for b in looked_at[:MAX_BATCHES]]
    for batch in looked_at:
        found = found_by_engine(batch)
        assert found == found_by_reference(batch)
        assert misplaced(batch, found) == []
