"""Everything wrong with a pack, with file and line: what an author wants to hear.

On top of ``check``: each rule says what it finds and misses and where that is from, each rule file
has its proof under ``tests/rules/``, and each Sigma rule parses. Whether the proofs hold is
proven in ``detect``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sigma.collection import SigmaCollection

from afterpatch.campaigns.check import check
from afterpatch.campaigns.marks import parse
from afterpatch.campaigns.pack import CAMPAIGN, Pack, read_pack
from afterpatch.model.campaigns import RuleText

PROOF_KEYS = frozenset({"rule", "fires", "silent"})


def lint(folder: Path) -> list[str]:
    """Every problem of a pack as ``file:line: text``, in order of file and line."""
    pack = read_pack(folder)
    problems = check(pack)
    for rule in pack.rules:
        problems += _sigma_problems(rule) if rule.language == "sigma" else []
    problems += _words(pack)
    for rule in pack.rules:
        problems += _proof_problems(pack, rule)
    if pack.document and pack.document.id != folder.resolve().name and pack.marked:
        line = pack.marked.line("id")
        problems.append(f"{CAMPAIGN}:{line}: the folder is not named '{pack.document.id}'")
    if not (folder / "README.md").is_file():
        problems.append("README.md:1: missing: say what the pack finds and what it misses")
    return sorted(dict.fromkeys(problems), key=_place)


def _place(problem: str) -> tuple[str, int, str]:
    file, line, _ = problem.split(":", 2)
    return file, int(line) if line.isdigit() else 0, problem


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
    return [str(error).splitlines()[0] for error in found]


def _proof_problems(pack: Pack, rule: RuleText) -> list[str]:
    name = f"tests/rules/{Path(rule.path).stem}.yml"
    path = pack.folder / name
    if not path.is_file():
        return [f"{rule.path}:1: no proof: {name} is missing"]
    documents, problems = parse(path.read_text("utf-8"), name)
    proven: set[str] = set()
    for document in documents:
        if not isinstance(document.data, dict):
            problems.append(f"{name}:{document.line()}: a proof must be a mapping")
            continue
        proven.add(str(document.data.get("rule", "")))
        for key in document.data:
            if key not in PROOF_KEYS:
                problems.append(f"{name}:{document.line(key)}: unknown key '{key}'")
        for key, least in (("fires", 1), ("silent", 2)):
            events = document.data.get(key)
            if not isinstance(events, list) or len(events) < least:
                line = document.line(key)
                problems.append(f"{name}:{line}: '{key}' must list at least {least} events")
    ids = {entry.id for entry in pack.entries if entry.path == rule.path and entry.id}
    problems += [f"{name}:1: rule {missing} is not proven" for missing in sorted(ids - proven)]
    strange = sorted(proven - ids)
    problems += [f"{name}:1: {rule.path} holds no rule '{other}'" for other in strange]
    return problems
