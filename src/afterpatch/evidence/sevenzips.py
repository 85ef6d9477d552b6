"""Unpack a 7z archive, whole and in order, into one private file.

Enters: a 7z file on disk. Leaves: where each member's bytes lie in the spooled file, and why
anything is missing. Member names never reach the file system: py7zr is handed numbers instead.
Source: 7zFormat.txt and Methods.txt of the 7-Zip SDK; py7zr 1.x ``WriterFactory``.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import py7zr
from py7zr.exceptions import UnsupportedCompressionMethodError
from py7zr.io import Py7zIO, WriterFactory

from afterpatch.evidence.limits import Budget, Unreadable
from afterpatch.evidence.sniff import ENCRYPTED
from afterpatch.evidence.spool import Spool

_LZMA1: Final = b"\x03\x01\x01"
_LZMA2: Final = b"\x21"
_PPMD: Final = b"\x03\x04\x01"
_AES: Final = b"\x06\xf1\x07\x01"
# Deflate, zstd and brotli are left out: py7zr unpacks those a whole input block at a time, so
# their memory use cannot be bounded.
_BOUNDED: Final = frozenset(
    {
        b"\x00",  # copy
        b"\x03",  # delta
        b"\x04",  # BCJ x86 (LZMA SDK 9.20 and later)
        b"\x03\x03\x01\x03",  # BCJ x86
        b"\x04\x02\x02",  # bzip2
        _LZMA1,
        _LZMA2,
        _PPMD,
        _AES,
    }
)


@dataclass(slots=True)
class SevenZipMember:
    """One file of the archive. ``refused`` says why it is not read ("" = it may be)."""

    name: str
    modified: datetime | None = None
    directory: bool = False
    refused: str = ""
    start: int = 0
    size_bytes: int = 0
    complete: bool = False


class _Unpacking(WriterFactory):
    """One extraction: py7zr asks it for a writer per member."""

    def __init__(self, spool: Spool, budget: Budget, file: BinaryIO, packed_bytes: int) -> None:
        self._spool, self._budget, self._file = spool, budget, file
        self._packed_bytes = packed_bytes
        self.members: list[SevenZipMember] = []
        self.at = 0

    def create(self, filename: str) -> Py7zIO:
        return _Writer(self, self.members[int(filename.rpartition("-")[2])])

    def append(self, data: bytes | bytearray) -> None:
        self.at += len(data)
        self._budget.limits.check_member(self.at, self._packed_bytes)
        self._spool.write(self._file, data)


class _Writer(Py7zIO):
    """Appends one member's bytes to the spooled file."""

    def __init__(self, unpacking: _Unpacking, member: SevenZipMember) -> None:
        self._unpacking, self._member = unpacking, member
        member.start = unpacking.at

    def write(self, s: bytes | bytearray) -> int:
        if not self._member.refused:
            self._unpacking.append(s)
            self._member.size_bytes += len(s)
        return len(s)

    def close(self) -> None:
        """py7zr calls this only once the member's CRC was right."""
        self._member.complete = True

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None:
        """Nothing is held back."""

    def size(self) -> int:
        return self._member.size_bytes


def unpack_7z(
    source: BinaryIO, spool: Spool, budget: Budget
) -> tuple[Path, list[SevenZipMember], str]:
    """Spool every file of the archive.

    Returns: the spooled file; the members, of which those not ``complete`` are damaged or were
    not reached; why the archive could not be read to its end ("" = it could). Raises Unreadable.
    """
    packed_bytes = source.seek(0, 2)
    source.seek(0)
    path, file = spool.create()
    reason = ""
    with file:
        unpacking = _Unpacking(spool, budget, file, packed_bytes)
        try:
            with py7zr.SevenZipFile(source, "r") as archive:
                _check_methods(archive, budget.limits.dictionary_bytes)
                unpacking.members = _number(archive, budget)
                archive.extractall(factory=unpacking)
        except Unreadable as error:
            reason = error.reason
        except py7zr.PasswordRequired:
            reason = ENCRYPTED
        except UnsupportedCompressionMethodError:
            reason = "a compression method that is not supported"
        except Exception as error:  # noqa: BLE001  (py7zr lets any error out on hostile bytes)
            reason = f"the 7z archive is damaged ({type(error).__name__})"
    return path, unpacking.members, reason


def _check_methods(archive: py7zr.SevenZipFile, most_bytes: int) -> None:
    """Refuse decoders whose memory the archive's author decides."""
    streams = getattr(archive.header, "main_streams", None)
    for folder in streams.unpackinfo.folders if streams else ():
        for coder in folder.coders:
            if coder["method"] not in _BOUNDED:
                raise Unreadable(f"7z compression method {coder['method'].hex()} is not supported")
            if _memory_bytes(coder) > most_bytes:
                raise Unreadable(f"asks for more than the limit of {most_bytes:,} bytes of memory")


def _memory_bytes(coder: dict[str, Any]) -> int:
    method, properties = coder["method"], coder.get("properties") or b""
    if method in (_LZMA1, _PPMD) and len(properties) >= 5:
        return int(struct.unpack_from("<L", properties, 1)[0])
    if method == _LZMA2 and properties:
        return (2 | properties[0] & 1) << (properties[0] // 2 + 11)
    return 0


def _number(archive: py7zr.SevenZipFile, budget: Budget) -> list[SevenZipMember]:
    """List the members and replace their names by numbers inside py7zr.

    py7zr checks names against the working directory and refuses the whole archive for one bad
    name; a number is never bad, and two members of one name stay two.
    """
    members: list[SevenZipMember] = []
    for number, info in enumerate(archive.files):
        budget.take_entry()
        link = info.is_symlink or info.is_junction or info.is_socket
        members.append(
            SevenZipMember(
                info.filename,
                _modified(info),
                bool(info.is_directory),
                "a link inside the archive: links are not followed" if link else "",
            )
        )
        archive.files.files_list[number]["filename"] = f"member-{number}"
    return members


def _modified(info: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(info.lastwritetime.totimestamp(), UTC)
    except (AttributeError, ValueError, OverflowError, OSError):
        return None
