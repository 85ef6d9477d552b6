"""Time stamps of the Common Log Format, many lines at once: ``[10/Oct/2000:13:55:36 -0700]``.

Enters: bytes and where the stamps start. Leaves: microseconds since the epoch in UTC, the stamp's
own offset taken off. Month names are English whatever the locale: Apache (``%t``) and nginx
(``$time_local``) write them so.
"""

from typing import Final

import numpy as np

from afterpatch.formats.bit_index import Bytes, Mask, Offsets, Words
from afterpatch.formats.line_scan import NO_TIME, days_since_epoch, words_at

# What follows a stamp belongs to the proof: the request's opening quote.
STAMP: Final = b'[00/AAA/0000:00:00:00 A0000] "'
STAMP_BYTES: Final = len(STAMP) - 1  # up to the quote
_AT: Final = (0, 8, 16, 22)

_MONTHS: Final = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun",
                  b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")  # fmt: skip
_MONTH_CODES: Final = np.array([int.from_bytes(name, "little") for name in _MONTHS], np.uint64)
_PLUS, _MINUS = ord("+"), ord("-")
# The seconds change on most lines; everything else stays the same for many.
_NOT_SECONDS: Final = np.uint64(~(0xFFFF << 24) & (1 << 64) - 1)


def read_clf_times(buffer: Bytes, starts: Offsets) -> Offsets:
    """Times of the stamps at ``starts``; NO_TIME where the text is not exactly such a stamp."""
    times = np.full(len(starts), NO_TIME, dtype=np.int64)
    fits = np.flatnonzero((starts >= 0) & (starts + len(STAMP) <= len(buffer)))
    if len(fits):
        stamps = _Stamps(buffer, starts[fits])
        micros = stamps.minute_us() + stamps.second_us()
        times[fits[stamps.valid]] = micros[stamps.valid]
    return times


class _Stamps:
    """Stamps as machine words of eight characters, each an exact match of the template or not."""

    def __init__(self, buffer: Bytes, starts: Offsets) -> None:
        self.valid: Mask = np.ones(len(starts), dtype=np.bool_)
        self._words = [self._match(words_at(buffer, starts + at), STAMP[at : at + 8]) for at in _AT]

    def _match(self, words: Words, template: bytes) -> Words:
        """Digits as their values, letters (``A``) as they are; see ``line_scan._TimeText``."""
        letters = np.frombuffer(template, np.uint8)
        digit, free = letters == ord("0"), letters == ord("A")
        shape = np.where(free, 0, letters).astype(np.uint8).view("<u8")[0]
        six = np.where(digit, 6, 0).astype(np.uint8).view("<u8")[0]
        wrong = np.where(digit, 0xF0, np.where(free, 0, 0xFF)).astype(np.uint8).view("<u8")[0]
        found: Words = words ^ shape
        self.valid &= ((found | (found + six)) & wrong) == 0
        return found

    def minute_us(self) -> Offsets:
        """All but the seconds, worked out where it changes and repeated."""
        changed = np.zeros(len(self.valid), dtype=np.bool_)
        changed[:1] = True
        for index, words in enumerate(self._words):
            fixed = words & _NOT_SECONDS if index == 2 else words
            changed[1:] |= fixed[1:] != fixed[:-1]
        heads = np.flatnonzero(changed)
        date, year, clock, zone = (words[heads] for words in self._words)
        code = date >> np.uint64(32) & np.uint64(0xFFFFFF)
        known = code[:, np.newaxis] == _MONTH_CODES
        days, real = days_since_epoch(
            _pair(year, 0) * 100 + _pair(year, 2), known.argmax(axis=1) + 1, _pair(date, 1)
        )
        hour, minute = _pair(year, 5), _pair(clock, 0)
        sign = (zone & np.uint64(0xFF)).astype(np.int64)
        away = _pair(zone, 1) * 60 + _pair(zone, 3)
        real &= known.any(axis=1) & (hour < 24) & (minute < 60)
        real &= ((sign == _PLUS) | (sign == _MINUS)) & (away < 24 * 60) & (_pair(zone, 3) < 60)
        minutes = days * 1440 + hour * 60 + minute - np.where(sign == _MINUS, -away, away)
        length = np.diff(heads, append=len(changed))
        self.valid &= np.repeat(real, length)
        spread: Offsets = np.repeat(minutes * 60_000_000, length)
        return spread

    def second_us(self) -> Offsets:
        """The seconds."""
        second = _pair(self._words[2], 3)
        self.valid &= second < 60
        micros: Offsets = second * 1_000_000
        return micros


def _pair(words: Words, at: int) -> Offsets:
    """The two digits from character ``at``."""
    tens = words >> np.uint64(8 * at) & np.uint64(0x0F)
    ones = words >> np.uint64(8 * at + 8) & np.uint64(0x0F)
    pair: Offsets = (tens * np.uint64(10) + ones).astype(np.int64)
    return pair
