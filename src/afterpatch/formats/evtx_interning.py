"""The table of the distinct values of a block of EVTX, compiled.

In: places of values in a block. Out: one number per distinct value. Will not do: texts
(:mod:`afterpatch.formats.evtx_codes` makes those of the values that are wanted).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from afterpatch.formats.compiled import (
    MAX_PROBES,
    Bytes,
    Ints,
    Small,
    compiled,
    hash_of,
    i64,
    same_bytes,
    whole,
)
from afterpatch.formats.evtx_structures import Values

ABSENT: Final = -1

Codes = npt.NDArray[np.int32]


class Entries(NamedTuple):
    """Distinct values. ``filled``: one element, how many there are.

    seen  a line for each: its hash; and in one number (see :func:`packed`) where it was seen first,
          its size and its type. Both are needed together, so they lie together.
    """

    seen: Ints
    filled: Ints


def room_for(most: int) -> Entries:
    """An empty table for so many values."""
    return Entries(np.empty((most, 2), np.int64), np.zeros(1, np.int64))


@compiled
def packed(at: int, size: int, kind: int) -> int:
    """A value's place in a block (32 bits), size (16, as in a chunk) and type (8) in one number."""
    return at | size << 32 | kind << 48


def unpacked(seen: Ints) -> tuple[Ints, Small, Bytes]:
    """(place, size, type) of each."""
    numbers = seen[:, 1]
    size, kind = numbers >> 32 & 0xFFFF, numbers >> 48
    return numbers & 0xFFFFFFFF, size.astype(np.int32), kind.astype(np.uint8)


@compiled
def intern(
    block: Bytes,
    values: Values,
    first: Ints,
    numbers: Ints,
    codes: Codes,
    before: Ints,
    entries: Entries,
    slots: Small,
    seed: int,
) -> None:
    """``codes[line, row]`` = entry of value ``first[row] + numbers[line]``; there is room for all.

    Event by event, because the values of one lie together.
    before  per line, the entry of the last event, or ABSENT.
    """
    value_at, value_size, value_kind = values.at, values.size, values.kind
    seen = entries.seen
    count = entries.filled[0]
    mask = len(slots) - 1
    for row in range(len(first)):
        for line in range(len(numbers)):
            value = first[row] + numbers[line]
            at, size, kind = (
                whole(value_at[value]),
                whole(value_size[value]),
                whole(value_kind[value]),
            )
            what = packed(whole(0), size, kind) >> 32
            entry = before[line]
            # Often the same as in the event before: cheaper to compare than to hash.
            if (
                entry >= 0
                and seen[entry, 1] >> 32 == what
                and same_bytes(block, at, block, seen[entry, 1] & 0xFFFFFFFF, size)
            ):
                codes[line, row] = entry
                continue
            hashed = hash_of(block, at, size, seed) ^ kind
            slot = hashed & mask
            probes = 0
            entry = -1
            while slots[slot] >= 0 and probes < MAX_PROBES:
                known = whole(slots[slot])
                if (
                    seen[known, 0] == hashed
                    and seen[known, 1] >> 32 == what
                    and same_bytes(block, at, block, seen[known, 1] & 0xFFFFFFFF, size)
                ):
                    entry = known
                    break
                slot = (slot + 1) & mask
                probes += 1
            if entry < 0:
                entry = count
                seen[count, 0], seen[count, 1] = hashed, packed(at, size, kind)
                if slots[slot] < 0:
                    slots[slot] = count
                count += 1
            codes[line, row] = before[line] = entry
    entries.filled[0] = count


@compiled
def renumber(
    codes: Codes, marks: Small, numbers: Codes, places: Codes, firsts: Ints, counts: Ints
) -> None:
    """Per line, codes -> numbers from 0 in the order they come (-1 = absent).

    marks   as many as there are texts, all -1; left so.
    places  of each code's text among them; constants and "absent" are counted from the end.
    firsts  per line and number, the first row that has it.
    counts  per line, how many numbers there are.
    """
    for line in range(len(codes)):
        count = 0
        for row in range(codes.shape[1]):
            code = codes[line, row]
            place = code if code >= 0 else len(marks) + code
            places[line, row] = place
            if code == ABSENT:
                numbers[line, row] = -1
                continue
            if marks[place] < 0:
                marks[place] = count
                firsts[line, count] = row
                count += 1
            numbers[line, row] = marks[place]
        for number in range(count):
            marks[places[line, firsts[line, number]]] = -1
        counts[line] = count


@compiled
def place_all(entries: Entries, slots: Small) -> None:
    """Fill an empty hash table."""
    mask = len(slots) - 1
    for entry in range(entries.filled[0]):
        slot = entries.seen[entry, 0] & mask
        probes = 0
        while slots[slot] >= 0 and probes < MAX_PROBES:
            slot = (slot + 1) & mask
            probes += 1
        if slots[slot] < 0:
            slots[slot] = entry


@compiled
def whole_numbers(block: Bytes, values: Values, first: Ints, number: int, found: Ints) -> None:
    """One integer value of some events as 64 bits; unsigned ones of 2**63 and more are negative."""
    for row in range(len(first)):
        value = first[row] + number
        at, size = whole(values.at[value]), whole(values.size[value])
        if size == 8:
            found[row] = i64(block, at)
        else:
            total = whole(0)
            for step in range(size):
                total |= whole(block[at + step]) << (8 * step)
            found[row] = total
