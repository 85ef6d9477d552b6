"""Lines of flat JSON objects, looked through by compiled code.

Enters: a block of lines, the keys that tell time and kind, and tests of single columns. Leaves: the
same as :mod:`afterpatch.formats.json_native`, perhaps of other lines: each way leaves to the reader
that decodes objects what it cannot prove.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.cell_tests import holds
from afterpatch.formats.json_kernel import (
    ABSENT,
    NULL,
    TEXT,
    WHOLE,
    Found,
    keys_of,
    room_for,
    seconds_us,
    walk_lines,
)
from afterpatch.formats.json_native import Proven
from afterpatch.formats.line_scan import text_runs
from afterpatch.model.batches import Cell

_LATEST_US: Final = 4_000_000_000_000_000  # before this, all ways to read seconds come to the same
_MAX_NAME_BYTES: Final = 64


class Walker:
    """Made when there is much to read: to load it takes most of a second."""

    def __init__(self) -> None:
        line = np.frombuffer(b'{"ts":1.5}', np.uint8)
        ends = np.array([len(line)], np.int64)
        self._found(line, np.zeros(1, np.int64), ends, ["ts"])

    def proven(
        self, lines: BlockLines, time: str, name: str, cells: Sequence[Cell]
    ) -> Proven | None:
        """As :func:`json_native.proven`; None for a block that is not UTF-8 throughout."""
        if not lines.data.isascii() and not _is_utf8(lines.data):
            return None
        keys = list(dict.fromkeys([time, name, *(cell.column for cell in cells)]))
        found, times = self._found(lines.buffer, lines.starts, lines.ends, keys)
        kinds = found.kind[1]
        named = (kinds == TEXT) & (found.end[1] - found.start[1] <= _MAX_NAME_BYTES)
        sure = found.proven.astype(np.bool_) & (times > 0) & (times < _LATEST_US)
        sure &= named | (kinds == ABSENT) | (kinds == NULL)
        at = np.flatnonzero(sure)
        names, texts = _names(lines, found, at)
        asked = np.zeros(len(at), np.bool_)
        for key, column in enumerate(keys):
            here = [cell for cell in cells if cell.column == column]
            if here:
                asked |= _asked(here, key, lines, found, at)
        return Proven(at, times[at], names, texts, asked)

    @staticmethod
    def _found(
        buffer: "np.ndarray[tuple[int], np.dtype[np.uint8]]",
        starts: Offsets,
        ends: Offsets,
        keys: list[str],
    ) -> tuple[Found, Offsets]:
        found = room_for(len(starts), len(keys))
        walk_lines(buffer, starts, ends, keys_of(keys), found)
        times = np.empty(len(starts), np.int64)
        seconds_us(buffer, found.kind[0], found.start[0], found.end[0], times)
        return found, times


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _names(lines: BlockLines, found: Found, at: Offsets) -> tuple[Offsets, tuple[str | None, ...]]:
    """(index of each line's name, the names). Lines next to each other mostly have the same."""
    is_named = found.kind[1][at] == TEXT
    starts, ends = found.start[1][at] * is_named, found.end[1][at] * is_named
    cuts = np.flatnonzero(is_named[1:] != is_named[:-1]) + 1
    heads = text_runs(lines.buffer, starts, ends, cuts)
    known: dict[str | None, int] = {}
    numbers = []
    for head in heads.tolist():
        text = lines.data[starts[head] : ends[head]].decode() if is_named[head] else None
        numbers.append(known.setdefault(text, len(known)))
    lengths = np.diff(heads, append=len(at))
    return np.repeat(np.array(numbers, np.int64), lengths), tuple(known)


def _asked(cells: Sequence[Cell], key: int, lines: BlockLines, found: Found, at: Offsets) -> Mask:
    """Lines on which a test holds, or whose value may be shown otherwise than it is written."""
    kind, starts, ends = found.kind[key][at], found.start[key][at], found.end[key][at]
    is_plain = (kind == TEXT) | (kind == WHOLE)
    asked: Mask = ~is_plain & (kind != ABSENT) & (kind != NULL)
    for cell in cells:
        held = is_plain & holds(cell.op, cell.text, lines.buffer, starts, ends)
        asked |= ~held if cell.negated else held
    return asked
