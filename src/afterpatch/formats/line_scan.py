"""The vector steps over a block of lines: no Python code runs per line here.

Enters: the bytes of a block and where its lines start and end. Leaves: for every line, whether it
has exactly the expected columns, where each column lies, and when it happened. What these steps
cannot prove is left to the exact, slow reading of a single line; they never guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from afterpatch.formats.bit_index import BitIndex, Bytes, Mask, Offsets, Words

NO_TIME: Final = np.iinfo(np.int64).min
_QUOTE: Final = ord('"')
_ZERO: Final = ord("0")
_EPOCH_SECONDS: Final = b"0000000000."
_LOW_HALF: Final = np.uint64(0x0F)
_MAX_RUN_BYTES: Final = 64
_KEEP_BYTES: Final = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the columns of some lines lie: separators outside quotes.

    starts, ends  content of each line. separators  where the block's separators stand.
    first, count  rank of each line's first separator, and how many it has.
    clean         quotes are closed and stand only around whole fields.
    """

    starts: Offsets
    ends: Offsets
    separators: BitIndex
    first: Offsets
    count: Offsets
    clean: Mask

    def column_starts(self, lines: Offsets, index: int) -> Offsets:
        """Where column ``index`` starts; every line in ``lines`` must have that many columns."""
        if index == 0:
            return self.starts[lines]
        return self.separators.select(self.first[lines] + index - 1) + 1

    def spans(
        self, lines: Offsets, wanted: Sequence[tuple[int, int]]
    ) -> list[tuple[Offsets, Offsets]]:
        """Start and end of some columns, each given as (index, how many neighbours together).

        Every line in ``lines`` must have the same number of columns, and those wanted.
        """
        if not len(lines):
            return [(lines, lines)] * len(wanted)
        last = int(self.count[lines[0]])
        edges = sorted({edge for index, width in wanted for edge in (index - 1, index + width - 1)})
        inner = [edge for edge in edges if 0 <= edge < last]
        ranks = self.first[lines] + np.array(inner, dtype=np.int64)[:, np.newaxis]
        at = dict(
            zip(inner, self.separators.select(ranks.ravel()).reshape(ranks.shape), strict=True)
        )
        at[-1], at[last] = self.starts[lines] - 1, self.ends[lines]
        return [(at[index - 1] + 1, at[index + width - 1]) for index, width in wanted]


def find_columns(
    data: bytes, buffer: Bytes, starts: Offsets, ends: Offsets, separator: int, quoted: bool
) -> Columns:
    """Count the separators of every line; inside quotes they are text."""
    separators = BitIndex.of(buffer, separator)
    clean = np.ones(len(starts), dtype=np.bool_)
    if quoted and b'"' in data:
        clean, inside = _quotes(buffer, starts, ends, separators, separator)
        if len(inside):
            separators = separators.without(inside)
    first = separators.rank(starts)
    return Columns(starts, ends, separators, first, separators.rank(ends) - first, clean)


def _quotes(
    buffer: Bytes, starts: Offsets, ends: Offsets, separators: BitIndex, separator: int
) -> tuple[Mask, Offsets]:
    """Lines whose quoting is strictly RFC 4180, and the separators inside quotes there.

    Strict: quotes come in pairs; the first of a pair follows a separator, a line start or a quote
    (a doubled one); the second precedes a separator, a line end or a quote.
    """
    index = BitIndex.of(buffer, _QUOTE)
    first = index.rank(starts)
    count = index.rank(ends) - first
    quotes = index.offsets()
    line = np.repeat(np.arange(len(starts)), count)
    in_line = np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
    quotes = quotes[np.repeat(first, count) + in_line]
    opening = in_line % 2 == 0
    before = buffer[np.maximum(quotes - 1, 0)]
    behind = buffer[np.minimum(quotes + 1, len(buffer) - 1)]
    opens = (quotes == starts[line]) | (before == separator) | (before == _QUOTE)
    closes = (quotes + 1 >= ends[line]) | (behind == separator) | (behind == _QUOTE)
    clean = count % 2 == 0
    clean[line[~np.where(opening, opens, closes)]] = False

    kept = clean[line]
    enter = separators.rank(quotes[kept & opening])
    inside = separators.rank(quotes[kept & ~opening]) - enter
    step = np.arange(int(inside.sum())) - np.repeat(np.cumsum(inside) - inside, inside)
    return clean, separators.select(np.repeat(enter, inside) + step)


