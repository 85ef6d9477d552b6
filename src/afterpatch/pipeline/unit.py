"""The unit of work: some items of evidence -> one :class:`Reading` each. Any process can do it.

Bytes are read once: hashed, recognised, parsed, hunted. Whatever goes wrong with the bytes becomes
a gap in the reading; only a fault of ours raises.
"""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from afterpatch.detect.detector import Detector
from afterpatch.evidence.hashing import HashingReader
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.formats.format import HEAD_BYTES, Format
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import Batch, Declared, Piece, Wanted
from afterpatch.model.campaigns import Campaign, Indicator, RuleText
from afterpatch.model.places import Gap, Item
from afterpatch.model.readings import Reading
from afterpatch.pipeline.gather import Gatherer
from afterpatch.pipeline.tally import Tally

# A web file larger than this is listed and hashed but not scanned; it is a gap, not silence.
MAX_CONTENT_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Rules:
    """What to hunt with, as plain data that crosses process borders."""

    sigma: tuple[RuleText, ...]
    yara: tuple[RuleText, ...]
    indicators: tuple[Indicator, ...]
    keep: tuple[str, ...]
    decoder: str = ""

    @classmethod
    def of(cls, campaign: Campaign) -> "Rules":
        """Everything a campaign brings; ``keep`` are the fields its grouping keys are read from."""
        return cls(
            sigma=tuple(rule for rule in campaign.rules if rule.language == "sigma"),
            yara=tuple(rule for rule in campaign.rules if rule.language == "yara"),
            indicators=campaign.indicators,
            keep=tuple(sorted({field for key in campaign.keys for field in key.fields})),
            decoder=campaign.decoder,
        )

    def build(self) -> Detector:
        """Compile for this process."""
        return Detector.build(self.sigma, self.yara, self.indicators, self.keep, self.decoder)


def read_units(items: Sequence[Item], detector: Detector, scratch: Path) -> list[Reading]:
    """Read some items and hunt through them; a reading per item, in order.

    Never raises for content. Which items are read together does not change a reading.
    """
    gatherer = Gatherer(detector)
    unit = _Unit(detector, gatherer, scratch)
    tallies = [Tally(item) for item in items]
    for tally in tallies:
        unit.read(tally)
    gatherer.finish()
    return [tally.reading() for tally in tallies]


@dataclass(frozen=True, slots=True)
class _Unit:
    """Reads one item after the other."""

    detector: Detector
    gatherer: Gatherer
    scratch: Path

    def read(self, tally: Tally) -> None:
        item = tally.item
        try:
            with open_item(item, self.scratch) as plain:
                self._read_stream(HashingReader(plain), tally)
        except Unreadable as error:
            tally.gaps.append(Gap(item.name, "file", str(error)))
            tally.kind, tally.decided_by = "unreadable", "unreadable"

    def _read_stream(self, stream: HashingReader, tally: Tally) -> None:
        item = tally.item
        known: Format | None = None
        try:
            head = stream.peek(HEAD_BYTES)
            known, tally.decided_by = recognise(head, item)
            if known:
                self._read_known(stream, known, tally, _declared(known, head, item))
            tally.digest = stream.finish()
        except Unreadable as error:
            tally.digest = stream.so_far()
            tally.gaps.append(Gap(item.name, "file", str(error)))
        tally.kind = known.kind if known else "unreadable" if tally.gaps else "unknown"

    def _read_known(
        self, stream: HashingReader, known: Format, tally: Tally, declared: Declared | None
    ) -> None:
        if known.content:
            self._read_content(stream, known, tally)
        elif known.seekable:
            with open_item(tally.item, self.scratch, seekable=True) as seekable:
                self._read_pieces(seekable, known, tally, declared)
        else:
            self._read_pieces(stream, known, tally, declared)

    def _read_pieces(
        self, stream: BinaryIO, known: Format, tally: Tally, declared: Declared | None
    ) -> None:
        pieces = known.read(stream, tally.item, self._wanted(known, declared))
        self.gatherer.match(_batches(pieces, tally), tally)
        if tally.events and declared:
            # Lines that the prefilter passed over were evaluated too, by its proof of no match.
            tally.evaluated |= self.detector.applicable(declared.logsource)

    def _wanted(self, known: Format, declared: Declared | None) -> Wanted | None:
        if known.prefilter == "logsource":
            return self.detector.wanted_of(declared, known.spelling) if declared else None
        return self.detector.wanted(known.prefilter) if known.prefilter else None

    def _read_content(self, stream: HashingReader, known: Format, tally: Tally) -> None:
        """A web file: its listing row goes through the rules, its bytes through YARA and hashes."""
        item, detector = tally.item, self.detector
        data = stream.read(MAX_CONTENT_BYTES)
        self._read_pieces(io.BytesIO(data), known, tally, None)
        if stream.read(1):
            reason = f"larger than {MAX_CONTENT_BYTES >> 20} MiB: only its beginning was scanned"
            tally.gaps.append(Gap(item.name, "file", reason))
        sha256 = hashlib.sha256(data).hexdigest()
        fields = {"TargetFilename": item.origin}
        tally.add_hits(detector.match_content(data, sha256, item.name, fields, item.modified))
        tally.gaps += detector.take_gaps()
        tally.evaluated |= detector.content_rules


def _declared(known: Format, head: bytes, item: Item) -> Declared | None:
    """What the source's header says it holds; else what the format always is."""
    if known.declared:
        return known.declared(head, item)
    return Declared(known.logsource) if known.logsource else None


def _batches(pieces: Iterable[Piece], tally: Tally) -> Iterator[Batch]:
    for piece in pieces:
        tally.add(piece)
        yield from piece.batches
