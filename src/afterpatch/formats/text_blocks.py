"""Byte stream -> blocks of whole text lines.

Enters: any bytes, read once, front to back. Leaves: UTF-8 blocks that end at a line end, each with
the offsets of its line ends, and a note for every line too long to hold. UTF-16 is transcoded on
the way, so offsets and line numbers always speak of the UTF-8 text. It does not judge content and
does not know columns; a line ends with LF (a CR before it belongs to the line end).
"""

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO, Final

import numpy as np

from afterpatch.formats.bit_index import BitIndex, Bytes, Offsets

# Measured: 2-4 MiB keeps a block and its masks in the processor's cache.
BLOCK_BYTES: Final = 4 << 20
MAX_LINE_BYTES: Final = 4 << 20
_READ_BYTES: Final = 1 << 18
# A block of empty lines must not become arrays many times its own size.
MAX_BLOCK_LINES: Final = 1 << 18

_LF: Final = 0x0A
_CR: Final = 0x0D


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one source.

    data    UTF-8 text; every line ends with LF, except a source's very last one when not ``ended``.
    breaks  offset of each line's LF; ``len(data)`` for a last line without one.
    first   number of the first line in the source, from 1.
    """

    data: bytes
    breaks: Offsets
    first: int
    ended: bool = True

    @property
    def buffer(self) -> Bytes:
        """The text as numbers, no copy."""
        return np.frombuffer(self.data, dtype=np.uint8)

    def spans(self) -> tuple[Offsets, Offsets]:
        """Start and end offset of each line's content, line end (LF or CR LF) excluded."""
        starts = np.empty_like(self.breaks)
        starts[:1] = 0
        starts[1:] = self.breaks[:-1] + 1
        before = self.buffer[np.maximum(self.breaks - 1, 0)]
        return starts, self.breaks - ((before == _CR) & (self.breaks > starts))

    def after(self, held: bytes) -> "Block":
        """This block with whole lines put back in front of it."""
        if not held:
            return self
        held_breaks = _line_breaks(held)
        breaks = np.concatenate((held_breaks, self.breaks + len(held)))
        return Block(held + self.data, breaks, self.first - len(held_breaks), self.ended)


@dataclass(frozen=True, slots=True)
class LongLine:
    """A line longer than the limit: not kept, only counted."""

    number: int
    size_bytes: int


