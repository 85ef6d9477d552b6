"""Times of EVTX records to 100 ns, of which the ``evtx`` package shows microseconds.

In: a chunk, and what the package makes of its records. Out: the same texts with the seven digits
that Windows writes. For this the package also reads a copy of the chunk with a mark in the place of
every FILETIME: a moment far from now that says which time it stands for. Where a mark comes out and
nothing else differs, that time goes.

So it does not matter how often and in what order a template uses its values, or what else in a
record looks like a time: a SYSTEMTIME, a text and the time in the record's header stay what they
are. In damage a mark may be read as something else; such a record keeps the package's six digits.
Source of the layout: libevtx, "Windows XML Event Log (EVTX) format"; [MS-EVEN6] 2.2.12.
"""

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.evtx_headers import (
    CHUNK_HEADER_BYTES,
    LEAST_RECORD_BYTES,
    RECORD_HEADER_BYTES,
    RECORD_MAGIC,
)

MAX_FILETIME: Final = 2_650_466_808_009_999_999  # 9999-12-30 22:00:00, the last time in any zone
_EPOCH_1601: Final = datetime(1601, 1, 1, tzinfo=UTC)
_SECOND: Final = 10_000_000  # of 100 ns
_MAX_VALUES: Final = 4_096  # of a template instance
_INSTANCE_HEAD_BYTES: Final = 10  # token, version, number and place of the template
_DEFINITION_HEAD_BYTES: Final = 24
_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_RECORD: Final = struct.Struct("<II")


def filetime(ticks: int) -> str:
    """``2021-03-03T12:00:00.1234567Z``; ``ticks`` of 100 ns since 1601, at most MAX_FILETIME."""
    return f"{_to_the_second(ticks // _SECOND)}.{ticks % _SECOND:07}Z"


@lru_cache(maxsize=1_024)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH_1601 + timedelta(seconds=seconds)).isoformat()[: len("1601-01-01T00:00:00")]


# Marks are the 10,000 microseconds of this hundredth of a second; a chunk has room for 8,128 times.
_FIRST_MARK: Final = (
    (datetime(8271, 9, 13, 5, 47, 29, tzinfo=UTC) - _EPOCH_1601) // timedelta(seconds=1) * _SECOND
)
_PREFIX: Final = filetime(_FIRST_MARK)[: -len("00000Z")]
_MARK: Final = re.compile(re.escape(_PREFIX) + "[0-9]{4}Z")


class Marked(NamedTuple):
    """A chunk with marks. ``times``: a mark as the package writes it -> the time it stands for."""

    chunk: bytearray
    times: Mapping[str, str]


def marked(chunk: bytes) -> Marked:
    """A copy of a chunk with a mark in the place of every FILETIME of its records."""
    copy = bytearray(chunk)
    times: dict[str, str] = {}
    for at in _places(chunk):
        (ticks,) = _U64.unpack_from(chunk, at)
        if ticks <= MAX_FILETIME:  # a record with a later one the package cannot read
            number = len(times)
            _U64.pack_into(copy, at, _FIRST_MARK + 10 * number)
            times[f"{_PREFIX}{number:04}Z"] = filetime(ticks)
    return Marked(copy, times)


def with_ticks(text: str, with_marks: str, times: Mapping[str, str]) -> str:
    """The package's text of a record with seven digits, given its text of the marked record.

    The text as it is if the two differ in more than marks.
    """
    six_digits = _MARK.sub(lambda mark: f"{times.get(mark[0], '')[:-2]}Z", with_marks)
    if six_digits != text:
        return text
    return _MARK.sub(lambda mark: times.get(mark[0], mark[0]), with_marks)


def _places(chunk: bytes) -> Iterator[int]:
    """Where the FILETIMEs of a chunk's records seem to lie, each once."""
    at = CHUNK_HEADER_BYTES
    while at + LEAST_RECORD_BYTES <= len(chunk):
        magic, size = _RECORD.unpack_from(chunk, at)
        if magic != RECORD_MAGIC or not LEAST_RECORD_BYTES <= size <= len(chunk) - at:
            return
        # An event may hold another within a value, so fragments are taken as they are met.
        fragments = [(at + RECORD_HEADER_BYTES, at + size - 4)]
        for start, end in fragments:
            yield from _places_in(chunk, start, end, fragments)
        at += size


def _places_in(chunk: bytes, at: int, end: int, fragments: list[tuple[int, int]]) -> Sequence[int]:
    """Those among the values of a fragment; the fragments among them are appended."""
    at = _values_at(chunk, at, end)
    if at < 0:
        return ()
    (count,) = _U32.unpack_from(chunk, at)
    at, start = at + 4, at + 4 + 4 * count
    if count > _MAX_VALUES or start > end or not chunk[at + 2 : start : 4].translate(None, _OTHERS):
        return ()
    # The event's own data are mostly the last value, and only that differs in size from event to
    # event: without it, layouts are few.
    last = _U16.unpack_from(chunk, start - 4)[0] if chunk[start - 2] == token.BINXML else 0
    layout = _layout(chunk[at : start - 4 if last else start])
    if start + layout.size + last > end:
        return ()
    fragments += [(start + first, start + behind) for first, behind in layout.fragments]
    if last:
        fragments.append((start + layout.size, start + layout.size + last))
    return [start + place for place in layout.times]


def _values_at(chunk: bytes, at: int, end: int) -> int:
    """Where the values of a template instance begin, with their number; -1 = it is none."""
    if at + 4 <= end and chunk[at] == token.FRAGMENT:
        at += 4
    if at + _INSTANCE_HEAD_BYTES > end or chunk[at] != token.TEMPLATE:
        return -1
    (definition_at,) = _U32.unpack_from(chunk, at + 6)
    at += _INSTANCE_HEAD_BYTES
    if definition_at == at and at + _DEFINITION_HEAD_BYTES <= end:
        # The definition stands here, where it was used first.
        at += _DEFINITION_HEAD_BYTES + _U32.unpack_from(chunk, at + 20)[0]
    return at if at + 4 <= end else -1


class _Layout(NamedTuple):
    """Where FILETIMEs begin, and fragments begin and end, counted from the first of the values."""

    times: tuple[int, ...]
    fragments: tuple[tuple[int, int], ...]
    size: int


@lru_cache(maxsize=128)  # a hostile one takes half a megabyte
def _layout(descriptors: bytes) -> _Layout:
    """Sizes and types of values -> their layout."""
    times: list[int] = []
    fragments = []
    at = 0
    for size, kind in struct.iter_unpack("<HBx", descriptors):
        if kind in _TIMES:
            times += range(at, at + size - 7, 8)
        elif kind == token.BINXML:
            fragments.append((at, at + size))
        at += size
    return _Layout(tuple(times), tuple(fragments), at)


_TIMES: Final = (token.FILETIME, token.FILETIME | token.ARRAY)
_OTHERS: Final = bytes({*range(256)} - {*_TIMES, token.BINXML})
