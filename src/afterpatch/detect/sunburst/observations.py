"""Names and answers in files of any of the usual shapes.

Enters: the bytes of one file. Leaves: :class:`Observed`. Understood: one name or bare label per
line; lines or CSV rows with a name, and maybe an answer and a time; JSON with flat objects, whole,
as lines, or cut (``"results": [`` …), with the usual passive-DNS keys. Never raises: each line
that is not understood is counted.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from afterpatch.detect.sunburst.hosts import Sighting

ZONE: Final = ".avsvmcloud.com"
_OBJECT: Final = re.compile(r"\{[^{}]*\}")
_FRAME: Final = re.compile(r'[\s\[\]{},]*+(?:"\w*+"\s*+:[\s\[\]{},]*+)?')  # possessive: linear
_SPLIT: Final = re.compile(r"[\s,;|\"']+")
_LABEL: Final = re.compile(r"[0-9A-Za-z_-]{1,63}")
_HOST: Final = re.compile(r"(?:[0-9a-z_-]{1,63}\.)+[a-z][0-9a-z-]{1,62}", re.IGNORECASE)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_NAME_KEYS: Final = ("qname", "rrname", "query", "name", "domain", "fqdn")
_ANSWER_KEYS: Final = ("value", "rdata", "answer", "answers", "response", "target")
_TIME_KEYS: Final = ("date", "time_first", "first_seen", "time", "timestamp", "@timestamp")


@dataclass(frozen=True, slots=True)
class Observed:
    """``sightings`` of beacon names; ``others``: rows about other names; ``unread``: lines."""

    sightings: tuple[Sighting, ...]
    others: int
    unread: int


def observe(data: bytes) -> Observed:
    """Everything in one file."""
    text = data.decode("utf-8-sig", "replace")
    rows = _json_rows(text) if text.lstrip()[:1] in ('"', "{", "[") else None
    if rows is None:
        rows = [_line(line) for line in text.splitlines() if line.strip()]
    flat = [row for row in rows if row is not None]
    found = tuple(sighting for row in flat for sighting in row)
    others = sum(not row for row in flat)
    return Observed(found, others, len(rows) - len(flat))


def _json_rows(text: str) -> list[list[Sighting] | None] | None:
    """One entry per object, None for an unreadable one; None if the text has no objects."""
    rows: list[list[Sighting] | None] = []
    end = 0
    for match in _OBJECT.finditer(text):
        rows += _lost_lines(text[end : match.start()])
        end = match.end()
        try:
            record = orjson.loads(match[0])
        except orjson.JSONDecodeError:
            rows.append(None)
            continue
        rows.append(list(_from_record(record)))
    return [*rows, *_lost_lines(text[end:])] if end else None


def _lost_lines(between: str) -> list[None]:
    return [None for line in between.splitlines() if not _FRAME.fullmatch(line)]


def _from_record(record: Mapping[str, Any]) -> Iterator[Sighting]:
    names = (record.get(key) for key in _NAME_KEYS)
    name = next((n for n in names if isinstance(n, str) and _is_beacon(n)), None)
    if name is None:
        return
    given = next((record[key] for key in _ANSWER_KEYS if record.get(key)), None)
    values: list[Any] = given if isinstance(given, list) else [given]
    stamp = next((record[key] for key in _TIME_KEYS if record.get(key)), None)
    for value in values:
        answer = _answer(value) if isinstance(value, str) else None
        yield Sighting(_plain(name), answer, _time(stamp))


def _line(line: str) -> list[Sighting] | None:
    """The sightings in a text line; None if it has no name at all."""
    stamp = _TIME.search(line)
    rest = _TIME.sub(" ", line).replace("[.]", ".")
    words = [word for word in _SPLIT.split(rest) if word]
    if len(words) == 1 and _LABEL.fullmatch(words[0]):
        return [Sighting(words[0])]
    names = [word for word in words if _is_beacon(word)]
    if not names:
        return [] if any(_HOST.fullmatch(word.rstrip(".")) for word in words) else None
    found = [_answer(word) for word in words if word not in names]
    answers: list[str | None] = [answer for answer in found if answer] or [None]
    time = _time(stamp[0]) if stamp else None
    return [Sighting(_plain(n), answer, time) for n in names for answer in answers]


def _is_beacon(name: str) -> bool:
    """Whether a name has the shape ``label.appsync-api.region.avsvmcloud.com``."""
    plain = _plain(name).lower()
    return plain.endswith(ZONE) and plain.count(".") == 4 and ".appsync-api." in plain


def _plain(name: str) -> str:
    return name.strip().rstrip(".").replace("[.]", ".")


def _answer(text: str) -> str | None:
    """An address or a host name as it stands, in lower case."""
    plain = _plain(text).lower()
    try:
        ipaddress.ip_address(plain)
    except ValueError:
        return plain if _HOST.fullmatch(plain) else None
    return plain


def _time(stamp: object) -> datetime | None:
    """RFC 3339 text (UTC if it has no zone) or seconds since 1970."""
    try:
        if isinstance(stamp, int | float):
            return datetime.fromtimestamp(stamp, UTC)
        if isinstance(stamp, str):
            time = datetime.fromisoformat(stamp)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
