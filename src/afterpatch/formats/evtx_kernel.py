"""Compiled: chunks of EVTX -> where every event, and every value of every event, lies.

In: some 64 KiB chunks, one after the other. Out: :class:`Walk`. An event is its *shape*: the number
of its structure and the types of its values, with which of them are empty. Events of one shape are
a table: value ``i`` of event ``n`` is ``values[events.first[n] + i]``. Nothing is decoded here.

Every size and offset comes from the evidence and is compared with the end of what it must lie in
before it is used. A chunk with anything unusual in it is marked odd, and nothing of it is kept: the
plain reader takes it. So this code need not know what to make of damage, only that there is some.
Source of the layout: libevtx, "Windows XML Event Log (EVTX) format"; [MS-EVEN6] 2.2.12.
"""

from typing import Final, NamedTuple

import numpy as np

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.compiled import (
    Bytes,
    Distinct,
    Ints,
    Small,
    compiled,
    i64,
    new_distinct,
    settle,
    tail,
    u16,
    u32,
    whole,
)
from afterpatch.formats.evtx_checks import array, is_empty, is_right
from afterpatch.formats.evtx_headers import CHUNK_BYTES, CHUNK_HEADER_BYTES, RECORD_MAGIC
from afterpatch.formats.evtx_structures import Values, structure

RECORD_HEADER_BYTES: Final = 24

MAX_VALUES: Final = 4_096  # of one template instance
MAX_FRAGMENTS: Final = 64  # nested in one event
FRAGMENT_HEAD_BYTES: Final = 8
MAX_SHAPE_BYTES: Final = 16_384
MAX_STRUCTURES: Final = 16_384
MAX_SHAPES: Final = 16_384
ARENA_BYTES: Final = 4 << 20


class Events(NamedTuple):
    """One row per event.

    at      where its record begins in the block.    record  its number, from the record's header.
    first   its first value in :class:`Values`.      shape   the number of its shape.
    filled  one element: how many events there are.
    """

    at: Ints
    record: Ints
    first: Ints
    shape: Small
    filled: Ints


class Scratch(NamedTuple):
    """What the walk needs on its way.

    known      template's offset in the chunk -> chunk and structure, see :func:`template`.
    shape      of the event at hand.    fragments  where those of the event begin and end.
    """

    known: Ints
    shape: Bytes
    fragments: Ints


class Walk(NamedTuple):
    """What :func:`walk` found. ``odd``: per chunk, whether the plain reader must take it."""

    events: Events
    values: Values
    structures: Distinct
    shapes: Distinct
    odd: Bytes
    scratch: Scratch

    def clear(self) -> None:
        """Make room for another block."""
        for table in (self.events, self.values, self.structures, self.shapes):
            table.filled[0] = 0
        for strings in (self.structures, self.shapes):
            strings.slots.fill(-1)
        self.odd.fill(0)
        self.scratch.known.fill(-1)


def room_for(chunks: int) -> Walk:
    """Tables for a block of so many chunks. Untouched pages of them cost no memory."""
    events = chunks * (CHUNK_BYTES - CHUNK_HEADER_BYTES) // 64
    values = chunks * CHUNK_BYTES // 6
    few = min(1.0, 0.02 + chunks / 64)  # a small file needs no large hash tables
    return Walk(
        Events(
            np.empty(events, np.int64),
            np.empty(events, np.int64),
            np.empty(events, np.int64),
            np.empty(events, np.int32),
            np.zeros(1, np.int64),
        ),
        Values(
            np.empty(values, np.int32),
            np.empty(values, np.int32),
            np.empty(values, np.uint8),
            np.zeros(1, np.int64),
        ),
        new_distinct(max(int(ARENA_BYTES * few), 1 << 18), int(MAX_STRUCTURES * few)),
        new_distinct(max(int(ARENA_BYTES * few), 1 << 18), int(MAX_SHAPES * few)),
        np.zeros(chunks, np.uint8),
        Scratch(
            np.full(CHUNK_BYTES, -1, np.int64),
            np.empty(MAX_SHAPE_BYTES, np.uint8),
            np.empty((MAX_FRAGMENTS, 2), np.int64),
        ),
    )


