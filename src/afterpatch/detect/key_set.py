"""Many exact texts, asked for in whole columns at once.

Enters: keys, then columns of text. Leaves: the rows whose text may be a key. It errs only towards
too many (two texts of one 64-bit hash), so whoever asks looks the few survivors up by their text.
"""

from collections.abc import Iterable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.literals import Indexes

Hashes: TypeAlias = npt.NDArray[np.uint64]

_SEED: Final = 2021
_MARKS_PER_KEY: Final = 16  # one stranger in 16 passes the marks and is then searched for
_MIN_BITS: Final = 10
_MAX_BITS: Final = 26


class KeySet:
    """A set of texts. Hashes live and die with the process, so their seed means nothing."""

    def __init__(self, keys: Iterable[str]) -> None:
        hashes = np.sort(_hashes(pl.Series(list(keys), dtype=pl.String)))
        self._hashes = hashes[np.diff(hashes, prepend=~hashes[:1]) != 0]
        bits = (len(self._hashes) * _MARKS_PER_KEY).bit_length()
        self._shift = np.uint64(64 - min(max(bits, _MIN_BITS), _MAX_BITS))
        self._marks = np.zeros(1 << (64 - int(self._shift)), np.bool_)
        self._marks[self._places(self._hashes)] = True

    def rows(self, texts: pl.Series) -> Indexes:
        """Row numbers, ascending, at which a text stands that may be a key; never a null."""
        if not len(self._hashes) or not len(texts):
            return np.empty(0, np.int64)
        hashes = _hashes(texts)
        near = np.flatnonzero(self._marks[self._places(hashes)])
        wanted = hashes[near]
        at = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
        found: Indexes = near[self._hashes[at] == wanted]
        if texts.null_count():
            found = found[texts.is_not_null().to_numpy()[found]]
        return found

    def _places(self, hashes: Hashes) -> Indexes:
        """Signed, because numpy copies an index of any other type."""
        return (hashes >> self._shift).view(np.int64)


def _hashes(texts: pl.Series) -> Hashes:
    return texts.hash(_SEED).to_numpy()
