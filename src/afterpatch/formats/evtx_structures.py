"""Compiled: the structure of Binary XML in a form that does not depend on where it lies.

In: a template definition, or the elements of an event that uses no template. Out: the number of its
*structure* among the distinct ones. Two events have the same structure exactly if their bytes here
are equal, whatever chunk or file they come from: names are spelled out instead of pointed to, and
in events without a template the texts become substitutions, as if there were one.

Bytes of a structure, one item after the other; ``n`` is a count of bytes, 16 bits:

    01 n name    element opens          02  its attributes are done     03, 04  it closes
    06 n name    attribute              05 n text  constant             09 n name  entity
    0d i, 0e i   substitution number i (16 bits), 0e = left out when empty

Anything else (CDATA, character references, processing instructions, templates within elements) is
not understood here: the answer is -1, and the chunk is left to the plain reader.
Source of the tokens: [MS-EVEN6] 2.2.12 and libevtx's description of the format.
"""

from typing import Final, NamedTuple

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.compiled import (
    Bytes,
    Distinct,
    Ints,
    Small,
    compiled,
    settle,
    tail,
    u16,
    u32,
)

MAX_STRUCTURE_BYTES: Final = 16_384  # seven times the widest template of the public samples
MAX_DEPTH: Final = 64
MAX_NAME_CHARS: Final = 512


class Values(NamedTuple):
    """Where the values of all events lie: ``block[at : at + size]``, in order of the events.

    filled  one element: how many values there are.
    """

    at: Small
    size: Small
    kind: Bytes
    filled: Ints


@compiled
def add_value(values: Values, at: int, size: int, kind: int) -> bool:
    """False when there is no room."""
    count = values.filled[0]
    if count >= len(values.at):
        return False
    values.at[count] = at
    values.size[count] = size
    values.kind[count] = kind
    values.filled[0] = count + 1
    return True


@compiled
def name_place(block: Bytes, base: int, end: int, at: int) -> tuple[int, int, int]:
    """A reference to a name at ``at`` -> (place of its characters, their number, what is next).

    A name is stored once in its chunk, at its first use; (-1, 0, 0) = not a name inside the chunk.
    """
    if at + 4 > end:
        return -1, 0, 0
    place = base + u32(block, at)
    chunk_end = base + 65_536
    if place < base + 512 or place + 8 > chunk_end:
        return -1, 0, 0
    chars = u16(block, place + 6)
    after = place + 8 + 2 * chars + 2
    if chars == 0 or chars > MAX_NAME_CHARS or after > chunk_end:
        return -1, 0, 0
    for step in range(chars):
        unit = u16(block, place + 8 + 2 * step)
        # What JSON would have to escape or cannot hold: such a name is not worth the trouble.
        if unit < 0x20 or unit == 0x22 or unit == 0x5C or 0xD800 <= unit < 0xE000:
            return -1, 0, 0
    following = at + 4
    if place == following:
        following = after
    return place + 8, chars, following


@compiled
def put(arena: Bytes, at: int, kind: int, block: Bytes, place: int, size: int) -> int:
    """Append kind, size and bytes; where the next goes, or -1 when there is no room."""
    if at + 3 + size > len(arena):
        return -1
    arena[at] = kind
    arena[at + 1] = size & 0xFF
    arena[at + 2] = size >> 8
    for step in range(size):
        arena[at + 3 + step] = block[place + step]
    return at + 3 + size


@compiled
def is_called_name(block: Bytes, place: int, chars: int) -> bool:
    """Whether the UTF-16 text is ``Name``."""
    return (
        chars == 4
        and u32(block, place) == 0x0061004E  # N a
        and u32(block, place + 4) == 0x0065006D  # m e
    )


@compiled
def has_nul(block: Bytes, at: int, chars: int) -> bool:
    end = at + 2 * chars
    while at < end and u16(block, at) != 0:
        at += 2
    return at < end


