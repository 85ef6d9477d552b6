"""Every rule of the files a user brings: where it stands, what it is, whether it can be used.

Enters: rule texts. Leaves: one entry per Sigma document and YARA rule, and problems with file and
line. Will not do: read files, run a rule.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError

from afterpatch.campaigns.marks import Marked, parse
from afterpatch.detect.accounting import not_met, refused_statuses
from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.served import formats_for
from afterpatch.detect.sigma.store import RuleStore, load_rules
from afterpatch.detect.yara import YaraEngine
from afterpatch.model.batches import Logsource
from afterpatch.model.campaigns import RuleText
from afterpatch.model.hits import RuleInfo
from afterpatch.model.rules import Placeholders, RuleState, RuleStatus

_LINE: Final = re.compile(r"(?:line:|:)(\d+)")
_YARA_RULE: Final = re.compile(r"\s*(?:(?:private|global)\s+)*rule\s+(\w+)")
_QUOTED: Final = re.compile(r"'([^']{3,})'")
_SAME_ID: Final = re.compile(r"^(?P<place>.*?)(?:#\d+)?: same id as ")


@dataclass(frozen=True, slots=True)
class Listed:
    """One rule. ``status``: the author's word; ``state``: whether it can be evaluated here."""

    id: str
    title: str
    level: str
    engine: str
    logsource: str
    status: str
    state: Literal["loaded"] | RuleState
    reason: str
    path: str
    line: int


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Errors keep a rule from being used; warnings do not change what it matches."""

    path: str
    line: int
    severity: Literal["error", "warning"]
    text: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Both in order of path and line."""

    rules: tuple[Listed, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Document:
    """A Sigma document as written: what the parser may call it, and its line."""

    path: str
    line: int
    names: tuple[str, ...]
    status: str
    data: Mapping[str, Any]


def catalogue(
    texts: Sequence[RuleText],
    placeholders: Placeholders = MappingProxyType({}),
    store: RuleStore | None = None,
) -> Catalogue:
    """List and lint everything. Never raises for content."""
    problems: list[Problem] = []
    documents = [
        document
        for text in texts
        if text.language == "sigma"
        for document in _documents(text, problems)
    ]
    sigma = load_rules((t for t in texts if t.language == "sigma"), placeholders, store)
    listed = [*_sigma(sigma, documents), *_yara([t for t in texts if t.language == "yara"])]
    by_path = {text.path: text.text for text in texts}
    unreadable = {problem.path for problem in problems}
    for rule in listed:
        if rule.state != "loaded" and rule.path not in unreadable:
            severity: Literal["error", "warning"] = (
                "warning" if rule.state == "needs placeholder" else "error"
            )
            line = _line_of(rule.reason, by_path.get(rule.path, ""), rule.line)
            problems.append(Problem(rule.path, line, severity, rule.reason))
    refused = {(rule.path, rule.line) for rule in listed if rule.state == "unsupported"}
    for document in documents:
        if (document.path, document.line) not in refused:
            text = by_path[document.path]
            for problem in _remarks(document):
                line = _line_of(problem.text, text, problem.line)
                problems.append(replace(problem, line=line))
    problems += _unserved(sigma.rules, listed)
    return Catalogue(
        tuple(sorted(listed, key=lambda rule: (rule.path, rule.line, rule.id))),
        tuple(sorted(set(problems))),
    )


def _line_of(reason: str, text: str, start: int) -> int:
    """Where what a reason quotes stands, from the line of its document on; else that line."""
    lines = text.splitlines()
    for quoted in _QUOTED.findall(reason):
        for number in range(start, len(lines) + 1):
            if quoted in lines[number - 1]:
                return number
    return start


def _unserved(rules: Sequence[Rule], listed: Sequence[Listed]) -> Iterator[Problem]:
    """Rules for logs that no format reads here: often a log source that is misspelt."""
    places = {rule.id: rule for rule in listed}
    for rule in rules:
        if not formats_for(rule.scope):
            place = places[rule.info.id]
            yield Problem(place.path, place.line, "warning", not_met(rule.scope))


def _documents(text: RuleText, problems: list[Problem]) -> list[_Document]:
    marked, faults = parse(text.text, text.path)
    for fault in faults:
        line, words = fault.removeprefix(f"{text.path}:").split(":", 1)
        problems.append(Problem(text.path, int(line), "error", words.strip()))
    return [_document(text.path, n, one, len(marked)) for n, one in enumerate(marked, start=1)]


def _document(path: str, number: int, marked: Marked, of: int) -> _Document:
    data = marked.data if isinstance(marked.data, dict) else {}
    place = path if of == 1 else f"{path}#{number}"
    names = tuple(str(data[key]) for key in ("id", "name") if data.get(key))
    return _Document(path, marked.line(), (*names, place), str(data.get("status", "")), data)


def _sigma(parsed: Parsed, documents: Sequence[_Document]) -> Iterator[Listed]:
    by_name: dict[str, _Document] = {}
    for document in documents:
        for name in document.names:
            by_name.setdefault(name, document)
    for rule in parsed.rules:
        scope = (rule.scope.category, rule.scope.product, rule.scope.service)
        yield _loaded(rule.info, _joined(scope), by_name)
    for correlation in parsed.correlations:
        yield _loaded(correlation.info, correlation.kind, by_name)
    for status in refused_statuses(parsed.unsupported, parsed.needs_placeholder):
        yield _refused(status, documents, by_name)


def _source_text(written: Any) -> str:
    """The log source of a rule that was not taken, as its author wrote it."""
    if not isinstance(written, dict):
        return ""
    return _joined([str(written.get(part) or "") for part in Logsource._fields])


def _joined(parts: Sequence[str]) -> str:
    return "/".join(part or "*" for part in parts)


def _loaded(info: RuleInfo, logsource: str, by_name: Mapping[str, _Document]) -> Listed:
    document = by_name.get(info.id)
    return Listed(
        id=info.id,
        title=info.title,
        level=info.level,
        engine=info.engine,
        logsource=logsource,
        status=document.status if document else "",
        state="loaded",
        reason="",
        path=document.path if document else "",
        line=document.line if document else 1,
    )


def _refused(
    status: RuleStatus, documents: Sequence[_Document], by_name: Mapping[str, _Document]
) -> Listed:
    name, reason = status.rule, status.reason
    document = by_name.get(name)
    if again := _SAME_ID.match(reason):  # the later of two, not the one that stands first
        later = [d for d in documents if d.path == again["place"] and name in d.names]
        document = later[-1] if later else document
    data = document.data if document else {}
    return Listed(
        id=name,
        title=str(data.get("title", "")),
        level=str(data.get("level", "")),
        engine="sigma",
        logsource=_source_text(data.get("logsource")),
        status=document.status if document else "",
        state=status.state,
        reason=reason,
        path=document.path if document else name.split("#", 1)[0],
        line=document.line if document else 1,
    )


def _remarks(document: _Document) -> Iterator[Problem]:
    """What pySigma finds odd in a rule that can be used, and what a reader would miss."""
    if not any(part in document.data for part in ("detection", "correlation")):
        return
    place = (document.path, document.line)
    for key in ("title", "id", "level"):
        if not document.data.get(key):
            yield Problem(*place, "warning", f"the rule has no {key}")
    try:
        collection = SigmaCollection.from_dicts(
            [dict(document.data)], collect_errors=True, resolve_references=False
        )
    except (SigmaError, ValueError, TypeError, AttributeError, KeyError):
        return
    for error in [error for rule in collection.rules for error in rule.errors]:
        yield Problem(*place, "warning", " ".join(str(error).split()))


def _yara(texts: Sequence[RuleText]) -> Iterator[Listed]:
    for text in texts:
        engine = YaraEngine([text])
        lines = {
            match[1]: number
            for number, line in enumerate(text.text.splitlines(), start=1)
            if (match := _YARA_RULE.match(line))
        }
        for info in engine.infos:
            line = lines.get(info.id.removeprefix("yara:"), 1)
            yield Listed(
                info.id, info.title, info.level, "yara", "files", "", "loaded", "", text.path, line
            )
        for name, reason in engine.unsupported:
            where = _LINE.search(reason)
            line = int(where[1]) if where else 1
            words = reason.splitlines()[0]
            yield Listed(name, "", "", "yara", "files", "", "unsupported", words, text.path, line)
