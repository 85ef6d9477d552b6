"""Network logs in, a ranking out: finds, opens, reads and counts; the detectors do the rest."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from afterpatch.detect.network.alerts import Ranking
from afterpatch.detect.network.native import neutral_rows
from afterpatch.detect.network.ranking import Settings
from afterpatch.detect.network.watch import Watch
from afterpatch.evidence.discover import discover
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.formats.format import HEAD_BYTES
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.registry import recognise
from afterpatch.model.places import Gap, Item
from afterpatch.pipeline.run import Watcher

_SPOOL: Final = "network-spool"


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """The ranking, and what was not read; ``unknown``: names of sources no format knows."""

    ranking: Ranking
    gaps: tuple[Gap, ...]
    unknown: tuple[str, ...]


def rank_paths(
    paths: Sequence[str], settings: Settings, watcher: Watcher | None = None
) -> NetworkRun:
    """Read every network log below the paths and rank. Raises UsageError for a missing path."""
    told = watcher or Watcher()
    with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
        scratch = Path(folder)
        spool = scratch / _SPOOL
        spool.mkdir()
        discovery = discover(paths, scratch, on_progress=told.looking)
        told.found(discovery.items)
        reader = _Reader(Watch(spool, settings), scratch)
        for item in discovery.items:
            reader.read(item)
            told.read((item,))
        return reader.finish(discovery.gaps)


class _Reader:
    """Reads one item after the other into a watch."""

    def __init__(self, watch: Watch, scratch: Path) -> None:
        self._watch = watch
        self._scratch = scratch
        self._gaps: list[Gap] = []
        self._unknown: list[str] = []
        self._read: Counter[str] = Counter(sources=0, records=0)
        self._others = 0

    def read(self, item: Item) -> None:
        """All rows of one item; whatever goes wrong with its bytes becomes a gap."""
        try:
            with open_item(item, self._scratch) as plain:
                head = Peeked(plain).head[:HEAD_BYTES]
            known, _ = recognise(head, item)
            if known is None:
                self._unknown.append(item.name)
            elif not known.content:
                with open_item(item, self._scratch, seekable=known.seekable) as stream:
                    self._read["sources"] += 1
                    for piece in known.read(stream, item, None):
                        self._gaps += piece.gaps
                        self._read["records"] += piece.records
                        for batch in piece.batches:
                            rows = neutral_rows(batch)
                            self._others += rows.others
                            self._watch.add_flows(rows.flows, item.name)
                            self._watch.add_dns(rows.dns, item.name)
        except Unreadable as error:
            self._gaps.append(Gap(item.name, "file", str(error)))

    def finish(self, gaps: Sequence[Gap]) -> NetworkRun:
        ranking = self._watch.rank()
        left_out = {**ranking.left_out, "records that are no connection or query": self._others}
        ranking = replace(
            ranking,
            looked_at={**self._read, **ranking.looked_at},
            left_out={why: count for why, count in sorted(left_out.items()) if count},
        )
        return NetworkRun(
            ranking, tuple(sorted((*gaps, *self._gaps))), tuple(sorted(self._unknown))
        )
