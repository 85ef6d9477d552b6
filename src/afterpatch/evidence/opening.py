"""Open an item found earlier, in this process or another.

Enters: an :class:`Item`. Leaves: its bytes. Raises :class:`Unreadable` and nothing else.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from afterpatch.evidence.limits import Limits, Unreadable
from afterpatch.evidence.locators import Locator, open_locator
from afterpatch.evidence.streams import BUFFER_BYTES, why
from afterpatch.model.places import Item

__all__ = ["Unreadable", "open_item", "open_seekable"]

_DEFAULT_LIMITS = Limits()


@contextmanager
def open_item(
    item: Item, scratch: Path, seekable: bool = False, limits: Limits = _DEFAULT_LIMITS
) -> Iterator[BinaryIO]:
    """The item's bytes as a read-only stream.

    Shape:   a buffered binary stream; with ``seekable`` it can seek (a compressed item is unpacked
             to a private file in ``scratch`` first, gone on exit).
    Errors:  Unreadable, on opening or on any read: the archive is damaged, lies about sizes, or
             exceeds ``limits``. Good bytes before the damage are handed out first (not with
             ``seekable``: then a damaged item does not open at all).
    """
    if seekable:
        with open_seekable(item.locator, scratch, limits) as stream:
            yield stream
    else:
        with open_locator(item.locator, limits) as stream:
            yield stream


@contextmanager
def open_seekable(locator: Locator, scratch: Path, limits: Limits) -> Iterator[BinaryIO]:
    """As :func:`open_item` with ``seekable``, for a bare locator."""
    with open_locator(locator, limits) as stream:
        if stream.seekable():
            yield stream
            return
        with _private_file(scratch) as file:
            _copy(stream, file)
            file.seek(0)
            yield file


@contextmanager
def _private_file(scratch: Path) -> Iterator[BinaryIO]:
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(prefix="open-", dir=scratch)  # noqa: SIM115
    except OSError as error:
        raise Unreadable(f"no room to unpack it: {why(error)}") from error
    with file:
        yield cast(BinaryIO, file)


def _copy(stream: BinaryIO, file: BinaryIO) -> None:
    while data := stream.read(BUFFER_BYTES):
        try:
            file.write(data)
        except OSError as error:
            raise Unreadable(f"no room to unpack it: {why(error)}") from error
