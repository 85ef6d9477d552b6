import pytest

from afterpatch.simulate.matrix import FAMILIES, matrix
from afterpatch.simulate.scenario import STAGES
from afterpatch.simulate.write import write_server


@pytest.fixture(scope="module")
def cases():
    return list(matrix("test", 360))


def test_all_families_rungs_and_orders_come_up(cases):
    assert {case.family for case in cases} == set(FAMILIES)
    assert {case.label.stage for case in cases} == {"", *STAGES}
    assert {case.label.order for case in cases} == {
        "patched-before", "patched-after-exploitation", "not-patched",
    }  # fmt: skip
    assert any(not case.label.order_certain for case in cases)
    assert {case.plan.layout for case in cases} == {"folder", "zip", "kape", "velociraptor"}


def test_hard_negatives_are_never_more_than_scanned(cases):
    negatives = ("quiet", "test-amsi", "url-change", "shell-hunters", "timeout-logout",
                 "ediscovery-tool", "vendor-archives", "noise")  # fmt: skip
    for case in cases:
        if case.family in negatives:
            assert case.label.stage == "", case.plan.name
            assert case.label.ceiling in ("", "scanned"), case.plan.name


def test_no_exploitation_after_the_patch(cases):
    for case in cases:
        if case.label.first_exploitation and case.label.patched_at:
            assert case.label.first_exploitation < case.label.patched_at


def test_same_seed_same_cases():
    assert list(matrix("a", 5)) == list(matrix("a", 5)) != list(matrix("b", 5))


def test_written_label_is_the_promised_one_and_the_evidence_is_small(tmp_path):
    for case in matrix("write", 3):
        written = write_server(case.plan, tmp_path)
        assert (written.stage, written.ceiling) == (case.label.stage, case.label.ceiling)
        size = sum(p.stat().st_size for p in (tmp_path / written.path).rglob("*") if p.is_file())
        assert size < 1_000_000
