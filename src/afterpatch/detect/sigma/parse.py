"""Sigma rule files -> our own trees. pySigma reads the documents and applies value modifiers.

Enters: rule texts (YAML, one or more documents each: rules, correlations, filters). Leaves: rules,
correlations, and every document that could not be taken with the reason: nothing is dropped
silently. Will not do: open files; guess at placeholders.

What makes a document unsupported: a broken log source, detection or condition; a placeholder
(``expand``); a regular expression outside RE2; an id seen before. Faults that do not change what a
rule matches (a bad date, an unknown tag) are let pass.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from sigma.collection import SigmaCollection
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import EmptySigmaGlobalFilter, SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaYAMLLoader, check_alias_expansion
from sigma.rule.detection import EmptySigmaDetections
from sigma.rule.logsource import EmptyLogSource

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
from afterpatch.detect.sigma.parse_correlation import COMPARISONS, RANGE, convert_correlation
from afterpatch.detect.sigma.parse_value import (
    ESCAPED_PERCENT,
    Unsupported,
    convert_value,
    expand,
)
from afterpatch.detect.sigma.regexes import compile_regex
from afterpatch.model.campaigns import RuleText
from afterpatch.model.hits import RuleInfo

_SPACES: Final = re.compile(r"\s+")
_PERCENT: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\%")
_NUMERIC: Final = frozenset(
    ["lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year", "exists"]
)
_OURS: Final[Mapping[str, type]] = {"stage": str, "weak": bool, "finds": str, "misses": str}


class _QuietRe2(RegexEngine):
    """pySigma's own RE2 engine prints every rejected pattern to standard error."""

    def compile(self, pattern: str, flags: int = 0) -> Any:
        named = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
        return compile_regex(pattern, "".join(name for flag, name in named.items() if flags & flag))

    @property
    def error(self) -> type[Exception]:
        return ValueError


_POLICY: Final = SigmaPolicy(regex_engine=_QuietRe2())


@dataclass(frozen=True, slots=True)
class Parsed:
    """``unsupported`` holds (rule id or path, reason), in input order."""

    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...]
    unsupported: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Document:
    """One parsed document; ``place`` is its path, with ``#n`` when the file has several."""

    place: str
    rule: SigmaRule | SigmaCorrelationRule | SigmaFilter


def parse_rules(
    texts: Iterable[RuleText], placeholders: Mapping[str, tuple[str, ...]] | None = None
) -> Parsed:
    """Parse every document of every text; order of the input is kept. Never raises for content.

    ``placeholders``: values of the names that ``expand`` refers to; any of them may match.
    """
    unsupported: list[tuple[str, str]] = []
    documents = _unique(_documents(texts, unsupported), unsupported)
    filters = [d for d in documents if isinstance(d.rule, SigmaFilter)]
    rules: list[Rule] = []
    for document in documents:
        if isinstance(document.rule, SigmaRule):
            try:
                _apply_filters(document.rule, filters)
                rules.append(_convert_rule(document.place, document.rule, placeholders or {}))
            except (SigmaError, Unsupported, ValueError, TypeError) as error:
                unsupported.append((_identity(document), _reason(error)))
    correlations = _correlations(documents, rules, unsupported)
    return Parsed(tuple(rules), tuple(correlations), tuple(unsupported))


def _documents(
    texts: Iterable[RuleText], unsupported: list[tuple[str, str]]
) -> Iterator[_Document]:
    for text in texts:
        try:
            loader = SigmaYAMLLoader(text.text)
            try:
                mappings = [loader.get_data() for _ in iter(loader.check_data, False)]
            finally:
                loader.dispose()
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            unsupported.append((text.path, f"not readable as YAML: {_reason(error)}"))
            continue
        yield from _rules_of(text.path, [m for m in mappings if m is not None], unsupported)


