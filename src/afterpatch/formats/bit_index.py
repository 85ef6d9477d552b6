"""Where a byte stands in a block, as a bit set with rank and select.

Finding *all* separators of a block as offsets costs more than everything else together. Counting
those before an offset (rank) and locating a few of them (select) is enough, and both are a table
look-up and a handful of operations per *line*, not per byte (Jacobson 1989, succinct bit vectors).
"""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Offsets = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
_TOP = np.uint64(1 << 63)
_PIECE = 1 << 17
_HALVES = tuple(np.uint64(half) for half in (32, 16, 8, 4, 2, 1))


class BitIndex:
    """A set of offsets into a block. Bit 63 of word 0 is offset 0."""

    __slots__ = ("_before", "_words")

    def __init__(self, words: Words) -> None:
        self._words = words
        self._before = np.zeros(len(words) + 1, dtype=np.int64)
        np.cumsum(np.bitwise_count(words), out=self._before[1:])

    @classmethod
    def of(cls, buffer: Bytes, byte: int) -> "BitIndex":
        """Where ``byte`` stands in ``buffer``."""
        packed = np.zeros(len(buffer) // 64 * 8 + 16, dtype=np.uint8)
        for at in range(0, len(buffer), _PIECE):  # piecewise: no mask as large as the block
            bits = np.packbits(buffer[at : at + _PIECE] == byte)
            packed[at >> 3 : (at >> 3) + len(bits)] = bits
        return cls(packed.view(">u8").astype(np.uint64))

    @classmethod
    def of_mask(cls, mask: Mask) -> "BitIndex":
        """The offsets marked in ``mask``."""
        packed = np.zeros(len(mask) // 64 * 8 + 16, dtype=np.uint8)
        bits = np.packbits(mask)
        packed[: len(bits)] = bits
        return cls(packed.view(">u8").astype(np.uint64))

    def without(self, offsets: Offsets) -> "BitIndex":
        """The same set less some offsets."""
        cleared = np.zeros_like(self._words)
        np.bitwise_or.at(cleared, offsets >> 6, _TOP >> (offsets & 63).astype(np.uint64))
        return BitIndex(self._words & ~cleared)

    def __len__(self) -> int:
        return int(self._before[-1])

    def rank(self, offsets: Offsets) -> Offsets:
        """How many set offsets lie before each of ``offsets`` (0 .. length of the mask)."""
        word = offsets >> 6
        earlier = ~(_ALL >> (offsets & 63).astype(np.uint64))
        before: Offsets = self._before[word] + np.bitwise_count(self._words[word] & earlier)
        return before

    def select(self, ranks: Offsets) -> Offsets:
        """The set offsets with these ranks, counted from 0. Every rank must be below ``len``."""
        return self._in_word(np.searchsorted(self._before, ranks, side="right") - 1, ranks)

    def offsets(self) -> Offsets:
        """Every set offset, ascending."""
        used = np.flatnonzero(self._words != 0)
        bits = self._words[used]
        counts = np.bitwise_count(bits)
        if counts.max(initial=0) <= 1:  # the usual case for line ends: no halving needed
            only: Offsets = (used << 6) + 63 - np.bitwise_count(bits - np.uint64(1))
            return only
        word = np.repeat(used, counts)
        return self._in_word(word, np.arange(len(self), dtype=np.int64))

    def _in_word(self, word: Offsets, ranks: Offsets) -> Offsets:
        """Halve the word six times, each time going to the half that holds the wanted bit."""
        bits = self._words[word]
        left = (ranks - self._before[word]).astype(np.uint8)
        offset = word << 6
        for half in _HALVES:
            upper = np.bitwise_count(bits >> (np.uint64(64) - half))
            in_lower = left >= upper
            left -= upper * in_lower
            shift = half * in_lower
            bits <<= shift
            offset += shift.astype(np.int64)
        return offset
