"""How an item is found again: ``Item.locator`` in one of four forms, all plain strings.

    (file,)                                the file itself
    (file, name, "slice/START/SIZE")       uncompressed bytes inside it (tar, spooled 7z)
    (file, name, "zip/METHOD/HEADER/PACKED/SIZE/CRC")   a zip member, by its local header
    (file, name, "gzip" | "bzip2" | "xz")  the whole file, unpacked

Any process can open a locator; it needs no archive directory, so opening the ten-thousandth member
costs what opening the first one costs. Source of the zip layout: PKWARE APPNOTE 6.3.10 §4.3.7.
"""

import io
import struct
from functools import partial
from typing import BinaryIO, Final

from afterpatch.evidence.decoders import (
    STORED,
    bzip2_decoder,
    gzip_decoder,
    xz_decoder,
    zip_decoder,
)
from afterpatch.evidence.limits import Limits, Unreadable
from afterpatch.evidence.streams import (
    Declared,
    PlainFile,
    Slice,
    Stored,
    Unpacked,
    Within,
    buffered,
)

Locator = tuple[str, ...]
LOCAL_SIGNATURE: Final = b"PK\x03\x04"
LOCAL_HEADER: Final = struct.Struct("<4s22xHH")


def slice_locator(file: str, name: str, start: int, size: int) -> Locator:
    """Bytes ``start`` to ``start + size`` of a file."""
    return (file, name, f"slice/{start}/{size}")


def zip_locator(
    file: str, name: str, *, method: int, header: int, packed: int, size: int, crc32: int
) -> Locator:
    """A zip member, as its central directory declares it."""
    return (file, name, f"zip/{method}/{header}/{packed}/{size}/{crc32}")


def packed_locator(file: str, name: str, kind: str) -> Locator:
    """A whole gzip, bzip2 or xz file."""
    return (file, name, kind)


def open_locator(locator: Locator, limits: Limits) -> BinaryIO:
    """Open for reading. The stream, and this call, raise Unreadable and nothing else."""
    file = PlainFile(locator[0])
    try:
        return buffered(_raw(file, locator, limits))
    except (Unreadable, ValueError):
        file.close()
        raise


def _raw(file: PlainFile, locator: Locator, limits: Limits) -> io.RawIOBase:
    if len(locator) == 1:
        return file
    how, *numbers = locator[2].split("/")
    match how:
        case "slice":
            start, size = map(int, numbers)
            return Slice(file, start, size)
        case "zip":
            method, header, packed, size, crc32 = map(int, numbers)
            data = Slice(file, _zip_data_start(file, header), packed)
            return _zip_member(data, method, Declared(size, crc32))
        case "gzip":
            return Unpacked(file, gzip_decoder, Within(limits), many=True)
        case "bzip2":
            return Unpacked(file, bzip2_decoder, Within(limits), many=True)
        case "xz":
            decoder = partial(xz_decoder, limits.dictionary_bytes)
            return Unpacked(file, decoder, Within(limits), many=True)
    raise ValueError(f"no such locator: {how}")


def _zip_member(data: Slice, method: int, watch: Declared) -> io.RawIOBase:
    if method == STORED:
        return Stored(data, watch)
    decoder = zip_decoder(method)
    if decoder is None:
        raise Unreadable(f"compression method {method} is not supported")
    return Unpacked(data, decoder, watch, many=False)


def _zip_data_start(file: PlainFile, header: int) -> int:
    """Where a member's data starts: behind its local header, whose name length may differ."""
    file.seek(header)
    found = file.read(LOCAL_HEADER.size) or b""
    if len(found) < LOCAL_HEADER.size:
        raise Unreadable("the archive ends before this member")
    signature, name_bytes, extra_bytes = LOCAL_HEADER.unpack(found)
    if signature != LOCAL_SIGNATURE:
        raise Unreadable("the archive's directory points to no member here")
    return header + LOCAL_HEADER.size + int(name_bytes) + int(extra_bytes)
