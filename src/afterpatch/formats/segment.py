"""The events between two header lines of a block: counted, searched for facts, put into a batch.

Enters: lines proven regular with their times, events read exactly, and what their columns mean.
Leaves: coverage per log and hour, first and last time, sightings of builds and host names, and a
column table of the wanted events.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.block_lines import BlockLines, ExactEvent, decode
from afterpatch.formats.dated_facts import Sighting
from afterpatch.formats.delimited_text import split_quoted
from afterpatch.formats.line_scan import NO_TIME, Columns, text_runs
from afterpatch.formats.table_log import Syntax, Table
from afterpatch.model.batches import MAX_RAW_CHARS, RAW, RECORD, TIME, Batch
from afterpatch.model.times import HOUR_US

_VERSION_COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """Events under one table.

    regular, times  indices of the regular lines, ascending, and their times in microseconds.
    exact           events that were read by themselves, in line order.
    """

    lines: BlockLines
    columns: Columns
    syntax: Syntax
    table: Table
    regular: Offsets
    times: Offsets
    exact: list[ExactEvent]
    _spans: dict[int, tuple[Offsets, Offsets]] = field(init=False)

    def __post_init__(self) -> None:
        """Locate the columns that are followed on every line, in one go."""
        table = self.table
        wanted = [
            (table.log_column, 1),
            (table.build_column, _VERSION_COLUMNS),
            (table.host_column, 1),
        ]
        known = [(column, width) for column, width in wanted if column is not None]
        spans = self.columns.spans(self.regular, known)
        found = {column: span for (column, _), span in zip(known, spans, strict=True)}
        object.__setattr__(self, "_spans", found)

    def __len__(self) -> int:
        return len(self.regular) + len(self.exact)

    def hours(self) -> Iterator[tuple[str, int, int]]:
        """(log, hour since the epoch, events): several of one log and hour are to be added up."""
        table, column = self.table, self.table.log_column
        if column is None:
            yield from count_hours(table.log, self.times)
        else:
            values, bounds = self._runs(column, self.regular[:0])
            for value, low, high in zip(values, bounds, bounds[1:], strict=False):
                yield from count_hours(table.log_name(value), self.times[low:high])
        for event in self.exact:
            if event.time_us is not None:
                log = table.log if column is None else table.log_name(event.fields[column])
                yield log, event.time_us // HOUR_US, 1

    def time_range(self) -> list[int]:
        """Earliest and latest time, or nothing."""
        times = [event.time_us for event in self.exact if event.time_us is not None]
        if len(self.times):
            times += [int(self.times.min()), int(self.times.max())]
        return [min(times), max(times)] if times else []

    def builds(self) -> list[Sighting]:
        """The build wherever it changes, from columns or from the text."""
        found: list[Sighting] = []
        if self.table.build_column is not None:
            found += self._sightings(self.table.build_column, _VERSION_COLUMNS)
        if self.table.build_text is not None:
            found += self._builds_in_text(self.table.build_text)
        return found

    def hosts(self) -> list[Sighting]:
        """The host name wherever it changes."""
        column = self.table.host_column
        return [] if column is None else self._sightings(column, 1)

    def batch(self, wanted: Mask | None) -> Batch | None:
        """The wanted events cut into columns; ``wanted`` has a mark per line of the block."""
        regular, times, exact = self.regular, self.times, list(self.exact)
        if wanted is not None:
            chosen = wanted[regular]
            regular, times = regular[chosen], times[chosen]
            # A record over several lines is rare and always given: a prefilter sees lines.
            exact = [event for event in exact if wanted[event.line] or event.last > event.line]
        frames = [*self._plain_frame(regular, times, exact), *self._frame(exact)]
        if not frames:
            return None
        frame = pl.concat(frames).sort(RECORD, maintain_order=True)
        if self.syntax.absent is not None:
            named = pl.col(self.table.names)
            frame = frame.with_columns(pl.when(named != self.syntax.absent).then(named))
        return Batch(self.table.logsource, self.table.extend(frame))

    def _plain_frame(
        self, regular: Offsets, times: Offsets, exact: list[ExactEvent]
    ) -> Iterator[pl.DataFrame]:
        """Lines without quotes, split all at once; lines with quotes join ``exact``."""
        data, plain = self.lines.data, []
        starts, ends = self.lines.starts[regular].tolist(), self.lines.ends[regular].tolist()
        for line, time_us, start, end in zip(
            regular.tolist(), times.tolist(), starts, ends, strict=True
        ):
            text = decode(data[start:end])
            if self.syntax.quoted and '"' in text:
                fields = split_quoted(text, self.syntax.separator) or []
                exact.append(ExactEvent(line, line, time_us, fields, text))
            else:
                plain.append((line, time_us, text))
        if plain:
            lines, plain_times, texts = zip(*plain, strict=True)
            count = len(self.table.names)
            whole = pl.Series(texts, dtype=pl.String)
            fields_at_once = whole.str.split_exact(self.syntax.separator, count - 1)
            columns = fields_at_once.struct.rename_fields(list(self.table.names)).struct.unnest()
            yield self._reserved(lines, plain_times, texts).hstack(columns)

    def _frame(self, events: list[ExactEvent]) -> Iterator[pl.DataFrame]:
        """Events that are cut into fields already."""
        if events:
            columns = zip(*(event.fields for event in events), strict=True)
            series = [
                pl.Series(name, column, dtype=pl.String)
                for name, column in zip(self.table.names, columns, strict=True)
            ]
            lines, _, times, _, texts = zip(*events, strict=True)
            yield self._reserved(lines, times, texts).hstack(series)

    def _reserved(
        self, lines: Sequence[int], times: Sequence[int | None], texts: Sequence[str]
    ) -> pl.DataFrame:
        numbers = [self.lines.number(line) for line in lines]
        return pl.DataFrame(
            [
                pl.Series(TIME, times, dtype=pl.Int64),
                pl.Series(RECORD, numbers, dtype=pl.Int64),
                pl.Series(RAW, [text[:MAX_RAW_CHARS] for text in texts], dtype=pl.String),
            ]
        )

    def _runs(self, column: int, cuts: Offsets) -> tuple[list[str], list[int]]:
        """A column's texts among the regular lines, and where each starts, the end last."""
        starts, ends = self._spans[column]
        runs = text_runs(self.lines.buffer, starts, ends, cuts)
        data = self.lines.data
        spans = zip(starts[runs].tolist(), ends[runs].tolist(), strict=True)
        values = [_unquoted(decode(data[low:high])) for low, high in spans]
        return values, [*runs.tolist(), len(starts)]

    def _sightings(self, column: int, width: int) -> list[Sighting]:
        """First and last record of each run of one text, the exactly read events among them."""
        number = self.lines.number
        cuts = np.searchsorted(self.regular, [event.line for event in self.exact])
        values, bounds = self._runs(column, cuts.astype(np.int64))
        found = [
            Sighting(number(e.line), e.time_us, ",".join(e.fields[column : column + width]))
            for e in self.exact
        ]
        for value, low, high in zip(values, bounds, bounds[1:], strict=False):
            for at in {low, high - 1}:
                line = number(int(self.regular[at]))
                found.append(Sighting(line, int(self.times[at]), value))
        return sorted(found, key=lambda sighting: sighting.line)

    def _builds_in_text(self, pattern: re.Pattern[bytes]) -> list[Sighting]:
        """The last match of each event's text."""
        when: dict[int, int | None] = dict(
            zip(self.regular.tolist(), self.times.tolist(), strict=True)
        )
        when |= {event.line: event.time_us for event in self.exact}
        owner = {at: e.line for e in self.exact for at in range(e.line, e.last + 1)}
        found: dict[int, str] = {}
        for match in pattern.finditer(self.lines.data):
            line = int(np.searchsorted(self.lines.block.breaks, match.start()))
            line = owner.get(line, line)
            if line in when:
                found[line] = match[1].decode("ascii", "replace")
        return [Sighting(self.lines.number(at), when[at], found[at]) for at in sorted(found)]


def count_hours(log: str, times: Offsets) -> Iterator[tuple[str, int, int]]:
    """Logs are written in order: an hour is a long run, and runs are few."""
    hours = times // HOUR_US
    heads = np.flatnonzero(np.diff(hours, prepend=NO_TIME) != 0)
    events = np.diff(heads, append=len(hours))
    for hour, count in zip(hours[heads].tolist(), events.tolist(), strict=True):
        yield log, hour, count


def _unquoted(text: str) -> str:
    if '"' not in text:
        return text
    return ",".join(split_quoted(text) or [text])