def read_blocks(
    stream: BinaryIO, block_bytes: int = BLOCK_BYTES, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[Block | LongLine]:
    """Yield the lines of ``stream`` in order; holds at most one block and one line at a time.

    How the text is cut into blocks depends on ``block_bytes``; which lines come out does not.
    """
    carry, dropped, line = b"", 0, 1
    for pieces in _bundles(_as_utf8(_pieces(stream, block_bytes)), block_bytes):
        if dropped:  # inside a line that is too long: look for its end only
            ended, rest = _line_end(pieces)
            dropped += ended
            if rest is None:
                continue
            yield LongLine(line, dropped)
            pieces, dropped, line = [rest], 0, line + 1
        data, carry = _whole_lines(carry, pieces)
        if data:
            breaks = _line_breaks(data)
            yield from _bounded(data, breaks, line, max_line_bytes)
            line += len(breaks)
        if len(carry) > max_line_bytes:
            carry, dropped = b"", len(carry)
    if dropped:
        yield LongLine(line, dropped)
    elif carry:
        yield Block(carry, np.array([len(carry)], dtype=np.int64), line, ended=False)


def _whole_lines(carry: bytes, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """The text up to its last line end, and what follows; ``carry`` holds no line end."""
    for last in range(len(pieces) - 1, -1, -1):
        cut = pieces[last].rfind(b"\n") + 1
        if cut:
            data = b"".join((carry, *pieces[:last], memoryview(pieces[last])[:cut]))
            return data, b"".join((pieces[last][cut:], *pieces[last + 1 :]))
    return b"", b"".join((carry, *pieces))


def _line_end(pieces: list[bytes]) -> tuple[int, bytes | None]:
    """How many bytes stand before the first line end, and the text after it, if there is one."""
    data = b"".join(pieces)
    end = data.find(b"\n")
    return (len(data), None) if end < 0 else (end, data[end + 1 :])


def _line_breaks(data: bytes) -> Offsets:
    return BitIndex.of(np.frombuffer(data, dtype=np.uint8), _LF).offsets()


def _bounded(
    data: bytes, breaks: Offsets, first: int, max_line_bytes: int
) -> Iterator[Block | LongLine]:
    """One block if it is within bounds, else slices of it and a note for each long line."""
    lengths = np.diff(breaks, prepend=-1) - 1
    too_long = np.flatnonzero(lengths > max_line_bytes).tolist()
    at = 0
    for stop in [*too_long, len(breaks)]:
        for low in range(at, stop, MAX_BLOCK_LINES):
            high = min(low + MAX_BLOCK_LINES, stop)
            start = int(breaks[low - 1]) + 1 if low else 0
            end = int(breaks[high - 1]) + 1
            whole = start == 0 and end == len(data)
            text = data if whole else data[start:end]
            yield Block(text, breaks[low:high] - start, first + low)
        if stop < len(breaks):
            yield LongLine(first + stop, int(lengths[stop]))
        at = stop + 1


def _pieces(stream: BinaryIO, block_bytes: int) -> Iterator[bytes]:
    """Small reads: memory that is used again at once costs the system nothing."""
    while piece := stream.read(min(_READ_BYTES, block_bytes)):
        yield piece


def _bundles(pieces: Iterator[bytes], block_bytes: int) -> Iterator[list[bytes]]:
    """Pieces together about as large as a block."""
    bundle: list[bytes] = []
    size = 0
    for piece in pieces:
        bundle.append(piece)
        size += len(piece)
        if size >= block_bytes:
            yield bundle
            bundle, size = [], 0
    if bundle:
        yield bundle


def _as_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Drop a UTF-8 byte order mark; turn UTF-16 of either order into UTF-8."""
    head = b""
    for chunk in chunks:  # a stream may hand out its first bytes one by one
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    encoding, mark = text_encoding(head)
    if encoding == "utf-8":
        yield head[mark:]
        yield from chunks
        return
    # What is no UTF-16 stays visible as \xNN: nothing is dropped in silence.
    decoder = codecs.getincrementaldecoder(encoding)(errors="backslashreplace")
    yield decoder.decode(head[mark:]).encode()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def text_encoding(head: bytes) -> tuple[str, int]:
    """Encoding by the first bytes, and the length of the byte order mark.

    UTF-16 without a mark is known by its first letter: every log here starts with ASCII.
    """
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", len(codecs.BOM_UTF8)
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", 2
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", 2
    if len(head) >= 2 and head[0] and not head[1]:
        return "utf-16-le", 0
    if len(head) >= 2 and head[1] and not head[0]:
        return "utf-16-be", 0
    return "utf-8", 0


@lru_cache(maxsize=2)
def head_text(head: bytes) -> str:
    """The first bytes of a source as text, for recognising a format; never raises.

    Remembered, because every format asks for the text of the same bytes.
    """
    encoding, mark = text_encoding(head)
    return head[mark:].decode(encoding, errors="replace")


@lru_cache(maxsize=2)
def head_comments(head: bytes) -> str:
    """The lines of :func:`head_text` that start with ``#``; many formats are known by one."""
    text = head_text(head)
    if "#" not in text:
        return ""
    return "\n".join(line for line in text.split("\n") if line.startswith("#"))


def all_fit(lines: Sequence[str], fits: Callable[[str], object], but: int) -> bool:
    """Whether there are lines and they fit, but for so many. Asked no longer than needed."""
    strange = 0
    for line in lines:
        strange += not fits(line)
        if strange > but:
            return False
    return bool(lines)
