"""Few rows of many sources, matched together: every look of the rules has a price of its own.

Enters: batches, each with the tally of the source it came from. Leaves: their hits, in those
tallies. Which sources were matched together never shows in a tally: a source's own full batches are
matched at once, and what remains of it is added in the order in which it was read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from afterpatch.model.batches import Batch, Logsource, joined
from afterpatch.pipeline.engines import Engines
from afterpatch.pipeline.tally import Tally

# Rows gathered before the rules look at them.
GATHER_ROWS: Final = 4_096

_Key = tuple[Logsource, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Rest:
    """The last rows of one kind from one source; ``turn`` is their place in its order."""

    tally: Tally
    turn: int
    batch: Batch


class Gatherer:
    """Used by one process, for the sources of one task."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._waiting: dict[_Key, list[_Rest]] = {}

    def match(self, batches: Iterable[Batch], tally: Tally) -> None:
        """Hunt through one source. Evidence that breaks off raises after its rows were kept."""
        own: dict[_Key, list[Batch]] = {}
        try:
            for batch in batches:
                same = own.setdefault((batch.logsource, tuple(batch.frame.columns)), [])
                same.append(batch)
                if _rows(same) >= GATHER_ROWS:
                    whole = joined(same)
                    tally.add_result(*self._engines.match(whole, [(tally.name, _rows(same))]))
                    same.clear()
        finally:
            for key, same in own.items():
                if same:
                    self._hold(key, _Rest(tally, tally.next_turn(), joined(same)))

    def finish(self) -> None:
        """Match all that still waits."""
        for rests in self._waiting.values():
            self._match_together(rests)
        self._waiting.clear()

    def _hold(self, key: _Key, rest: _Rest) -> None:
        rests = self._waiting.setdefault(key, [])
        rests.append(rest)
        if sum(rest.batch.frame.height for rest in rests) >= GATHER_ROWS:
            self._match_together(self._waiting.pop(key))

    def _match_together(self, rests: list[_Rest]) -> None:
        whole = joined([rest.batch for rest in rests])
        spans = [(rest.tally.name, rest.batch.frame.height) for rest in rests]
        for rest, result in zip(rests, self._engines.match(whole, spans), strict=True):
            rest.tally.add_later(rest.turn, result)


def _rows(batches: list[Batch]) -> int:
    return sum(batch.frame.height for batch in batches)
