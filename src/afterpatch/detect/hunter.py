"""A hunt through batches and files: matches summed up per rule, never a list of all hits.

Enters: a detector, suppressions, batches and file contents. Leaves: for each source an exact count
per rule with first, last and a few examples, so that memory does not grow with the number of
matches. Hits of rules that correlations read are handed on, up to a limit, because those are
evaluated over whole hosts. What was asked is told by rule, and for indicators, of which there may
be a million, by type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np

from afterpatch.detect.detector import MAX_HITS_PER_RULE, Detector
from afterpatch.detect.excuses import Excuses
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.model.batches import RECORD, TIME, Batch, ColumnsWanted
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.hunts import Excused, HitSum, Hunted, SumKey, Suppression
from afterpatch.model.times import from_us

MAX_FEED_RAW_CHARS: Final = 400
_NO_TIME: Final = np.iinfo(np.int64).max


class Hunter:
    """``examples``: how many a sum keeps. ``detector`` holds the rules that are hunted with."""

    def __init__(
        self, detector: Detector, suppressions: Sequence[Suppression], examples: int
    ) -> None:
        self.detector = detector
        self.examples = examples
        self._excuses = Excuses(suppressions)
        self._infos = {info.id: info for info in detector.infos}

    def match(
        self, batch: Batch, spans: Sequence[tuple[str, int]], columns: Columns | None = None
    ) -> tuple[Hunted, ...]:
        """One result per span (``Item.name``, number of rows), as :meth:`Detector.match`."""
        ends = np.cumsum([rows for _, rows in spans])
        sums: list[dict[SumKey, HitSum]] = [{} for _ in spans]
        feeding: list[list[Hit]] = [[] for _ in spans]
        overflow: list[dict[str, int]] = [{} for _ in spans]
        order = _numbers(batch, TIME, _NO_TIME), _numbers(batch, RECORD, 0)
        for info, rows in self.detector.matches(batch, columns):
            if info.id in self.detector.feeding:
                for at, part in _parts(rows, ends):
                    feeding[at] += self._feed(info, part[:MAX_HITS_PER_RULE], batch, spans[at][0])
                    if len(part) > MAX_HITS_PER_RULE:
                        overflow[at][info.id] = len(part) - MAX_HITS_PER_RULE
            if info.id not in self.detector.silent:
                for excused, some in self._excuses.split(info, batch, rows):
                    for at, part in _parts(some, ends):
                        found = self._sum(info, part, batch, spans[at][0], order)
                        sums[at][info.id, excused] = found
        evaluated = self.detector.rules.of_batch(batch)
        return tuple(
            Hunted(*parts, evaluated)
            for parts in zip(sums, map(tuple, feeding), overflow, strict=True)
        )

    @property
    def columns_wanted(self) -> ColumnsWanted | None:
        """As the detector's; None = all, because suppressions by fields may ask for any of them."""
        return None if self._excuses.by_fields else self.detector.columns_wanted

    @cached_property
    def reads_content(self) -> bool:
        """Whether some rule asks for the bytes of files."""
        return bool(self.detector.content_rules)

    @cached_property
    def scans(self) -> bool:
        """Whether there is a YARA rule."""
        return bool(self._scanning)

    @cached_property
    def _scanning(self) -> frozenset[str]:
        return frozenset(info.id for info in self._infos.values() if info.engine == "yara")

    def match_content(
        self,
        data: bytes | None,
        sha256: str,
        item_name: str,
        fields: Mapping[str, str],
        time: datetime | None,
    ) -> Hunted:
        """YARA rules and hashes on one file; ``data`` None = too large, its hash alone counts."""
        sums: dict[SumKey, HitSum] = {}
        for hit in self.detector.content.match(data, sha256, item_name, fields, time):
            excused = self.excused(hit)
            sums[hit.rule, excused] = HitSum(1, hit.time, hit.time, (hit,))
        asked = self.detector.content_rules
        if data is None:
            asked -= self._scanning
        return Hunted(sums=sums, evaluated=asked, gaps=self.detector.content.take_gaps())

    def excused(self, hit: Hit) -> Excused:
        """What excuses a hit on a file or of a correlation, as far as its fields tell."""
        return self._excuses.of(self._infos[hit.rule], hit.fields)

    def _feed(self, info: RuleInfo, rows: Indexes, batch: Batch, source: str) -> list[Hit]:
        hits = self.detector.hits(info, rows, batch, source)
        return [replace(hit, raw=hit.raw[:MAX_FEED_RAW_CHARS]) for hit in hits]

    def _sum(
        self,
        info: RuleInfo,
        rows: Indexes,
        batch: Batch,
        source: str,
        order: tuple[Indexes, Indexes],
    ) -> HitSum:
        """``order``: time and record of every row of the batch."""
        times, records = (numbers[rows] for numbers in order)
        known = times[times != _NO_TIME]
        earliest = np.lexsort((records, times))[: self.examples]
        shown = self.detector.rules.tested_fields(info.id)
        return HitSum(
            count=len(rows),
            first=_bound(known, np.min),
            last=_bound(known, np.max),
            examples=tuple(self.detector.hits(info, rows[earliest], batch, source, shown)),
        )


def _parts(rows: Indexes, ends: Indexes) -> list[tuple[int, Indexes]]:
    """(number of the span, its rows), for the spans that have any."""
    parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
    return [(at, part) for at, part in enumerate(parts) if len(part)]


def _numbers(batch: Batch, name: str, default: int) -> Indexes:
    if name not in batch.frame.columns:
        return np.full(batch.frame.height, default, np.int64)
    numbers: Indexes = batch.frame.get_column(name).fill_null(default).to_numpy()
    return numbers


def _bound(times: Indexes, choose: Callable[[Indexes], np.int64]) -> datetime | None:
    try:
        return from_us(int(choose(times))) if len(times) else None
    except OverflowError:  # a clock far outside the calendar; the record is counted all the same
        return None
