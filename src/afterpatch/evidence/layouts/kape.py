"""KAPE target collections: drive folders beside CopyLog, SkipLog and ConsoleLog files.

Source: EricZimmerman/KapeDocs "Log files", "Using KAPE". With ``--zip`` the logs stay outside the
archive, in the same folder, sharing its time stamp. Shadow copies lie in ``VSS<n>/<drive>``.
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from afterpatch.evidence.layouts.layout import (
    FILE_NAME,
    MANIFEST,
    Host,
    Layout,
    Look,
    claim,
    ordered,
    text_of,
)
from afterpatch.evidence.layouts.names import host_in, is_generic
from afterpatch.evidence.origins import from_drive, is_drive, is_snapshot
from afterpatch.evidence.tree import File, Folder
from afterpatch.model.places import HostClaim

_LOG: Final = re.compile(
    r"\d{4}-\d\d-\d\dT[\d_]+_.*(?P<kind>CopyLog|SkipLog|ConsoleLog)(?:\.\w{3})+", re.IGNORECASE
)
_NAME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d{6}_.+")
_MACHINE: Final = re.compile(r"Machine name:[ \t]{0,8}([^\s,|]+)", re.IGNORECASE)
_STAMP_DIGITS: Final = 14


def _find(folder: Folder, look: Look) -> list[Host]:
    if not any(is_drive(one.name) or is_snapshot(one.name) for one in folder.subfolders()):
        return []
    logs = list(_logs(folder))
    named = folder.archive and _NAME.fullmatch(folder.stem)
    if not logs and not named and not folder.comment.startswith("Created by KAPE version"):
        return []
    claims = [*_from_name(folder), *_from_console(logs, look)]
    return [Host(folder, "KAPE", ordered(claims), from_drive, _modified(logs, look))]


def _logs(folder: Folder) -> Iterator[tuple[str, File]]:
    """KAPE's own logs in the collection, and those beside it that share its time stamp."""
    stamp = _digits(folder.name)
    beside = folder.parent.files if folder.parent else []
    for file in [*folder.files, *(one for one in beside if _digits(one.name) == stamp)]:
        if match := _LOG.fullmatch(file.name):
            yield match["kind"].lower(), file


def _digits(name: str) -> str:
    return "".join(char for char in name if char.isdecimal())[:_STAMP_DIGITS]


def _from_name(folder: Folder) -> tuple[HostClaim, ...]:
    host = host_in(folder.stem)
    return () if is_generic(host) or is_drive(host) else claim(FILE_NAME, host, "collection name")


def _from_console(logs: list[tuple[str, File]], look: Look) -> Iterator[HostClaim]:
    for kind, file in logs:
        if kind == "consolelog":
            for name in _MACHINE.findall(text_of(look.read(file)))[:1]:
                yield from claim(MANIFEST, name, f"KAPE console log {file.label}")


def _modified(logs: list[tuple[str, File]], look: Look) -> dict[str, datetime]:
    """Lower-case original path -> ModifiedOnUtc, from every CopyLog."""
    times: dict[str, datetime] = {}
    for kind, file in logs:
        if kind == "copylog":
            rows = csv.DictReader(io.StringIO(text_of(look.read(file)), newline=""))
            times |= _times(rows)
    return times


def _times(rows: "csv.DictReader[str]") -> dict[str, datetime]:
    times: dict[str, datetime] = {}
    try:
        for row in rows:
            source, when = row.get("SourceFile") or "", row.get("ModifiedOnUtc") or ""
            try:  # seven digits of seconds; six are understood
                parsed = datetime.fromisoformat(when[:26]).replace(tzinfo=UTC)
            except ValueError:
                continue
            times[source.replace("\\", "/").lower()] = parsed
    except csv.Error:  # a field beyond csv's size limit: keep what was read
        return times
    return times


KAPE: Final = Layout("KAPE", _find)
