"""SHA-256 and size of evidence while it is being read.

Enters: a binary stream. Leaves: the same bytes, and afterwards their digest.

Hashing runs in the reading thread. A background thread was measured and lost: processors hash
faster than the copy that a second thread needs (770 against 450 MB/s on two cores), and pipeline
keeps the other processors busy with other sources.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from afterpatch.evidence.limits import MIB

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_STEP_BYTES: Final = MIB


class Digest(NamedTuple):
    """``sha256`` in lower-case hexadecimal."""

    sha256: str
    size_bytes: int


class HashingReader(io.BufferedIOBase, BinaryIO):
    """A read-only, unseekable view of ``stream`` that hashes what passes through.

    The caller keeps ownership of ``stream``: closing the view leaves it open.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = b""
        self._hash = hashlib.sha256()
        self._size_bytes = 0

    def readable(self) -> bool:
        return True

    def peek(self, size: int = 1, /) -> bytes:
        """The next ``size`` bytes (fewer only at the end), still to be read."""
        if len(self._ahead) < size:
            self._ahead += self._stream.read(size - len(self._ahead))
        return self._ahead[:size]

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        ahead, self._ahead = self._ahead[: len(view)], self._ahead[len(view) :]
        view[: len(ahead)] = ahead
        rest = view[len(ahead) :]
        count = len(ahead)
        if len(rest):
            count += self._stream.readinto(rest)  # type: ignore[attr-defined]
        self._take(view[:count])
        return count

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None or size < 0 else size
        if wanted >= 0 and len(self._ahead) >= wanted:
            data, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        else:
            ahead, self._ahead = self._ahead, b""
            data = self._stream.read(wanted if wanted < 0 else wanted - len(ahead))
            data = ahead + data if ahead else data
        self._take(data)
        return data

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(_STEP_BYTES if size < 0 else size)

    def _take(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size_bytes += len(data)

    def finish(self) -> Digest:
        """Read what is left and return the digest of everything. Raises Unreadable."""
        if type(self._stream) is io.BytesIO:  # nothing to read: it is in memory
            ahead, self._ahead = self._ahead, b""
            self._take(ahead)
            self._take(self._stream.getbuffer()[self._stream.tell() :])
            self._stream.seek(0, io.SEEK_END)
        while self.read(_STEP_BYTES):
            pass
        return self.so_far()

    def so_far(self) -> Digest:
        """Digest of what was read until now: all there is for evidence that became unreadable."""
        return Digest(self._hash.hexdigest(), self._size_bytes)


def digest_of(stream: BinaryIO) -> Digest:
    """SHA-256 and size of a stream from where it stands to its end. Raises Unreadable."""
    return HashingReader(stream).finish()