def read_times(
    buffer: Bytes, starts: Offsets, ends: Offsets, template: bytes, separator: int
) -> Offsets:
    """Timestamps as microseconds since the epoch; NO_TIME where the text is not exactly one.

    starts  where the timestamps start. ends  where their lines end.
    ``template`` has ``0`` for a digit, anything else stands for itself, and is a date and time
    (``0000-00-00 00:00:00`` and longer, a fraction last), a time alone (``00:00:00``), which
    gives microseconds since midnight, or seconds since 1970 (``0000000000.000000``).
    """
    times = np.full(len(starts), NO_TIME, dtype=np.int64)
    after = np.minimum(starts + len(template), ends)
    complete = (buffer[np.minimum(after, len(buffer) - 1)] == separator) | (after == ends)
    fits = np.flatnonzero(complete & (after - starts == len(template)))
    if not len(fits):
        return times
    text = _TimeText(buffer, starts[fits], template)
    is_epoch = template.startswith(_EPOCH_SECONDS)
    micros = text.epoch_us() if is_epoch else text.minute_us() + text.seconds_us()
    times[fits[text.valid]] = micros[text.valid]
    return times


class _TimeText:
    """Timestamps of many lines, eight characters to a machine word."""

    def __init__(self, buffer: Bytes, starts: Offsets, template: bytes) -> None:
        self.fraction = template[20:].count(b"0")
        self.has_date = len(template) >= 19
        self.valid = np.ones(len(starts), dtype=np.bool_)
        self._words: dict[int, Words] = {}
        for at in sorted({*range(0, len(template) - 7, 8), len(template) - 8}):
            self._words[at] = self._match(buffer, starts + at, template[at : at + 8])

    def _match(self, buffer: Bytes, starts: Offsets, template: bytes) -> Words:
        """Eight characters as eight digit values; a line that does not fit is not valid.

        Exclusive-or with the template leaves 0 for a literal and 0..9 for a digit. Adding 6 then
        carries into a digit's upper half exactly when it was above 9.
        """
        shape = np.frombuffer(template, dtype="<u8")[0]
        is_digit = np.frombuffer(template, dtype=np.uint8) == _ZERO
        six = np.where(is_digit, 0x06, 0x00).astype(np.uint8).view("<u8")[0]
        wrong = np.where(is_digit, 0xF0, 0xFF).astype(np.uint8).view("<u8")[0]
        digits: Words = words_at(buffer, starts) ^ shape
        self.valid &= ((digits | (digits + six)) & wrong) == 0
        return digits

    def _number(self, lines: Offsets | slice, at: int, length: int) -> Offsets:
        """Decimal number in ``length`` characters from ``at``."""
        value = np.zeros(1, dtype=np.int64)
        for position in range(at, at + length):
            word = max(start for start in self._words if start <= position)
            shift = np.uint64(8 * (position - word))
            value = value * 10 + ((self._words[word][lines] >> shift) & _LOW_HALF).astype(np.int64)
        return value

    def epoch_us(self) -> Offsets:
        """Ten digits of seconds and six of a fraction; the first eight change rarely."""
        word = self._words[0]
        changed = np.ones(len(word), dtype=np.bool_)
        changed[1:] = word[1:] != word[:-1]
        heads = np.flatnonzero(changed)
        hundreds = np.repeat(self._number(heads, 0, 8), np.diff(heads, append=len(word)))
        seconds = hundreds * 100 + self._number(slice(None), 8, 2)
        micros: Offsets = seconds * 1_000_000 + self._number(slice(None), 11, 6)
        return micros

    def minute_us(self) -> Offsets:
        """Date, hour and minute as microseconds: computed where they change, then repeated."""
        changed = np.zeros(len(self.valid), dtype=np.bool_)
        changed[:1] = True
        for at, word in self._words.items():
            if at + 8 <= 16 or not self.has_date:
                changed[1:] |= word[1:] != word[:-1]
        heads = np.flatnonzero(changed)
        clock = 11 if self.has_date else 0
        hour, minute = self._number(heads, clock, 2), self._number(heads, clock + 3, 2)
        real = (hour < 24) & (minute < 60)
        micros: Offsets = (hour * 60 + minute) * 60_000_000
        if self.has_date:
            date = (self._number(heads, at, size) for at, size in ((0, 4), (5, 2), (8, 2)))
            days, exists = days_since_epoch(*date)
            real &= exists
            micros += days * 86_400_000_000
        length = np.diff(heads, append=len(changed))
        self.valid &= np.repeat(real, length)
        spread: Offsets = np.repeat(micros, length)
        return spread

    def seconds_us(self) -> Offsets:
        """Seconds and their fraction as microseconds."""
        at = 17 if self.has_date else 6
        second = self._number(slice(None), at, 2)
        self.valid &= second < 60
        micros: Offsets = second * 1_000_000
        if self.fraction:
            fraction = self._number(slice(None), at + 3, self.fraction)
            micros += fraction * 10 ** (6 - self.fraction)
        return micros


