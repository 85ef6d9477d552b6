"""Flat Windows events of one source -> pieces: batches per log source, coverage, facts, notices.

In: :class:`FlatEvent` values and losses, in file order. Out: one :class:`Piece` per ``full`` block,
so that memory stays bounded. :mod:`afterpatch.formats.windows_clock` corrects the times, and the
last piece says so in words. Will not: read bytes or know any file format.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from afterpatch.formats.windows_clock import Clock
from afterpatch.formats.windows_flat import FlatEvent
from afterpatch.formats.windows_logsources import add_sigma_fields, logsource_of, real_channel
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    RAW,
    RECORD,
    RESERVED,
    TIME,
    Batch,
    Logsource,
    Piece,
)
from afterpatch.model.places import Fact, Gap, Notice, Place
from afterpatch.model.times import HOUR_US, from_us

BLOCK_RECORDS: Final = 20_000
BLOCK_CHARS: Final = 16 << 20
MAX_COLUMNS: Final = 256  # a wider union of fields is split, or mostly empty cells fill memory
MAX_NAMED_GAPS: Final = 1_000  # per source; the rest is summed up by reason, block by block
MAX_HOSTS: Final = 500
LEADING: Final = ("Channel", "Provider_Name", "EventID", "Computer", "Message")


class _Row(NamedTuple):
    time_us: int | None
    record: int
    raw: str
    channel: str
    computer: str
    fields: dict[str, str | None]


class _Group(NamedTuple):
    logsource: Logsource
    channel: str
    provider: str
    event_id: str


class EventCollector:
    """Collects the events and losses of one source and hands them out as pieces.

    Law: every ``add``, ``lose`` and ``skip`` is in exactly one piece.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._clock = Clock()
        self._hosts: dict[str, None] = {}
        self._unzoned = 0
        self._timeless = 0
        self._message_only = 0
        self._named_gaps = 0
        self._notes: list[Notice] = []
        self._start_block()

    def _start_block(self) -> None:
        self._rows: defaultdict[_Group, list[_Row]] = defaultdict(list)
        self._gaps: list[Gap] = []
        self._more_gaps: Counter[str] = Counter()
        self._lost = self._skipped = self._events = self._chars = 0

    @property
    def full(self) -> bool:
        """Whether it is time to take a piece."""
        return (
            self._events + self._lost + self._skipped >= BLOCK_RECORDS or self._chars >= BLOCK_CHARS
        )

    def add(self, event: FlatEvent, record: int, raw: str) -> None:
        """One event understood; ``record`` is its number in the source."""
        fields = event.fields
        logsource = logsource_of(
            event.channel, event.provider, event.event_id, fields.get("EventType") or ""
        )
        add_sigma_fields(logsource.service, event.event_id, fields)
        channel = real_channel(event.channel, event.provider)
        row = _Row(event.time_us, record, raw[:MAX_RAW_CHARS], channel, event.computer, fields)
        group = _Group(logsource, event.channel, event.provider, event.event_id)
        self._rows[group].append(row)
        self._events += 1
        self._chars += len(raw)
        self._unzoned += not event.zoned
        self._timeless += event.time_us is None
        self._message_only += logsource.service in ("security", "sysmon") and not _has_data(fields)
        if logsource.service == "sysmon" and event.time_us is not None:
            utc_us, _ = parse_event_time(fields.get("UtcTime"))
            if utc_us is not None:
                self._clock.witness(utc_us - event.time_us)
        if event.cut:
            self.lose(f"record {record}", f"{event.cut} fields of a very wide event not read", 0)

    def lose(self, place: str, reason: str, records: int = 1) -> None:
        """Something could not be read; ``records`` were lost, 0 when that cannot be known."""
        self._lost += records
        if self._named_gaps < MAX_NAMED_GAPS:
            self._named_gaps += 1
            self._gaps.append(Gap(self._source, place, reason, records))
        else:
            self._more_gaps[reason.partition(":")[0]] += records

    def skip(self, records: int = 1) -> None:
        """Lines that hold no event by the format's own rules: blank ones, separators."""
        self._skipped += records

    def note(self, topic: str, text: str) -> None:
        """Something the reader of the verdict must know; given with the last piece."""
        self._notes.append(Notice(topic, self._source, text))

    def piece(self) -> Piece:
        """What came since the last piece."""
        shift_us = self._clock.settle(self._first_record(), self._events)
        rows = [row for group in self._rows.values() for row in group]
        times = [row.time_us + shift_us for row in rows if row.time_us is not None]
        gaps = (
            *self._gaps,
            *(
                Gap(self._source, "file", f"{reason} (further records like those named)", count)
                for reason, count in sorted(self._more_gaps.items())
            ),
        )
        piece = Piece(
            records=self._events + self._skipped + sum(gap.records for gap in gaps),
            events=self._events,
            skipped=self._skipped,
            batches=tuple(self._batches(shift_us)),
            gaps=gaps,
            facts=tuple(self._host_facts(rows, shift_us)),
            observed=_observed(rows, shift_us),
            first_us=min(times, default=None),
            last_us=max(times, default=None),
        )
        self._start_block()
        return piece

    def last_piece(self) -> Piece:
        """As :meth:`piece`, with what must be said about the source as a whole."""
        if self._timeless:
            self.lose("file", f"{self._timeless} events have no readable time", 0)
        piece = self.piece()
        return replace(piece, notices=tuple(self._notices()))

    def _first_record(self) -> int:
        return min((row.record for rows in self._rows.values() for row in rows), default=0)

    def _batches(self, shift_us: int) -> Iterator[Batch]:
        for group, rows in sorted(self._rows.items()):
            for some in _not_too_wide(rows):
                yield Batch(group.logsource, _frame(group, some, shift_us))

    def _host_facts(self, rows: list[_Row], shift_us: int) -> Iterator[Fact]:
        for row in sorted(rows, key=lambda row: row.record):
            name = row.computer.strip()
            if not name or name.casefold() in self._hosts or len(self._hosts) >= MAX_HOSTS:
                continue
            self._hosts[name.casefold()] = None
            kind = "host.fqdn" if "." in name else "host.name"
            when = None if row.time_us is None else from_us(row.time_us + shift_us)
            yield Fact(kind, name, when, Place(self._source, row.record), {"from": "event log"})

    def _notices(self) -> Iterator[Notice]:
        yield from self._notes
        for text in self._clock.in_words():
            yield Notice("clock", self._source, text)
        if self._unzoned and not self._clock.was_tested:
            yield Notice(
                "clock",
                self._source,
                f"{self._unzoned} times name no time zone and were taken as UTC; nothing in the "
                "file can confirm that",
            )
        if self._message_only:
            yield Notice(
                "layout",
                self._source,
                f"{self._message_only} events carry only message text, not their fields: rules on "
                "fields cannot match them; export the event XML or the .evtx file instead",
            )
        if len(self._hosts) >= MAX_HOSTS:
            yield Notice("host-name", self._source, f"more than {MAX_HOSTS} computers in one file")