def _rules_of(
    path: str, mappings: list[Any], unsupported: list[tuple[str, str]]
) -> Iterator[_Document]:
    """pySigma's objects; ``action: global|repeat|reset`` documents shape their neighbours."""
    if not mappings or not all(isinstance(mapping, dict) for mapping in mappings):
        unsupported.append((path, "not a Sigma rule: no YAML mapping"))
        return
    try:
        check_alias_expansion(mappings)  # before anything walks shared parts as if they were a tree
        collection = SigmaCollection.from_dicts(
            [_spelled(mapping) for mapping in mappings],
            collect_errors=True,
            collect_filters=True,
            resolve_references=False,
            policy=_POLICY,
        )
    except (SigmaError, ValueError, TypeError, AttributeError, KeyError) as error:
        if len(mappings) == 1 or any("action" in mapping for mapping in mappings):
            unsupported.append((path, _reason(error)))
            return
        for number, mapping in enumerate(mappings, start=1):  # one bad document spoils no others
            yield from _rules_of(f"{path}#{number}", [mapping], unsupported)
        return
    found = [*collection.rules, *collection.filters]
    if not found:
        unsupported.append((path, "not a Sigma rule"))
    for number, rule in enumerate(found, start=1):
        document = _Document(path if len(found) == 1 else f"{path}#{number}", rule)
        fatal = _fatal_error(rule)
        if fatal:
            unsupported.append((_identity(document), fatal))
        else:
            yield document


def _spelled(document: dict[str, Any]) -> dict[str, Any]:
    """The document in words that pySigma reads as the specification means them."""
    spelled = dict(document)
    for section in ("detection", "filter"):
        if section in spelled:
            spelled[section] = _detection(spelled[section])
    correlation = spelled.get("correlation")
    if not isinstance(correlation, dict):
        return spelled
    condition = correlation.get("condition")
    if isinstance(condition, dict):
        # "To define a range, use the conjunction in the mapping"; pySigma takes one comparison.
        _, *more = [name for name in condition if name in COMPARISONS] or [""]
        first = {name: value for name, value in condition.items() if name not in more}
        spelled["correlation"] = correlation | {"condition": first}
        spelled[RANGE] = {name: condition[name] for name in more}
    return spelled


def _detection(value: Any, modifiers: frozenset[str] = frozenset()) -> Any:
    if isinstance(value, list):
        return [_detection(each, modifiers) for each in value]
    if isinstance(value, dict):
        return {
            name: _detection(each, frozenset(str(name).split("|")[1:]))
            for name, each in value.items()
        }
    if isinstance(value, str):  # "a plain percent character can be used by escaping it"
        return _PERCENT.sub(rf"\1{ESCAPED_PERCENT}", value) if "expand" in modifiers else value
    if value is None or not modifiers.isdisjoint(_NUMERIC) or not (modifiers or type(value) is int):
        return value
    return str(value)  # "all values are treated as strings"


def _fatal_error(rule: SigmaRule | SigmaCorrelationRule | SigmaFilter) -> str:
    """Why pySigma could not read what the rule matches; "" when it could."""
    if isinstance(rule, SigmaCorrelationRule):
        broken = any("orrelation" in type(e).__name__ or "span" in str(e) for e in rule.errors)
    elif isinstance(rule, SigmaFilter):
        broken = isinstance(rule.logsource, EmptyLogSource)
        broken = broken or isinstance(rule.filter, EmptySigmaGlobalFilter)
    else:
        broken = isinstance(rule.logsource, EmptyLogSource)
        broken = broken or isinstance(rule.detection, EmptySigmaDetections)
    if not broken:
        return ""
    return "; ".join(_reason(error) for error in rule.errors) or "incomplete rule"


def _unique(
    documents: Iterable[_Document], unsupported: list[tuple[str, str]]
) -> tuple[_Document, ...]:
    """The first document of each id; later ones would be counted twice."""
    first: dict[str, _Document] = {}
    for document in documents:
        earlier = first.setdefault(_identity(document), document)
        if earlier is not document:
            reason = f"{document.place}: same id as {earlier.place}; the first one is used"
            unsupported.append((_identity(document), reason))
    return tuple(first.values())


