"""pySigma correlation rules -> :class:`Correlation`.

Enters: a correlation document and the ids of the rules known so far. Leaves: a frozen correlation
with every reference resolved. Raises :class:`Unsupported`.
"""

from collections.abc import Mapping
from typing import Any

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from afterpatch.detect.sigma.ast import (
    And,
    Comparison,
    Correlation,
    CorrelationKind,
    FieldTest,
    Node,
    Not,
    Or,
)
from afterpatch.detect.sigma.parse_value import Unsupported
from afterpatch.model.hits import RuleInfo

_COMPARISONS: Mapping[str, Comparison] = {
    "LT": "lt",
    "LTE": "lte",
    "GT": "gt",
    "GTE": "gte",
    "EQ": "eq",
    "NEQ": "neq",
}
# Under this custom key a document brings the comparisons pySigma has no place for.
RANGE = "afterpatch-range"
COMPARISONS = frozenset(_COMPARISONS.values())
_KINDS: Mapping[SigmaCorrelationType, CorrelationKind] = {
    SigmaCorrelationType.EVENT_COUNT: "event_count",
    SigmaCorrelationType.VALUE_COUNT: "value_count",
    SigmaCorrelationType.VALUE_SUM: "value_sum",
    SigmaCorrelationType.VALUE_AVG: "value_avg",
    SigmaCorrelationType.VALUE_MEDIAN: "value_median",
    SigmaCorrelationType.VALUE_PERCENTILE: "value_percentile",
    SigmaCorrelationType.TEMPORAL: "temporal",
    SigmaCorrelationType.TEMPORAL_ORDERED: "temporal_ordered",
}


def convert_correlation(
    info: RuleInfo, rule: SigmaCorrelationRule, ids: Mapping[str, str]
) -> Correlation:
    """``ids``: what a rule may be called (id or name) -> its id."""
    expression: Node | None = None
    comparison: Comparison = "gte"
    threshold: float = 1
    fields: tuple[str, ...] = ()
    percentile: float = 50
    also = _range((rule.custom_attributes or {}).get(RANGE) or {})
    references = [reference.reference for reference in rule.rules or ()]
    match rule.condition:
        case SigmaExtendedCorrelationCondition():
            references = references or rule.condition.get_referenced_rules()
            expression = _expression(rule.condition.parsed, ids)
        case SigmaCorrelationCondition():
            comparison = _COMPARISONS[rule.condition.op.name]
            threshold = rule.condition.count
            fields = _listed(rule.condition.fieldref)
            percentile = _percentile(rule.condition.percentile)
    made = Correlation(
        info=info,
        kind=_KINDS[rule.type],
        rules=tuple(_resolve(reference, ids) for reference in references),
        timespan_us=rule.timespan.seconds * 1_000_000,
        group_by=tuple(rule.group_by or ()),
        comparison=comparison,
        threshold=threshold,
        also=also,
        fields=fields,
        percentile=percentile,
        aliases={
            alias.alias: {
                _resolve(reference.reference, ids): str(field)
                for reference, field in alias.mapping.items()
            }
            for alias in rule.aliases
        },
        expression=expression,
        generate=rule.generate,
        name=rule.name or "",
    )
    _check_order(made)
    return made


def _check_order(made: Correlation) -> None:
    """``temporal_ordered`` is only defined for "all of these, in this order"."""
    if made.kind != "temporal_ordered":
        return
    plain = (made.comparison, made.threshold, made.also) == ("gte", len(made.rules), ())
    conjunction = isinstance(made.expression, And) and all(
        isinstance(item, FieldTest) for item in made.expression.items
    )
    if not (conjunction if made.expression is not None else plain):
        raise Unsupported("temporal_ordered with a condition other than all rules in order")


def _resolve(reference: str, ids: Mapping[str, str]) -> str:
    try:
        return ids[reference]
    except KeyError:
        raise Unsupported(f"refers to the rule '{reference}', which is not usable") from None


def _expression(item: Any, ids: Mapping[str, str]) -> Node:
    match item:
        case SigmaRuleReference():
            return FieldTest(_resolve(item.reference, ids), "exists", "true")
        case CorrelationConditionNOT():
            return Not(_expression(item.args[0], ids))
        case CorrelationConditionAND():
            return And(tuple(_expression(argument, ids) for argument in item.args))
        case CorrelationConditionOR():
            return Or(tuple(_expression(argument, ids) for argument in item.args))
    raise Unsupported(f"correlation condition element {type(item).__name__}")


def _range(more: Mapping[Comparison, Any]) -> tuple[tuple[Comparison, float], ...]:
    for threshold in more.values():
        if isinstance(threshold, bool) or not isinstance(threshold, int | float):
            raise Unsupported(f"'{threshold}' is no number to compare with")
    return tuple(more.items())


def _listed(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _percentile(value: int | None) -> float:
    if value is None:
        return 50
    if not 0 <= value <= 100:
        raise Unsupported(f"percentile {value} is outside 0..100")
    return value