_NO_DATA: Final = frozenset({"Message", "Version", "Level", "Task", "Opcode", "Keywords"})


def _has_data(fields: dict[str, str | None]) -> bool:
    return "Message" not in fields or not fields.keys() <= _NO_DATA


def _observed(rows: list[_Row], shift_us: int) -> dict[str, dict[int, int]]:
    counts: Counter[tuple[str, int]] = Counter(
        (f"windows:{row.channel or '(unnamed)'}", (row.time_us + shift_us) // HOUR_US)
        for row in rows
        if row.time_us is not None
    )
    observed: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for (log, hour), count in sorted(counts.items()):
        observed[log][hour] = count
    return dict(observed)


def _not_too_wide(rows: list[_Row]) -> Iterator[list[_Row]]:
    names: set[str] = set()
    start = 0
    for place, row in enumerate(rows):
        new = row.fields.keys() - names
        if new and len(names) + len(new) > MAX_COLUMNS and place > start:
            yield rows[start:place]
            start, names, new = place, set(), set(row.fields)
        names |= new
    yield rows[start:]


def _frame(group: _Group, rows: list[_Row], shift_us: int) -> pl.DataFrame:
    columns: dict[str, list[str | None]] = {
        # An event may have data of this name (System 104 names the cleared log); rules mean that.
        "Channel": [row.fields.get("Channel", group.channel or None) for row in rows],
        "Provider_Name": [group.provider or None] * len(rows),
        "EventID": [group.event_id] * len(rows),
        "Computer": [row.computer or None for row in rows],
    }
    names = sorted({name for row in rows for name in row.fields} - columns.keys() - {""})
    for name in sorted(names, key=lambda name: name not in LEADING):
        column = f"{name}_" if name in RESERVED else name
        columns.setdefault(column, [row.fields.get(name) for row in rows])
    times = [None if row.time_us is None else row.time_us + shift_us for row in rows]
    return pl.DataFrame(
        [
            pl.Series(TIME, times, dtype=pl.Int64),
            pl.Series(RECORD, [row.record for row in rows], dtype=pl.Int64),
            pl.Series(RAW, [row.raw for row in rows], dtype=pl.String),
            *(pl.Series(name, values, dtype=pl.String) for name, values in columns.items()),
        ]
    )
