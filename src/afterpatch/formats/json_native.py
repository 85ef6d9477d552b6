"""Lines of flat JSON objects, parsed natively a block at a time.

Enters: a block of lines, the keys that tell an object's time and kind, and tests of single columns.
Leaves: the lines that surely are events, and what is known of them (:class:`Proven`). What the
native parser reads differently (a key written twice or with escapes, half a surrogate pair, a
number where a text is expected) is never taken for proven.
"""

import io
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import BitIndex, Mask, Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.model.batches import Cell

_LATEST_S: Final = 7e9  # before this, a number of seconds is read alike whatever its type
_STYLE_BYTES: Final = 4_096
_MAX_BRACKETS: Final = 64  # the native parser calls itself for each
# An ASCII character by its number (a key may be written so), or a surrogate.
_ESCAPED: Final = re.compile(rb"\\u(?:00[2-7]|[dD][89A-Fa-f])")
_FAULTS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


class Proven(NamedTuple):
    """What is known of the lines (by index in the block, ascending) that surely are events.

    times  microseconds. names  which of ``texts`` tells their kind, None = none does.
    asked  whether a test of a column may hold.
    """

    lines: Offsets
    times: Offsets
    names: Offsets
    texts: tuple[str | None, ...]
    asked: Mask


def proven(lines: BlockLines, time: str, name: str, cells: Sequence[Cell]) -> Proven:
    """``time``: the key of seconds since 1970. ``name``: the key of a text that tells the kind."""
    likely = _likely(lines)
    frame = _parsed(lines, likely, time, name, cells)
    if frame is None:
        nothing = np.empty(0, np.int64)
        return Proven(nothing, nothing, nothing, (), np.empty(0, np.bool_))
    seconds = frame[time].to_numpy()
    dated = (seconds > 0) & (seconds < _LATEST_S)
    times = np.rint(seconds[dated] * 1_000_000).astype(np.int64)
    names, texts = _names(frame[name])
    asked = _asked(frame, cells, lines.data)
    return Proven(np.flatnonzero(likely)[dated], times, names[dated], texts, asked[dated])


def _likely(lines: BlockLines) -> Mask:
    """Lines that are one flat object, if they are JSON at all."""
    buffer, starts, ends = lines.buffer, lines.starts, lines.ends
    last = np.maximum(ends - 1, 0)
    inside = np.minimum(starts, len(buffer) - 1)
    likely: Mask = (ends > starts) & (buffer[inside] == ord("{")) & (buffer[last] == ord("}"))
    braces, brackets = BitIndex.of(buffer, ord("{")), BitIndex.of(buffer, ord("["))
    likely &= braces.rank(ends) - braces.rank(starts) == 1
    likely &= brackets.rank(ends) - brackets.rank(starts) <= _MAX_BRACKETS
    if b"\\u" in lines.data:
        found = [match.start() for match in _ESCAPED.finditer(lines.data)]
        likely[np.searchsorted(lines.block.breaks, np.array(found, np.int64))] = False
    return likely


def _parsed(
    lines: BlockLines, likely: Mask, time: str, name: str, cells: Sequence[Cell]
) -> pl.DataFrame | None:
    """The columns asked for, one row per likely line; None if any line is not what it seemed."""
    count = int(likely.sum())
    if not count:
        return None
    text = lines.data
    if count < len(lines):
        text = b"\n".join(lines.raw(line) for line in np.flatnonzero(likely).tolist())
    schema: dict[str, type[pl.DataType]] = dict.fromkeys((cell.column for cell in cells), pl.String)
    schema |= {time: pl.Float64, name: pl.String}
    try:
        frame = pl.read_ndjson(io.BytesIO(text), schema=schema)
    except _FAULTS:
        return None
    key, named = _key(name, text), frame.height - frame[name].null_count()
    once = text.count(_key(time, text)) == frame.height == count
    once &= text.count(key) == named and (not named or text.count(key + b'"') == named)
    return frame if once else None


def _key(name: str, text: bytes) -> bytes:
    """A key with its colon, as this text writes them: compact, or with a blank behind."""
    colon = b": " if text.find(b'": ', 0, _STYLE_BYTES) >= 0 else b":"
    return f'"{name}"'.encode() + colon


def _names(names: pl.Series) -> tuple[Offsets, tuple[str | None, ...]]:
    """(index of each row's name, the names)."""
    known: dict[str | None, int] = {}
    distinct = names.unique(maintain_order=True).to_list()
    if len(distinct) == 1:
        return np.zeros(len(names), np.int64), (distinct[0],)
    rows = [known.setdefault(name, len(known)) for name in names.to_list()]
    return np.array(rows, np.int64), tuple(known)


def _asked(frame: pl.DataFrame, cells: Sequence[Cell], data: bytes) -> Mask:
    """Rows on which some test of one column holds, or may hold."""
    asked = np.zeros(frame.height, dtype=np.bool_)
    for name in dict.fromkeys(cell.column for cell in cells):
        column = frame[name]
        present = len(column) - column.null_count()
        if data.count(_key(name, data)) != present:
            return np.ones(frame.height, dtype=np.bool_)
        here = [cell for cell in cells if cell.column == name]
        if present:
            asked |= _any_holds([cell for cell in here if not cell.negated], column)
        for cell in here:
            if cell.negated:
                asked |= _unlike(cell, column, data)
    return asked


def _any_holds(cells: Sequence[Cell], column: pl.Series) -> Mask:
    """Asked of the distinct values. Lists and objects count: they are shown otherwise."""
    values = column.unique().drop_nulls()
    tests = [_holds(cell) for cell in cells]
    tests.append(pl.col("text").str.contains(r"^[\[{]"))
    found = values.to_frame("text").select(pl.any_horizontal(tests)).to_series()
    if not cells or not found.any():
        return np.zeros(len(column), dtype=np.bool_)
    hopeful: Mask = column.is_in(values.filter(found).implode()).fill_null(value=False).to_numpy()
    return hopeful


def _holds(cell: Cell) -> pl.Expr:
    text = pl.col("text").str.to_lowercase()
    match cell.op:
        case "startswith":
            return text.str.starts_with(cell.text)
        case "endswith":
            return text.str.ends_with(cell.text)
    return text == cell.text


def _unlike(cell: Cell, column: pl.Series, data: bytes) -> Mask:
    """Rows whose value is not this text, or absent.

    The native parser writes 0.0 as 0: only where the text itself stands so does it count.
    """
    is_so: Mask = (column == cell.text).fill_null(value=False).to_numpy()
    left, key, text = int(is_so.sum()), _key(cell.column, data), cell.text.encode()
    for form in (key + text + b",", key + text + b"}", key + b'"' + text + b'"'):
        if left:
            left -= data.count(form)
    return np.ones(len(column), dtype=np.bool_) if left else ~is_so
