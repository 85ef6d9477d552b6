"""Blocks of text -> numbered lines as ``str``, for the small text formats.

In: a byte stream in UTF-8, UTF-16 or an 8-bit code page. Out: ``(line number, text)`` from 1; text
None for a line too long to hold. Will not: choose among code pages; a line that is not valid UTF-8
is read in the one given.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.text_blocks import LongLine, read_blocks

MAX_LINE_BYTES: Final = 1 << 20


def lines(stream: BinaryIO, fallback: str = "cp1252") -> Iterator[tuple[int, str | None]]:
    """Every line without its line end; a last line without line end counts as a line."""
    for block in read_blocks(stream, max_line_bytes=MAX_LINE_BYTES):
        if isinstance(block, LongLine):
            yield block.number, None
            continue
        text = block.data.removesuffix(b"\n")
        for number, line in enumerate(text.split(b"\n"), start=block.first):
            yield number, _text(line.removesuffix(b"\r"), fallback)


def _text(line: bytes, fallback: str) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode(fallback, "replace")
