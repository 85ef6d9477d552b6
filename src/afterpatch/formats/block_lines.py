"""The lines of one block as every step of a reader sees them."""

from typing import NamedTuple

from afterpatch.formats.bit_index import Bytes, Offsets
from afterpatch.formats.text_blocks import Block


class BlockLines:
    """A block with its line spans at hand. Lines are named by their index in the block."""

    __slots__ = ("block", "buffer", "data", "ends", "starts")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.data: bytes = block.data
        self.buffer: Bytes = block.buffer
        spans: tuple[Offsets, Offsets] = block.spans()
        self.starts, self.ends = spans

    def __len__(self) -> int:
        return len(self.starts)

    def number(self, line: int) -> int:
        """The line's number in its source, from 1."""
        return self.block.first + line

    def raw(self, line: int) -> bytes:
        """The line's bytes without its line end."""
        return self.data[self.starts[line] : self.ends[line]]

    def text(self, line: int) -> str:
        """The line's text without its line end."""
        return decode(self.raw(line))


class ExactEvent(NamedTuple):
    """An event cut into fields. ``line``..``last`` are indices in its block."""

    line: int
    last: int
    time_us: int | None
    fields: list[str]
    raw: str


def decode(raw: bytes) -> str:
    """Text that shows every byte: what is no UTF-8 appears as ``\\xNN``."""
    return raw.decode("utf-8", errors="backslashreplace")
