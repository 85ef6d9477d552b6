"""Decompressors with one face, whatever library is behind them.

Enters: packed bytes. Leaves: at most ``max_length`` unpacked bytes a call, so that memory stays
bounded whatever the data says. Library errors become :class:`Unreadable`.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Final, Protocol

import inflate64

from afterpatch.evidence.limits import Unreadable

STORED: Final = 0
DEFLATED: Final = 8
DEFLATE64: Final = 9
BZIP2: Final = 12


class Decoder(Protocol):
    """One compressed stream (gzip member, bzip2 stream, zip member …)."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Deflate:
    """zlib with the interface that :mod:`bz2` and :mod:`lzma` share."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Deflate64:
    """Windows Explorer writes Deflate64 for files beyond 2 GB."""

    unused_data = b""
    _STEP = 4096  # the library gives all output of its input at once: feed it little

    def __init__(self) -> None:
        self._inner = inflate64.Inflater()
        self._packed = b""
        self._ready = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof) and not self._ready

    @property
    def needs_input(self) -> bool:
        return not self._packed and not self._ready

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._packed += data
        while not self._ready and self._packed and not self._inner.eof:
            step, self._packed = self._packed[: self._STEP], self._packed[self._STEP :]
            self._ready = self._inner.inflate(step)
        out, self._ready = self._ready[:max_length], self._ready[max_length:]
        return out


def gzip_decoder() -> Decoder:
    """One gzip member; zlib checks its CRC and length."""
    return _Deflate(16 + zlib.MAX_WBITS)


def bzip2_decoder() -> Decoder:
    """One bzip2 stream."""
    return bz2.BZ2Decompressor()


def xz_decoder(memory_bytes: int) -> Decoder:
    """One xz stream; refuses to ask for more than ``memory_bytes`` of memory."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory_bytes)


def zip_decoder(method: int) -> Callable[[], Decoder] | None:
    """Decoder for a zip compression method, or None where we have none."""
    return _ZIP_METHODS.get(method)


_ZIP_METHODS: Final[dict[int, Callable[[], Decoder]]] = {
    DEFLATED: lambda: _Deflate(-zlib.MAX_WBITS),
    DEFLATE64: _Deflate64,
    BZIP2: bzip2_decoder,
}


def decode(decoder: Decoder, data: bytes, max_length: int) -> bytes:
    """``decoder.decompress`` whose every failure is Unreadable."""
    try:
        return decoder.decompress(data, max_length)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError) as error:
        raise Unreadable(f"compressed data is damaged: {error}") from error
