"""Sigma rule files -> our own trees. pySigma reads the documents and applies value modifiers.

Enters: rule texts (YAML, one or more documents each: rules, correlations, filters). Leaves: rules,
correlations, and every document that could not be taken with the reason: nothing is dropped
silently. Will not do: open files; guess at placeholders.

What makes a document unsupported: a broken log source, detection or condition; a regular expression
outside RE2; an id seen before. One with ``expand`` placeholders needs the user's values for them.
Faults that do not change what a rule matches (a bad date or level, an unknown tag) are let pass.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.correlations import SigmaCorrelationRule
from sigma.filters import SigmaFilter
from sigma.rule import SigmaLevel, SigmaRule

from afterpatch.detect.sigma.ast import (
    ANY_FIELD,
    And,
    Correlation,
    Node,
    Not,
    Or,
    Rule,
    Scope,
)
from afterpatch.detect.sigma.documents import FAULTS, Document, Refusals, read_documents
from afterpatch.detect.sigma.modifiers import NeedsPlaceholderError
from afterpatch.detect.sigma.parse_correlation import convert_correlation
from afterpatch.detect.sigma.parse_value import Unsupported, convert_value, missing_names
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.model.campaigns import RuleText
from afterpatch.model.hits import RuleInfo
from afterpatch.model.rules import Placeholders

_SPACES: Final = re.compile(r"\s+")
_OURS: Final[Mapping[str, type]] = {"stage": str, "weak": bool, "finds": str, "misses": str}


def parse_rules(
    texts: Iterable[RuleText], placeholders: Placeholders = MappingProxyType({})
) -> Parsed:
    """Parse every document of every text; order of the input is kept. Never raises for content.

    ``placeholders``: what the user says ``expand`` placeholders stand for.
    """
    refusals = Refusals()
    documents = read_documents(texts, placeholders, refusals)
    filters = [d for d in documents if isinstance(d.rule, SigmaFilter)]
    rules: list[Rule] = []
    for document in documents:
        if isinstance(document.rule, SigmaRule):
            try:
                _apply_filters(document.rule, filters)
                rules.append(_convert_rule(document.place, document.rule))
            except (*FAULTS, Unsupported) as error:
                refusals.add(document.identity, error)
    correlations = _correlations(documents, rules, refusals)
    return Parsed(
        tuple(rules),
        tuple(correlations),
        tuple(refusals.unsupported),
        tuple(refusals.needs_placeholder),
    )


def _apply_filters(rule: SigmaRule, filters: Iterable[Document]) -> None:
    for document in filters:
        assert isinstance(document.rule, SigmaFilter)
        document.rule.apply_on_rule(rule)


def _convert_rule(place: str, rule: SigmaRule) -> Rule:
    if "timeframe" in rule.detection.detections:
        raise Unsupported("timeframe in a detection was replaced by correlation rules")
    conditions = [condition.parsed for condition in rule.detection.parsed_condition]
    names = dict.fromkeys(name for condition in conditions for name in _missing(condition))
    if names:
        raise NeedsPlaceholderError(tuple(names))
    parts = [_convert_condition(condition) for condition in conditions]
    source = rule.logsource
    return Rule(
        info=_info(place, rule, "sigma"),
        scope=Scope(source.category or "", source.product or "", source.service or ""),
        condition=parts[0] if len(parts) == 1 else Or(tuple(parts)),
        name=rule.name or "",
    )


def _convert_condition(item: Any) -> Node:
    match item:
        case ConditionAND():
            return And(tuple(_convert_condition(argument) for argument in item.args))
        case ConditionOR():
            return Or(tuple(_convert_condition(argument) for argument in item.args))
        case ConditionNOT():
            return Not(_convert_condition(item.args[0]))
        case ConditionFieldEqualsValueExpression():
            return convert_value(item.field, item.value)
        case ConditionValueExpression():
            return convert_value(ANY_FIELD, item.value)
    raise Unsupported(f"condition element {type(item).__name__}")


def _missing(item: Any) -> Iterator[str]:
    """Placeholders that a parsed condition still needs."""
    match item:
        case ConditionAND() | ConditionOR() | ConditionNOT():
            for argument in item.args:
                yield from _missing(argument)
        case ConditionFieldEqualsValueExpression() | ConditionValueExpression():
            yield from missing_names(item.value)


def _correlations(
    documents: Iterable[Document], rules: Iterable[Rule], refusals: Refusals
) -> list[Correlation]:
    """Correlations whose every reference resolves; each may refer to ones anywhere in the input."""
    pending = [(d, d.rule) for d in documents if isinstance(d.rule, SigmaCorrelationRule)]
    ids: dict[str, str] = {}
    for rule in rules:
        ids |= {rule.info.id: rule.info.id} | ({rule.name: rule.info.id} if rule.name else {})
    converted: list[Correlation] = []
    while pending:
        waiting: list[tuple[Document, SigmaCorrelationRule, Exception]] = []
        for document, rule_ in pending:
            try:
                info = _info(document.place, rule_, "sigma-correlation")
                made = convert_correlation(info, rule_, ids)
            except (*FAULTS, Unsupported) as error:
                waiting.append((document, rule_, error))
            else:
                converted.append(made)
                ids |= {info.id: info.id} | ({made.name: info.id} if made.name else {})
        if len(waiting) == len(pending):
            for document, _, reason in waiting:
                refusals.add(document.identity, reason)
            break
        pending = [(document, rule_) for document, rule_, _ in waiting]
    return converted


def _info(place: str, rule: SigmaRule | SigmaCorrelationRule, engine: str) -> RuleInfo:
    ours = _ours((rule.custom_attributes or {}).get("afterpatch") or {})
    identity = str(rule.id or rule.name or place)
    return RuleInfo(
        id=identity,
        title=str(rule.title or identity),
        level=_level(rule.level),
        engine=engine,
        stage=ours.get("stage", ""),
        weak=ours.get("weak", False),
        finds=ours.get("finds") or _SPACES.sub(" ", str(rule.description or "")).strip(),
        misses=ours.get("misses", ""),
        fields=tuple(str(name) for name in rule.fields or ()),
        tags=tuple(str(tag) for tag in rule.tags or ()),
        references=tuple(str(reference) for reference in rule.references or ()),
    )


def _level(written: Any) -> str:
    """A level that is none of the specification's counts as one in the middle; lint says so."""
    if isinstance(written, SigmaLevel):
        return written.name.lower()
    return "informational" if written is None else "medium"


def _ours(mapping: Any) -> dict[str, Any]:
    """The custom ``afterpatch:`` mapping of a pack's rule, checked by hand: this module is loaded
    by every worker process, and a schema library would be a good part of its start-up."""
    if not isinstance(mapping, dict):
        raise Unsupported("afterpatch: must be a mapping")
    for name, value in mapping.items():
        kind = _OURS.get(name)
        if kind is None:
            raise Unsupported(f"afterpatch: unknown key '{name}'; known: {', '.join(_OURS)}")
        if not isinstance(value, kind):
            raise Unsupported(f"afterpatch: {name} must be of type {kind.__name__}")
    return mapping
