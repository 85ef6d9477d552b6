"""Where the brackets of JSON text stand that are not inside strings, many bytes at once.

Enters: a piece of text and whether it begins inside a string. Leaves: places and kinds of brackets.
Text need not be JSON: what the vector steps cannot tell is stepped through mark by mark.
"""

import re
from typing import Final, NamedTuple

import numpy as np

from afterpatch.formats.bit_index import Bytes, Mask, Offsets

_QUOTE, _BACKSLASH, _OPENING, _CLOSING = map(ord, '"\\[]')
_NO_CASE: Final = np.uint8(0xDF)  # turns braces into square brackets
_OUTSIDE: Final = re.compile(rb'["{}\[\]]')
_INSIDE: Final = re.compile(rb'["\\]')


class Brackets(NamedTuple):
    """``opens``: of each bracket, whether it opens. ``end``: where the text that follows begins.

    That is one beyond this text where a backslash stands last: the escaped character comes next.
    """

    places: Offsets
    opens: Mask
    end: int
    in_string: bool


def find_brackets(text: bytes, start: int, in_string: bool) -> Brackets:
    """The brackets from ``start`` on."""
    buffer = np.frombuffer(text, dtype=np.uint8)[start:]
    quotes, end = np.flatnonzero(buffer == _QUOTE), max(start, len(text))
    if text.find(b"\\", start) >= 0:
        escaped = _escaped(buffer)
        is_escaped = np.isin(quotes, escaped, assume_unique=True)
        quotes, not_counted = quotes[~is_escaped], quotes[is_escaped]
        if not (np.searchsorted(quotes, not_counted) + in_string & 1).all():
            return step_brackets(text, start, in_string)  # backslashes outside strings
        ends_inside = bool(len(quotes) + in_string & 1)
        end += ends_inside and len(escaped) > 0 and int(escaped[-1]) == len(buffer)
    kinds = buffer & _NO_CASE
    places = np.flatnonzero((kinds == _OPENING) | (kinds == _CLOSING))
    places = places[np.searchsorted(quotes, places) + in_string & 1 == 0]
    opens = kinds[places] == _OPENING
    return Brackets(places + start, opens, end, bool(len(quotes) + in_string & 1))


def _escaped(buffer: Bytes) -> Offsets:
    """What stands behind an odd number of backslashes."""
    slashes = np.flatnonzero(buffer == _BACKSLASH)
    firsts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    lengths = np.diff(firsts, append=len(slashes))
    odd = lengths % 2 == 1
    found: Offsets = slashes[firsts[odd]] + lengths[odd]
    return found


def step_brackets(text: bytes, start: int, in_string: bool) -> Brackets:
    """The same, one mark after the other."""
    places, opens, at = [], [], start
    while at < len(text):
        mark = (_INSIDE if in_string else _OUTSIDE).search(text, at)
        if mark is None:
            at = len(text)
            break
        at = mark.end()
        if mark[0] == b"\\":
            at += 1
        elif mark[0] == b'"':
            in_string = not in_string
        else:
            places.append(mark.start())
            opens.append(mark[0] in b"{[")
    return Brackets(np.array(places, np.int64), np.array(opens, np.bool_), at, in_string)
