"""The usual lines of the audit log, a block at a time: proven, dated, made ready for a search.

Enters: a block of lines. Leaves: which lines are surely records, with their times and nodes; and
the text in which a prefilter finds what the records say: behind each value that stands there in
hexadecimal, the same field once more, decoded. What these steps cannot vouch for is left to
:mod:`afterpatch.formats.auditd_records`, a line at a time; they never guess.
"""

import re
from binascii import unhexlify
from dataclasses import dataclass
from typing import Final

import numpy as np

from afterpatch.formats.auditd_records import (
    ARGUMENTS,
    ENCODED,
    MAX_PAIRS,
    decoded,
    may_be_encoded,
)
from afterpatch.formats.bit_index import BitIndex, Bytes, Mask, Offsets, Words
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.epoch_times import EPOCH_CHARS, read_epoch_times
from afterpatch.formats.line_scan import NO_TIME, text_runs, words_at

_BLANK, _EQUALS, _COLON, _BRACKET, _PAREN = map(ord, " =:])")
_KEEP: Final = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)
_NODE, _TYPE = (int.from_bytes(text, "little") for text in (b"node=", b"type="))
_MSG: Final = int.from_bytes(b"msg=audi", "little")
_MSG_END: Final = int.from_bytes(b"t(", "little")
_HEAD_BYTES: Final = 5
# " msg=audit(" before the time, ":1):" at the least behind it.
_BEFORE_TIME: Final = 11
_STAMP_BYTES: Final = _BEFORE_TIME + EPOCH_CHARS + 4
_MAX_SERIAL: Final = 16
_MAX_KIND: Final = 24
_MAX_NODE: Final = 64  # text_runs compares no more
_KIND: Final = re.compile(rb"[A-Z][A-Z0-9_]*")
_NODE_NAME: Final = re.compile(rb"[!-~]+")
_ZEROS, _SIXES = (np.uint64(0x0101_0101_0101_0101 * value) for value in (0x30, 0x06))
_UPPER: Final = np.uint64(0xF0F0_F0F0_F0F0_F0F0)
_MIX: Final = np.uint64(0x9E37_79B9_7F4A_7C15)

# What parts words besides blank, tab and 0x1D: rare enough to read such a line by itself.
_ODD_MARKS: Final = (0x0B, 0x0C, 0x1C, 0x1E, 0x1F)
_ENRICHED: Final = b"\x1d"
_ASCII_MAX: Final = 0x7F
_NAME_BYTES: Final = 24
_NAME: Final = re.compile(rb"(?:^|[^\w.\[\]-])([A-Za-z_][\w.-]*)\Z")
# Parted by a blank from what stands before them, these are whole.
_USUAL_NAMES: Final = frozenset(name.encode() for name in (*ENCODED, "a0", "a1", "a2", "a3"))
_ONE_LINE: Final = bytes.maketrans(b"\0\n", b"  ")
_RUN: Final = re.compile(rb"(?:[0-9A-F]{2})+")


def _table(members: bytes) -> Mask:
    found = np.zeros(256, dtype=np.bool_)
    found[list(members)] = True
    return found


_IS_HEX: Final = _table(b"0123456789ABCDEF")
_GOES_ON: Final = _IS_HEX | _table(b" \t\r\n\"'\x1d")
_IS_DIGIT: Final = _table(b"0123456789")
# By the last two letters of a name, the second in the upper byte.
_MAY_END_NAME: Final = np.zeros(1 << 16, dtype=np.bool_)
_MAY_END_NAME[[int.from_bytes(name[-2:].encode(), "little") for name in ENCODED]] = True


@dataclass(frozen=True, slots=True)
class Proven:
    """Lines (ascending) that surely are records with at most ``MAX_PAIRS`` fields, their times.

    nodes  (line, microseconds, name), wherever the name changes.
    """

    lines: Offsets
    times: Offsets
    nodes: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Searchable:
    """The block's text with decoded values added, and where its lines end now.

    unsure  lines in which a text may stand so that a search would miss it.
    """

    text: bytes
    breaks: Offsets
    unsure: Mask


