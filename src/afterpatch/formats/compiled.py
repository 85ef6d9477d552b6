"""Compiled building blocks: little-endian numbers, and a table of distinct byte strings.

Everything here is compiled by numba, which checks no bounds: a caller may read ``block[at : at +
n]`` only after it has compared ``at + n`` with an end that lies inside the block. Compiled code is
kept in the package's ``__pycache__``, or in the user's own cache folder where that is read-only.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Small: TypeAlias = npt.NDArray[np.int32]
Hashes: TypeAlias = npt.NDArray[np.uint64]
_Function = TypeVar("_Function", bound=Callable[..., Any])

# Beyond this many steps in one hash table a value is kept twice: chosen collisions cost nothing.
MAX_PROBES: Final = 64


def compiled(function: _Function) -> _Function:
    """``function`` as machine code, kept between runs where any cache folder can be written.

    It can make no array, and none is counted as in use while it runs: to count, at every call,
    each array handed on takes longer than the work itself (numba does so for its own text code).
    """
    compiler: Any = numba.njit
    try:
        return cast(_Function, compiler(cache=True, nogil=True, _nrt=False)(function))
    except RuntimeError:  # "cannot cache function": no folder to keep it in
        return cast(_Function, compiler(nogil=True, _nrt=False)(function))


@compiled
def whole(number: Any) -> int:
    """A number of any width as 64 bits."""
    return np.int64(number)  # type: ignore[return-value]


def u16(block: Bytes, at: int) -> int:
    return whole(block[at]) | (whole(block[at + 1]) << 8)


def u32(block: Bytes, at: int) -> int:
    return u16(block, at) | (u16(block, at + 2) << 16)


def i64(block: Bytes, at: int) -> int:
    """An unsigned 64-bit number; those of 2**63 and more come out negative."""
    return u32(block, at) | (u32(block, at + 4) << 32)


def _compiled_load(bits: int) -> Any:
    """One machine load from any place, for compiled code; byte by byte is eight times as slow.

    All machines that numba supports are little-endian.
    """
    number_of: Any = ir.IntType

    def typed(_context: Any, block: Any, _at: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            place = builder.gep(array.data, [arguments[1]])
            number = builder.load(builder.bitcast(place, number_of(bits).as_pointer()))
            number.align = 1
            return number if bits == 64 else builder.zext(number, number_of(64))

        return types.int64(block, types.int64), build

    load: Any = intrinsic(typed)
    # numba compares the names and annotations of both, and wants functions.
    return lambda block, at: lambda block, at: load(block, at)


for _function, _bits in ((u16, 16), (u32, 32), (i64, 64)):
    overload(_function)(_compiled_load(_bits))


@compiled
def hash_of(block: Bytes, at: int, size: int, seed: int) -> int:
    """A 63-bit hash of ``block[at : at + size]``; ``seed`` differs from process to process."""
    factor = np.uint64(0x9E3779B97F4A7C15)
    mixed = (np.uint64(seed) ^ np.uint64(size)) * factor
    end = at + size
    while at + 8 <= end:
        mixed = (mixed ^ np.uint64(i64(block, at))) * factor
        mixed ^= mixed >> np.uint64(29)
        at += 8
    rest = np.uint64(0)
    while at < end:
        rest = (rest << np.uint64(8)) | np.uint64(block[at])
        at += 1
    mixed = (mixed ^ rest) * factor
    mixed ^= mixed >> np.uint64(32)
    return whole(mixed & np.uint64(0x7FFFFFFFFFFFFFFF))


@compiled
def same_bytes(one: Bytes, at: int, other: Bytes, place: int, size: int) -> bool:
    end = at + size
    while at + 8 <= end:
        if i64(one, at) != i64(other, place):
            return False
        at += 8
        place += 8
    while at < end:
        if one[at] != other[place]:
            return False
        at += 1
        place += 1
    return True


class Distinct(NamedTuple):
    """Distinct byte strings, numbered from 0 in the order they came.

    String ``n`` is ``arena[ends[n - 1] : ends[n]]`` (from 0 for the first). A candidate is written
    behind the last string and then offered to :func:`settle`, so that nothing is copied.

    arena   the bytes of all strings, with room behind.
    ends    where each string ends in ``arena``.
    hashes  of each string.
    slots   hash table of numbers, -1 = free; its size is a power of two.
    filled  one element: how many strings there are.
    """

    arena: Bytes
    ends: Ints
    hashes: Ints
    slots: Small
    filled: Ints


def new_distinct(arena_bytes: int, most: int) -> Distinct:
    """Room for ``most`` strings of ``arena_bytes`` in all."""
    slots = 1 << (2 * most - 1).bit_length()
    return Distinct(
        arena=np.empty(arena_bytes, np.uint8),
        ends=np.zeros(most, np.int64),
        hashes=np.empty(most, np.int64),
        slots=np.full(slots, -1, np.int32),
        filled=np.zeros(1, np.int64),
    )


def strings_of(distinct: Distinct) -> list[bytes]:
    """All strings, by number."""
    ends = distinct.ends[: int(distinct.filled[0])].tolist()
    return [
        distinct.arena[start:end].tobytes() for start, end in zip([0, *ends], ends, strict=False)
    ]


@compiled
def tail(distinct: Distinct) -> int:
    """Where the next candidate is to be written."""
    count = distinct.filled[0]
    return whole(distinct.ends[count - 1]) if count > 0 else whole(0)


@compiled
def settle(distinct: Distinct, size: int, seed: int) -> int:
    """The number of the candidate of ``size`` bytes at the tail, new or known; -1 = no room."""
    at = tail(distinct)
    hashed = hash_of(distinct.arena, at, size, seed)
    mask = len(distinct.slots) - 1
    slot = hashed & mask
    probes = 0
    while distinct.slots[slot] >= 0 and probes < MAX_PROBES:
        number = whole(distinct.slots[slot])
        start = whole(distinct.ends[number - 1]) if number > 0 else whole(0)
        if (
            distinct.hashes[number] == hashed
            and distinct.ends[number] - start == size
            and same_bytes(distinct.arena, start, distinct.arena, at, size)
        ):
            return number
        slot = (slot + 1) & mask
        probes += 1
    count = distinct.filled[0]
    if count >= len(distinct.ends):
        return -1
    distinct.ends[count] = at + size
    distinct.hashes[count] = hashed
    if distinct.slots[slot] < 0:
        distinct.slots[slot] = count
    distinct.filled[0] = count + 1
    return whole(count)
