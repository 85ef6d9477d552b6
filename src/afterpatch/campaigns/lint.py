"""Everything wrong with a pack, with file and line: what an author wants to hear.

On top of ``check``: each rule says what it finds and misses and where that is from, each rule file
has its proof under ``tests/rules/``, and each Sigma rule parses. Whether the proofs hold is
proven in ``detect``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from afterpatch.campaigns.check import by_place, check
from afterpatch.campaigns.marks import Marked, parse
from afterpatch.campaigns.pack import CAMPAIGN, Pack, read_pack
from afterpatch.model.campaigns import RuleText

PROOF_KEYS = frozenset({"rule", "logsource", "fires", "silent"})


def lint(folder: Path) -> list[str]:
    """Every problem of a pack as ``file:line: text``, in order of file and line."""
    pack = read_pack(folder)
    problems = check(pack)
    for rule in pack.rules:
        problems += _sigma_problems(rule) if rule.language == "sigma" else []
    problems += _words(pack)
    problems += _proof_problems(pack)
    if pack.document and pack.document.id != folder.resolve().name and pack.marked:
        line = pack.marked.line("id")
        problems.append(f"{CAMPAIGN}:{line}: the folder is not named '{pack.document.id}'")
    if not (folder / "README.md").is_file():
        problems.append("README.md:1: missing: say what the pack finds and what it misses")
    return sorted(dict.fromkeys(problems), key=by_place)


def _words(pack: Pack) -> Iterator[str]:
    for entry in pack.entries:
        for part, value in (("finds", entry.finds), ("misses", entry.misses)):
            if not value:
                yield f"{entry.path}:{entry.line}: the rule does not say what it {part}"
        if not entry.references:
            yield f"{entry.path}:{entry.line}: the rule has no reference"


def _sigma_problems(rule: RuleText) -> list[str]:
    documents, problems = parse(rule.text, rule.path)
    if problems:
        return []
    found = []
    for document in documents:
        if isinstance(document.data, dict):
            collection = SigmaCollection.from_dicts([document.data], collect_errors=True)
            found += [f"{rule.path}:{document.line()}: {error}" for error in _errors(collection)]
    return found


def _errors(collection: Any) -> list[str]:
    found = list(collection.errors)
    for rule in collection.rules:
        found += rule.errors
        found += _condition_errors(rule)
    return [str(error).splitlines()[0] for error in found]


def _condition_errors(rule: Any) -> Iterator[Exception]:
    """pySigma reads a condition only when asked for it."""
    if isinstance(rule, SigmaRule) and not rule.errors:
        try:
            for condition in rule.detection.parsed_condition:
                _ = condition.parsed
        except SigmaError as error:
            yield error


def _proof_problems(pack: Pack) -> Iterator[str]:
    proven: set[str] = set()
    folder = pack.folder / "tests" / "rules"
    for path in sorted(folder.glob("*.yml")):
        name = path.relative_to(pack.folder).as_posix()
        documents, problems = parse(path.read_text("utf-8", errors="replace"), name)
        yield from problems
        if not problems and len(documents) != 1:
            yield f"{name}:1: a proof file must hold one YAML document"
        for document in documents:
            yield from (f"{name}:{line}: {text}" for line, text in _proof_shape(document))
            if isinstance(document.data, dict):
                proven.add(str(document.data.get("rule", "")))
    for rule in pack.rules:
        stem = Path(rule.path).stem
        if not (folder / f"{stem}.yml").is_file():
            yield f"{rule.path}:1: no proof: tests/rules/{stem}.yml is missing"
        for entry in pack.entries:
            if entry.path == rule.path and entry.id and entry.id not in proven:
                yield f"{entry.path}:{entry.line}: no proof in tests/rules names the rule"


def _proof_shape(proof: Marked) -> Iterator[tuple[int, str]]:
    if not isinstance(proof.data, dict):
        yield proof.line(), "a proof must be a mapping"
        return
    for key in proof.data:
        if key not in PROOF_KEYS:
            yield proof.line(key), f"unknown key '{key}'"
    for key, least in (("fires", 1), ("silent", 2)):
        events = proof.data.get(key)
        if not isinstance(events, list) or len(events) < least:
            yield proof.line(key), f"'{key}' must list at least {least} events"
