"""The unit of work: one item of evidence -> one :class:`Reading`. Any process can do it.

Bytes are read once: hashed, recognised, parsed, hunted. Whatever goes wrong with the bytes becomes
a gap in the reading; only a fault of ours raises.
"""

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from afterpatch.detect.detector import Detector
from afterpatch.evidence.hashing import Digest, HashingReader
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.formats.format import HEAD_BYTES, Format
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import Batch, Logsource, Piece
from afterpatch.model.campaigns import Campaign, Indicator, RuleText
from afterpatch.model.hits import Hit
from afterpatch.model.places import Fact, Gap, Item, Notice, Source
from afterpatch.model.readings import Reading
from afterpatch.model.times import from_us

# A web file larger than this is listed and hashed but not scanned; it is a gap, not silence.
MAX_CONTENT_BYTES = 64 << 20
# Full original text is kept for the first hits of a rule in a source; later ones are cut.
FULL_TEXT_HITS = 50
CUT_CHARS = 400
# Rows gathered before the rules look at them: each look has a price of its own.
GATHER_ROWS = 4_096


@dataclass(frozen=True, slots=True)
class Rules:
    """What to hunt with, as plain data that crosses process borders."""

    sigma: tuple[RuleText, ...]
    yara: tuple[RuleText, ...]
    indicators: tuple[Indicator, ...]
    keep: tuple[str, ...]

    @classmethod
    def of(cls, campaign: Campaign) -> "Rules":
        """Everything a campaign brings; ``keep`` are the fields its grouping keys are read from."""
        return cls(
            sigma=tuple(rule for rule in campaign.rules if rule.language == "sigma"),
            yara=tuple(rule for rule in campaign.rules if rule.language == "yara"),
            indicators=campaign.indicators,
            keep=tuple(sorted({field for key in campaign.keys for field in key.fields})),
        )

    def build(self) -> Detector:
        """Compile for this process."""
        return Detector.build(self.sigma, self.yara, self.indicators, self.keep)


