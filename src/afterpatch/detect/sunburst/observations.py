"""Names and answers in files of no known format, or of any of the usual shapes.

Enters: the bytes of one file, as a stream. Leaves: :class:`Observed`, a block at a time.
Understood: one name or bare label per line; lines or CSV rows with a name, and after it maybe an
answer; a time; JSON with flat objects, whole, as lines, or cut (``"results": [`` …), with the
usual passive-DNS keys. Never raises: each line that is not understood is counted.

Only lines and objects that speak of the zone, and lone words, reach Python code; the rest is
counted by columns. Memory is bounded by the block.
"""

import io
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import orjson
import polars as pl

from afterpatch.detect.sunburst.hosts import Sighting
from afterpatch.detect.sunburst.requests import SCREEN_WORDS, Request, request_in
from afterpatch.detect.sunburst.rows import SHAPE, ZONE_WORD

BLOCK_BYTES: Final = 8 << 20
MAX_RECORD_BYTES: Final = 8 << 20  # a line or object longer than this is given up, and counted

_REQUEST: Final = "(?i)" + "|".join(map(re.escape, SCREEN_WORDS))
_FRAME: Final = r'^[\s\[\]{},]*(?:"\w*"\s*:[\s\[\]{},]*)?$'
_FLAT: Final = r"\{[^{}]*\}"
_GOOD: Final = r'^\{\s*(?:"|\})'
_WORD: Final = r"""^[\s,;|"']*[0-9A-Za-z_-]{1,63}[\s,;|"']*$"""
_NAMED: Final = (
    r"""(?:^|[\s,;|"'])(?:[0-9A-Za-z_-]{1,63}\.)+[A-Za-z][0-9A-Za-z-]{1,62}\.?(?:$|[\s,;|"'])"""
)
_SPLIT: Final = re.compile(r"[\s,;|\"']+")
_LABEL: Final = re.compile(r"[0-9A-Za-z_-]{1,63}")
_HOST: Final = re.compile(r"(?:[0-9a-z_-]{1,63}\.)+[a-z][0-9a-z-]{1,62}", re.IGNORECASE)
_BEACON: Final = re.compile(SHAPE)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
_NAME_KEYS: Final = ("qname", "rrname", "query", "name", "domain", "fqdn")
_ANSWER_KEYS: Final = ("value", "rdata", "answer", "answers", "response", "target")
_TIME_KEYS: Final = ("date", "time_first", "first_seen", "time", "timestamp", "@timestamp")


@dataclass(frozen=True, slots=True)
class Observed:
    """``sightings`` of beacon names; ``others``: rows about other names; ``unread``: lines.

    ``requests`` that may be the malware's.
    """

    sightings: tuple[Sighting, ...] = ()
    others: int = 0
    unread: int = 0
    requests: tuple[Request, ...] = ()

    def __add__(self, other: "Observed") -> "Observed":
        return Observed(
            self.sightings + other.sightings,
            self.others + other.others,
            self.unread + other.unread,
            self.requests + other.requests,
        )


def observe(data: bytes) -> Observed:
    """Everything in one file."""
    return sum(observe_stream(io.BytesIO(data)), Observed())


def observe_stream(stream: BinaryIO) -> Iterator[Observed]:
    """What each block of a file holds."""
    first = stream.read(BLOCK_BYTES).removeprefix(b"\xef\xbb\xbf")
    json = first.lstrip()[:1] in (b'"', b"{", b"[") and re.search(rb"\{[^{}]*\}", first)
    if json:
        yield from (_objects(text) for text in _blocks(first, stream, b"}"))
    else:
        yield from (_lines(text) for text in _blocks(first, stream, b"\n"))


def _blocks(first: bytes, stream: BinaryIO, end: bytes) -> Iterator[str]:
    """Text cut after an ``end``; a record beyond the limit is cut where it stands."""
    held, part = b"", first
    while part:
        held += part
        cut = held.rfind(end) + 1
        if not cut and len(held) > MAX_RECORD_BYTES:
            cut = len(held)
        if cut:
            yield held[:cut].decode("utf-8", "replace")
        held, part = held[cut:], stream.read(BLOCK_BYTES)
    if held:
        yield held.decode("utf-8", "replace")


def _lines(text: str) -> Observed:
    lines = pl.Series([text.replace("\r", "\n")]).str.split("\n").explode(empty_as_null=False)
    lines = lines.filter(lines.str.contains(r"\S"))
    near = lines.str.to_lowercase().str.contains(ZONE_WORD, literal=True)
    near |= lines.str.contains(_WORD) | lines.str.contains(_REQUEST)
    far = lines.filter(~near)
    others = int(far.str.contains(_NAMED).sum())
    read = _Count(len(far) - others, others)
    return read.of(lines.filter(near), _line)


def _objects(text: str) -> Observed:
    whole = pl.Series([text])
    found = whole.str.extract_all(_FLAT).explode(empty_as_null=False)
    between = whole.str.replace_all(_FLAT, "").str.split("\n").explode(empty_as_null=False)
    # An escape may spell the name; text that does not start as an object does is looked at.
    near = found.str.to_lowercase().str.contains(
        rf"{ZONE_WORD}|\\u00|{_REQUEST}"
    ) | ~found.str.contains(_GOOD)
    read = _Count(int((~between.str.contains(_FRAME)).sum()), int((~near).sum()))
    return read.of(found.filter(near), _object)


@dataclass(slots=True)
class _Count:
    unread: int
    others: int

    def of(self, texts: Iterable[str], read: Callable[[str], list[Sighting] | None]) -> Observed:
        """With rows read one by one: None is unread, an empty list about another name."""
        sightings: list[Sighting] = []
        requests: list[Request] = []
        for text in texts:
            row = read(text)
            request = None if row else request_in(text, _time_in(text))
            self.unread += row is None and request is None
            self.others += row == [] and request is None
            sightings += row or ()
            requests += (request,) if request else ()
        return Observed(tuple(sightings), self.others, self.unread, tuple(requests))


def _object(text: str) -> list[Sighting] | None:
    try:
        return list(_from_record(orjson.loads(text)))
    except orjson.JSONDecodeError:
        return None


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
    rest = _TIME.sub(" ", line).replace("[.]", ".")
    words = [word for word in _SPLIT.split(rest) if word]
    if len(words) == 1 and _LABEL.fullmatch(words[0]):
        return [Sighting(words[0])]
    at = next((place for place, word in enumerate(words) if _is_beacon(word)), None)
    if at is None:
        return [] if any(_HOST.fullmatch(word.rstrip(".")) for word in words) else None
    names = [word for word in words[at:] if _is_beacon(word)]
    answers = _answers(word for word in words[at:] if word not in names)
    time = _time_in(line)
    return [Sighting(_plain(n), answer, time) for n in names for answer in answers or (None,)]


def _answers(words: Iterable[str]) -> list[str]:
    """Answers among the words after the name. What stands before it may be the client's address,
    and an inside address after it is too likely one to be taken for an order to stop."""
    found = (answer for word in words if (answer := _answer(word)))
    return [answer for answer in found if not _is_inside(answer)]


def _is_inside(answer: str) -> bool:
    try:
        address = ipaddress.ip_address(answer)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_unspecified


def _is_beacon(name: str) -> bool:
    """Whether a name has the shape ``label.appsync-api.region.avsvmcloud.com``."""
    return _BEACON.match(_plain(name)) is not None


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


def _time_in(text: str) -> datetime | None:
    stamp = _TIME.search(text)
    return _time(stamp[0]) if stamp else None


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
