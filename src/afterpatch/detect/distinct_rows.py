"""The distinct texts of a long column, by their hashes: which rows to look at for all of them.

Enters: a column of texts. Leaves: one row per distinct text, and for every row the one that stands
for it. Two texts would be taken for one if their 64-bit hashes were equal; the hash has a key of
this process's own, so nobody can choose such texts.
"""

import secrets
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.literals import Indexes

_KEY: Final = secrets.randbits(63)
_MIN_BITS: Final = 8
_MAX_BITS: Final = 22  # a table of this many places is still quick to reach
# Odd numbers whose bits look random: each round finds another place for what met the time before.
_MIXES: Final = tuple(
    np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93)
)
Rows: TypeAlias = npt.NDArray[np.int32]


def distinct_rows(texts: pl.Series) -> tuple[Indexes, Rows]:
    """(rows with distinct texts, ascending; for every row the one of them that has its text).

    Texts that meet in one place of the table too often are not taken together: the first list may
    name a text twice.
    """
    hashes = texts.hash(_KEY).to_numpy()
    bits = min(max(len(hashes).bit_length() + 1, _MIN_BITS), _MAX_BITS)
    shift = np.uint64(64 - bits)
    table = np.zeros(1 << bits, np.int32)
    place = _places(hashes, shift)
    table[place] = np.arange(len(hashes), dtype=np.int32)
    stands_for: Rows = table[place]
    left = np.flatnonzero(hashes[stands_for] != hashes)
    for mix in _MIXES:
        if not len(left):
            break
        wanted = hashes[left]
        place = _places(wanted * mix, shift)
        table[place] = left
        stands_for[left] = found = table[place]
        left = left[hashes[found] != wanted]
    stands_for[left] = left
    is_first = np.zeros(len(hashes), np.bool_)
    is_first[stands_for] = True
    return np.flatnonzero(is_first), stands_for


def _places(hashes: npt.NDArray[np.uint64], shift: np.uint64) -> Indexes:
    """Signed, because numpy copies an index of any other type."""
    return (hashes >> shift).view(np.int64)