class _Tally:
    """Sums up the pieces of one source."""

    def __init__(self) -> None:
        self.records = self.events = self.skipped = 0
        self.first_us: int | None = None
        self.last_us: int | None = None
        self.hits: list[Hit] = []
        self.kept: Counter[str] = Counter()
        self.overflow: Counter[str] = Counter()
        self.observed: dict[str, Counter[int]] = {}
        self.facts: list[Fact] = []
        self.gaps: list[Gap] = []
        self.notices: list[Notice] = []
        self.evaluated: set[str] = set()

    def add(self, piece: Piece) -> None:
        self.records += piece.records
        self.events += piece.events
        self.skipped += piece.skipped
        self.facts += piece.facts
        self.gaps += piece.gaps
        self.notices += piece.notices
        for log, hours in piece.observed.items():
            self.observed.setdefault(log, Counter()).update(hours)
        if piece.first_us is not None and piece.last_us is not None:
            firsts = [us for us in (self.first_us, piece.first_us) if us is not None]
            lasts = [us for us in (self.last_us, piece.last_us) if us is not None]
            self.first_us, self.last_us = min(firsts), max(lasts)

    def add_hits(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            self.kept[hit.rule] += 1
            if self.kept[hit.rule] > FULL_TEXT_HITS and len(hit.raw) > CUT_CHARS:
                hit = Hit(hit.rule, hit.time, hit.place, hit.fields, hit.raw[:CUT_CHARS] + " …")
            self.hits.append(hit)


def read_unit(item: Item, detector: Detector, scratch: Path) -> Reading:
    """Read one item and hunt through it. Never raises for content."""
    tally = _Tally()
    known: Format | None = None
    decided_by, digest = "", Digest("", 0)
    try:
        with open_item(item, scratch) as plain:
            stream = HashingReader(plain)
            try:
                known, decided_by = recognise(stream.peek(HEAD_BYTES), item)
                if known:
                    _read_known(stream, known, item, detector, tally, scratch)
                digest = stream.finish()
            except Unreadable as error:
                digest = stream.so_far()
                tally.gaps.append(Gap(item.name, "file", str(error)))
    except Unreadable as error:
        tally.gaps.append(Gap(item.name, "file", str(error)))
        decided_by = "unreadable"
    kind = known.kind if known else "unreadable" if tally.gaps else "unknown"
    return _reading(item, kind, decided_by, digest, tally)


def _read_known(
    stream: HashingReader,
    known: Format,
    item: Item,
    detector: Detector,
    tally: _Tally,
    scratch: Path,
) -> None:
    if known.content:
        _read_content(stream, known, item, detector, tally)
    elif known.seekable:
        with open_item(item, scratch, seekable=True) as seekable:
            _read_pieces(seekable, known, item, detector, tally)
    else:
        _read_pieces(stream, known, item, detector, tally)


def _read_pieces(
    stream: BinaryIO, known: Format, item: Item, detector: Detector, tally: _Tally
) -> None:
    wanted = detector.wanted(known.prefilter) if known.prefilter else None
    for batch in _gathered(_batches(known.read(stream, item, wanted), tally)):
        result = detector.match(batch, item.name)
        tally.evaluated |= result.evaluated
        tally.overflow.update(result.overflow)
        tally.add_hits(result.hits)
    if tally.events and known.logsource:
        # Lines that the prefilter passed over were evaluated too, by its proof of no match.
        tally.evaluated |= detector.applicable(known.logsource)


def _batches(pieces: Iterable[Piece], tally: _Tally) -> Iterator[Batch]:
    for piece in pieces:
        tally.add(piece)
        yield from piece.batches


def _gathered(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Batches of like columns put together: a prefilter leaves few rows in each block.

    Evidence that breaks off ends the gathering; what was gathered is still handed out.
    """
    waiting: dict[tuple[Logsource, tuple[str, ...]], list[Batch]] = {}
    broken: Unreadable | None = None
    try:
        for batch in batches:
            key = (batch.logsource, tuple(batch.frame.columns))
            same = waiting.setdefault(key, [])
            same.append(batch)
            if sum(part.frame.height for part in same) >= GATHER_ROWS:
                yield _joined(waiting.pop(key))
    except Unreadable as error:
        broken = error
    for same in waiting.values():
        yield _joined(same)
    if broken:
        raise broken


def _joined(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(batches[0].logsource, pl.concat([batch.frame for batch in batches]))


def _read_content(
    stream: HashingReader, known: Format, item: Item, detector: Detector, tally: _Tally
) -> None:
    """A web file: its listing row goes through the rules, its bytes through YARA and hash lists."""
    data = stream.read(MAX_CONTENT_BYTES)
    _read_pieces(io.BytesIO(data), known, item, detector, tally)
    if stream.read(1):
        reason = f"larger than {MAX_CONTENT_BYTES >> 20} MiB: only its beginning was scanned"
        tally.gaps.append(Gap(item.name, "file", reason))
    sha256 = hashlib.sha256(data).hexdigest()
    fields = {"TargetFilename": item.origin}
    tally.add_hits(detector.match_content(data, sha256, item.name, fields, item.modified))
    tally.gaps += detector.take_gaps()
    tally.evaluated |= detector.content_rules


def _reading(item: Item, kind: str, decided_by: str, digest: Digest, tally: _Tally) -> Reading:
    source = Source(
        item=item,
        sha256=digest.sha256,
        size_bytes=digest.size_bytes,
        kind=kind,
        decided_by=decided_by,
        records=tally.records,
        events=tally.events,
        skipped=tally.skipped,
        first=None if tally.first_us is None else from_us(tally.first_us),
        last=None if tally.last_us is None else from_us(tally.last_us),
    )
    return Reading(
        source=source,
        hits=tuple(tally.hits),
        overflow=dict(tally.overflow),
        observed={log: dict(hours) for log, hours in sorted(tally.observed.items())},
        facts=tuple(tally.facts),
        gaps=tuple(tally.gaps),
        notices=tuple(tally.notices),
        evaluated=frozenset(tally.evaluated),
    )
