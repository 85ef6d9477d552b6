"""Few rows of many sources, matched together: every look of the rules has a price of its own.

Enters: batches, each with the tally of the source it came from. Leaves: their hits, in those
tallies. Which sources were matched together never shows in a tally: a source's own full batches are
matched at once, and what remains of it is added in the order in which it was read.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from afterpatch.model.batches import Batch, Logsource, joined
from afterpatch.pipeline.engines import Engines
from afterpatch.pipeline.tally import Tally

# Rows of one kind gathered before the rules look at them, and rows of all kinds that may wait.
GATHER_ROWS: Final = 8_192
WAITING_ROWS: Final = 65_536

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
        self._rows: Counter[_Key] = Counter()  # of those that wait

    def match(self, batches: Iterable[Batch], tally: Tally) -> None:
        """Hunt through one source. Evidence that breaks off raises after its rows were kept."""
        own: dict[_Key, list[Batch]] = {}
        rows = 0
        try:
            for batch in batches:
                key = batch.logsource, tuple(batch.frame.columns)
                own.setdefault(key, []).append(batch)
                rows += batch.frame.height
                full = [key] if _rows(own[key]) >= GATHER_ROWS else []
                for key in list(own) if rows >= WAITING_ROWS else full:
                    rows -= self._match_own(own.pop(key), tally)
        finally:
            for key, same in own.items():
                self._hold(key, _Rest(tally, tally.next_turn(), joined(same)))

    def finish(self) -> None:
        """Match all that still waits."""
        for key in list(self._waiting):
            self._match_together(key)

    def _match_own(self, same: list[Batch], tally: Tally) -> int:
        rows = _rows(same)
        tally.add_result(*self._engines.match(joined(same), [(tally.name, rows)]))
        return rows

    def _hold(self, key: _Key, rest: _Rest) -> None:
        self._waiting.setdefault(key, []).append(rest)
        self._rows[key] += rest.batch.frame.height
        if self._rows[key] >= GATHER_ROWS:
            self._match_together(key)
        elif self._rows.total() >= WAITING_ROWS:
            self.finish()

    def _match_together(self, key: _Key) -> None:
        rests = self._waiting.pop(key)
        del self._rows[key]
        whole = joined([rest.batch for rest in rests])
        spans = [(rest.tally.name, rest.batch.frame.height) for rest in rests]
        for rest, result in zip(rests, self._engines.match(whole, spans), strict=True):
            rest.tally.add_later(rest.turn, result)


def _rows(batches: list[Batch]) -> int:
    return sum(batch.frame.height for batch in batches)
