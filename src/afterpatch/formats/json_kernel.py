"""Compiled: lines that are one flat JSON object each -> where the values of some keys lie.

In: a block of lines that is UTF-8, and keys. Out: per line, whether it surely is such an object,
and per key of it the kind and place of its value. Strict: what RFC 8259 does not allow, and what
readers may understand differently (a key written twice or with escapes, half a surrogate pair, a
number that may be too large) leaves a line unproven. Objects within the object do, too.

numba checks no bounds: every place is compared with the line's end before it is read.
"""

from typing import Final, NamedTuple

import numpy as np

from afterpatch.formats.compiled import Bytes, Ints, compiled, whole

ABSENT: Final = 0
TEXT: Final = 1  # a string without escapes, its place inside the quotes
WHOLE: Final = 2  # a number of digits alone
SECONDS: Final = 3  # the same with a fraction
NULL: Final = 4
OTHER: Final = 5  # whatever may be shown otherwise than it is written

MAX_DEPTH: Final = 60  # of lists
MAX_NUMBER_BYTES: Final = 18
MAX_SECONDS_DIGITS: Final = 10
NOT_READ: Final = -1


class Keys(NamedTuple):
    """Key ``n`` is ``names[ends[n - 1] : ends[n]]`` (from 0 for the first), in UTF-8."""

    names: Bytes
    ends: Ints


class Found(NamedTuple):
    """Per key and line, the kind of value and where it lies; per line, whether it is proven."""

    kind: Bytes
    start: Ints
    end: Ints
    proven: Bytes


_FIRST, _VALUE, _COLON, _MORE, _KEY, _DONE = range(6)


@compiled
def walk_lines(block: Bytes, starts: Ints, ends: Ints, keys: Keys, found: Found) -> None:
    """Every line. ``found`` has room for each, with ``kind`` all ABSENT."""
    for line in range(len(starts)):
        found.proven[line] = _is_object(
            block, whole(starts[line]), whole(ends[line]), line, keys, found
        )


@compiled
def _is_object(  # noqa: C901, PLR0915  (one state machine, best seen together)
    block: Bytes, at: int, end: int, line: int, keys: Keys, found: Found
) -> bool:
    while at < end and _is_blank(block[at]):
        at += 1
    if at >= end or block[at] != 0x7B:  # {
        return False
    at += 1
    state, depth, key, first = _FIRST, 0, -1, 0
    while at < end:
        byte = block[at]
        if _is_blank(byte):
            at += 1
        elif state == _DONE:
            return False
        elif state == _COLON:
            if byte != 0x3A:  # :
                return False
            state = _VALUE
            at += 1
        elif state == _MORE and byte == 0x2C:  # ,
            state = _VALUE if depth else _KEY
            first = 0
            at += 1
        elif byte == 0x7D:  # }
            if depth or (state != _MORE and state != _FIRST):
                return False
            state = _DONE
            at += 1
        elif byte == 0x5D:  # ]
            if not depth or not (state == _MORE or (state == _VALUE and first)):
                return False
            depth -= 1
            first = 0
            state = _MORE
            at += 1
        elif state in (_FIRST, _KEY):
            after, plain = _string(block, at, end)
            if after < 0 or not plain:
                return False
            key = _number_of(block, at + 1, after - 1, keys)
            if key >= 0 and found.kind[key, line] != ABSENT:
                return False
            state = _COLON
            at = after
        elif state == _VALUE:
            kind, start = OTHER, at
            if byte == 0x22:  # "
                at, plain = _string(block, at, end)
                kind = TEXT if plain else OTHER
            elif byte == 0x5B:  # [
                if depth >= MAX_DEPTH:
                    return False
                depth += 1
                at += 1
            elif byte == 0x2D or 0x30 <= byte <= 0x39:  # - 0 9
                at, kind = _digits(block, at, end)
            else:
                at = _word(block, at, end)
                kind = NULL if byte == 0x6E else OTHER  # n
            if at < 0:
                return False
            if key >= 0:
                inside = 1 if kind == TEXT else 0
                found.kind[key, line] = kind
                found.start[key, line], found.end[key, line] = start + inside, at - inside
                key = -1
            first = 1 if byte == 0x5B else 0
            state = _VALUE if byte == 0x5B else _MORE
        else:
            return False
    return state == _DONE


@compiled
def _is_blank(byte: int) -> bool:
    return byte == 0x20 or byte == 0x09 or byte == 0x0D


@compiled
def _string(block: Bytes, at: int, end: int) -> tuple[int, bool]:
    """(behind the closing quote or -1, whether there is no escape in it)."""
    if block[at] != 0x22:
        return -1, False
    plain = True
    at += 1
    while at < end:
        byte = block[at]
        if byte == 0x22:
            return at + 1, plain
        if byte < 0x20:
            return -1, False
        at += 1
        if byte == 0x5C:  # a backslash
            plain = False
            at = _escape(block, at, end)
            if at < 0:
                return -1, False
    return -1, False


