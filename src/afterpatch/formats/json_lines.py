"""Lines of flat JSON objects, most of which no rule wants: counted and dated a block at a time.

Enters: a block of lines and what tells an object's kind and time. Leaves: which lines are surely
events that nobody asks for, with their times and logs; all others are for the reader that decodes
one object after the other. What the lines are is found natively (:mod:`json_native`), or, once
there is much to read, by compiled code (:mod:`json_walk`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from afterpatch.formats import json_native
from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.model.batches import Logsource, Wanted

if TYPE_CHECKING:
    from afterpatch.formats.json_walk import Walker

# The compiled way is faster by several milliseconds a megabyte; to load it takes most of a second.
PLAIN_BYTES: Final = 64 << 20

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
    walker = _walker(len(lines.data))
    proven = walker.proven(lines, shape.time, shape.name, wanted.cells) if walker else None
    proven = proven or json_native.proven(lines, shape.time, shape.name, wanted.cells)
    at = proven.lines
    asked = np.full(len(lines), bool(wanted.cells))
    asked[at] = proven.asked
    marks |= asked
    known = [kind_of(text) for text in proven.texts]
    names = tuple(dict.fromkeys(log for _, log in known))
    is_foreign = np.array([logsource != declared for logsource, _ in known], np.bool_)
    log_of = np.array([names.index(log) for _, log in known], np.int64)
    marks[at] |= is_foreign[proven.names]
    dull = ~marks[at]
    return Dull(at[dull], proven.times[dull], log_of[proven.names[dull]], names, marks)


class _Met:
    """How much this process has met."""

    size_bytes: int = 0


_met: Final = _Met()


def _walker(size_bytes: int) -> "Walker | None":
    """The compiled way, once it is worth its start; the other where there is none."""
    _met.size_bytes += size_bytes
    return _loaded() if _met.size_bytes > PLAIN_BYTES else None


@lru_cache(maxsize=1)
def _loaded() -> "Walker | None":
    try:
        from afterpatch.formats.json_walk import Walker

        return Walker()
    except Exception:  # noqa: BLE001  (no numba, or whatever it finds wrong with this machine)
        return None
