from afterpatch.formats.gap_runs import GapRuns
from afterpatch.model.places import Gap


def test_neighbouring_lines_with_one_reason_are_one_gap() -> None:
    gaps = GapRuns("s")
    for line, reason in [(3, "a"), (4, "a"), (5, "b"), (9, "b")]:
        gaps.add(line, reason)
    assert gaps.take() == (Gap("s", "lines 3-4", "a", 2), Gap("s", "line 5", "b", 1))
    assert gaps.close() == (Gap("s", "line 9", "b", 1),)


def test_past_the_limit_the_sum_stays_exact() -> None:
    gaps = GapRuns("s", limit=2)
    for line in range(1, 20, 2):
        gaps.add(line, "bad")
    found = gaps.close()
    assert len(found) == 3
    assert sum(gap.records for gap in found) == 10
    assert found[-1] == Gap("s", "lines 5-19", "8 more gaps, not listed one by one", 8)
