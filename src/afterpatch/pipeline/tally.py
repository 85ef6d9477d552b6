"""What one source gave, summed up while it is read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from afterpatch.detect.detector import MAX_HITS_PER_RULE, MatchResult
from afterpatch.detect.hit_rows import MAX_FIELD_CHARS
from afterpatch.evidence.hashing import Digest
from afterpatch.formats.format import TextReader
from afterpatch.model.batches import Piece
from afterpatch.model.hits import Hit
from afterpatch.model.hunts import Hunted
from afterpatch.model.places import Fact, Gap, Item, Notice, Source
from afterpatch.model.readings import Reading
from afterpatch.model.times import from_us
from afterpatch.pipeline.hunt_tally import HuntTally

# Full original text is kept for the first hits of a rule in a source; later ones are cut.
FULL_TEXT_HITS: Final = 50
CUT_CHARS: Final = 400


class Tally:
    """Sums up pieces and hits; :meth:`reading` closes it. ``kind`` and ``digest`` are set late.

    ``examples``: how many a sum of a hunt keeps.
    """

    def __init__(self, item: Item, examples: int = 0) -> None:
        self.item = item
        self.name = item.name
        self.kind, self.decided_by, self.digest = "unknown", "", Digest("", 0)
        self.events = 0
        self.gaps: list[Gap] = []
        self.evaluated: set[str] = set()
        self.texts: TextReader | None = None  # where the text of a hit is, if not in the hit
        self._records = self._skipped = 0
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._hits: list[Hit] = []
        self._kept: Counter[str] = Counter()
        self._overflow: Counter[str] = Counter()
        self._observed: dict[str, Counter[int]] = {}
        self._facts: list[Fact] = []
        self._notices: list[Notice] = []
        self._later: dict[int, MatchResult | None] = {}
        self._hunted = HuntTally(examples)

    def add(self, piece: Piece) -> None:
        """One block, its batches apart."""
        self._records += piece.records
        self.events += piece.events
        self._skipped += piece.skipped
        self._facts += piece.facts
        self.gaps += piece.gaps
        self._notices += piece.notices
        for log, hours in piece.observed.items():
            self._observed.setdefault(log, Counter()).update(hours)
        if piece.first_us is not None and piece.last_us is not None:
            firsts = [us for us in (self._first_us, piece.first_us) if us is not None]
            lasts = [us for us in (self._last_us, piece.last_us) if us is not None]
            self._first_us, self._last_us = min(firsts), max(lasts)

    def add_hits(self, hits: Iterable[Hit]) -> None:
        """Hits in the order of the source; beyond a limit per rule they are only counted."""
        for hit in hits:
            if self._kept[hit.rule] == MAX_HITS_PER_RULE:
                self._overflow[hit.rule] += 1
                continue
            self._kept[hit.rule] += 1
            if self._kept[hit.rule] > FULL_TEXT_HITS and len(hit.raw) > CUT_CHARS:
                hit = Hit(hit.rule, hit.time, hit.place, hit.fields, hit.raw[:CUT_CHARS] + " …")
            self._hits.append(hit)

    def add_result(self, result: MatchResult) -> None:
        """What the rules said of some of the source's events."""
        self.evaluated |= result.evaluated
        self._overflow.update(result.overflow)
        self.add_hits(result.hits)
        self.add_hunted(result.hunted)

    def add_hunted(self, hunted: Hunted) -> None:
        """What a hunt found in some of the source."""
        self._hunted.add(hunted)

    def next_turn(self) -> int:
        """Reserves a place in the order for a result that :meth:`add_later` brings."""
        turn = len(self._later)
        self._later[turn] = None
        return turn

    def add_later(self, turn: int, result: MatchResult) -> None:
        """A result for a reserved place."""
        self._later[turn] = result

    def without_text(self) -> frozenset[int]:
        """Where the texts of those hits are that are to have theirs, and have none."""
        self._settle()
        shown: Counter[str] = Counter()
        places = set()
        for hit in self._hits:
            shown[hit.rule] += 1
            if hit.at is not None and shown[hit.rule] <= FULL_TEXT_HITS:
                places.add(hit.at)
        return self._hunted.without_text().union(places)

    def add_texts(self, texts: Mapping[int, str]) -> None:
        """Texts by their places."""
        shown: Counter[str] = Counter()
        for place, hit in enumerate(self._hits):
            shown[hit.rule] += 1
            if hit.at is not None:
                text = texts.get(hit.at, "") if shown[hit.rule] <= FULL_TEXT_HITS else ""
                self._hits[place] = replace(hit, raw=text[:MAX_FIELD_CHARS], at=None)
        self._hunted.add_texts({number: text[:MAX_FIELD_CHARS] for number, text in texts.items()})

    def _settle(self) -> None:
        for result in self._later.values():
            if result is not None:
                self.add_result(result)
        self._later.clear()

    def reading(self) -> Reading:
        """The sum of all."""
        self._settle()
        return Reading(
            source=self._source(),
            hits=tuple(self._hits),
            overflow=dict(self._overflow),
            observed={log: dict(hours) for log, hours in sorted(self._observed.items())},
            facts=tuple(self._facts),
            gaps=tuple(self.gaps),
            notices=tuple(self._notices),
            evaluated=frozenset(self.evaluated),
            hunted=self._hunted.total(),
        )

    def _source(self) -> Source:
        return Source(
            item=self.item,
            sha256=self.digest.sha256,
            size_bytes=self.digest.size_bytes,
            kind=self.kind,
            decided_by=self.decided_by,
            records=self._records,
            events=self.events,
            skipped=self._skipped,
            first=None if self._first_us is None else from_us(self._first_us),
            last=None if self._last_us is None else from_us(self._last_us),
        )