@compiled
def walk(block: Bytes, wanted: Bytes, found: Walk, seed: int) -> None:
    """Walk the chunks of ``block`` that are ``wanted`` (one flag each).

    The block is a whole number of chunks long.
    """
    for chunk in range(len(block) // CHUNK_BYTES):
        if wanted[chunk]:
            events, values = found.events.filled[0], found.values.filled[0]
            if not walk_chunk(block, chunk, found, seed):
                found.events.filled[0], found.values.filled[0] = events, values
                found.odd[chunk] = 1


@compiled
def walk_chunk(block: Bytes, chunk: int, found: Walk, seed: int) -> bool:
    """Every record of one chunk; False = something unusual."""
    base = chunk * CHUNK_BYTES
    last_record = i64(block, base + 32)
    free = u32(block, base + 48)
    if free < CHUNK_HEADER_BYTES or free > CHUNK_BYTES:
        return False
    at, end = base + CHUNK_HEADER_BYTES, base + free
    while at < end:
        if at + RECORD_HEADER_BYTES + 4 > end or u32(block, at) != RECORD_MAGIC:
            return False
        size = u32(block, at + 4)
        if size < RECORD_HEADER_BYTES + 4 or at + size > end or u32(block, at + size - 4) != size:
            return False
        row = found.events.filled[0]
        if row >= len(found.events.at):
            return False
        found.events.at[row] = at
        found.events.record[row] = i64(block, at + 8)
        found.events.first[row] = found.values.filled[0]
        number = event_shape(block, base, at + RECORD_HEADER_BYTES, at + size - 4, found, seed)
        if number < 0:
            return False
        found.events.shape[row] = number
        found.events.filled[0] = row + 1
        if found.events.record[row] == last_record:
            break  # the chunk ends here, whatever its free space says
        at += size
    return True


@compiled
def event_shape(  # noqa: C901  (one pass over bytes: a call here costs more than it explains)
    block: Bytes, base: int, at: int, end: int, found: Walk, seed: int
) -> int:
    """The number of an event's shape, its values appended to ``found``; -1 = unusual.

    Fragments (an event may hold another within a value) are taken in the order they are met, so
    the shape is the shapes of all fragments, one after the other. Each begins with the number of
    its structure and its own size in bytes, 32 bits each.
    """
    shape, fragments = found.scratch.shape, found.scratch.fragments
    fragments[0, 0], fragments[0, 1] = at, end
    count, done, out = whole(1), whole(0), whole(0)  # plain numbers: a constant compiles again
    while done < count:
        at, end = fragments[done, 0], fragments[done, 1]
        done += 1
        if at + 4 <= end and block[at] == token.FRAGMENT:
            at += 4
        if at + 4 > end or out + FRAGMENT_HEAD_BYTES > len(shape):
            return -1
        head = out
        out += FRAGMENT_HEAD_BYTES
        if block[at] == token.TEMPLATE:
            number, at = template(block, base, at, end, found, seed)
            if number < 0:
                return -1
            at, out, count = instance(block, at, end, found.values, shape, out, fragments, count)
        elif block[at] & 0xBF == token.ELEMENT:
            number, at, out = structure(
                block, base, at, end, whole(1), found.structures, shape, out, found.values, seed
            )
        else:
            return -1
        if number < 0 or at < 0 or (at < end and block[at] != token.END_OF_STREAM):
            return -1
        for step in range(4):
            shape[head + step] = (number >> (8 * step)) & 0xFF
            shape[head + 4 + step] = ((out - head) >> (8 * step)) & 0xFF
    start = tail(found.shapes)
    if start + out > len(found.shapes.arena):
        return -1
    for step in range(out):
        found.shapes.arena[start + step] = shape[step]
    return settle(found.shapes, out, seed)


@compiled
def template(block: Bytes, base: int, at: int, end: int, found: Walk, seed: int) -> tuple[int, int]:
    """A template instance at ``at`` -> (structure of its definition or -1, its values' place).

    A definition is read once per chunk: ``known[offset]`` is chunk * 2**32 + structure.
    """
    if at + 10 > end:
        return -1, at
    offset = u32(block, at + 6)
    at += 10
    if offset < CHUNK_HEADER_BYTES or offset + 24 > CHUNK_BYTES:
        return -1, at
    place = base + offset
    size = u32(block, place + 20)
    definition_end = place + 24 + size
    if size > CHUNK_BYTES or definition_end > base + CHUNK_BYTES:
        return -1, at
    if place == at:  # the definition stands here, where it was used first
        at = definition_end
    chunk = base // CHUNK_BYTES
    known, shape = found.scratch.known, found.scratch.shape
    remembered = known[offset]
    if remembered >= 0 and remembered >> 32 == chunk:
        return remembered & 0xFFFFFFFF, at
    start = place + 24
    if start + 4 <= definition_end and block[start] == token.FRAGMENT:
        start += 4
    no = whole(0)  # a definition has no values of its own, so nothing is added to the shape
    number, after, _ = structure(
        block, base, start, definition_end, no, found.structures, shape, no, found.values, seed
    )
    if number < 0 or (after < definition_end and block[after] != token.END_OF_STREAM):
        return -1, at
    known[offset] = (chunk << 32) | number
    return number, at


@compiled
def instance(  # noqa: C901  (one pass over bytes: a call here costs more than it explains)
    block: Bytes,
    at: int,
    end: int,
    values: Values,
    shape: Bytes,
    out: int,
    fragments: Ints,
    count: int,
) -> tuple[int, int, int]:
    """The values of a template instance -> (what is next or -1, end of shape, fragments so far)."""
    if at + 4 > end:
        return -1, out, count
    number = u32(block, at)
    descriptor = at + 4
    if number > MAX_VALUES or descriptor + 4 * number > end:
        return -1, out, count
    at = descriptor + 4 * number
    value_at, value_size, value_kind = values.at, values.size, values.kind
    stored = values.filled[0]
    if stored + number > len(value_at) or out + number > len(shape):
        return -1, out, count
    for _ in range(number):
        size, kind = u16(block, descriptor), whole(block[descriptor + 2])
        descriptor += 4
        if at + size > end:
            return -1, out, count
        if kind & token.ARRAY:
            values.filled[0] = stored
            out = array(block, at, size, kind, values, shape, out)
            stored = values.filled[0]
            if out < 0 or stored + number > len(value_at) or out + number > len(shape):
                return -1, out, count
        elif not is_right(block, at, size, kind):
            return -1, out, count
        elif is_empty(block, at, size, kind):
            shape[out] = kind | token.EMPTY
            out += 1
        else:
            shape[out] = kind
            out += 1
            if kind == token.BINXML:
                if count >= MAX_FRAGMENTS:
                    return -1, out, count
                fragments[count, 0], fragments[count, 1] = at, at + size
                count += 1
            else:
                value_at[stored], value_size[stored], value_kind[stored] = at, size, kind
                stored += 1
        at += size
    values.filled[0] = stored
    return at, out, count
