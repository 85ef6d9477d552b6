"""Binary streams over evidence: a plain file, a slice of one, a compressed stream.

Enters: an open file and where in it to look. Leaves: read-only streams that raise nothing but
:class:`Unreadable`, even when sizes or checksums in an archive lie, and only after everything
before the damage was handed out.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from afterpatch.evidence.decoders import Decoder, decode
from afterpatch.evidence.limits import MIB, Limits, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import MaybeNone, WriteableBuffer

BUFFER_BYTES: Final = MIB
_PACKED_STEP: Final = 256 * 1024


def why(error: OSError) -> str:
    """An operating-system error as a plain clause without our own paths."""
    return (error.strerror or type(error).__name__).lower()


class PlainFile(io.FileIO):
    """A file opened read-only whose errors are Unreadable."""

    def __init__(self, path: str) -> None:
        try:
            super().__init__(path, "rb")
        except (OSError, ValueError) as error:  # ValueError: NUL in the name
            reason = why(error) if isinstance(error, OSError) else "not a usable file name"
            raise Unreadable(f"cannot be opened: {reason}") from error

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        """As :meth:`io.FileIO.readinto`, but a failing disk is Unreadable."""
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise Unreadable(f"cannot be read: {why(error)}") from error

    def read(self, size: int | None = -1, /) -> bytes | MaybeNone:
        """As :meth:`io.FileIO.read`, but a failing disk is Unreadable."""
        try:
            return super().read(-1 if size is None else size)
        except OSError as error:
            raise Unreadable(f"cannot be read: {why(error)}") from error


class Slice(io.RawIOBase):
    """``size`` bytes of a file from ``start``; seekable. A file that ends early is Unreadable."""

    def __init__(self, file: io.FileIO, start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._size - self._at)]
        if not len(view):
            return 0
        self._file.seek(self._start + self._at)
        count = self._file.readinto(view) or 0
        if not count:
            raise Unreadable("the archive ends inside this member")
        self._at += count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class Watch(Protocol):
    """Looks at what a stream unpacks, and at its end. Raises Unreadable."""

    def take(self, data: bytes | memoryview, packed_bytes: int) -> None: ...

    def end(self) -> None: ...


class Within:
    """Holds a stream of unknown size to the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._size = limits, 0

    def take(self, data: bytes | memoryview, packed_bytes: int) -> None:
        self._size += len(data)
        self._limits.check_member(self._size, packed_bytes)

    def end(self) -> None:
        """Nothing was promised."""


class Declared:
    """Holds a zip member to the size and CRC-32 its directory declares."""

    def __init__(self, size: int, crc32: int) -> None:
        self._declared, self._crc32 = size, crc32
        self._size, self._crc = 0, 0

    def take(self, data: bytes | memoryview, packed_bytes: int) -> None:
        self._size += len(data)
        if self._size > self._declared:
            raise Unreadable(f"holds more than the {self._declared:,} bytes it declares")
        self._crc = zlib.crc32(data, self._crc)

    def end(self) -> None:
        if self._size != self._declared:
            raise Unreadable(f"holds {self._size:,} bytes where it declares {self._declared:,}")
        if self._crc != self._crc32:
            raise Unreadable("its CRC-32 does not match: the data is damaged")


class Stored(io.RawIOBase):
    """An uncompressed archive member under a watch."""

    def __init__(self, inner: Slice, watch: Watch) -> None:
        self._inner, self._watch, self._ended = inner, watch, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        count = self._inner.readinto(view)
        if count:
            self._watch.take(view[:count], count)
        elif len(view) and not self._ended:
            self._ended = True
            self._watch.end()
        return count

    def close(self) -> None:
        self._inner.close()
        super().close()


class Unpacked(io.RawIOBase):
    """A compressed stream, unpacked on the way.

    many  whether further streams may follow (gzip, bzip2 and xz files may); zero padding between
          them is allowed. Anything else left over is Unreadable: unread is not clean.
    """

    def __init__(
        self, packed: io.RawIOBase, new: Callable[[], Decoder], watch: Watch, *, many: bool
    ) -> None:
        self._packed, self._new, self._watch, self._many = packed, new, watch, many
        self._decoder = new()
        self._pushed = b""
        self._taken_bytes = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        data = b""
        while len(view) and not data and not self._ended:
            data = self._more(min(len(view), MIB))
        view[: len(data)] = data
        return len(data)

    def _more(self, most: int) -> bytes:
        """Up to ``most`` unpacked bytes; may be empty before the end."""
        if self._decoder.eof:
            self._next_stream()
            return b""
        fresh = self._feed() if self._decoder.needs_input else b""
        starved = self._decoder.needs_input and not fresh
        data = decode(self._decoder, fresh, most)
        if data:
            self._watch.take(data, self._taken_bytes)
        elif starved and not self._decoder.eof:
            raise Unreadable("compressed data ends too early")
        return data

    def _feed(self) -> bytes:
        if self._pushed:
            fresh, self._pushed = self._pushed, b""
            return fresh
        fresh = self._packed.read(_PACKED_STEP) or b""
        self._taken_bytes += len(fresh)
        return fresh

    def _next_stream(self) -> None:
        """After the end of one stream: start the next one, or note that there is none."""
        rest = self._decoder.unused_data.lstrip(b"\0") if self._many else b""
        while self._many and not rest and (fresh := self._feed()):
            rest = fresh.lstrip(b"\0")
        if rest:
            self._pushed, self._decoder = rest, self._new()
        else:
            self._ended = True
            self._watch.end()

    def close(self) -> None:
        self._packed.close()
        super().close()


class EvidenceStream(io.BufferedReader):
    """What a reader of an archive member gets: buffered, and complete up to the first damage.

    A read that meets damage after some good bytes returns those; the next one raises Unreadable.
    """

    _failed: Unreadable | None = None

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and (data := self._step(len(view) - filled, filled)):
            view[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(BUFFER_BYTES), b""))
        steps: list[bytes] = []
        left = size
        while left and (data := self._step(left, len(steps))):
            steps.append(data)
            left -= len(data)
        return steps[0] if len(steps) == 1 else b"".join(steps)

    def _step(self, most: int, already: int) -> bytes:
        """At least one byte unless at the end; raises only if nothing was read ``already``."""
        try:
            if self._failed is None:
                return super().read1(min(most, BUFFER_BYTES))
        except Unreadable as error:
            self._failed = error
        if already:
            return b""
        raise self._failed


def buffered(raw: io.RawIOBase) -> BinaryIO:
    """Wrap a raw stream of this module for its reader."""
    if isinstance(raw, PlainFile):
        return io.BufferedReader(raw, BUFFER_BYTES)
    return EvidenceStream(raw, BUFFER_BYTES)
