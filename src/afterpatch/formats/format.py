"""What a log format is: how to know it, and how to read it."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from afterpatch.model.batches import (
    ColumnsWanted,
    Declared,
    Logsource,
    Piece,
    Spelling,
    Wanted,
)
from afterpatch.model.places import Item

HEAD_BYTES = 65_536


class Reader(Protocol):
    """Bytes of one source -> pieces, in file order, memory bounded by the block size.

    Never raises for content: what cannot be read becomes a Gap inside a piece.
    ``wanted`` asks for batches of only those lines; None = batches of all events.
    """

    def __call__(self, stream: BinaryIO, item: Item, wanted: Wanted | None) -> Iterator[Piece]: ...


class ColumnReader(Protocol):
    """As :class:`Reader`, for a format that is columns: only the wanted ones (all if None).

    Its batches have ``@at``, no ``@raw``: see :class:`TextReader`.
    """

    def __call__(
        self, stream: BinaryIO, item: Item, wanted: ColumnsWanted | None
    ) -> Iterator[Piece]: ...


class TextReader(Protocol):
    """The original text of the records at these places (``@at``), as (place, text), in order."""

    def __call__(
        self, stream: BinaryIO, item: Item, places: Collection[int]
    ) -> Iterator[tuple[int, str]]: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One log format.

    kind        the word for it in the assessment document (``iis-w3c``).
    marks       ASCII texts: ``recognise`` says "" of any head without one of them, in any case and
                with up to three NUL bytes between letters; () = it must always be asked.
    recognise   (head bytes, item) -> why it is this format ("header", "file name") or "".
    read        the reader; its stream is seekable only if ``seekable``.
    prefilter   which raw-text prefilter its reader takes, "" = none: the reader gives every event.
                "logsource" asks for one made of the rules for the source's log source alone.
    logsource   what its batches are, for formats with a prefilter (their batches may stay away).
    declared    (head bytes, item) -> log source and columns, where the head tells them; None = no
                prefilter.
    spelling    how a column's text stands in the raw text, for a prefilter by log source.
    read_columns, texts  of a format that is columns: the faster reader, and where ``@raw`` is then.
    content     whether pipeline also scans the bytes with YARA and matches their hash.
    """

    kind: str
    recognise: Callable[[bytes, Item], str]
    read: Reader
    marks: tuple[str, ...] = ()
    seekable: bool = False
    prefilter: Literal["", "webserver", "exchange", "logsource"] = ""
    logsource: Logsource | None = None
    declared: Callable[[bytes, Item], Declared | None] | None = None
    spelling: Spelling = "plain"
    read_columns: ColumnReader | None = None
    texts: TextReader | None = None
    content: bool = False
