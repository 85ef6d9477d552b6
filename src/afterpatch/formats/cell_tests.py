"""Single columns of many lines tested where they stand, without cutting a line.

Enters: tests (``model.batches.Cell``) and where the columns of some lines lie. Leaves: a mark for
every line on which some test holds, or may hold.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from afterpatch.formats.bit_index import Bytes, Mask, Offsets
from afterpatch.formats.line_scan import Columns, words_at
from afterpatch.model.batches import Cell

_WORD_BYTES: Final = 8
_KEEP: Final = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)
_CASE_BIT: Final = 0x20
_QUOTE: Final = ord('"')


def cell_marks(
    cells: Sequence[Cell],
    names: Sequence[str],
    columns: Columns,
    buffer: Bytes,
    lines: Offsets,
    *,
    quoted: bool,
    empty: str,
) -> Mask:
    """One mark per line of ``lines``, all of which have these columns.

    quoted  a column may stand in quotes. empty  what is written for an empty text, besides nothing.
    """
    marks = np.zeros(len(lines), dtype=np.bool_)
    named = sorted({names.index(cell.column) for cell in cells if cell.column in names})
    spans = columns.spans(lines, [(column, 1) for column in named])
    places = dict(zip(named, spans, strict=True))
    if quoted:
        places = {column: _unquoted(buffer, *span) for column, span in places.items()}
    for cell in cells:
        if cell.column not in names:
            if cell.negated:
                marks[:] = True
            continue
        starts, ends = places[names.index(cell.column)]
        found = holds(cell.op, cell.text, buffer, starts, ends)
        if not cell.text and empty:
            found |= holds(cell.op, empty, buffer, starts, ends)
        marks |= ~found if cell.negated else found
    return marks


def _unquoted(buffer: Bytes, starts: Offsets, ends: Offsets) -> tuple[Offsets, Offsets]:
    inner = (buffer[np.minimum(starts, len(buffer) - 1)] == _QUOTE) & (ends - starts > 1)
    return starts + inner, ends - inner


def holds(op: str, text: str, buffer: Bytes, starts: Offsets, ends: Offsets) -> Mask:
    """Whether the texts ``buffer[starts : ends]`` are, begin or end so, letters in either case.

    Eight characters to a machine word.
    """
    wanted = text.lower().encode()
    size = len(wanted)
    length = ends - starts
    held: Mask = length == size if op == "equals" else length >= size
    left = np.flatnonzero(held)
    first = ends - size if op == "endswith" else starts
    for at in range(0, size, _WORD_BYTES):
        part = wanted[at : at + _WORD_BYTES]
        case_bits = bytes(_CASE_BIT if chr(byte).isalpha() else 0 for byte in part)
        shape = np.uint64(int.from_bytes(part, "little"))
        found = words_at(buffer, first[left] + at) & _KEEP[len(part)]
        left = left[(found | np.uint64(int.from_bytes(case_bits, "little"))) == shape]
    held[:] = False
    held[left] = True
    return held
