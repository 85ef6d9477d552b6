"""The shapes of a block of EVTX, each read once per process however many files have it.

In: what the kernel found in a block. Out: a :class:`Shape` per number. Shapes are known by their
bytes and those of their structures, so they are shared by all chunks and files with equal content,
and never by templates that only claim to be the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from afterpatch.formats.compiled import strings_of
from afterpatch.formats.evtx_elements import NotUnderstoodError
from afterpatch.formats.evtx_kernel import Walk
from afterpatch.formats.evtx_shapes import Shape, shape_of

_CACHED_SHAPES: Final = 1_024


@dataclass(slots=True)
class Shapes:
    """Shapes met so far in this process, by their bytes and those of their structures."""

    known: dict[tuple[bytes, tuple[bytes, ...]], Shape | None] = field(default_factory=dict)

    def of(self, found: Walk) -> list[Shape | None]:
        """The shapes of a block by number; None = not understood."""
        structures = strings_of(found.structures)
        return [self._one(shape, structures) for shape in strings_of(found.shapes)]

    def _one(self, shape: bytes, structures: Sequence[bytes]) -> Shape | None:
        numbered, used = _renumbered(shape, structures)
        if (numbered, used) not in self.known:
            if len(self.known) >= _CACHED_SHAPES:
                self.known.clear()
            try:
                self.known[numbered, used] = shape_of(numbered, used)
            except NotUnderstoodError:
                self.known[numbered, used] = None
        return self.known[numbered, used]


def _renumbered(shape: bytes, structures: Sequence[bytes]) -> tuple[bytes, tuple[bytes, ...]]:
    """The shape with its structures numbered 0, 1, …, so that it means the same in any block."""
    numbered = bytearray(shape)
    used = []
    at = 0
    while at < len(shape):
        used.append(structures[int.from_bytes(shape[at : at + 4], "little")])
        numbered[at : at + 4] = (len(used) - 1).to_bytes(4, "little")
        at += int.from_bytes(shape[at + 4 : at + 8], "little")
    return bytes(numbered), tuple(used)