class AuditLines:
    """One block. Lines are named by their index in it."""

    def __init__(self, lines: BlockLines) -> None:
        self._lines = lines
        self._equals = np.flatnonzero(lines.buffer == _EQUALS)
        self._has_arguments = np.zeros(len(lines), dtype=np.bool_)
        self.proven = self._prove()
        self._is_proven = np.zeros(len(lines), dtype=np.bool_)
        self._is_proven[self.proven.lines] = True

    def _prove(self) -> Proven:
        lines = self._lines
        buffer = lines.buffer
        spaces = BitIndex.of(buffer, _BLANK)
        rank = spaces.rank(lines.starts)
        is_node = _starts_with(buffer, lines.starts, _NODE)
        left = np.flatnonzero(~self._odd() & (spaces.rank(lines.ends) - rank >= 2 + is_node))
        rank, is_node, starts = rank[left], is_node[left], lines.starts[left]
        if len(left) and is_node.any():
            starts = np.where(is_node, spaces.select(rank) + 1, starts)
        first, second = spaces.select(rank + is_node), spaces.select(rank + is_node + 1)
        times = _times(buffer, first, second)
        fits, has_arguments = _kinds(lines, starts, first)
        fits &= times != NO_TIME
        nodes_fit, nodes = _nodes(lines, left, starts, times, is_node & fits)
        fits &= nodes_fit | ~is_node
        self._has_arguments[left[fits & has_arguments]] = True
        return Proven(left[fits], times[fits], nodes)

    def _odd(self) -> Mask:
        """Lines with marks or letters that no kernel writes, or with too many fields."""
        lines = self._lines
        odd = np.diff(np.searchsorted(self._equals, lines.block.breaks), prepend=0) > MAX_PAIRS
        marks = [mark for mark in _ODD_MARKS if mark in lines.data]
        if marks or not lines.data.isascii():
            strange = (lines.buffer > _ASCII_MAX) | np.isin(lines.buffer, marks)
            odd[np.searchsorted(lines.block.breaks, np.flatnonzero(strange))] = True
        return odd

    def searchable(self) -> Searchable:
        """The text to search for what the proven records say."""
        lines = self._lines
        data, breaks = lines.data.replace(_ENRICHED, b" "), lines.block.breaks
        unsure = np.zeros(len(lines), dtype=np.bool_)
        in_pieces = self._equals[lines.buffer[self._equals - 1] == _BRACKET]
        unsure[np.searchsorted(breaks, in_pieces)] = True
        parts, added, done = [], np.zeros(len(lines), dtype=np.int64), 0
        at = self._may_be_encoded()
        owners = np.searchsorted(breaks, at)
        usual = self._is_proven[owners]  # the others are read whatever they say
        for equals, line in zip(at[usual].tolist(), owners[usual].tolist(), strict=True):
            name = _name_before(data, equals)
            if name is None:
                unsure[line] = True
                continue
            kind = ARGUMENTS if self._has_arguments[line] else ""
            value = _RUN.match(data, equals + 1)
            if value and may_be_encoded(name.decode(), kind):
                more = b' %b="%b"' % (name, _plain(value[0]))
                parts += [data[done : value.end()], more]
                added[line] += len(more)
                done = value.end()
        if not parts:
            return Searchable(data, breaks, unsure)
        return Searchable(b"".join((*parts, data[done:])), breaks + np.cumsum(added), unsure)

    def _may_be_encoded(self) -> Offsets:
        """Where a name ends that may be one of an encoded value, and two digits follow."""
        buffer, at = self._lines.buffer, self._equals
        at = at[(at >= 2) & (at < len(buffer) - 2)]
        at = at[_IS_HEX[buffer[at + 1]]]
        at = at[_IS_HEX[buffer[at + 2]]]
        at = at[_GOES_ON[buffer[np.minimum(at + 3, len(buffer) - 1)]]]
        last = buffer[at - 1]
        is_name = _MAY_END_NAME[buffer[at - 2] | (last.astype(np.uint16) << 8)]
        numbered = np.flatnonzero(_IS_DIGIT[last] & ~is_name)
        owners = np.searchsorted(self._lines.block.breaks, at[numbered])
        is_name[numbered] = self._has_arguments[owners]
        found: Offsets = at[is_name]
        return found


def _name_before(data: bytes, equals: int) -> bytes | None:
    """The name that ends there; None where it cannot be told from a few bytes."""
    near = data[max(equals - _NAME_BYTES, 0) : equals]
    _, blank, name = near.rpartition(b" ")
    if blank and name in _USUAL_NAMES:
        return name
    found = _NAME.search(near)
    return found[1] if found and len(found[1]) < _NAME_BYTES - 1 else None


