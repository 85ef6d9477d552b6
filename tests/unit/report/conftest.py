"""The sample assessment, its campaign and its document."""

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sample_assessment import campaign, sample_assessment

from afterpatch.model.campaigns import Campaign
from afterpatch.model.verdicts import Assessment
from afterpatch.report.document import document


@pytest.fixture(scope="session")
def assessment() -> Assessment:
    return sample_assessment()


@pytest.fixture(scope="session")
def pack() -> Campaign:
    return campaign()


@pytest.fixture(scope="session")
def doc(assessment: Assessment, pack: Campaign) -> dict[str, Any]:
    return document(assessment, (pack,))
