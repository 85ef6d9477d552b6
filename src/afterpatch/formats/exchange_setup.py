r"""Exchange setup log (``C:\ExchangeSetupLogs\ExchangeSetup.log``).

Enters: lines ``[03/03/2021 12:34:56.0123] [0] text``; a line without that head belongs to the
record before it. Leaves: one event per record with columns Level and Message, and facts: which
build an installation finished with, and when.
It will not date security updates: those are installed by Windows Installer and write nothing here.

The four digits after the second are milliseconds, padded (no published log shows 1000 or more).
The date's separator follows the server's language (``/``, ``.`` or ``-``), its order does not.
Times are taken as UTC: the log names the server's own zone in words, which facts carry along.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple

import polars as pl

from afterpatch.formats.dated_facts import build_number
from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.table_reader import UNENDED
from afterpatch.formats.text_blocks import BLOCK_BYTES, Block, LongLine, head_text, read_blocks
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    RAW,
    RECORD,
    TIME,
    Batch,
    Logsource,
    Piece,
    Wanted,
)
from afterpatch.model.places import Fact, Item, Place
from afterpatch.model.times import HOUR_US, from_us, to_us

LOGSOURCE: Final = Logsource("", "exchange", "setup")
LOG: Final = "exchange-setup"
MAX_RECORD_CHARS: Final = 1 << 20

_HEAD = re.compile(
    r"\[(\d\d)[/.-](\d\d)[/.-](\d{4}) (\d\d):(\d\d):(\d\d)\.0?(\d{3})\] \[(\d{1,3})\] ?(.*)"
)
_FILE_NAME = re.compile(r"/ExchangeSetup\.log$", re.IGNORECASE)

_VERSION = re.compile(r"Setup version: ([\d.]+?)\.?\s*$")
_LOCAL_VERSION = re.compile(r"The locally installed version is ([\d.]+?)\.?\s*$")
_COMMAND = re.compile(r"was started with the following command: '(.*)'")
_MODE = re.compile(r"The installation mode is set to: '(\w+)'")
_SERVER = re.compile(r"Server Name=([\w.-]+)\s*$")
_ZONE = re.compile(r"Local time zone: (.*?)\.?\s*$", re.IGNORECASE)
_SUCCESS: Final = "The Exchange Server setup operation completed successfully"
# These runs change Active Directory or remove the product; they print the same success line.
_INSTALLS_NOTHING = re.compile(r"/(?:prepare|p\b|ps\b|pd\b|pad\b|mode:uninstall|m:uninstall)", re.I)


class _Record(NamedTuple):
    line: int
    time_us: int | None
    level: str
    lines: list[str]


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block; every event is in a batch, ``wanted`` is not asked.

    Shape:   Level, Message (with its continuation lines). Units: time UTC.
    Facts:   exchange.installed, exchange.build (locally installed version), host.name.
    Gaps:    text before the first record, a time that does not exist, lines or records too long, a
             last line without line end. Content never raises.
    Source:  published ExchangeSetup.log excerpts; Microsoft CSS-Exchange SetupLogReviewer.
    """
    reader = _Reader(item)
    for part in read_blocks(stream, block_bytes):
        yield reader.read_part(part)
    yield reader.finish()


