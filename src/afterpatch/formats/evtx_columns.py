"""Whole chunks of EVTX -> tables of Windows events, without looking at any event by itself.

In: a block of chunks and who wants which columns. Out: one :class:`EventTable` per log source,
channel, provider and event id; and the chunks that were too odd for this, to be read plainly.

The events of one shape are a table already. What kind of event they are is decided by the distinct
values of a few columns; then only the values of wanted columns are looked up, each distinct one is
decoded once, and the tables of all shapes of a kind are put together in file order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.compiled import Bytes, Ints
from afterpatch.formats.evtx_codes import Texts
from afterpatch.formats.evtx_headers import CHUNK_BYTES
from afterpatch.formats.evtx_interning import ABSENT, Codes
from afterpatch.formats.evtx_kernel import Walk
from afterpatch.formats.evtx_known_shapes import Shapes
from afterpatch.formats.evtx_shapes import Recipe, Shape
from afterpatch.formats.evtx_texts import PLACE_BITS
from afterpatch.formats.evtx_values import UNIX_EPOCH_100NS
from afterpatch.formats.windows_events import has_data
from afterpatch.formats.windows_frames import MAX_COLUMNS
from afterpatch.formats.windows_logsources import ALIASES, DERIVED, Derived, logsource_of
from afterpatch.formats.windows_table import NO_TIME, EventTable
from afterpatch.formats.windows_times import EARLIEST_US, LATEST_US, parse_event_time
from afterpatch.model.batches import ColumnsWanted, Logsource

MAX_RECORD: Final = 10**18  # a larger number is not believed; the record's header has another
MAX_WITNESSES: Final = 8  # of the clock, per block, kind and shape


class _Kind(NamedTuple):
    """What one table holds."""

    logsource: Logsource
    channel: str
    provider: str
    event_id: str


@dataclass(slots=True)
class _Part:
    """Events of one kind and one shape: rows of the block, and codes for them."""

    rows: Ints
    times_us: Ints
    records: Ints
    computers: Codes
    columns: dict[str, Codes]
    unzoned: int
    has_data: bool
    witnesses: tuple[int, ...]


class Columns:
    """The events of one block. ``odd``: the chunks, by their place, that are to be read plainly.

    ``first``: the number of the block's first chunk in its file.
    """

    def __init__(self, block: Bytes, found: Walk, shapes: Shapes, first: int, seed: int) -> None:
        self._found = found
        self._texts = Texts(block, found, seed)
        count = int(found.events.filled[0])
        self._chunks = found.events.at[:count] // CHUNK_BYTES
        orders = np.arange(count) - np.searchsorted(self._chunks, self._chunks)
        self._places = (self._chunks + first) << PLACE_BITS | orders
        self._shape_of = found.events.shape[:count]
        self._shapes = shapes.of(found)
        strange = [number for number, shape in enumerate(self._shapes) if shape is None]
        odd = np.flatnonzero(found.odd)
        if strange:
            odd = np.union1d(odd, self._chunks[np.isin(self._shape_of, strange)])
        self.odd: frozenset[int] = frozenset(odd.tolist())
        self._is_ours = ~np.isin(self._chunks, odd) if len(odd) else np.ones(count, np.bool_)

    def events_by_chunk(self) -> Ints:
        """How many events there are in each chunk of the block."""
        return np.bincount(self._chunks, minlength=len(self._found.odd))

    def by_shape(self) -> Iterator[tuple[Shape, Ints]]:
        """Every shape with the rows of its events, in file order."""
        rows = np.flatnonzero(self._is_ours)
        if not len(rows):
            return
        of = self._shape_of[rows]
        order = np.argsort(of, kind="stable")
        numbers, starts = np.unique(of[order], return_index=True)
        for number, group in zip(numbers, np.split(rows[order], starts[1:]), strict=True):
            shape = self._shapes[number]
            assert shape is not None
            yield shape, group

    def tables(
        self, wanted: ColumnsWanted | None, here: ColumnsWanted | None
    ) -> Iterator[EventTable]:
        """All events, kinds in their order, with the columns wanted (all if None).

        ``here``: the same, knowing the bytes of this block.
        """
        kinds: defaultdict[_Kind, list[_Part]] = defaultdict(list)
        for shape, rows in self.by_shape():
            for kind, some in self._kinds(shape, rows):
                which = wanted if shape.is_mixed else here
                kinds[kind].append(self._part(shape, some, kind, which))
        for kind in kinds:
            self._texts.constant(kind.channel)  # before the first column is made, see _table
        for kind, parts in sorted(kinds.items()):
            for few in _not_too_wide(parts):
                yield self._table(kind, few)

    def records(self, shape: Shape, rows: Ints) -> Ints:
        """The numbers of events: their own, or that of the record's header."""
        header = self._found.events.record[rows]
        fallback = np.where(header < 0, 0, header)
        recipe = shape.record
        if isinstance(recipe, int) and self._kind_of(recipe, rows) in token.INTEGERS:
            own = self._texts.whole_numbers(rows, recipe)
        else:
            own = self._each(recipe, rows, _record_number, -1)
        return np.where((own >= 0) & (own < MAX_RECORD), own, fallback)

    def _kind_of(self, number: int, rows: Ints) -> int:
        """The type of a value; the same in all events of a shape."""
        return int(self._found.values.kind[self._found.events.first[rows[0]] + number])

    def _each(self, recipe: Recipe, rows: Ints, read: Callable[[str], int], absent: int) -> Ints:
        """A number per event out of a text, read once per distinct text."""
        codes = self._texts.recipe(recipe, rows)
        distinct, place = np.unique(codes, return_inverse=True)
        texts = [self._texts.text(int(code)) for code in distinct]
        numbers = [absent if text is None else read(text) for text in texts]
        return np.array(numbers, np.int64)[place]

    def _kinds(self, shape: Shape, rows: Ints) -> Iterator[tuple[_Kind, Ints]]:
        """The events of a shape by kind."""
        parts = {"channel": shape.channel, "provider": shape.provider, "event": shape.event_id}
        looked_up = self._columns(parts, rows)
        codes = [looked_up[part] for part in parts]
        for (channel, provider, event_id), some in self._split(codes, rows):
            logsource = logsource_of(channel, provider, event_id)
            if logsource.category != "registry_event" or "EventType" not in shape.fields:
                yield _Kind(logsource, channel, provider, event_id), some
                continue
            types = self._texts.recipe(shape.fields["EventType"], some)
            for (event_type,), few in self._split([types], some):
                logsource = logsource_of(channel, provider, event_id, event_type)
                yield _Kind(logsource, channel, provider, event_id), few

    def _split(self, codes: list[Codes], rows: Ints) -> Iterator[tuple[tuple[str, ...], Ints]]:
        """Rows by the texts of their codes."""
        key = np.zeros(len(rows), np.int64)
        for line in codes:
            if (line != line[0]).any():
                _, place = np.unique(line, return_inverse=True)
                key = key * (int(place.max()) + 1) + place
        if not key.any():
            yield tuple(self._texts.text(int(line[0])) or "" for line in codes), rows
            return
        _, firsts, place = np.unique(key, return_index=True, return_inverse=True)
        for number, first in enumerate(firsts):
            texts = tuple(self._texts.text(int(line[first])) or "" for line in codes)
            yield texts, rows[place == number]

    def _part(self, shape: Shape, rows: Ints, kind: _Kind, wanted: ColumnsWanted | None) -> _Part:
        fields, derived = _sigma_fields(shape, kind)
        names = wanted(kind.logsource, kind.event_id) if wanted else None
        shown = {n: recipe for n, recipe in fields.items() if names is None or n in names}
        columns = self._columns(shown, rows)
        for name, (natives, make) in derived.items():
            if names is None or name in names:
                codes = self._columns({native: fields[native] for native in natives}, rows)
                columns[name] = self._texts.made([codes[native] for native in natives], make)
        times_us, unzoned = self._times(shape, rows)
        is_sysmon = kind.logsource.service == "sysmon"
        return _Part(
            rows=rows,
            times_us=times_us,
            records=self.records(shape, rows),
            computers=self._texts.recipe(shape.computer, rows),
            columns=columns,
            unzoned=unzoned,
            has_data=has_data(shape.fields),
            witnesses=tuple(self._witnesses(shape, rows, times_us)) if is_sysmon else (),
        )

    def _columns(self, fields: Mapping[str, Recipe], rows: Ints) -> dict[str, Codes]:
        """Codes of all fields; those that are plain values are looked up together."""
        plain = [(name, recipe) for name, recipe in fields.items() if isinstance(recipe, int)]
        codes = self._texts.codes(rows, [number for _, number in plain])
        columns = {name: line for (name, _), line in zip(plain, codes, strict=True)}
        for name, recipe in fields.items():
            if name not in columns:
                columns[name] = self._texts.recipe(recipe, rows)
        return columns

    def _times(self, shape: Shape, rows: Ints) -> tuple[Ints, int]:
        """(microseconds or NO_TIME, how many without a zone)."""
        recipe = shape.when
        if isinstance(recipe, int) and self._kind_of(recipe, rows) == token.FILETIME:
            ticks = self._texts.whole_numbers(rows, recipe)
            times_us = (ticks - UNIX_EPOCH_100NS) // 10
            believed = (times_us > EARLIEST_US) & (times_us < LATEST_US)
            return np.where(believed, times_us, NO_TIME), 0
        times_us = self._each(recipe, rows, _time_us, NO_TIME)
        return times_us, int(self._each(recipe, rows, _is_unzoned, 0).sum())

    def _table(self, kind: _Kind, parts: list[_Part]) -> EventTable:
        rows = np.concatenate([part.rows for part in parts])
        order = np.argsort(rows, kind="stable")
        times_us = np.concatenate([part.times_us for part in parts])[order]
        names = list(dict.fromkeys(name for part in parts for name in part.columns))
        # An event may have data of the name Channel; those that have none show the log's.
        absent = {"Channel": self._texts.constant(kind.channel)}
        codes = np.empty((len(names) + 1, len(rows)), np.int32)
        for line, name in enumerate(names):
            pieces = [
                part.columns[name]
                if name in part.columns
                else np.full(len(part.rows), absent.get(name, ABSENT), np.int32)
                for part in parts
            ]
            codes[line] = np.concatenate(pieces)[order]
        codes[-1] = computers = np.concatenate([part.computers for part in parts])[order]
        records = np.concatenate([part.records for part in parts])[order]
        *columns, names_of_computers = self._texts.columns(codes)
        return EventTable(
            **kind._asdict(),
            times_us=times_us,
            records=records,
            places=self._places[rows[order]],
            computers=names_of_computers,
            first_seen=tuple(self._first_seen(computers, records, times_us)),
            columns=dict(zip(names, columns, strict=True)),
            unzoned=sum(part.unzoned for part in parts),
            message_only=sum(len(part.rows) for part in parts if not part.has_data),
            witnesses=tuple(one for part in parts for one in part.witnesses),
        )

    def _first_seen(
        self, computers: Codes, records: Ints, times_us: Ints
    ) -> Iterator[tuple[int, str, int | None]]:
        order = np.argsort(records, kind="stable")
        distinct, firsts = np.unique(computers[order], return_index=True)
        for code, row in zip(distinct.tolist(), order[firsts].tolist(), strict=True):
            time_us = int(times_us[row])
            name = self._texts.text(code) or ""
            yield int(records[row]), name, None if time_us == NO_TIME else time_us

    def _witnesses(self, shape: Shape, rows: Ints, times_us: Ints) -> Iterator[int]:
        """Sysmon's own time minus the record's, for some events."""
        some = slice(None, None, -(-len(rows) // MAX_WITNESSES))
        codes = self._texts.recipe(shape.fields.get("UtcTime"), rows[some])
        for code, time_us in zip(codes.tolist(), times_us[some].tolist(), strict=True):
            utc_us, _ = parse_event_time(self._texts.text(code))
            if utc_us is not None and time_us != NO_TIME:
                yield utc_us - time_us


def _sigma_fields(shape: Shape, kind: _Kind) -> tuple[dict[str, Recipe], dict[str, Derived]]:
    """The fields of a shape with Sigma's names for them, and those to be made of several: as
    :func:`afterpatch.formats.windows_logsources.add_sigma_fields` for one event."""
    key = (kind.logsource.service, kind.event_id)
    fields = dict(shape.fields)
    for alias, native in ALIASES.get(key, {}).items():
        if native in fields:
            fields.setdefault(alias, fields[native])
    derived = {
        name: one
        for name, one in DERIVED.get(key, {}).items()
        if name not in fields and fields.keys() >= set(one.natives)
    }
    return fields, derived


def _not_too_wide(parts: list[_Part]) -> Iterator[list[_Part]]:
    """Parts whose columns together are not too many."""
    names: set[str] = set()
    start = 0
    for place, part in enumerate(parts):
        new = part.columns.keys() - names
        if new and len(names) + len(new) > MAX_COLUMNS and place > start:
            yield parts[start:place]
            start, names = place, set()
        names |= part.columns.keys()
    yield parts[start:]


def _record_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def _time_us(text: str) -> int:
    time_us, _ = parse_event_time(text)
    return NO_TIME if time_us is None else time_us


def _is_unzoned(text: str) -> int:
    return not parse_event_time(text)[1]
