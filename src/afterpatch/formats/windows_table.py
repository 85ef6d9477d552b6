"""Windows events of one kind as columns, on their way into batches.

In: arrays and columns of a reader that never makes events one by one. Out: :class:`EventTable`,
with the questions that :mod:`afterpatch.formats.windows_events` asks of any event.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.model.batches import Distinct, Logsource
from afterpatch.model.times import HOUR_US

NO_TIME: Final = np.iinfo(np.int64).min
Ints = npt.NDArray[np.int64]


@lru_cache(maxsize=1 << 10)
def _alone(text: str | None) -> pl.Series:
    """A series of one text: making one takes longer than repeating it."""
    return pl.Series([text], dtype=pl.String)


class Column(NamedTuple):
    """Texts, null = absent, and what is known of their distinct values."""

    texts: pl.Series
    distinct: Distinct

    @classmethod
    def of_one(cls, text: str | None, rows: int) -> "Column":
        """The same text, or none, in every row."""
        texts = _alone(text).new_from_index(0, rows)
        if text is None or not rows:
            return cls(texts, Distinct(np.full(rows, -1, np.int32), np.empty(0, np.int64)))
        return cls(texts, Distinct(np.zeros(rows, np.int32), np.zeros(1, np.int64)))


@dataclass(frozen=True, slots=True)
class EventTable:
    """Events of one log source, channel, provider and event id, in file order.

    times_us      per event; NO_TIME = not readable.
    records       per event, its number.
    places        per event, where its text is found again.
    computers     null = not said.
    first_seen    of each computer, its event with the lowest number: (record, name, time or None).
    columns       the fields somebody asked for, by name.
    unzoned       how many times named no zone.
    message_only  how many events carry a message in the place of their fields.
    witnesses     of some events: Sysmon's own time minus the record's, microseconds.
    """

    logsource: Logsource
    channel: str
    provider: str
    event_id: str
    times_us: Ints
    records: Ints
    places: Ints
    computers: Column
    first_seen: tuple[tuple[int, str, int | None], ...]
    columns: Mapping[str, Column]
    unzoned: int = 0
    message_only: int = 0
    witnesses: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def known_times(self) -> Ints:
        """The times that could be read."""
        known: Ints = self.times_us[self.times_us != NO_TIME]
        return known

    def hours(self, shift_us: int) -> Iterator[tuple[int, int]]:
        """(hour since the epoch, events in it)."""
        hours, counts = np.unique((self.known_times() + shift_us) // HOUR_US, return_counts=True)
        yield from zip(hours.tolist(), counts.tolist(), strict=True)
