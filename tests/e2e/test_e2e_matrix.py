"""Labelled servers over every rung, hard negative and patch order: the right rung, never a guess."""

import pytest

from afterpatch.campaigns.load import load
from afterpatch.pipeline.run import assess_paths
from afterpatch.simulate.matrix import FAMILIES, matrix
from afterpatch.simulate.write import write_server

CAMPAIGN = load("hafnium-exchange-2021")
CASES = tuple(matrix("labelled", len(FAMILIES)))


@pytest.mark.parametrize("case", CASES, ids=[case.family for case in CASES])
def test_the_verdict_is_what_the_label_says(case, tmp_path):
    (tmp_path / "case").mkdir()
    label = write_server(case.plan, tmp_path / "case")
    assessment = assess_paths([str(tmp_path / "case")], CAMPAIGN, workers=1)
    (host,) = assessment.hosts
    (verdict,) = host.verdicts
    least, most = (CAMPAIGN.rank(stage) for stage in (label.stage, label.ceiling))
    assert least <= CAMPAIGN.rank(verdict.stage) <= most, verdict.answer
    assert verdict.cleared == label.cleared
    assert (
        verdict.cleared or verdict.cannot_be_cleared or verdict.band in {"compromised", "follow-up"}
    )
    if label.order_certain:
        assert verdict.order == label.order
    assert host.name.casefold() in {label.server.casefold(), label.fqdn.casefold()}