@compiled
def _escape(block: Bytes, at: int, end: int) -> int:
    """Behind what follows a backslash, or -1; surrogates are not understood."""
    if at >= end:
        return -1
    byte = block[at]
    if byte == 0x75:  # u
        if at + 5 > end or ((block[at + 1] | 0x20) == 0x64 and block[at + 2] >= 0x38):  # d 8
            return -1
        for step in range(1, 5):
            digit = block[at + step]
            if not (0x30 <= digit <= 0x39 or 0x61 <= (digit | 0x20) <= 0x66):
                return -1
        return at + 5
    known = (
        byte == 0x22 or byte == 0x5C or byte == 0x2F or byte == 0x62
        or byte == 0x66 or byte == 0x6E or byte == 0x72 or byte == 0x74
    )  # fmt: skip
    return at + 1 if known else -1


@compiled
def _digits(block: Bytes, at: int, end: int) -> tuple[int, int]:
    """(behind a number or -1, its kind); none with an exponent is understood."""
    start = at
    kind = WHOLE
    if block[at] == 0x2D:  # -
        kind = OTHER
        at += 1
    first = at
    while at < end and 0x30 <= block[at] <= 0x39:
        at += 1
    if at == first or (block[first] == 0x30 and at > first + 1):
        return -1, OTHER
    if at < end and block[at] == 0x2E:  # .
        kind = SECONDS if kind == WHOLE else OTHER
        at += 1
        first = at
        while at < end and 0x30 <= block[at] <= 0x39:
            at += 1
        if at == first:
            return -1, OTHER
    if at - start > MAX_NUMBER_BYTES or (at < end and (block[at] | 0x20) == 0x65):  # e
        return -1, OTHER
    return at, kind


@compiled
def _word(block: Bytes, at: int, end: int) -> int:
    """Behind ``true``, ``false`` or ``null``, or -1."""
    if at + 4 <= end and block[at] == 0x74:
        right = block[at + 1] == 0x72 and block[at + 2] == 0x75 and block[at + 3] == 0x65
        return at + 4 if right else -1
    if at + 4 <= end and block[at] == 0x6E:
        right = block[at + 1] == 0x75 and block[at + 2] == 0x6C and block[at + 3] == 0x6C
        return at + 4 if right else -1
    if at + 5 <= end and block[at] == 0x66:
        right = block[at + 1] == 0x61 and block[at + 2] == 0x6C and block[at + 3] == 0x73
        return at + 5 if right and block[at + 4] == 0x65 else -1
    return -1


@compiled
def _number_of(block: Bytes, start: int, end: int, keys: Keys) -> int:
    """Which of the keys a name is, or -1."""
    first = whole(0)
    for number in range(len(keys.ends)):
        size = whole(keys.ends[number]) - first
        if size == end - start:
            step = whole(0)
            while step < size and block[start + step] == keys.names[first + step]:
                step += 1
            if step == size:
                return number
        first = whole(keys.ends[number])
    return -1


@compiled
def seconds_us(block: Bytes, kind: Bytes, start: Ints, end: Ints, times_us: Ints) -> None:
    """Seconds with a fraction of at most six digits -> microseconds; all else NOT_READ.

    ``kind``, ``start`` and ``end`` of one key.
    """
    for line in range(len(kind)):
        times_us[line] = NOT_READ
        if kind[line] != SECONDS and kind[line] != WHOLE:
            continue
        total, places = whole(0), whole(-1)
        for at in range(start[line], end[line]):
            if block[at] == 0x2E:
                places = whole(0)
            else:
                total = total * 10 + block[at] - 0x30
                places += 1 if places >= 0 else 0
        digits = end[line] - start[line] - (places + 1)
        if places <= 6 and digits <= MAX_SECONDS_DIGITS:
            for _ in range(6 - max(places, 0)):
                total *= 10
            times_us[line] = total


def keys_of(names: list[str]) -> Keys:
    """Keys by their place in the list."""
    encoded = [name.encode() for name in names]
    return Keys(
        np.frombuffer(b"".join(encoded) or b"\0", np.uint8),
        np.cumsum([len(name) for name in encoded], dtype=np.int64),
    )


def room_for(lines: int, keys: int) -> Found:
    """Nothing found yet."""
    return Found(
        np.zeros((keys, lines), np.uint8),
        np.zeros((keys, lines), np.int64),
        np.zeros((keys, lines), np.int64),
        np.zeros(lines, np.uint8),
    )
