"""Every single test of every rule matters: without it, some event is answered otherwise.

The events are the vectors' own and mixtures of their values with the values the rule names. For
each test left out of a rule there must be one that tells the two rules apart, and on it the fast
engine must answer as the reference does, for both.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations

import pytest
from test_conformance import VECTORS, Event, events, fast, logsource, parsed, slow

from afterpatch.detect.sigma import ast
from afterpatch.detect.sigma.ast import ANY_DASH, And, FieldTest, Node, Not, Or, Rule

MIXED = 400
TIMES = [
    "2021-03-02T04:05:06Z",
    "2021-03-09T04:05:06Z",
    "2021-04-02T08:06:06Z",
    "2022-03-02T03:05:06Z",
    "2021-05-01T09:07:08Z",
]
# Tests that say what another one of the same rule says already: vector -> how many.
IDLE = {
    "all-endswith": 1,
    "all-startswith": 1,
    "compare-list": 1,
    "cond-of-binds-tightest": 2,
    "cond-same-twice": 2,
    "exists-with-value": 1,
}
PLAIN = [v for v in VECTORS if "events" in v and "groups" not in v]


def without_one(node: Node) -> Iterator[Node | None]:
    """The tree without one of its tests, for each of them; None = nothing is left."""
    match node:
        case FieldTest():
            yield None
        case Not(item):
            for rest in without_one(item):
                yield None if rest is None else Not(rest)
        case And(items) | Or(items):
            for at, item in enumerate(items):
                for rest in without_one(item):
                    middle = () if rest is None else (rest,)
                    left = (*items[:at], *middle, *items[at + 1 :])
                    yield type(node)(left) if left else None


def mixtures(rule: Rule, rows: list[Event]) -> list[Event]:
    """The vector's events, those one value away from them, and seeded mixtures of the values."""
    values = known_values(rule, rows)
    near = [
        {**row, name: value} for row in rows for name in values for value in (None, *values[name])
    ]
    dice = random.Random(rule.info.id)
    mixed = [
        {name: dice.choice([None, None, *some]) for name, some in values.items()}
        for _ in range(MIXED)
    ]
    return [*rows, *near, *mixed]


def known_values(rule: Rule, rows: list[Event]) -> dict[str, list[str]]:
    """Field -> texts of the events and of the rule, alone and put together."""
    values: dict[str, dict[str, None]] = {name: {} for row in rows for name in row}
    for test in ast.tests(rule.condition):
        text = test.value.replace(ANY_DASH, "-").replace("\\", "").replace("*", "")
        found = [text, test.value.replace(ANY_DASH, "/")]
        found += ["same", "other"] if test.op == "fieldref" else []
        found += TIMES if test.op == "timepart" else []
        for name in [test.field or "keyword"] + [test.value] * (test.op == "fieldref"):
            values.setdefault(name, {}).update(dict.fromkeys(found))
    for known in values.values():
        few = list(known)[:12]
        known.update(dict.fromkeys(a + b for a, b in permutations(few, 2)))
        known.update(dict.fromkeys(" ".join(some) for some in permutations(few[:5], 3)))
    for name, known in values.items():
        own = [value for row in rows if (value := row.get(name)) is not None]
        pairs = [a + b for a, b in permutations(own, 2)]
        known.update(dict.fromkeys([*own, *pairs, *(text[1:] for text in own)]))
    return {name: list(known) for name, known in sorted(values.items())}


@pytest.mark.parametrize("vector", PLAIN, ids=lambda vector: vector["id"])
def test_no_test_of_a_rule_is_idle(vector: dict) -> None:
    [rule] = parsed(vector).rules
    rows = mixtures(rule, events(vector))
    names = sorted({name for row in rows for name in row})
    source = logsource(vector)
    whole = slow(rule, rows, source)
    assert fast(rule, rows, names, source) == whole
    idle = 0
    for condition in without_one(rule.condition):
        if condition is None:
            continue
        less = replace(rule, condition=condition)
        answers = slow(less, rows, source)
        assert fast(less, rows, names, source) == answers
        idle += answers == whole
    assert idle == IDLE.get(vector["id"], 0)
