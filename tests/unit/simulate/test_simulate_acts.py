import pytest

from afterpatch.model.errors import UsageError
from afterpatch.simulate.acts import ACTS, play
from afterpatch.simulate.scenario import rank


@pytest.mark.parametrize("kind", ACTS)
def test_every_act_leaves_something_and_proves_no_more_than_happened(played, kind):
    trace = played(kind)
    assert trace.rows or trace.files or kind == "shell-removed"
    shown = [row.shows for rows in trace.rows.values() for row in rows]
    shown += [file.shows for file in trace.files.values()]
    assert all(rank(stage) <= rank(trace.happened) for stage in shown)


def test_unknown_act_names_the_known(make_plan, act):
    with pytest.raises(UsageError, match=r"no such act: dance; known: .*full-chain"):
        play(make_plan(act("dance")))


def test_the_same_plan_gives_the_same_trace(make_plan, act):
    plan = make_plan(act("full-chain"), act("shell-use", 1))
    assert play(plan) == play(plan)


def test_nothing_begins_on_a_full_second(played):
    (rows,) = [rows for log, rows in played("nmap-scan").rows.items() if log == "iis-front"]
    assert all(row.when.microsecond for row in rows)
