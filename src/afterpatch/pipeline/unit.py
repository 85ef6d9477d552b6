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
from afterpatch.detect.hunter import Hunter
from afterpatch.evidence.hashing import HashingReader
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.formats.format import HEAD_BYTES, Format
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import MAX_RAW_CHARS, Batch, Declared, Piece, Wanted
from afterpatch.model.campaigns import Campaign, Indicator, RuleText
from afterpatch.model.hunts import Hunted
from afterpatch.model.places import Gap, Item
from afterpatch.model.readings import Reading
from afterpatch.pipeline.engines import Engines, HuntRules
from afterpatch.pipeline.gather import Gatherer
from afterpatch.pipeline.tally import Tally

# A web file larger than this is listed and hashed but not scanned; it is a gap, not silence.
MAX_CONTENT_BYTES: Final = 64 << 20
_STEP_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Rules:
    """What to hunt with, as plain data that crosses process borders.

    cache  where parsed rules are kept from run to run; workers take them from there.
    """

    sigma: tuple[RuleText, ...]
    yara: tuple[RuleText, ...]
    indicators: tuple[Indicator, ...]
    keep: tuple[str, ...]
    hunt: HuntRules | None = None
    decoder: str = ""
    cache: Path | None = None

    @classmethod
    def of(
        cls, campaign: Campaign, hunt: HuntRules | None = None, cache: Path | None = None
    ) -> "Rules":
        """Everything a campaign brings; ``keep`` are the fields its grouping keys are read from."""
        return cls(
            sigma=tuple(rule for rule in campaign.rules if rule.language == "sigma"),
            yara=tuple(rule for rule in campaign.rules if rule.language == "yara"),
            indicators=campaign.indicators,
            keep=tuple(sorted({field for key in campaign.keys for field in key.fields})),
            hunt=hunt,
            decoder=campaign.decoder,
            cache=cache,
        )

    def build(self) -> Engines:
        """Compile for this process."""
        campaign = Detector.build(
            self.sigma,
            self.yara,
            self.indicators,
            self.keep,
            decoder=self.decoder,
            cache=self.cache,
        )
        return Engines(campaign, self.hunt.build(self.cache) if self.hunt else None)


def read_units(items: Sequence[Item], engines: Engines, scratch: Path) -> list[Reading]:
    """Read some items and hunt through them; a reading per item, in order.

    Never raises for content. Which items are read together does not change a reading.
    """
    gatherer = Gatherer(engines)
    unit = _Unit(engines, gatherer, scratch)
    tallies = [Tally(item, engines.examples) for item in items]
    for tally in tallies:
        unit.read(tally)
    gatherer.finish()
    for tally in tallies:
        unit.add_texts(tally)
    return [tally.reading() for tally in tallies]


@dataclass(frozen=True, slots=True)
class _Unit:
    """Reads one item after the other."""

    engines: Engines
    gatherer: Gatherer
    scratch: Path

    def read(self, tally: Tally) -> None:
        item, hunter = tally.item, self.engines.hunter
        # A file that YARA scans anyway is read once, if it is whole and small enough.
        data, fault = self._content(item) if hunter and hunter.scans else (None, "")
        try:
            if data is not None:
                self._read_stream(HashingReader(io.BytesIO(data)), tally)
            else:
                with open_item(item, self.scratch) as plain:
                    self._read_stream(HashingReader(plain), tally)
            if hunter and hunter.reads_content:
                self._hunt_content(hunter, tally, data, fault)
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
        tally.texts = known.texts
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
        if known.read_columns:
            pieces = known.read_columns(stream, tally.item, self.engines.columns_wanted)
        else:
            pieces = known.read(stream, tally.item, self._wanted(known, declared))
        self.gatherer.match(_batches(pieces, tally), tally)
        if tally.events and declared:
            # Lines that the prefilter passed over were evaluated too, by its proof of no match.
            tally.add_result(self.engines.applicable(declared.logsource))

    def _wanted(self, known: Format, declared: Declared | None) -> Wanted | None:
        if known.prefilter == "logsource":
            return self.engines.wanted_of(declared, known.spelling) if declared else None
        return self.engines.wanted(known.prefilter) if known.prefilter else None

    def add_texts(self, tally: Tally) -> None:
        """Read again the records of hits whose text their format gives only on demand."""
        places = tally.without_text()
        if tally.texts is None or not places:
            return
        try:
            with open_item(tally.item, self.scratch) as stream:
                found = tally.texts(stream, tally.item, places)
                tally.add_texts({place: text[:MAX_RAW_CHARS] for place, text in found})
        except Unreadable as error:
            reason = f"could not be read a second time, for the text of hits: {error}"
            tally.gaps.append(Gap(tally.name, "file", reason))

    def _read_content(self, stream: HashingReader, known: Format, tally: Tally) -> None:
        """A web file: its listing row goes through the rules, its bytes through YARA and hashes."""
        item, detector = tally.item, self.engines.campaign
        data = stream.read(MAX_CONTENT_BYTES)
        self._read_pieces(io.BytesIO(data), known, tally, None)
        if stream.read(1):
            reason = f"larger than {MAX_CONTENT_BYTES >> 20} MiB: only its beginning was scanned"
            tally.gaps.append(Gap(item.name, "file", reason))
        sha256 = hashlib.sha256(data).hexdigest()
        fields = {"TargetFilename": item.origin}
        found = detector.content.match(data, sha256, item.name, fields, item.modified)
        tally.add_hits(found)
        tally.gaps += detector.content.take_gaps()
        tally.evaluated |= detector.content_rules

    def _hunt_content(self, hunter: Hunter, tally: Tally, data: bytes | None, fault: str) -> None:
        """Any file at all: the user's YARA rules over its bytes, known hashes against its own.

        ``fault``: why there is no data, where there should be some.
        """
        item = tally.item
        if fault:
            gap = Gap(item.name, "file", f"not scanned with YARA: {fault}")
            tally.add_hunted(Hunted(gaps=(gap,)))
        fields = {"TargetFilename": item.origin}
        sha256 = tally.digest.sha256
        tally.add_hunted(hunter.match_content(data, sha256, item.name, fields, item.modified))

    def _content(self, item: Item) -> tuple[bytes | None, str]:
        """All bytes of a file, or why there are none."""
        try:
            with open_item(item, self.scratch) as plain:
                data = _whole(plain, item.size_bytes)
        except Unreadable as error:
            return None, str(error)
        if len(data) > MAX_CONTENT_BYTES:
            return None, f"larger than {MAX_CONTENT_BYTES >> 20} MiB"
        return data, ""


def _whole(stream: BinaryIO, expected_bytes: int) -> bytes:
    """Everything, or more than ``MAX_CONTENT_BYTES``. Raises Unreadable.

    Read until nothing comes: what is damaged gives what is good first, and only then raises.
    expected_bytes  room is made for so many at first; it may be wrong.
    """
    parts: list[bytes] = []
    left, step = MAX_CONTENT_BYTES + 1, max(expected_bytes, 0) + 1
    while left and (data := stream.read(min(left, step))):
        parts.append(data)
        left -= len(data)
        step = _STEP_BYTES
    return b"".join(parts)


def _declared(known: Format, head: bytes, item: Item) -> Declared | None:
    """What the source's header says it holds; else what the format always is."""
    if known.declared:
        return known.declared(head, item)
    return Declared(known.logsource) if known.logsource else None


def _batches(pieces: Iterable[Piece], tally: Tally) -> Iterator[Batch]:
    for piece in pieces:
        tally.add(piece)
        yield from piece.batches