def days_since_epoch(year: Offsets, month: Offsets, day: Offsets) -> tuple[Offsets, Mask]:
    """Days since 1970-01-01 in the Gregorian calendar, and which dates exist.

    Months are counted from March, so that the leap day is the last day of a year (the usual
    civil-date arithmetic, see Richards 2013, Explanatory Supplement, 15.11).
    """
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _MONTH_DAYS[np.clip(month, 0, 12)] + (leap & (month == 2))
    real = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= longest)
    march = (month + 9) % 12
    years = year - (march >= 10)
    day_of_year = (153 * march + 2) // 5 + day - 1
    return years * 365 + years // 4 - years // 100 + years // 400 + day_of_year - 719_468, real


def text_runs(buffer: Bytes, starts: Offsets, ends: Offsets, cuts: Offsets) -> Offsets:
    """Indices where a column's text differs from that of the line before, 0 always among them.

    ``cuts`` are further indices that start a new run. Texts are compared by length and their first
    64 bytes: enough for versions, protocols and host names.
    """
    lengths = ends - starts
    changed = np.zeros(len(starts), dtype=np.bool_)
    changed[:1] = True
    changed[cuts[cuts < len(starts)]] = True
    changed[1:] |= lengths[1:] != lengths[:-1]
    for at in range(0, min(int(lengths.max(initial=0)), _MAX_RUN_BYTES), 8):
        text = words_at(buffer, starts + at) & _KEEP_BYTES[np.clip(lengths - at, 0, 8)]
        changed[1:] |= text[1:] != text[:-1]
    return np.flatnonzero(changed)


def words_at(buffer: Bytes, offsets: Offsets) -> Words:
    """Eight bytes from each offset as one number; zeros past the buffer's end."""
    if len(buffer) < 8:
        buffer = np.concatenate((buffer, np.zeros(8, dtype=np.uint8)))
    last = len(buffer) - 8
    words = np.ndarray((last + 1,), "<u8", buffer.data, strides=(1,))
    beyond = np.clip(offsets - last, 0, 7).astype(np.uint64)
    found: Words = words[np.minimum(offsets, last)] >> (beyond * np.uint64(8))
    return found
