"""What the verbs of ``afterpatch sunburst`` read and print in the same way."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
import orjson

from afterpatch.cli.show import CLEAR, FINDINGS, INCONCLUSIVE
from afterpatch.formats.machine_list import merge, read_machines
from afterpatch.model.machines import Machine
from afterpatch.pipeline.sunburst import Survey, survey
from afterpatch.report.safe_text import visible

REDACTED: Final = "[redacted]"
FILES: Final = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, allow_dash=True)
)
VICTIMS: Final = click.option("--show-victims", is_flag=True, help="Print decoded domain names.")


def read(files: Sequence[str]) -> Survey:
    """All files as one; what could not be read is said on stderr."""
    found = survey(files, sys.stdin.buffer)
    for text in found.notes:
        note(text)
    return found


def inventory(paths: Iterable[str]) -> tuple[tuple[Machine, ...], list[str]]:
    """All machines of all inventories, and what was not read."""
    parts: list[Machine] = []
    gaps: list[str] = []
    for path in paths:
        with Path(path).open("rb") as stream:
            listing = read_machines(stream, Path(path).name)
        parts += listing.parts
        gaps += (f"{gap.source}: {gap.place}: {gap.reason}" for gap in listing.gaps)
    return merge(parts), gaps


def stamp(time: datetime | None) -> str | None:
    """RFC 3339 to the second, or None."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time else None


def print_jsonl(rows: Iterable[Mapping[str, Any]]) -> None:
    """One object per line, no string of which can act on a terminal."""
    for row in rows:
        sys.stdout.buffer.write(orjson.dumps(_readable(row)) + b"\n")


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {key: _readable(inner) for key, inner in value.items()}
    return [_readable(inner) for inner in value] if isinstance(value, list) else value


def note(text: str) -> None:
    """One line on stderr."""
    click.echo(f"afterpatch: {visible(text)}", err=True)


def exit_code(found: bool, survey: Survey) -> int:
    """1 findings, 3 nothing found and something unread, 0 otherwise."""
    if found:
        return FINDINGS
    return INCONCLUSIVE if survey.unread else CLEAR
