"""What a log format is: how to know it, and how to read it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

HEAD_BYTES = 65_536


class Reader(Protocol):
    """Bytes of one source -> pieces, in file order, memory bounded by the block size.

    Never raises for content: what cannot be read becomes a Gap inside a piece.
    ``wanted`` asks for batches of only those lines; None = batches of all events.
    """

    def __call__(self, stream: BinaryIO, item: Item, wanted: Wanted | None) -> Iterator[Piece]: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One log format.

    kind        the word for it in the assessment document (``iis-w3c``).
    recognise   (head bytes, item) -> why it is this format ("header", "file name") or "".
    read        the reader; its stream is seekable only if ``seekable``.
    prefilter   which raw-text prefilter its reader takes, "" = none: the reader gives every event.
    logsource   what its batches are, for formats with a prefilter (their batches may stay away).
    content     whether pipeline also scans the bytes with YARA and matches their hash.
    """

    kind: str
    recognise: Callable[[bytes, Item], str]
    read: Reader
    seekable: bool = False
    prefilter: Literal["", "webserver", "exchange", "access", "proxy"] = ""
    logsource: Logsource | None = None
    content: bool = False
