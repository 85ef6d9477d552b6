"""DNS logs in, sightings of SUNBURST's names out: finds, opens, reads and counts.

A log of a known DNS format is read as that, behind a scan of its raw text for the zone's name;
anything else is read line by line (:mod:`afterpatch.detect.sunburst.observations`).
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

from afterpatch.detect.sunburst.hosts import Sighting
from afterpatch.detect.sunburst.observations import Observed, observe_stream
from afterpatch.detect.sunburst.requests import SCREEN_WORDS, Request, requests
from afterpatch.detect.sunburst.rows import ZONE_WORD, is_dns, sightings
from afterpatch.detect.text_prefilter import TextPrefilter
from afterpatch.evidence.discover import discover
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.formats.format import HEAD_BYTES, Format
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import Logsource, Piece
from afterpatch.model.network import native
from afterpatch.model.places import Item

# Formats whose head does not tell whether they hold look-ups: they are read whole.
_MIXED: Final = ("evtx", "pcap", "suricata-eve", "windows-json")
# Formats whose events are no look-ups, but may speak of names: they are read line by line.
_TEXTS: Final = ("cloud-audit",)
_ESCAPES: Final = rb"\\u00[4-7]"  # JSON may spell any letter so
_WORDS: Final = (ZONE_WORD, *SCREEN_WORDS)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Survey:
    """``sightings`` each once, in order of appearance; ``notes``: what was not read, and where.

    days  with a record of look-ups in a log of a known format. A list of names or passive DNS is a
          sample, so its days do not count.
    """

    sightings: tuple[Sighting, ...]
    requests: tuple[Request, ...]
    days: frozenset[date]
    unread: int
    notes: tuple[str, ...]


def survey(paths: Sequence[str], stdin: BinaryIO) -> Survey:
    """Read everything below the paths; ``-`` is ``stdin``. Raises UsageError for a missing path."""
    reader = _Reader()
    if _STDIN in paths:
        reader.count("standard input", observe_stream(stdin))
    files = [path for path in paths if path != _STDIN]
    if files:
        with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
            scratch = Path(folder)
            discovery = discover(files, scratch)
            for item in discovery.items:
                reader.read(item, scratch)
            for gap in discovery.gaps:
                reader.lose(gap.source, gap.reason)
    return Survey(
        tuple(reader.found),
        tuple(reader.requests),
        frozenset(reader.days),
        reader.unread,
        tuple(reader.notes),
    )


class _Reader:
    """Gathers what one item after the other holds."""

    def __init__(self) -> None:
        self.found: dict[Sighting, None] = {}
        self.requests: dict[Request, None] = {}
        self.days: set[date] = set()
        self.unread = 0
        self.notes: list[str] = []
        self._wanted = TextPrefilter([*(re.escape(word).encode() for word in _WORDS), _ESCAPES])

    def read(self, item: Item, scratch: Path) -> None:
        """All of one item; what is wrong with its bytes is counted."""
        try:
            with open_item(item, scratch) as plain:
                head = Peeked(plain).head[:HEAD_BYTES]
            known = _known(head, item)
            if known and not _useful(known):
                self.notes.append(f"{item.name}: {known.kind}, holds no look-ups and no requests")
                return
            with open_item(item, scratch, seekable=bool(known and known.seekable)) as stream:
                self.count(
                    item.name, self._log(stream, item, known) if known else observe_stream(stream)
                )
        except Unreadable as error:
            self.lose(item.name, str(error))

    def count(self, name: str, parts: Iterator[Observed]) -> None:
        others = unread = 0
        for part in parts:
            self.found.update(dict.fromkeys(part.sightings))
            self.requests.update(dict.fromkeys(part.requests))
            others += part.others
            unread += part.unread
        self.unread += unread
        if unread or others:
            self.notes.append(f"{name}: {unread} lines not read, {others} about other names")

    def lose(self, name: str, reason: str) -> None:
        self.unread += 1
        self.notes.append(f"{name}: {reason}")

    def _log(self, stream: BinaryIO, item: Item, known: Format) -> Iterator[Observed]:
        wanted = self._wanted if known.prefilter else None
        for piece in known.read(stream, item, wanted):
            rows = [row for batch in piece.batches for row in sightings(batch)]
            made = [row for batch in piece.batches for row in requests(batch)]
            self.days.update(_days(piece))
            lost = sum(max(gap.records, 1) for gap in piece.gaps)
            yield Observed(tuple(rows), piece.events - len(rows) - len(made), lost, tuple(made))


def _days(piece: Piece) -> Iterator[date]:
    """Days on which a log of look-ups has records."""
    for log, hours in piece.observed.items():
        if "dns" in log:
            for day in {hour // 24 for hour in hours}:
                yield (EPOCH + timedelta(days=day)).date()


def _known(head: bytes, item: Item) -> Format | None:
    """The log format of an item; None: it is read line by line."""
    known, _ = recognise(head, item)
    if known is None or known.kind in _TEXTS:
        return None
    if known.declared:
        declared = known.declared(head, item)
        known = replace(known, logsource=declared.logsource if declared else None)
    return known if known.kind in _MIXED or known.content or known.logsource else None


def _useful(known: Format) -> bool:
    return known.kind in _MIXED or bool(known.logsource and _tells(known.logsource))


def _tells(logsource: Logsource) -> bool:
    """Whether a log's rows are look-ups or requests."""
    return is_dns(logsource) or bool(native(logsource, "uri"))
