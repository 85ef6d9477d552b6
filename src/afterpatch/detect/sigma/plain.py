"""Parsed rules as plain lists and back: what a cache can hold without holding code.

Enters: :class:`Parsed`. Leaves: lists, texts and numbers that JSON can say, and the same from them.
Will not do: trust what it reads back to be of any shape; a wrong one raises LookupError, TypeError
or ValueError.
"""

from typing import Any, Final, get_args

from afterpatch.detect.sigma.ast import (
    And,
    Correlation,
    CorrelationKind,
    FieldTest,
    Node,
    Not,
    Op,
    Or,
    Rule,
    Scope,
)
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.model.hits import RuleInfo

_OPS: Final = frozenset(get_args(Op))
_KINDS: Final = frozenset(get_args(CorrelationKind))


def to_plain(parsed: Parsed) -> dict[str, Any]:
    """Each distinct test once; conditions refer to tests by number."""
    tests: dict[FieldTest, int] = {}
    rules = [
        [_info(r.info), [r.scope.category, r.scope.product, r.scope.service], r.name,
         _node(r.condition, tests)]
        for r in parsed.rules
    ]  # fmt: skip
    correlations = [_correlation(each, tests) for each in parsed.correlations]
    return {
        "tests": [[t.field, t.op, t.value, t.option, t.cased] for t in tests],
        "rules": rules,
        "correlations": correlations,
        "unsupported": parsed.unsupported,
        "needs_placeholder": parsed.needs_placeholder,
    }


def from_plain(plain: Any) -> Parsed:
    """The inverse of :func:`to_plain`."""
    tests = [FieldTest(*each) for each in plain["tests"]]
    if not all(test.op in _OPS for test in tests):
        raise ValueError("unknown operation")
    return Parsed(
        tuple(
            Rule(_read_info(info), Scope(*scope), _read_node(condition, tests), name)
            for info, scope, name, condition in plain["rules"]
        ),
        tuple(_read_correlation(each, tests) for each in plain["correlations"]),
        tuple((str(rule), str(reason)) for rule, reason in plain["unsupported"]),
        tuple((str(rule), tuple(names)) for rule, names in plain["needs_placeholder"]),
    )


def _node(node: Node, tests: dict[FieldTest, int]) -> Any:
    match node:
        case FieldTest():
            return tests.setdefault(node, len(tests))
        case Not(item):
            return ["not", _node(item, tests)]
        case And(items) | Or(items):
            word = "and" if isinstance(node, And) else "or"
            return [word, *(_node(item, tests) for item in items)]


def _read_node(plain: Any, tests: list[FieldTest]) -> Node:
    if type(plain) is int:
        return tests[plain]
    word, *items = plain
    nodes = tuple([_read_node(item, tests) for item in items])
    if word == "and":
        return And(nodes)
    if word == "or":
        return Or(nodes)
    if word == "not" and len(nodes) == 1:
        return Not(nodes[0])
    raise ValueError("unknown node")


def _info(info: RuleInfo) -> list[Any]:
    return [
        info.id, info.title, info.level, info.engine, info.stage, info.weak, info.finds,
        info.misses, info.fields, info.tags, info.references,
    ]  # fmt: skip


def _read_info(plain: list[Any]) -> RuleInfo:
    *first, finds, misses, fields, tags, references = plain
    identity, title, level, engine, stage, weak = first
    return RuleInfo(
        identity, title, level, engine, stage, weak, finds, misses,
        tuple(fields), tuple(tags), tuple(references),
    )  # fmt: skip


def _correlation(made: Correlation, tests: dict[FieldTest, int]) -> list[Any]:
    expression = None if made.expression is None else [_node(made.expression, tests)]
    return [
        _info(made.info), made.kind, made.rules, made.timespan_us, made.group_by, made.comparison,
        made.threshold, made.fields, made.percentile, made.aliases, expression, made.generate,
        made.name, made.also,
    ]  # fmt: skip


def _read_correlation(plain: list[Any], tests: list[FieldTest]) -> Correlation:
    (info, kind, rules, timespan_us, group_by, comparison, threshold, fields, percentile, aliases,
     expression, generate, name, also) = plain  # fmt: skip
    if kind not in _KINDS:
        raise ValueError("unknown kind of correlation")
    return Correlation(
        info=_read_info(info),
        kind=kind,
        rules=tuple(rules),
        timespan_us=timespan_us,
        group_by=tuple(group_by),
        comparison=comparison,
        threshold=threshold,
        fields=tuple(fields),
        percentile=percentile,
        aliases=aliases,
        expression=None if expression is None else _read_node(expression[0], tests),
        generate=generate,
        name=name,
        also=tuple((word, number) for word, number in also),
    )
