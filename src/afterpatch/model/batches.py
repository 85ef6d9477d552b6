"""Columns of events, and what one block of a source held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.model.places import Fact, Gap, Notice

TIME: Final = "@time"  # Int64: microseconds since the epoch, UTC; null when unreadable
RECORD: Final = "@record"  # Int64: line or record number in the source, from 1
RAW: Final = "@raw"  # String: the record's original text, cut at MAX_RAW_CHARS
AT: Final = "@at"  # Int64: where the source's format finds the record's original text again
RESERVED: Final = (TIME, RECORD, RAW, AT)
MAX_RAW_CHARS: Final = 16_384


# How a column's text stands in the raw text: as it is but for what W3C and CSV do; with escapes
# (JSON, Zeek); with quotes and backslashes escaped (access logs); a URL as its parts, without the
# marks between them (W3C proxies); as lengths and labels, ``(3)www(7)example(3)com(0)``; or right
# behind its column's name, ``a0=ls`` or ``a0="ls"`` (but for what is derived).
Spelling = Literal["plain", "escaped", "backslashed", "parted", "labels", "keyed"]


class Logsource(NamedTuple):
    """A Sigma log source. A rule applies where each part it names is equal."""

    category: str = ""
    product: str = ""
    service: str = ""


class Declared(NamedTuple):
    """What a source's own header, or its format, says it holds.

    columns   None = nothing tells them.
    derived   columns cut out of others or put together from them, and lists of several values.
    invented  columns whose text stands nowhere in the raw text.
    tested    whether its reader takes ``Wanted.cells``: of the columns named, or of any.
    """

    logsource: Logsource
    columns: frozenset[str] | None = None
    derived: frozenset[str] = frozenset()
    invented: frozenset[str] = frozenset()
    tested: Literal["", "named", "any"] = ""


class Cell(NamedTuple):
    """A test of one column's raw text. ``text`` is lower-case ASCII and needs no escaping.

    ``negated``: holds where the test does not, or where the column has no value.
    """

    column: str
    op: Literal["equals", "startswith", "endswith"]
    text: str
    negated: bool = False


class Distinct(NamedTuple):
    """A column's distinct values, as far as a reader knows: two numbers may stand for equal ones.

    numbers  per row, its value's; -1 = absent.    firsts  per value, the first row that has it.
    """

    numbers: npt.NDArray[np.int32]
    firsts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one kind from one source.

    ``frame`` has the reserved columns above, then the format's own field names, all String;
    null = field absent, empty string = present but empty. A format that gives the original text of
    single records on demand has ``@at`` in the place of ``@raw``. ``distinct``: of the columns
    whose distinct values the reader knows.
    """

    logsource: Logsource
    frame: pl.DataFrame
    distinct: Mapping[str, Distinct] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one block of a source held. Law: records = events + skipped + sum(gap.records).

    batches   the events some rule asked for; a reader without a prefilter gives all events.
    records   records met, of whatever fate (a comment line is a record that is skipped).
    events    records understood as events, whether or not any rule asked for them.
    skipped   documented skips: header and comment lines, blank lines.
    observed  coverage: log name -> hour since the epoch -> events with a time in that hour.
    first_us, last_us  earliest and latest event time in the block, microseconds, or None.
    """

    records: int = 0
    events: int = 0
    skipped: int = 0
    batches: tuple[Batch, ...] = ()
    gaps: tuple[Gap, ...] = ()
    facts: tuple[Fact, ...] = ()
    notices: tuple[Notice, ...] = ()
    observed: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    first_us: int | None = None
    last_us: int | None = None


class Wanted(Protocol):
    """A prefilter over raw text: which lines may matter to some rule."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """A line is also wanted where one of these holds; () unless the reader said it can test
        them (``Declared.tested``)."""
        ...

    def offsets(self, block: bytes | bytearray | memoryview) -> npt.NDArray[np.int64]:
        """Sorted offsets into ``block``, each inside a line that some rule may match."""
        ...


def joined(batches: Sequence[Batch]) -> Batch:
    """One after the other; all have the same log source and columns."""
    if len(batches) == 1:
        return batches[0]
    known = set(batches[0].distinct).intersection(*(batch.distinct for batch in batches))
    return Batch(
        batches[0].logsource,
        pl.concat([batch.frame for batch in batches]),
        {name: _distinct([batch.distinct[name] for batch in batches]) for name in known},
    )


def _distinct(parts: Sequence[Distinct]) -> Distinct:
    numbers, firsts = [], []
    rows = values = 0
    for part in parts:
        numbers.append(np.where(part.numbers < 0, -1, part.numbers + values).astype(np.int32))
        firsts.append(part.firsts + rows)
        rows += len(part.numbers)
        values += len(part.firsts)
    return Distinct(np.concatenate(numbers), np.concatenate(firsts))


class ColumnsWanted(Protocol):
    """Which columns somebody looks at in events of a log source with an event id; None = all."""

    def __call__(self, logsource: Logsource, event_id: str) -> frozenset[str] | None: ...

    def within(self, block: bytes | memoryview) -> "ColumnsWanted":
        """The same, for events each of whose texts lies whole in these bytes, as UTF-16.

        Values that are no text, and those joined of several with a backslash, with line ends or as
        JSON, need not lie there.
        """
        ...
