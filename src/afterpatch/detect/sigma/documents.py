"""Rule texts -> pySigma's objects, one per document.

Enters: rule texts (YAML, one or more documents each: rules, correlations, filters). Leaves:
documents in input order; whatever could not be read is in :class:`Refusals` with the reason.
Will not do: open files; convert detections.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.filters import EmptySigmaGlobalFilter, SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaYAMLLoader, check_alias_expansion
from sigma.rule.detection import EmptySigmaDetections
from sigma.rule.logsource import EmptyLogSource

from afterpatch.detect.sigma.modifiers import NeedsPlaceholderError
from afterpatch.detect.sigma.regexes import compile_regex
from afterpatch.detect.sigma.spelling import spelled
from afterpatch.model.campaigns import RuleText
from afterpatch.model.rules import Placeholders

_SPACES: Final = re.compile(r"\s+")
# What pySigma and our own conversion raise for content; the last ones where it looks into values
# that are not of the type the specification gives them.
FAULTS: Final = (SigmaError, ValueError, TypeError, AttributeError, KeyError, IndexError)


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
class Document:
    """One document; ``place`` is its path, with ``#n`` when the file has several."""

    place: str
    rule: SigmaRule | SigmaCorrelationRule | SigmaFilter

    @property
    def identity(self) -> str:
        """What the rule is called in accounts: its id, else its name, else its place."""
        return str(self.rule.id or self.rule.name or self.place)


@dataclass(slots=True)
class Refusals:
    """(rule id or path, reason) and (rule id, placeholder names), in input order."""

    unsupported: list[tuple[str, str]] = field(default_factory=list)
    needs_placeholder: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    def add(self, identity: str, reason: str | BaseException) -> None:
        """One document that cannot be used."""
        if isinstance(reason, NeedsPlaceholderError):
            self.needs_placeholder.append((identity, reason.names))
        else:
            text = reason if isinstance(reason, str) else in_words(reason)
            self.unsupported.append((identity, text))


def in_words(error: BaseException) -> str:
    """An error on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    if isinstance(error, TypeError | AttributeError | KeyError | IndexError):
        return f"some value is not of the type it must have ({type(error).__name__}: {error})"
    return _SPACES.sub(" ", str(error)).strip() or type(error).__name__


def read_documents(
    texts: Iterable[RuleText], placeholders: Placeholders, refusals: Refusals
) -> tuple[Document, ...]:
    """Every document that is a rule, a correlation or a filter; the first of each id."""
    first: dict[str, Document] = {}
    for document in _documents(texts, placeholders, refusals):
        earlier = first.setdefault(document.identity, document)
        if earlier is not document:  # it would be counted twice
            reason = f"{document.place}: same id as {earlier.place}; the first one is used"
            refusals.add(document.identity, reason)
    return tuple(first.values())


def _documents(
    texts: Iterable[RuleText], placeholders: Placeholders, refusals: Refusals
) -> Iterator[Document]:
    for text in texts:
        try:
            loader = SigmaYAMLLoader(text.text)
            try:
                mappings = [loader.get_data() for _ in iter(loader.check_data, False)]
            finally:
                loader.dispose()
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            refusals.add(text.path, f"not readable as YAML: {in_words(error)}")
            continue
        mappings = [mapping for mapping in mappings if mapping is not None]
        yield from _rules_of(text.path, mappings, placeholders, refusals)


def _rules_of(
    path: str, mappings: list[Any], placeholders: Placeholders, refusals: Refusals
) -> Iterator[Document]:
    """pySigma's objects; ``action: global|repeat|reset`` documents shape their neighbours."""
    if not mappings or not all(isinstance(mapping, dict) for mapping in mappings):
        refusals.add(path, "not a Sigma rule: no YAML mapping")
        return
    try:
        check_alias_expansion(mappings)  # before anything walks shared parts as if they were a tree
        collection = SigmaCollection.from_dicts(
            [spelled(mapping, placeholders) for mapping in mappings],
            collect_errors=True,
            collect_filters=True,
            resolve_references=False,
            policy=_POLICY,
        )
    except FAULTS as error:
        if len(mappings) == 1 or any("action" in mapping for mapping in mappings):
            refusals.add(path, error)
            return
        for number, mapping in enumerate(mappings, start=1):  # one bad document spoils no others
            yield from _rules_of(f"{path}#{number}", [mapping], placeholders, refusals)
        return
    found = [*collection.rules, *collection.filters]
    if not found:
        refusals.add(path, "not a Sigma rule")
    for number, rule in enumerate(found, start=1):
        document = Document(path if len(found) == 1 else f"{path}#{number}", rule)
        fatal = _fatal(rule)
        if fatal:
            refusals.add(document.identity, fatal)
        else:
            yield document


def _fatal(rule: SigmaRule | SigmaCorrelationRule | SigmaFilter) -> str | BaseException:
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
    if len(rule.errors) == 1 and isinstance(rule.errors[0], NeedsPlaceholderError):
        return rule.errors[0]
    return "; ".join(in_words(error) for error in rule.errors) or "incomplete rule"
