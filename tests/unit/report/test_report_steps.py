"""Next steps: each once, under the hosts it is for."""

from afterpatch.report.steps import StepGroup, first_steps, grouped_steps


def rows(**steps):
    return [(host, {"next": list(texts)}) for host, texts in steps.items()]


def test_a_step_stands_once_under_all_its_hosts():
    groups = grouped_steps(rows(a=["isolate", "fetch"], b=["fetch"], c=["rest", "fetch"]))
    assert groups == [
        StepGroup(("a",), ("isolate",)),
        StepGroup(("a", "b", "c"), ("fetch",)),
        StepGroup(("c",), ("rest",)),
    ]


def test_a_host_with_two_verdicts_is_named_once():
    assert grouped_steps([*rows(a=["x"]), *rows(a=["x"])]) == [StepGroup(("a",), ("x",))]


def test_cut_counts_steps_and_not_groups():
    groups = [StepGroup(("a",), ("1", "2")), StepGroup(("b",), ("3", "4")), StepGroup((), ("5",))]
    assert first_steps(groups, 3) == [StepGroup(("a",), ("1", "2")), StepGroup(("b",), ("3",))]
    assert first_steps(groups, 99) == groups
    assert first_steps([], 3) == []
