"""Blocks of EVTX chunks through the compiled kernel, into a collector.

In: the bytes of some chunks and which of them are sound. Out: their events in a collector, and per
chunk how many; None for those that must be read plainly. One reader serves a whole process: it
keeps the tables the kernel fills and the shapes it has met.
"""

import secrets
from collections.abc import Sequence

import numpy as np

from afterpatch.formats.evtx_columns import Columns
from afterpatch.formats.evtx_headers import CHUNK_BYTES
from afterpatch.formats.evtx_kernel import Walk, room_for, walk
from afterpatch.formats.evtx_known_shapes import Shapes
from afterpatch.formats.windows_events import EventCollector
from afterpatch.model.batches import ColumnsWanted


class BlockReader:
    """Making one loads or compiles the kernel. Raises whatever numba raises when it cannot."""

    def __init__(self) -> None:
        self._shapes = Shapes()
        # Hashes differ from process to process, so that nobody can prepare collisions; what comes
        # out does not depend on them.
        self._seed = secrets.randbits(62)
        self._room: dict[int, Walk] = {}
        self._columns(bytes(CHUNK_BYTES), [False], 0)

    def read(
        self,
        block: bytes | memoryview,
        sound: Sequence[bool],
        wanted: ColumnsWanted | None,
        collector: EventCollector,
        first: int = 0,
    ) -> list[int | None]:
        """The events of the sound chunks -> ``collector``; per chunk their number, or None.

        ``first``: the number of the first chunk in its file.
        """
        columns = self._columns(block, sound, first)
        for table in columns.tables(wanted, wanted.within(block) if wanted else None):
            collector.add_table(table)
        counts = columns.events_by_chunk().tolist()
        return [
            count if is_sound and place not in columns.odd else None
            for place, (is_sound, count) in enumerate(zip(sound, [*counts, 0], strict=False))
        ]

    def _columns(self, block: bytes | memoryview, sound: Sequence[bool], first: int) -> Columns:
        whole = len(block) // CHUNK_BYTES
        data = np.frombuffer(block, np.uint8)[: whole * CHUNK_BYTES]
        data.flags.writeable = False  # of one type, whoever owns the memory: compiled once
        found = self._tables(whole)
        walk(data, np.array(sound[:whole], np.uint8), found, self._seed)
        return Columns(data, found, self._shapes, first, self._seed)

    def _tables(self, chunks: int) -> Walk:
        """Empty tables with room for so many chunks; kept, because fresh memory is slow."""
        room = 1 << (max(chunks, 1) - 1).bit_length()
        if room not in self._room:
            self._room[room] = room_for(room)
        found = self._room[room]
        found.clear()
        return found
