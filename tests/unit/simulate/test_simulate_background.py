from datetime import timedelta

import pytest

from afterpatch.simulate.background import Background
from afterpatch.simulate.scenario import Volume


@pytest.mark.parametrize("rows", [60, 20_000])
def test_rows_lie_in_their_block_and_in_order(make_plan, rows):
    background = Background(make_plan(volume=Volume(rows=rows)))
    for start in list(background.starts())[48:60] if rows > 60 else background.starts():
        first = start.minute * 60_000
        for log, lines in background.block(start).items():
            assert len(lines.at_ms) == len(lines.text), log
            assert lines.at_ms == sorted(lines.at_ms), log
            last = first + background.step / timedelta(milliseconds=1)
            assert first <= lines.at_ms[0] <= lines.at_ms[-1] < last


def test_thin_traffic_covers_every_hour(make_plan):
    background = Background(make_plan())
    for start in background.starts():
        assert {"httpproxy:Ecp", "httpproxy:Owa", "iis-front"} <= set(background.block(start))


def test_blocks_do_not_depend_on_each_other(make_plan):
    plan = make_plan()
    starts = list(Background(plan).starts())
    forward = Background(plan)
    ahead = [forward.block(start) for start in starts]
    backward = Background(plan)
    assert ahead == [backward.block(start) for start in reversed(starts)][::-1]


def test_lost_logs_are_not_rendered(make_plan):
    plan = make_plan(missing=frozenset({"iis-front", "windows:*"}))
    background = Background(plan)
    logs = {log for start in background.starts() for log in background.block(start)}
    assert "iis-front" not in logs
    assert not any(log.startswith("windows:") for log in logs)
    assert "httpproxy:Mapi" in logs
