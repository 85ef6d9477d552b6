import pytest

from afterpatch.simulate.acts import play
from afterpatch.simulate.demo import demo_scenario
from afterpatch.simulate.labels import label


@pytest.fixture(scope="module")
def labels():
    return {plan.name: label(plan, play(plan), "") for plan in demo_scenario().servers}


@pytest.mark.parametrize(
    ("server", "stage", "order", "cleared"),
    [
        ("EX01", "follow-up", "patched-after-exploitation", False),
        ("EX02", "scanned", "patched-before", True),
        ("EX03", "", "patched-before", False),
        ("EX04", "attempted", "patched-before", False),
        ("EX05", "shell-used", "not-patched", False),
        ("EX06", "", "patched-before", True),
        ("EX07", "data-accessed", "patched-after-exploitation", False),
    ],
)
def test_every_kind_of_verdict_is_shown(labels, server, stage, order, cleared):
    found = labels[server]
    assert (found.stage, found.ceiling, found.order) == (stage, stage, order)
    assert found.cleared is cleared
    assert found.order_certain


def test_two_actors_share_a_server(labels):
    assert [culprit.actor for culprit in labels["EX05"].intrusions] == ["falcon", "heron"]


def test_layouts_are_mixed():
    assert {plan.layout for plan in demo_scenario().servers} >= {"folder", "kape", "velociraptor"}