def _plain(value: bytes) -> bytes:
    """What a reader decodes the value to, on one line."""
    text = unhexlify(value)
    if text.isascii():
        return text.rstrip(b"\0").translate(_ONE_LINE)
    return decoded(value.decode()).replace("\n", " ").encode()


def _starts_with(buffer: Bytes, starts: Offsets, head: int) -> Mask:
    inside = np.minimum(starts, len(buffer) - 1)
    found: Mask = (words_at(buffer, inside) & _KEEP[_HEAD_BYTES]) == np.uint64(head)
    return found


def _times(buffer: Bytes, first: Offsets, second: Offsets) -> Offsets:
    """Times of `` msg=audit(1364481363.243:24287):`` between two blanks; NO_TIME for others."""
    times = np.full(len(first), NO_TIME, dtype=np.int64)
    fits = np.flatnonzero(second - first >= _STAMP_BYTES)
    first, second = first[fits], second[fits]
    serial = first + _BEFORE_TIME + EPOCH_CHARS + 1
    right = words_at(buffer, first + 1) == np.uint64(_MSG)
    right &= (words_at(buffer, first + 9) & _KEEP[2]) == np.uint64(_MSG_END)
    right &= buffer[serial - 1] == _COLON
    right &= (buffer[second - 2] == _PAREN) & (buffer[second - 1] == _COLON)
    right &= second - 2 - serial <= _MAX_SERIAL
    for at in (0, 8):
        size = np.clip(second - 2 - serial - at, 0, 8)
        found = (words_at(buffer, serial + at) ^ _ZEROS) & _KEEP[size]
        right &= ((found | (found + _SIXES)) & _UPPER) == 0
    fits, first = fits[right], first[right]
    times[fits] = read_epoch_times(buffer, first + _BEFORE_TIME)
    return times


def _kinds(lines: BlockLines, starts: Offsets, ends: Offsets) -> tuple[Mask, Mask]:
    """Lines on which ``type=NAME`` stands between these offsets; those whose name has arguments.

    There are few names: one of each is looked at.
    """
    buffer, begin = lines.buffer, starts + _HEAD_BYTES
    size = ends - begin
    fits = _starts_with(buffer, starts, _TYPE) & (size > 0) & (size <= _MAX_KIND)
    at = np.flatnonzero(fits)
    words = [
        words_at(buffer, begin[at] + low) & _KEEP[np.clip(size[at] - low, 0, 8)]
        for low in range(0, _MAX_KIND, 8)
    ]
    mixed: Words = words[0] ^ (words[1] * _MIX) ^ ((words[2] + _MIX) * _MIX)
    _, heads, which = np.unique(mixed, return_index=True, return_inverse=True)
    names = [lines.data[begin[one] : ends[one]] for one in at[heads].tolist()]
    good = np.array([_KIND.fullmatch(name) is not None for name in names], dtype=np.bool_)
    same = np.logical_and.reduce([word == word[heads][which] for word in words])
    fits[at] = good[which] & same
    has_arguments = np.zeros(len(starts), dtype=np.bool_)
    told = np.array([name == ARGUMENTS.encode() for name in names], dtype=np.bool_)
    has_arguments[at] = told[which] & same
    return fits, has_arguments


def _nodes(
    lines: BlockLines, left: Offsets, starts: Offsets, times: Offsets, usable: Mask
) -> tuple[Mask, tuple[tuple[int, int, str], ...]]:
    """Which of the usable lines of ``left`` name a node that can be told; each run's first."""
    at = np.flatnonzero(usable)
    begin, ends = lines.starts[left[at]] + _HEAD_BYTES, starts[at] - 1
    short = (ends > begin) & (ends - begin <= _MAX_NODE)
    at, begin, ends = at[short], begin[short], ends[short]
    fits = np.zeros(len(usable), dtype=np.bool_)
    if not len(at):
        return fits, ()
    heads = text_runs(lines.buffer, begin, ends, at[:0])
    names = [lines.data[begin[head] : ends[head]] for head in heads.tolist()]
    good = [_NODE_NAME.fullmatch(name) is not None for name in names]
    fits[at] = np.repeat(good, np.diff(heads, append=len(at)))
    found = zip(left[at[heads]].tolist(), times[at[heads]].tolist(), names, good, strict=True)
    return fits, tuple(
        (line, when, name.decode()) for line, when, name, is_good in found if is_good
    )
