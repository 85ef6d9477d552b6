"""Compiled: whether an EVTX value fits its type, and arrays as values of their own.

In: where a value lies, its size and type. Out: yes or no. What does not fit is not understood: the
chunk is left to the plain reader, which knows what the ``evtx`` package makes of such things.
Source of the types: [MS-EVEN6] 2.2.12; SYSTEMTIME: [MS-DTYP] 2.3.13; SID: [MS-DTYP] 2.4.2.
"""

from typing import Final

import numpy as np

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.compiled import Bytes, compiled, i64, u16, whole
from afterpatch.formats.evtx_structures import Values, add_value
from afterpatch.formats.evtx_ticks import MAX_FILETIME

MAX_ITEMS: Final = 255  # of one array

# Type -> size of one value; 0 = its own, _UNKNOWN = not understood here.
_UNKNOWN: Final = 255
_SIZES: Final = np.full(256, _UNKNOWN, np.uint8)
_SIZES[list(token.SIZE_OF)] = list(token.SIZE_OF.values())


@compiled
def is_empty(block: Bytes, at: int, size: int, kind: int) -> bool:
    """Whether a value is nothing: no type, no bytes, or a text that ends before it begins."""
    if kind == token.STRING:
        return size < 2 or (block[at] == 0 and block[at + 1] == 0)
    return kind == token.NULL or size == 0


@compiled
def is_right(block: Bytes, at: int, size: int, kind: int) -> bool:
    """Whether size and content of a value fit its type; what does not is left to others."""
    right = _SIZES[kind]
    if right == _UNKNOWN or (right != 0 and size != right):
        return False
    if kind == token.STRING:
        return size & 1 == 0
    if kind == token.SIZE:
        return size == 4 or size == 8
    if kind == token.FILETIME:
        return 0 <= i64(block, at) <= MAX_FILETIME
    if kind == token.SYSTEMTIME:
        return is_date(block, at)
    if kind == token.SID:
        return size >= 8 and size == 8 + 4 * whole(block[at + 1])
    return True


@compiled
def is_date(block: Bytes, at: int) -> bool:
    """Whether a SYSTEMTIME is a moment of the calendar."""
    year, month, day = u16(block, at), u16(block, at + 2), u16(block, at + 6)
    if year < 1601 or year > 9999 or month < 1 or month > 12 or day < 1:
        return False
    days = 30 + ((month + month // 8) & 1)
    if month == 2:
        days = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    hour, minute, second, milli = (
        u16(block, at + 8),
        u16(block, at + 10),
        u16(block, at + 12),
        u16(block, at + 14),
    )
    return day <= days and hour < 24 and minute < 60 and second < 60 and milli < 1000


@compiled
def array(  # noqa: C901  (one pass over bytes: a call here costs more than it explains)
    block: Bytes, at: int, size: int, kind: int, values: Values, shape: Bytes, out: int
) -> int:
    """An array's items as values of their own; end of shape, or -1 = unusual.

    In the shape: the type, the number of items, and for each whether it is empty.
    """
    item = kind & ~token.ARRAY
    count_at = out + 1
    shape[out] = kind
    out += 2
    items = 0
    end = at + size
    if out + MAX_ITEMS > len(shape):
        return -1
    if item == token.STRING:
        start = at
        while at + 2 <= end:
            if block[at] == 0 and block[at + 1] == 0:
                if items >= MAX_ITEMS or not add_value(values, start, at - start, item):
                    return -1
                shape[out + items] = item | token.EMPTY if at == start else item
                items += 1
                start = at + 2
            at += 2
        if start != end:  # an item without an end
            return -1
    else:
        width = whole(_SIZES[item])
        if width == 0 or width == _UNKNOWN or size % width != 0:
            return -1
        while at < end:
            if items >= MAX_ITEMS or not is_right(block, at, width, item):
                return -1
            if not add_value(values, at, width, item):
                return -1
            shape[out + items] = item
            items += 1
            at += width
    shape[count_at] = items
    return out + items
