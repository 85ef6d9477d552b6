"""The scan of raw text that tells which lines may matter to some rule.

Enters: patterns, then blocks of bytes. Leaves: where they match (a ``model.batches.Wanted``). Will
not do: choose patterns (``prefilter`` does).
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from afterpatch.detect.sigma.automata import Database, automaton
from afterpatch.detect.sigma.store import RuleStore
from afterpatch.model.batches import Cell

_Handler: TypeAlias = Callable[[int, int, int, int, object], None]


class TextPrefilter:
    """Case-insensitive scan of raw text for any of the patterns (hyperscan syntax, bytes).

    pairs  two patterns that only together on one line matter. A scan for such a pair is slow: after
           one it looks for the other to the end of the line, and ordinary text is full of either.
           So it is made only of blocks in which the first of some pair, the rarer one, was met.

    Patterns never cross a line end. The databases are made, or taken from ``store``, here; make one
    prefilter per process.
    """

    def __init__(
        self,
        patterns: Iterable[bytes],
        pairs: Iterable[tuple[bytes, bytes]] = (),
        cells: Iterable[Cell] = (),
        store: RuleStore | None = None,
    ) -> None:
        self.patterns = tuple(sorted(set(patterns)))
        self.pairs = tuple(sorted(set(pairs)))
        self.cells = tuple(sorted(set(cells)))
        firsts = sorted({first for first, _ in self.pairs})
        orders = [o for a, b in self.pairs for o in (a + _BETWEEN + b, b + _BETWEEN + a)]
        self._database = _made([*self.patterns, *firsts], len(firsts), store)
        self._paired = _made(orders, 0, store)

    def offsets(self, block: bytes | bytearray | memoryview) -> npt.NDArray[np.int64]:
        """Sorted distinct offsets into ``block``, each on the last byte of some pattern's match."""
        ends: list[int] = []
        count, is_paired = len(self.patterns), False

        def on_match(number: int, _from: int, to: int, _flags: int, _context: object) -> None:
            nonlocal is_paired
            if number < count:
                ends.append(to)
            else:
                is_paired = True

        _scan(self._database, block, on_match)
        if is_paired:
            _scan(self._paired, block, lambda _number, _from, to, *_: ends.append(to))
        return np.unique(np.array(ends, np.int64)) - 1


_BETWEEN = rb"[^\n]*"


def _made(patterns: list[bytes], once: int, store: RuleStore | None) -> Database | None:
    return automaton(patterns, lines=True, once=once, store=store) if patterns else None


def _scan(database: Database | None, block: Any, on_match: _Handler) -> None:
    """Any buffer will do; the stubs ask for bytes."""
    if database is not None and len(block):
        database.scan(block, match_event_handler=on_match)
