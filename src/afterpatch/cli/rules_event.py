"""The event that ``afterpatch rules explain`` is asked about: a place, a file, or plain JSON."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import orjson

from afterpatch.detect.sigma.ast import Rule
from afterpatch.formats.windows_flat import text
from afterpatch.model.batches import Logsource
from afterpatch.model.errors import UsageError
from afterpatch.pipeline.originals import events_at

_RECORD: Final = re.compile("[0-9]{1,20}")


def event_meant(
    event: str, evidence: Sequence[str], rule: Rule, parts: Sequence[str]
) -> tuple[Logsource, Mapping[str, str | None]]:
    """The event that is meant and its log source. Raises UsageError."""
    if evidence:
        source, _, record = event.rpartition(":")
        if not source or not _RECORD.fullmatch(record):
            raise UsageError(f"{event}: a place is SOURCE:RECORD, as hunt prints it")
        found = next(events_at(evidence, source, int(record)), None)
        if found is None:
            raise UsageError(f"no event at {event} below {', '.join(evidence)}")
        return _said(found.logsource, parts), found.fields
    if event != "-" and Path(event).is_file():
        known = list(_up_to_two(event))
        if len(known) > 1:
            raise UsageError(f"{event} holds several events; give --evidence {event} and a place")
        if known:
            return _said(known[0][0], parts), known[0][1]
    own = Logsource(rule.scope.category, rule.scope.product, rule.scope.service)
    return _said(own, parts), _fields(event)


def _up_to_two(path: str) -> list[tuple[Logsource, Mapping[str, str | None]]]:
    found = zip(range(2), events_at([path]), strict=False)
    return [(event.logsource, event.fields) for _, event in found]


def _fields(event: str) -> Mapping[str, str | None]:
    """A plain JSON object: field to value. Values become the text that a log would have."""
    try:
        data = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
    except OSError as error:
        raise UsageError(f"{event}: cannot be read: {error.strerror}") from error
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{event}: {_no_event(data, error)}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{event}: not one JSON object of field to value")
    return {name: text(value) for name, value in document.items()}


def _no_event(data: bytes, error: orjson.JSONDecodeError) -> str:
    """Why bytes that are no log and no JSON document are no event."""
    if not data.strip():
        return "is empty"
    try:
        orjson.loads(data.strip().split(b"\n", 1)[0])
    except orjson.JSONDecodeError:
        lines = "lines of a log need its header, such as #Fields"
        return f"no log that is known ({lines}), and not JSON: {error}"
    return "holds several JSON objects; give one of them"


def _said(logsource: Logsource, parts: Sequence[str]) -> Logsource:
    for part in parts:
        name, _, value = part.partition("=")
        if name not in Logsource._fields or not value:
            raise UsageError(f"--logsource {part}: category=…, product=… or service=…")
        logsource = logsource._replace(**{name: value})
    return logsource
