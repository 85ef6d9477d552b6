"""A pack folder -> its parts, read but not yet judged, with every problem of reading.

A pack is small text; a file above the limit is a problem, not a reason to fill memory.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from afterpatch.campaigns.marks import Marked, parse, path_text
from afterpatch.campaigns.rules import RuleEntry, read_rules
from afterpatch.campaigns.schema import CampaignFile
from afterpatch.campaigns.tables import read_indicators, read_networks
from afterpatch.model.campaigns import Indicator, Network, RuleText

CAMPAIGN: Final = "campaign.yaml"
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
LANGUAGES: Final[Mapping[str, Literal["sigma", "yara"]]] = {
    ".yml": "sigma",
    ".yaml": "sigma",
    ".yar": "yara",
    ".yara": "yara",
}


@dataclass(frozen=True, slots=True)
class Pack:
    """What a folder holds. ``document`` is None when ``campaign.yaml`` does not hold."""

    folder: Path
    document: CampaignFile | None
    marked: Marked | None
    rules: tuple[RuleText, ...]
    entries: tuple[RuleEntry, ...]
    indicators: tuple[Indicator, ...]
    networks: tuple[Network, ...]
    problems: tuple[str, ...]


def read_pack(folder: Path) -> Pack:
    """Read every part of a pack. Problems are collected as ``file:line: text``, never raised."""
    problems: list[str] = []
    document, marked = _read_campaign(folder, problems)
    rules = tuple(_rule_texts(folder, problems))
    entries: list[RuleEntry] = []
    for rule in rules:
        found, wrong = read_rules(rule)
        entries += found
        problems += wrong
    indicators, wrong = read_indicators(*_table(folder, "indicators.csv", problems))
    problems += wrong
    networks, wrong = read_networks(*_table(folder, "networks.csv", problems))
    problems += wrong
    return Pack(
        folder, document, marked, rules, tuple(entries), indicators, networks, tuple(problems)
    )


def pack_sha256(folder: Path) -> str:
    """SHA-256 over name and content of every file of the pack, in order of name."""
    digest = hashlib.sha256()
    for path in sorted(_files(folder), key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        name = path.relative_to(folder).as_posix().encode()
        digest.update(f"{len(name)}:{len(content)}:".encode() + name + content)
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _read_campaign(folder: Path, problems: list[str]) -> tuple[CampaignFile | None, Marked | None]:
    text = _read(folder / CAMPAIGN, CAMPAIGN, problems)
    if text is None:
        return None, None
    documents, wrong = parse(text, CAMPAIGN)
    problems += wrong
    if wrong:
        return None, None
    if len(documents) != 1:
        problems.append(f"{CAMPAIGN}:1: the file must hold one YAML document")
        return None, None
    marked = documents[0]
    try:
        return CampaignFile.model_validate(marked.data), marked
    except ValidationError as error:
        for item in _first_causes(error):
            place = tuple(step for step in item["loc"] if step != "[key]")
            reason = item["msg"].removeprefix("Value error, ")
            if item["type"] == "extra_forbidden":
                reason = "unknown key"
            problems.append(f"{CAMPAIGN}:{marked.line(*place)}: {path_text(place)}: {reason}")
        return None, marked


def _first_causes(error: ValidationError) -> Iterator[ErrorDetails]:
    """Errors without "too short" lists that are short only because an item in them is wrong."""
    items = error.errors(include_url=False)
    places = [item["loc"] for item in items]
    for item in items:
        place = item["loc"]
        inside = any(len(p) > len(place) and p[: len(place)] == place for p in places)
        if not (item["type"] == "too_short" and inside):
            yield item


def _rule_texts(folder: Path, problems: list[str]) -> Iterator[RuleText]:
    for path in sorted((folder / "rules").glob("*")):
        language = LANGUAGES.get(path.suffix)
        name = path.relative_to(folder).as_posix()
        if not path.is_file():
            continue
        if language is None:
            problems.append(f"{name}:1: neither a .yml nor a .yar file")
            continue
        text = _read(path, name, problems)
        if text is not None:
            yield RuleText(name, language, text)


def _table(folder: Path, name: str, problems: list[str]) -> tuple[str, str]:
    """Text and name of a table; no text when the pack has no such file."""
    path = folder / name
    return (_read(path, name, problems) if path.exists() else None) or "", name


def _read(path: Path, name: str, problems: list[str]) -> str | None:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            problems.append(f"{name}:1: larger than {MAX_FILE_BYTES} bytes")
            return None
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problems.append(f"{name}:{line}: not UTF-8 text")
    except OSError as error:
        problems.append(f"{name}:1: cannot be read: {error.strerror}")
    return None
