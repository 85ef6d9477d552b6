"""Flat Windows events of one source -> pieces: batches per log source, coverage, facts, notices.

In: :class:`FlatEvent` values or whole tables of events, and losses, in file order. Out: one
:class:`Piece` per ``full`` block, so that memory stays bounded. The times are corrected by
:mod:`afterpatch.formats.windows_clock`, and the last piece says so in words. Will not: read bytes
or know any file format.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Final

from afterpatch.formats.windows_clock import Clock
from afterpatch.formats.windows_flat import FlatEvent
from afterpatch.formats.windows_frames import Group, Row, not_too_wide, row_frame, table_batch
from afterpatch.formats.windows_logsources import add_sigma_fields, logsource_of, real_channel
from afterpatch.formats.windows_table import EventTable
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    Batch,
    Piece,
)
from afterpatch.model.places import Fact, Gap, Notice, Place
from afterpatch.model.times import HOUR_US, from_us

BLOCK_RECORDS: Final = 20_000
BLOCK_CHARS: Final = 16 << 20
MAX_NAMED_GAPS: Final = 1_000  # per source; the rest is summed up by reason, block by block
MAX_HOSTS: Final = 500


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
        self._rows: defaultdict[Group, list[Row]] = defaultdict(list)
        self._tables: list[EventTable] = []
        self._gaps: list[Gap] = []
        self._more_gaps: Counter[str] = Counter()
        self._lost = self._skipped = self._events = self._chars = 0

    @property
    def full(self) -> bool:
        """Whether it is time to take a piece."""
        return (
            self._events + self._lost + self._skipped >= BLOCK_RECORDS or self._chars >= BLOCK_CHARS
        )

    def add(self, event: FlatEvent, record: int, raw: str, at: int | None = None) -> None:
        """One event understood; ``record`` is its number in the source.

        ``at``: where its text is found again, for a source of which batches are to say that.
        """
        fields = event.fields
        logsource = logsource_of(
            event.channel, event.provider, event.event_id, fields.get("EventType") or ""
        )
        add_sigma_fields(logsource.service, event.event_id, fields)
        channel = real_channel(event.channel, event.provider)
        row = Row(event.time_us, record, raw[:MAX_RAW_CHARS], at, channel, event.computer, fields)
        group = Group(logsource, event.channel, event.provider, event.event_id)
        self._rows[group].append(row)
        self._events += 1
        self._chars += len(raw)
        self._unzoned += not event.zoned
        self._timeless += event.time_us is None
        self._message_only += logsource.service in ("security", "sysmon") and not has_data(fields)
        if logsource.service == "sysmon" and event.time_us is not None:
            utc_us, _ = parse_event_time(fields.get("UtcTime"))
            if utc_us is not None:
                self._clock.witness(utc_us - event.time_us)
        if event.cut:
            self.lose(f"record {record}", f"{event.cut} fields of a very wide event not read", 0)

    def add_table(self, table: EventTable) -> None:
        """Many events of one kind, understood."""
        self._tables.append(table)
        self._events += len(table)
        self._unzoned += table.unzoned
        self._timeless += len(table) - len(table.known_times())
        if table.logsource.service in ("security", "sysmon"):
            self._message_only += table.message_only
        for difference_us in table.witnesses:
            self._clock.witness(difference_us)

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
        """Something the reader of the verdict must know, once; given with the last piece."""
        notice = Notice(topic, self._source, text)
        if notice not in self._notes:
            self._notes.append(notice)

    def piece(self) -> Piece:
        """What came since the last piece."""
        shift_us = self._clock.settle(self._first_record(), self._events)
        rows = [row for group in self._rows.values() for row in group]
        times = [*_times(rows, self._tables)]
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
            observed=_observed(rows, self._tables, shift_us),
            first_us=min(times) + shift_us if times else None,
            last_us=max(times) + shift_us if times else None,
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
        of_tables = (int(table.records.min()) for table in self._tables)
        of_rows = (row.record for rows in self._rows.values() for row in rows)
        return min(chain(of_tables, of_rows), default=0)

    def _batches(self, shift_us: int) -> Iterator[Batch]:
        for table in self._tables:
            yield table_batch(table, shift_us)
        for group, rows in sorted(self._rows.items()):
            for some in not_too_wide(rows):
                yield Batch(group.logsource, row_frame(group, some, shift_us))

    def _host_facts(self, rows: list[Row], shift_us: int) -> Iterator[Fact]:
        named = [(row.record, row.computer, row.time_us) for row in rows]
        for table in self._tables:
            named += table.first_seen
        for record, computer, time_us in sorted(named, key=lambda one: one[0]):
            name = computer.strip()
            if not name or name.casefold() in self._hosts or len(self._hosts) >= MAX_HOSTS:
                continue
            self._hosts[name.casefold()] = None
            kind = "host.fqdn" if "." in name else "host.name"
            when = None if time_us is None else from_us(time_us + shift_us)
            yield Fact(kind, name, when, Place(self._source, record), {"from": "event log"})

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


def has_data(fields: Mapping[str, object]) -> bool:
    return "Message" not in fields or not fields.keys() <= _NO_DATA


def _times(rows: list[Row], tables: list[EventTable]) -> Iterator[int]:
    """Event times, of every table only the earliest and the latest."""
    yield from (row.time_us for row in rows if row.time_us is not None)
    for table in tables:
        known = table.known_times()
        if len(known):
            yield from (int(known.min()), int(known.max()))


def _observed(
    rows: list[Row], tables: list[EventTable], shift_us: int
) -> dict[str, dict[int, int]]:
    counts: Counter[tuple[str, int]] = Counter(
        (f"windows:{row.channel or '(unnamed)'}", (row.time_us + shift_us) // HOUR_US)
        for row in rows
        if row.time_us is not None
    )
    for table in tables:
        log = f"windows:{real_channel(table.channel, table.provider) or '(unnamed)'}"
        for hour, count in table.hours(shift_us):
            counts[log, hour] += count
    observed: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for (log, hour), count in sorted(counts.items()):
        observed[log][hour] = count
    return dict(observed)
