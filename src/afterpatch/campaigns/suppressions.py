"""The suppressions file: hits known to be harmless, each with a reason and a last day.

YAML in; entries, or every problem with its line, out. An entry:

    - rule: 5013198c-9f3e-4c2e-a0f3-0f4a3b1f4b11   # id or title
      host: "BACKUP*"                              # optional: a name or a glob, any case
      fields:                                      # optional: a Sigma selection
        CommandLine|contains: nightly
      reason: the backup agent runs this every night
      expires: 2026-12-31                          # the last day it holds, UTC

What the fields mean is decided in ``detect``: this room does not evaluate.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Final

import yaml

from afterpatch.campaigns.marks import Marked, parse
from afterpatch.campaigns.user_files import load_user_file
from afterpatch.model.hunts import Suppression

KEYS: Final = ("rule", "host", "fields", "reason", "expires")


def load_suppressions(path: str) -> tuple[Suppression, ...]:
    """Every entry. Raises UsageError with all problems, ``file:line: text`` each."""
    return load_user_file(path, read_suppressions)


def read_suppressions(text: str, name: str) -> tuple[tuple[Suppression, ...], list[str]]:
    """Entries in file order, and problems as ``name:line: text``. Never raises."""
    documents, problems = parse(text, name)
    entries: list[Suppression] = []
    for document in documents:
        if not isinstance(document.data, list):
            problems.append(f"{name}:{document.line()}: the file must hold a list of entries")
            continue
        for at, data in enumerate(document.data):
            wrong = list(_problems(document, at, data))
            problems += [f"{name}:{line}: {problem}" for line, problem in wrong]
            if not wrong:
                entries.append(_entry(data, f"{name}:{document.line(at)}"))
    return tuple(entries), problems


def _problems(document: Marked, at: int, data: Any) -> Iterator[tuple[int, str]]:
    """(line, problem) of one entry."""
    if not isinstance(data, dict):
        yield document.line(at), "an entry must be a mapping"
        return
    for key in data:
        if key not in KEYS:
            yield document.line(at, key), f"unknown key '{key}': known are {', '.join(KEYS)}"
    for key in ("rule", "reason"):
        if not isinstance(data.get(key), str) or not data[key].strip():
            yield document.line(at, key), f"'{key}' is required, as text"
    if not isinstance(data.get("host", ""), str):
        yield document.line(at, "host"), "'host' must be text"
    if "fields" in data and not (isinstance(data["fields"], dict | list) and data["fields"]):
        yield document.line(at, "fields"), "'fields' must be a Sigma selection"
    if type(data.get("expires")) is not date:
        yield document.line(at, "expires"), "'expires' is required, as a day: 2026-12-31"


def _entry(data: dict[str, Any], place: str) -> Suppression:
    expires = data["expires"]
    assert not isinstance(expires, datetime)
    fields = data.get("fields")
    return Suppression(
        rule=data["rule"].strip(),
        host=data.get("host", "").strip(),
        conditions=yaml.safe_dump(fields, allow_unicode=True) if fields else "",
        reason=data["reason"].strip(),
        expires=expires,
        place=place,
    )