@compiled
def structure(  # noqa: C901, PLR0915  (one state machine: its states are best seen together)
    block: Bytes,
    base: int,
    at: int,
    end: int,
    lift: int,
    structures: Distinct,
    shape: Bytes,
    shape_at: int,
    values: Values,
    seed: int,
) -> tuple[int, int, int]:
    """One element with all below it -> (number of its structure, what is next, end of shape).

    With ``lift`` = 1 (an event without template) texts are appended to ``values`` and to ``shape``
    and stand as substitutions; the attribute ``Name`` stays, since it says what a value means.
    The number is -1 for what is not understood or does not fit; nothing was kept then but values.
    """
    arena = structures.arena
    start = tail(structures)
    out = start
    lifted = depth = 0
    opening = in_attribute = is_name = False
    while True:
        if at >= end or out - start > MAX_STRUCTURE_BYTES or depth > MAX_DEPTH:
            return -1, at, shape_at
        met = block[at]
        kind = met & 0xBF
        if kind == token.ELEMENT:
            if opening:
                return -1, at, shape_at
            # Elements of a template name the substitution they depend on; others do not.
            place, chars, at = name_place(block, base, end, at + (5 if lift else 7))
            if place < 0:
                return -1, at, shape_at
            out = put(arena, out, token.ELEMENT, block, place, 2 * chars)
            if met & token.MORE:
                at += 4
            opening, in_attribute = True, False
            depth += 1
        elif kind == token.ATTRIBUTE:
            if not opening:
                return -1, at, shape_at
            place, chars, at = name_place(block, base, end, at + 1)
            if place < 0:
                return -1, at, shape_at
            in_attribute, is_name = True, is_called_name(block, place, chars)
            out = put(arena, out, token.ATTRIBUTE, block, place, 2 * chars)
        elif kind == token.VALUE:
            if (
                at + 4 > end
                or block[at + 1] != token.STRING
                or depth == 0
                or opening != in_attribute
            ):
                return -1, at, shape_at
            chars = u16(block, at + 2)
            at += 4
            if at + 2 * chars > end or has_nul(block, at, chars):
                return -1, at, shape_at
            if lift and not (in_attribute and is_name):
                if shape_at >= len(shape) or out + 3 > len(arena):
                    return -1, at, shape_at
                shape[shape_at] = token.STRING if chars else token.STRING | token.EMPTY
                shape_at += 1
                if chars and not add_value(values, at, 2 * chars, token.STRING):
                    return -1, at, shape_at
                arena[out], arena[out + 1], arena[out + 2] = (
                    token.SUBSTITUTION,
                    lifted & 0xFF,
                    lifted >> 8,
                )
                out += 3
                lifted += 1
            else:
                out = put(arena, out, token.VALUE, block, at, 2 * chars)
            at += 2 * chars
        elif kind == token.ENTITY:
            if depth == 0 or opening != in_attribute:
                return -1, at, shape_at
            place, chars, at = name_place(block, base, end, at + 1)
            if place < 0:
                return -1, at, shape_at
            out = put(arena, out, token.ENTITY, block, place, 2 * chars)
        elif met == token.SUBSTITUTION or met == token.OPTIONAL:
            if (
                lift
                or at + 4 > end
                or depth == 0
                or opening != in_attribute
                or out + 3 > len(arena)
            ):
                return -1, at, shape_at
            arena[out], arena[out + 1], arena[out + 2] = met, block[at + 1], block[at + 2]
            out += 3
            at += 4
        elif met == token.START_DONE or met == token.CLOSE_EMPTY or met == token.CLOSE:
            if depth == 0 or opening != (met != token.CLOSE) or out >= len(arena):
                return -1, at, shape_at
            arena[out] = met
            out += 1
            at += 1
            opening = in_attribute = False
            if met != token.START_DONE:
                depth -= 1
            if depth == 0:
                break
        else:
            return -1, at, shape_at
        if out < 0:
            return -1, at, shape_at
    return settle(structures, out - start, seed), at, shape_at
