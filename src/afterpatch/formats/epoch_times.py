"""Times in seconds since the epoch with milliseconds, many lines at once: ``1286536308.779``.

Enters: bytes and where the times start. Leaves: microseconds since the epoch.
"""

from typing import Final

import numpy as np

from afterpatch.formats.bit_index import Bytes, Offsets, Words
from afterpatch.formats.line_scan import NO_TIME, words_at

EPOCH_CHARS: Final = 14
_ZEROS: Final = b"0000000000.000"
_AT: Final = (0, 6)
_UPPER: Final = np.uint64(0xF0F0_F0F0_F0F0_F0F0)


def read_epoch_times(buffer: Bytes, starts: Offsets) -> Offsets:
    """Times of the texts at ``starts``; NO_TIME where ten digits, a dot and three do not stand."""
    times = np.full(len(starts), NO_TIME, dtype=np.int64)
    fits = np.flatnonzero((starts >= 0) & (starts + EPOCH_CHARS <= len(buffer)))
    valid = np.ones(len(fits), dtype=np.bool_)
    words = []
    for at in _AT:
        shape = _ZEROS[at : at + 8]
        dot = shape.index(b".") if b"." in shape else None
        found = words_at(buffer, starts[fits] + at) ^ np.frombuffer(shape, "<u8")[0]
        six = np.array([0 if place == dot else 6 for place in range(8)], np.uint8).view("<u8")[0]
        wrong = _UPPER if dot is None else _UPPER | np.uint64(0xFF << 8 * dot)
        valid &= ((found | (found + six)) & wrong) == 0
        words.append(found)
    first, last = words
    seconds = _number(first, 0, 8) * 100 + _number(last, 2, 2)
    micros = seconds * 1_000_000 + _number(last, 5, 3) * 1_000
    times[fits[valid]] = micros[valid]
    return times


def _number(words: Words, at: int, length: int) -> Offsets:
    value = np.zeros(len(words), dtype=np.int64)
    for place in range(at, at + length):
        value = value * 10 + ((words >> np.uint64(8 * place)) & np.uint64(0x0F)).astype(np.int64)
    return value
