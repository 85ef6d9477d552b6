"""What a user of this folder holds: give it frames, ask it for a ranking.

Enters: neutral frames, in any order and from any number of sources. Leaves: a :class:`Ranking`.
Memory: one part of a spool (see :mod:`spool`), and the candidates (see :mod:`ranking`).
"""

from pathlib import Path

import polars as pl

from afterpatch.detect.network.alerts import Ranking
from afterpatch.detect.network.intake import flow_rows, query_rows
from afterpatch.detect.network.ranking import Ranker, Settings, Taken
from afterpatch.detect.network.spool import HELD_ROWS, Spool


class Watch:
    """Takes frames one after the other, then ranks. ``folder`` must be empty and private."""

    def __init__(self, folder: Path, settings: Settings, held_rows: int = HELD_ROWS) -> None:
        self._settings = settings
        self._taken = Taken(Spool(folder, "src", held_rows), Spool(folder, "zone", held_rows))

    def add_flows(self, frame: pl.DataFrame, source: str) -> None:
        """Connections of one source, see :data:`frames.FLOWS`."""
        rows = flow_rows(frame, self._number(source))
        self._take("flows", self._taken.flows, frame, rows)

    def add_dns(self, frame: pl.DataFrame, source: str) -> None:
        """DNS queries of one source, see :data:`frames.DNS`."""
        rows = query_rows(frame, self._number(source))
        self._take("queries", self._taken.queries, frame, rows)

    def rank(self) -> Ranking:
        """Everything taken so far, ranked. Needs no network and no clock."""
        return Ranker(self._taken, self._settings).ranking()

    def _take(self, name: str, spool: Spool, frame: pl.DataFrame, rows: pl.DataFrame) -> None:
        taken = self._taken
        taken.read[name] += frame.height
        taken.left_out[f"{name} without a time, a host or a target"] += frame.height - rows.height
        taken.hours.add(rows["time"])
        spool.add(rows)

    def _number(self, source: str) -> int:
        sources = self._taken.sources
        if not sources or sources[-1] != source:
            sources.append(source)
        return len(sources) - 1
