"""Lines of flat JSON objects, most of which no rule wants: counted and dated a block at a time.

Enters: a block of lines and what tells an object's kind and time. Leaves: which lines are surely
events that nobody asks for, with their times and logs; all others are for the reader that decodes
one object after the other. A block is parsed at once, natively, and only for the few columns named
here. What that parser reads differently (a key written twice or with escapes, half a surrogate
pair, a number where a text is expected) is never taken for proven.
"""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import BitIndex, Mask, Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.model.batches import Cell, Logsource, Wanted

_LATEST_S: Final = 7e9  # before this, a number of seconds is read alike whatever its type
_STYLE_BYTES: Final = 4_096
_MAX_BRACKETS: Final = 64  # the native parser calls itself for each
# An ASCII character by its number (a key may be written so), or a surrogate.
_ESCAPED: Final = re.compile(rb"\\u(?:00[2-7]|[dD][89A-Fa-f])")
_FAULTS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)

# Name of an object's kind, or None where it does not say -> (log source, coverage name).
KindOf = Callable[[str | None], tuple[Logsource, str]]


@dataclass(frozen=True, slots=True)
class FlatShape:
    """``time``: the key of seconds since 1970. ``name``: the key of a text that tells the kind."""

    time: str
    name: str


@dataclass(frozen=True, slots=True)
class Dull:
    """Lines (by index in the block) that are events nobody asks for.

    times  their microseconds. logs  their coverage name, as index into ``names``.
    wanted  of the lines that are not among them: whether somebody asks for them.
    """

    lines: Offsets
    times: Offsets
    logs: Offsets
    names: tuple[str, ...]
    wanted: Mask


def dull_lines(
    lines: BlockLines, wanted: Wanted, shape: FlatShape, kind_of: KindOf, declared: Logsource | None
) -> Dull:
    """What can be proven of a block. ``wanted`` is asked once, for the block as it is."""
    marks = np.zeros(len(lines), dtype=np.bool_)
    marks[np.searchsorted(lines.block.breaks, wanted.offsets(lines.data))] = True
    likely = _likely(lines)
    frame = _parsed(lines, likely, shape, wanted.cells)
    if frame is None:
        marks |= bool(wanted.cells)
        nothing = np.empty(0, np.int64)
        return Dull(nothing, nothing, nothing, (), marks)
    at = np.flatnonzero(likely)
    unproven = ~likely
    marks[unproven] |= bool(wanted.cells)
    seconds = frame[shape.time].to_numpy()
    dated = (seconds > 0) & (seconds < _LATEST_S)
    marks[at] |= _asked(frame, wanted.cells, lines.data)
    marks[at[~dated]] |= bool(wanted.cells)
    logs, names, foreign = _kinds(frame[shape.name], kind_of, declared)
    marks[at] |= foreign
    dull = dated & ~marks[at]
    times = np.rint(seconds[dull] * 1_000_000).astype(np.int64)
    return Dull(at[dull], times, logs[dull], names, marks)


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
    lines: BlockLines, likely: Mask, shape: FlatShape, cells: Sequence[Cell]
) -> pl.DataFrame | None:
    """The columns asked for, one row per likely line; None if any line is not what it seemed."""
    count = int(likely.sum())
    if not count:
        return None
    text = lines.data
    if count < len(lines):
        text = b"\n".join(lines.raw(line) for line in np.flatnonzero(likely).tolist())
    schema: dict[str, type[pl.DataType]] = dict.fromkeys((cell.column for cell in cells), pl.String)
    schema |= {shape.time: pl.Float64, shape.name: pl.String}
    try:
        frame = pl.read_ndjson(io.BytesIO(text), schema=schema)
    except _FAULTS:
        return None
    key, named = _key(shape.name, text), frame.height - frame[shape.name].null_count()
    once = text.count(_key(shape.time, text)) == frame.height == count
    once &= text.count(key) == named and (not named or text.count(key + b'"') == named)
    return frame if once else None


def _key(name: str, text: bytes) -> bytes:
    """A key with its colon, as this text writes them: compact, or with a blank behind."""
    colon = b": " if text.find(b'": ', 0, _STYLE_BYTES) >= 0 else b":"
    return f'"{name}"'.encode() + colon


def _kinds(
    names: pl.Series, kind_of: KindOf, declared: Logsource | None
) -> tuple[Offsets, tuple[str, ...], Mask]:
    """(index of each row's log, the logs, rows of another log source than the declared one)."""
    distinct = names.unique()
    known: Mapping[str | None, tuple[Logsource, str]] = {n: kind_of(n) for n in distinct.to_list()}
    logs = tuple(dict.fromkeys(log for _, log in known.values()))
    if len(known) == 1:
        ((logsource, _),) = known.values()
        return np.zeros(len(names), np.int64), logs, np.full(len(names), logsource != declared)
    rows = names.to_list()
    index = np.array([logs.index(known[name][1]) for name in rows], np.int64)
    return index, logs, np.array([known[name][0] != declared for name in rows], np.bool_)


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
