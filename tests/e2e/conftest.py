"""One small simulated incident, shared by the end-to-end tests."""

import pytest

from afterpatch.simulate.matrix import matrix
from afterpatch.simulate.scenario import Scenario
from afterpatch.simulate.write import write


@pytest.fixture(scope="session")
def evidence(tmp_path_factory):
    """Six servers, three days each: shells, scans, lost logs, archives."""
    folder = tmp_path_factory.mktemp("case") / "evidence"
    plans = tuple(case.plan for case in matrix("shared", 20))[8:14]
    write(Scenario("shared", plans, "shared"), folder, folder.with_name("labels.json"))
    return folder
