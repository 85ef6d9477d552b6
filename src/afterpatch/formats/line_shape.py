"""What the lines of a log without a column header look like.

A :class:`LineShape` holds the patterns that :mod:`afterpatch.formats.line_log` reads by.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from afterpatch.model.batches import Logsource
from afterpatch.model.places import Item


class TimeReader(Protocol):
    """Texts of times -> Int64 microseconds since the epoch, null where unreadable; may learn."""

    def read(self, texts: pl.Series) -> pl.Series: ...

    def in_words(self) -> Iterator[tuple[str, str]]:
        """(topic, text) of what the reader of a verdict must know about these times."""
        ...


def _as_is(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


_ASCII_CLASSES: Final = {
    r"\d": "[0-9]",
    r"\w": "[0-9A-Za-z_]",
    r"\s": r"[ \t\f\r]",
    r"\S": r"[^ \t\f\r]",
}


def _ascii(pattern: str) -> str:
    for short, spelled in _ASCII_CLASSES.items():
        pattern = pattern.replace(short, spelled)
    return pattern


@dataclass(frozen=True, slots=True)
class LineShape:
    r"""What lines a log has. Patterns are Rust regular expressions.

    event    a whole event; classes like ``\d`` mean ASCII; its named groups are the columns.
    time     finds the time of an event in its group 1.
    skip     lines that are there by the log's own rules and are no events.
    mark     what only events have: a line with it that is no event is a gap, never skipped.
    detail   lines that belong to the event before them, or "".
    times    makes the reader of the times of one source.
    finish   the groups as columns -> the columns of the batch.
    attach   (frame with ``owner`` and ``line``: detail lines and the row they belong to, batch)
             -> batch with what the details tell.
    """

    logsource: Logsource
    log: str
    event: str
    time: str
    skip: str
    mark: str
    times: Callable[[Item], TimeReader]
    detail: str = ""
    finish: Callable[[pl.DataFrame], pl.DataFrame] = _as_is
    attach: Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame] | None = None

    def __post_init__(self) -> None:
        """Spell out the classes: an automaton over all of Unicode's digits is large and slow."""
        for name in ("event", "time", "skip", "mark", "detail"):
            object.__setattr__(self, name, _ascii(getattr(self, name)))
