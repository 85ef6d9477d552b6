"""Rule files of a pack: text in; what lint and load must know of each rule out.

Rules stay text here; ``detect`` compiles them. YARA metadata is read through the YARA compiler,
Sigma through plain YAML, so that a rule of either language carries the same facts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yara_x

from afterpatch.campaigns.marks import Marked, parse
from afterpatch.model.campaigns import RuleText

AFTERPATCH_KEYS = frozenset({"stage", "weak", "finds", "misses"})


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule: where it stands and what it says of itself.

    line   line of ``id`` in ``path``. stage  "" for an informational rule.
    """

    id: str
    path: str
    line: int
    stage: str
    stage_line: int
    finds: str
    misses: str
    references: tuple[str, ...]


def read_rules(rule: RuleText) -> tuple[list[RuleEntry], list[str]]:
    """Every rule of one file, and problems as ``path:line: text``. Never raises."""
    return _read_sigma(rule) if rule.language == "sigma" else _read_yara(rule)


def _read_sigma(rule: RuleText) -> tuple[list[RuleEntry], list[str]]:
    documents, problems = parse(rule.text, rule.path)
    entries = []
    for document in documents:
        if not isinstance(document.data, dict):
            problems.append(f"{rule.path}:{document.line()}: a rule must be a mapping")
            continue
        problems += [f"{rule.path}:{line}: {text}" for line, text in _shape(document)]
        entries.append(_entry(document, rule.path))
    if not documents and not problems:
        problems.append(f"{rule.path}:1: the file holds no rule")
    return entries, problems


def _shape(document: Marked) -> Iterator[tuple[int, str]]:
    """(line, problem) of what a Sigma rule of a pack must have."""
    data = document.data
    if not isinstance(data.get("id"), str):
        yield document.line("id"), "the rule has no id"
    if not any(part in data for part in ("detection", "correlation")):
        yield document.line(), "the rule has neither detection nor correlation"
    own = data.get("afterpatch", {})
    if not isinstance(own, dict):
        yield document.line("afterpatch"), "afterpatch must be a mapping"
        return
    for key in own:
        if key not in AFTERPATCH_KEYS:
            known = ", ".join(sorted(AFTERPATCH_KEYS))
            yield document.line("afterpatch", key), f"unknown key '{key}': known are {known}"
    if not isinstance(own.get("weak", False), bool):
        yield document.line("afterpatch", "weak"), "weak must be true or false"


def _entry(document: Marked, path: str) -> RuleEntry:
    data: dict[str, Any] = document.data
    own = data.get("afterpatch")
    own = own if isinstance(own, dict) else {}
    references = data.get("references")
    return RuleEntry(
        id=str(data.get("id", "")),
        path=path,
        line=document.line("id"),
        stage=str(own.get("stage") or ""),
        stage_line=document.line("afterpatch", "stage"),
        finds=str(own.get("finds") or "").strip(),
        misses=str(own.get("misses") or "").strip(),
        references=tuple(map(str, references)) if isinstance(references, list) else (),
    )


def _read_yara(rule: RuleText) -> tuple[list[RuleEntry], list[str]]:
    try:
        compiled = yara_x.compile(rule.text)
    except yara_x.CompileError as error:
        where = re.search(r"line:(\d+)", str(error))
        reason = str(error).splitlines()[0]
        return [], [f"{rule.path}:{where.group(1) if where else 1}: {reason}"]
    lines = _yara_lines(rule.text)
    problems = []
    entries = []
    for found in compiled:
        meta: Mapping[str, Any] = dict(found.metadata)
        line = lines.get(found.identifier, 1)
        if not meta.get("id"):
            problems.append(f"{rule.path}:{line}: the rule has no id in its meta")
        if meta.get("weak", "false") not in ("true", "false"):
            problems.append(f'{rule.path}:{line}: weak must be "true" or "false"')
        reference = str(meta.get("reference", ""))
        entries.append(
            RuleEntry(
                id=str(meta.get("id", "")),
                path=rule.path,
                line=line,
                stage=str(meta.get("stage", "")),
                stage_line=line,
                finds=str(meta.get("finds", "")).strip(),
                misses=str(meta.get("misses", "")).strip(),
                references=(reference,) if reference else (),
            )
        )
    return entries, problems


def _yara_lines(text: str) -> dict[str, int]:
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(r"\s*(?:(?:private|global)\s+)*rule\s+(\w+)", line)
        if match:
            found[match.group(1)] = number
    return found