class _Reader:
    """The record being put together, and what the current setup run has said so far."""

    def __init__(self, item: Item) -> None:
        self.source = item.name
        self.gaps = GapRuns(item.name)
        self.open: _Record | None = None
        self.open_chars = 0
        self.done: list[_Record] = []
        self.facts: list[Fact] = []
        self.skipped = 0
        self.run: dict[str, str] = {}

    def read_part(self, part: Block | LongLine) -> Piece:
        """Read a block of lines."""
        if isinstance(part, LongLine):
            self.gaps.add(part.number, f"line of {part.size_bytes} bytes is too long")
            return self._piece()
        starts, ends = part.spans()
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        for number, (start, end) in enumerate(spans, start=part.first):
            text = part.data[start:end].decode("utf-8", errors="backslashreplace")
            self._read_line(number, text)
        if not part.ended:
            self.gaps.add(part.first + len(starts) - 1, UNENDED, records=0)
        return self._piece()

    def finish(self) -> Piece:
        """The last record and the last gaps."""
        self._close()
        return self._piece(last=True)

    def _read_line(self, number: int, text: str) -> None:
        if not text.strip():
            self.skipped += 1
            return
        head = _HEAD.match(text)
        if head:
            self._close()
            time_us = _time(head)
            if time_us is None:
                self.gaps.add(number, "time not readable", records=0)
            self.open, self.open_chars = _Record(number, time_us, head[8], [text]), len(text)
        elif self.open is None:
            self.gaps.add(number, "text before the first record")
        elif self.open_chars + len(text) > MAX_RECORD_CHARS:
            self.gaps.add(number, "record too long")
        else:
            self.open.lines.append(text)
            self.open_chars += len(text)

    def _close(self) -> None:
        record, self.open = self.open, None
        if record is not None:
            self.done.append(record)
            self._note(record)

    def _note(self, record: _Record) -> None:
        """Follow a setup run: version, command, mode; its success is the fact."""
        text = record.lines[0]
        if version := _VERSION.search(text):
            self.run = {"zone": self.run.get("zone", ""), "build": build_number(version[1])}
        elif zone := _ZONE.search(text):
            self.run["zone"] = zone[1]
        elif command := _COMMAND.search(text):
            self.run["command"] = command[1][:500]
        elif mode := _MODE.search(text):
            self.run["mode"] = mode[1]
        elif local := _LOCAL_VERSION.search(text):
            self._fact("exchange.build", build_number(local[1]), record)
        elif server := _SERVER.search(text):
            self._fact("host.name", server[1], record)
        elif _SUCCESS in text and not self._installs_nothing():
            self._fact("exchange.installed", self.run.get("build", ""), record)

    def _installs_nothing(self) -> bool:
        command, mode = self.run.get("command", ""), self.run.get("mode", "")
        return mode == "Uninstall" or bool(_INSTALLS_NOTHING.search(command))

    def _fact(self, name: str, value: str, record: _Record) -> None:
        if value:
            time = None if record.time_us is None else from_us(record.time_us)
            detail = {"clock": "taken as UTC"} | {k: v for k, v in self.run.items() if v}
            self.facts.append(Fact(name, value, time, Place(self.source, record.line), detail))

    def _piece(self, last: bool = False) -> Piece:
        records, self.done = self.done, []
        facts, self.facts = self.facts, []
        skipped, self.skipped = self.skipped, 0
        gaps = self.gaps.take() + (self.gaps.close() if last else ())
        times = [record.time_us for record in records if record.time_us is not None]
        hours: dict[int, int] = {}
        for time_us in times:
            hours[time_us // HOUR_US] = hours.get(time_us // HOUR_US, 0) + 1
        return Piece(
            records=len(records) + skipped + sum(gap.records for gap in gaps),
            events=len(records),
            skipped=skipped,
            batches=(Batch(LOGSOURCE, _frame(records)),) if records else (),
            gaps=gaps,
            facts=tuple(facts),
            observed={LOG: hours} if hours else {},
            first_us=min(times, default=None),
            last_us=max(times, default=None),
        )


def _time(head: re.Match[str]) -> int | None:
    month, day, year, hour, minute, second, millisecond = map(int, head.groups()[:7])
    try:
        when = datetime(year, month, day, hour, minute, second, millisecond * 1000, tzinfo=UTC)
    except ValueError:
        return None
    return to_us(when)


def _frame(records: list[_Record]) -> pl.DataFrame:
    texts = ["\n".join(record.lines) for record in records]
    messages = [text.split("] [", 1)[1].split("]", 1)[1].removeprefix(" ") for text in texts]
    return pl.DataFrame(
        {
            TIME: [record.time_us for record in records],
            RECORD: [record.line for record in records],
            RAW: [text[:MAX_RAW_CHARS] for text in texts],
            "Level": [record.level for record in records],
            "Message": messages,
        },
        schema={
            TIME: pl.Int64,
            RECORD: pl.Int64,
            RAW: pl.String,
            "Level": pl.String,
            "Message": pl.String,
        },
    )


def _recognise(head: bytes, item: Item) -> str:
    if any(_HEAD.match(line) for line in head_text(head)[:4096].splitlines()[:5]):
        return "header"
    return "file name" if _FILE_NAME.search(f"/{item.origin}") else ""


FORMAT: Final = Format("exchange-setup", _recognise, read)
