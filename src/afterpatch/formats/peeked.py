"""A stream whose first bytes were looked at and are still to be read.

In: any binary stream. Out: its head, and a stream that gives every byte. For readers whose syntax
depends on the first lines.
"""

import io
from typing import BinaryIO

from afterpatch.formats.format import HEAD_BYTES


class Peeked(io.RawIOBase, BinaryIO):
    """``head`` is what the stream starts with: ``HEAD_BYTES``, or all there is."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        parts: list[bytes] = []
        left = HEAD_BYTES
        while left and (part := stream.read(left)):
            parts.append(part)
            left -= len(part)
        self.head = self._ahead = b"".join(parts)

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes; the head comes first, by itself."""
        if not self._ahead:
            return self._stream.read(-1 if size is None else size)
        size = len(self._ahead) if size is None or size < 0 else size
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data