def _identity(document: _Document) -> str:
    rule = document.rule
    return str(rule.id or rule.name or document.place)


def _apply_filters(rule: SigmaRule, filters: Iterable[_Document]) -> None:
    for document in filters:
        assert isinstance(document.rule, SigmaFilter)
        document.rule.apply_on_rule(rule)


def _convert_rule(place: str, rule: SigmaRule, placeholders: Mapping[str, tuple[str, ...]]) -> Rule:
    if "timeframe" in rule.detection.detections:
        raise Unsupported("timeframe in a detection was replaced by correlation rules")
    parts = [
        _convert_condition(condition.parsed, placeholders)
        for condition in rule.detection.parsed_condition
    ]
    source = rule.logsource
    return Rule(
        info=_info(place, rule, "sigma"),
        scope=Scope(source.category or "", source.product or "", source.service or ""),
        condition=parts[0] if len(parts) == 1 else Or(tuple(parts)),
        name=rule.name or "",
    )


def _convert_condition(item: Any, placeholders: Mapping[str, tuple[str, ...]]) -> Node:
    match item:
        case ConditionAND():
            return And(tuple(_convert_condition(part, placeholders) for part in item.args))
        case ConditionOR():
            return Or(tuple(_convert_condition(part, placeholders) for part in item.args))
        case ConditionNOT():
            return Not(_convert_condition(item.args[0], placeholders))
        case ConditionFieldEqualsValueExpression():
            values = expand(item.value, placeholders)
            return _any_of([convert_value(item.field, value) for value in values])
        case ConditionValueExpression():
            values = expand(item.value, placeholders)
            return _any_of([convert_value(ANY_FIELD, value) for value in values])
    raise Unsupported(f"condition element {type(item).__name__}")


def _any_of(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))


def _correlations(
    documents: Iterable[_Document], rules: Iterable[Rule], unsupported: list[tuple[str, str]]
) -> list[Correlation]:
    """Correlations whose every reference resolves; each may refer to ones anywhere in the input."""
    pending = [(d, d.rule) for d in documents if isinstance(d.rule, SigmaCorrelationRule)]
    ids: dict[str, str] = {}
    for rule in rules:
        ids |= {rule.info.id: rule.info.id} | ({rule.name: rule.info.id} if rule.name else {})
    converted: list[Correlation] = []
    while pending:
        waiting: list[tuple[_Document, SigmaCorrelationRule, str]] = []
        for document, rule_ in pending:
            try:
                info = _info(document.place, rule_, "sigma-correlation")
                made = convert_correlation(info, rule_, ids)
            except (SigmaError, Unsupported, ValueError, TypeError) as error:
                waiting.append((document, rule_, _reason(error)))
            else:
                converted.append(made)
                ids |= {info.id: info.id} | ({made.name: info.id} if made.name else {})
        if len(waiting) == len(pending):
            unsupported.extend((_identity(document), reason) for document, _, reason in waiting)
            break
        pending = [(document, rule_) for document, rule_, _ in waiting]
    return converted


def _info(place: str, rule: SigmaRule | SigmaCorrelationRule, engine: str) -> RuleInfo:
    ours = _ours((rule.custom_attributes or {}).get("afterpatch") or {})
    identity = str(rule.id or rule.name or place)
    return RuleInfo(
        id=identity,
        title=str(rule.title or identity),
        level=rule.level.name.lower() if rule.level is not None else "informational",
        engine=engine,
        stage=ours.get("stage", ""),
        weak=ours.get("weak", False),
        finds=ours.get("finds") or _SPACES.sub(" ", str(rule.description or "")).strip(),
        misses=ours.get("misses", ""),
        fields=tuple(str(name) for name in rule.fields or ()),
        tags=tuple(str(tag) for tag in rule.tags or ()),
        references=tuple(str(reference) for reference in rule.references or ()),
    )


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


def _reason(error: BaseException) -> str:
    return _SPACES.sub(" ", str(error)).strip() or type(error).__name__
