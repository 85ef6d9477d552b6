"""Flat Windows events of one source -> pieces: batches per log source, coverage, facts, notices.

In: :class:`FlatEvent` values and losses, in file order. Out: one :class:`Piece` per ``full`` block,
so that memory stays bounded. Here too: the lying clock. Each block's record times are compared with
Sysmon's own ``UtcTime``; a zone error found in a block corrects every time of that block and of the
following ones, until a later block shows another. The last piece says in words what was corrected.
Will not: read bytes or know any file format.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from afterpatch.formats.windows_logsources import ALIASES, logsource_of, real_channel
from afterpatch.formats.windows_shapes import FlatEvent
from afterpatch.formats.windows_times import describe_shift, parse_event_time, zone_error
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
MAX_COLUMNS: Final = 2_000  # a wider union of fields is split into several batches
MAX_NAMED_GAPS: Final = 100  # per block; the rest is summed up by reason
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
        self._clock = _Clock()
        self._hosts: dict[str, None] = {}
        self._unzoned = 0
        self._timeless = 0
        self._message_only = 0
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
        for alias, native in ALIASES.get((logsource.service, event.event_id), {}).items():
            if native in fields:
                fields.setdefault(alias, fields[native])
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
        if len(self._gaps) < MAX_NAMED_GAPS or not records:
            self._gaps.append(Gap(self._source, place, reason, records))
        else:
            self._more_gaps[reason] += records

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


class _Clock:
    """Sysmon's own UTC against the record times, block by block."""

    def __init__(self) -> None:
        self._differences: list[int] = []
        self._shift_us = 0
        self._seen = 0  # events so far
        self._shifts: list[tuple[int, int, int]] = []  # (shift, from record, events)
        self._seen_before_first_test = 0
        self._contradictory = 0
        self.was_tested = False

    def witness(self, difference_us: int) -> None:
        self._differences.append(difference_us)

    def settle(self, first_record: int, events: int) -> int:
        """The correction for the block just collected, in microseconds."""
        answer = zone_error(self._differences)
        if answer is not None:
            if not self.was_tested:
                self._seen_before_first_test = self._seen
            self.was_tested = True
            self._shift_us = answer
        elif zone_error(self._differences[:1] * 5):  # one alone already looks wrong
            self._contradictory += len(self._differences)
        if events:
            self._note(first_record, events)
        self._seen += events
        self._differences = []
        return self._shift_us

    def _note(self, first_record: int, events: int) -> None:
        if self._shifts and self._shifts[-1][0] == self._shift_us:
            shift, start, before = self._shifts[-1]
            self._shifts[-1] = (shift, start, before + events)
        else:
            self._shifts.append((self._shift_us, first_record, events))

    def in_words(self) -> Iterator[str]:
        for shift_us, first_record, events in self._shifts:
            if shift_us:
                yield (
                    f"times in this file are {describe_shift(shift_us)} (Sysmon's own UtcTime "
                    f"shows it); corrected for {events} events from record {first_record} on"
                )
            elif len(self._shifts) > 1:
                yield (
                    f"the file's clock changes: {events} events from record {first_record} on "
                    "were taken as written"
                    + ("" if self._seen_before_first_test == 0 else ", no Sysmon event near them")
                )
        if self._contradictory:
            yield (
                f"{self._contradictory} Sysmon events disagree with their record times by varying "
                "amounts; those blocks kept the correction found before, if any"
            )


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
