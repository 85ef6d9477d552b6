"""The central directory of a zip archive, read by a parser that trusts nothing in it.

Enters: a zip file on disk. Leaves: members with what the directory declares about them, and every
reason why something in the archive will not be read. It unpacks nothing.

Why not :mod:`zipfile`: one bad entry there loses the whole archive, names are cut at NUL, the
whole directory is read into memory, and a member is found again only by reading it all once more.
Source: PKWARE APPNOTE 6.3.10 (§4.3.12 central directory, §4.3.14-16 end records, §4.5.3 zip64);
overlapping entries: CVE-2024-0450; AES is method 99 (WinZip AE-x).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, NamedTuple

from afterpatch.evidence.decoders import STORED, zip_decoder
from afterpatch.evidence.limits import Unreadable
from afterpatch.evidence.locators import LOCAL_HEADER
from afterpatch.evidence.sniff import ENCRYPTED

_END: Final = struct.Struct("<4s4H2LH")
_END64_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s4B4HL2L5H2L")
_MAX_COMMENT_BYTES: Final = 0xFFFF
_FULL32: Final = 0xFFFFFFFF
_AES: Final = 99
_ZIP64_EXTRA: Final = 1
_UTF8_FLAG, _ENCRYPTED_FLAG = 0x800, 0x1
_LINK_MODE, _MODE_MASK = 0o120000, 0o170000

OVERLAPPING: Final = "overlapping entries: the archive is built like a zip bomb"


@dataclass(frozen=True, slots=True)
class ZipMember:
    """One entry of the central directory. ``refused`` says why it cannot be read ("" = it can)."""

    name: str
    method: int
    header: int
    packed_bytes: int
    size_bytes: int
    crc32: int
    refused: str = ""


class _Directory(NamedTuple):
    """Where the central directory lies. ``shift``: bytes in front that offsets do not count."""

    start: int
    size: int
    entries: int
    shift: int
    comment: bytes
    trailing: int


class ZipDirectory:
    """Iterates over the members of one archive; ``comment`` is the archive's own text.

    Iteration raises Unreadable where the directory stops making sense: members after that point
    are lost, and the caller must say so.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._where = _find_directory(file)
        self.comment = self._where.comment.decode("utf-8", "replace")

    def remarks(self) -> Iterator[str]:
        """Bytes of the file that belong to no archive structure."""
        if self._where.shift:
            yield f"{self._where.shift:,} bytes before the archive's first entry were not read"
        if self._where.trailing:
            yield f"{self._where.trailing:,} bytes after the archive's end were not read"

    def __iter__(self) -> Iterator[ZipMember]:
        file, where = self._file, self._where
        file.seek(where.start)
        left = where.size
        count = 0
        while left > 0:
            fixed = file.read(_ENTRY.size)
            if len(fixed) < _ENTRY.size or not fixed.startswith(b"PK\x01\x02"):
                raise Unreadable(_lost("the archive's directory is damaged", count, where.entries))
            values = _ENTRY.unpack(fixed)
            variable = file.read(values[12] + values[13] + values[14])
            left -= _ENTRY.size + len(variable)
            count += 1
            yield _member(values, variable, where.shift)
        if left or count % 0x10000 != where.entries % 0x10000:
            raise Unreadable(_lost("the archive's directory miscounts", count, where.entries))


def _lost(what: str, met: int, declared: int) -> str:
    return f"{what}: {met:,} members found, {declared:,} declared"


def _find_directory(file: BinaryIO) -> _Directory:
    """Locate the central directory from the end of the file. Raises Unreadable."""
    length = file.seek(0, 2)
    tail_start = max(0, length - _END.size - _MAX_COMMENT_BYTES)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise Unreadable("the archive's directory is missing: the file is cut short")
    end = tail_start + at
    _, _, _, _, count, size, start, comment_bytes = _END.unpack_from(tail, at)
    comment = tail[at + _END.size :][:comment_bytes]
    trailing = length - end - _END.size - comment_bytes
    if trailing < 0:
        raise Unreadable("the archive's end record is cut short")
    directory_end = end
    if wide := _zip64_end(file, end):  # some writers add it where it is not needed
        directory_end, count, size, start = wide
    shift = directory_end - size - start
    if shift < 0:
        raise Unreadable("the archive's directory lies outside the file: it is cut or damaged")
    return _Directory(start + shift, size, count, shift, comment, trailing)


def _zip64_end(file: BinaryIO, end: int) -> tuple[int, int, int, int] | None:
    """(end of directory, count, size, start) of a zip64 archive; None if it is not one."""
    if end < _END64_LOCATOR.size + _END64.size:
        return None
    file.seek(end - _END64_LOCATOR.size - _END64.size)
    record = file.read(_END64.size)
    if file.read(4) != b"PK\x06\x07":
        return None
    if not record.startswith(b"PK\x06\x06"):
        raise Unreadable("the archive's zip64 end record is damaged")
    *_, count, size, start = _END64.unpack(record)
    return end - _END64_LOCATOR.size - _END64.size, count, size, start


def _member(values: tuple[int, ...], variable: bytes, shift: int) -> ZipMember:
    flags, method, crc32 = values[5], values[6], values[9]
    packed, size, name_bytes, extra_bytes = values[10], values[11], values[12], values[13]
    attributes, header = values[17], values[18]
    raw_name = variable[:name_bytes]
    extra = variable[name_bytes : name_bytes + extra_bytes]
    size, packed, header = _zip64_values(extra, (size, packed, header))
    name = raw_name.decode("utf-8", "backslashreplace") if flags & _UTF8_FLAG else _plain(raw_name)
    refused = _refusal(flags, method, attributes, values[2])
    return ZipMember(name, method, header + shift, packed, size, crc32, refused)


def _plain(raw_name: bytes) -> str:
    """A name without the UTF-8 flag: many tools write UTF-8 all the same; else it is CP437."""
    try:
        return raw_name.decode("utf-8")
    except UnicodeDecodeError:
        return raw_name.decode("cp437")


def _zip64_values(extra: bytes, narrow: tuple[int, int, int]) -> tuple[int, int, int]:
    """Replace each 0xFFFFFFFF among (size, packed, header) by its zip64 value, in that order."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64_EXTRA:
            wide = extra[at + 4 : at + 4 + length]
            numbers = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
            size, packed, header = (
                next(numbers, value) if value == _FULL32 else value for value in narrow
            )
            return size, packed, header
        at += 4 + length
    return narrow


def _refusal(flags: int, method: int, attributes: int, made_by: int) -> str:
    unix = made_by == 3
    if flags & _ENCRYPTED_FLAG or method == _AES:
        return ENCRYPTED
    if unix and (attributes >> 16) & _MODE_MASK == _LINK_MODE:
        return "a link inside the archive: links are not followed"
    if method != STORED and zip_decoder(method) is None:
        return f"compression method {method} is not supported"
    return ""


def refuse_overlaps(members: list[ZipMember]) -> list[ZipMember]:
    """Mark every member whose bytes another one claims too: only zip bombs are built that way."""
    order = sorted(range(len(members)), key=lambda index: members[index].header)
    shared: set[int] = set()
    reach, reacher = -1, -1
    for index in order:
        member = members[index]
        if member.header < reach:
            shared |= {index, reacher}
        end = member.header + LOCAL_HEADER.size + member.packed_bytes
        if end > reach:
            reach, reacher = end, index
    return [
        replace(member, refused=member.refused or OVERLAPPING) if index in shared else member
        for index, member in enumerate(members)
    ]
