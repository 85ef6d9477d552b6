"""Walk the headers of an uncompressed tar file on disk.

Enters: a seekable tar file. Leaves: where each member's bytes lie, and every reason why something
will not be read. It writes nothing and follows no link.

Why not :class:`tarfile.TarFile`: a damaged header in the middle ends its listing without a word,
and long-name records are read into memory at whatever size they declare. Its header parser
(:meth:`tarfile.TarInfo.frombuf`) is used. Source: POSIX.1-2017 pax; GNU tar manual, "Basic Tar".
"""

import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final, NamedTuple

from afterpatch.evidence.limits import MIB, Unreadable

BLOCK: Final = tarfile.BLOCKSIZE
_MAX_HEADER_BYTES: Final = MIB
_LINKS: Final = (tarfile.LNKTYPE, tarfile.SYMTYPE)
_DEVICES: Final = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
_FILES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)


class TarMember(NamedTuple):
    """One regular file (or, with ``refused``, something that is not read)."""

    name: str
    start: int
    size_bytes: int
    modified: datetime | None
    refused: str = ""


def tar_members(file: BinaryIO) -> Iterator[TarMember]:
    """Members in file order, directories left out.

    Raises Unreadable at the point from which members may be missing; every tar ends with a block
    of zeros, so a file without one was cut.
    """
    length = file.seek(0, 2)
    at = 0
    pax: dict[str, str] = {}
    while True:
        info = _header(file, at)
        if info is None:
            return
        data = at + BLOCK
        if info.type == tarfile.GNUTYPE_SPARSE:
            data = _after_sparse_map(file, at)
        size = int(pax["size"]) if pax.get("size", "").isdecimal() else info.size
        if size < 0:
            raise Unreadable("a tar header declares a negative size")
        at = data + (size + BLOCK - 1) // BLOCK * BLOCK
        if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
            pax |= _pax(_small(file, data, size))
        elif info.type == tarfile.GNUTYPE_LONGNAME:
            pax["path"] = _text(_small(file, data, size).rstrip(b"\0"))
        elif info.type not in (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
            if info.type != tarfile.DIRTYPE:
                yield _member(info, pax, data, size)
            pax = {}
        if at > length:
            raise Unreadable("the archive ends inside a member: the file is cut short")


def _header(file: BinaryIO, at: int) -> tarfile.TarInfo | None:
    """The header block at ``at``; None for the block of zeros that ends an archive."""
    file.seek(at)
    block = file.read(BLOCK)
    if len(block) < BLOCK:
        raise Unreadable("the archive has no end mark: members may be missing")
    if not block.strip(b"\0"):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise Unreadable(f"damaged tar header at byte {at:,}: members may be missing") from error


def _after_sparse_map(file: BinaryIO, at: int) -> int:
    """Start of the data of an old GNU sparse member: behind its extension blocks."""
    file.seek(at)
    extended = file.read(BLOCK)[482]
    at += BLOCK
    while extended:
        block = file.read(BLOCK)
        if len(block) < BLOCK:
            raise Unreadable("the archive ends inside a sparse member's map")
        extended = block[504]
        at += BLOCK
    return at


def _small(file: BinaryIO, start: int, size: int) -> bytes:
    if size > _MAX_HEADER_BYTES:
        raise Unreadable(f"a tar header declares {size:,} bytes of names: refused")
    file.seek(start)
    return file.read(size)


def _pax(data: bytes) -> dict[str, str]:
    """The records ``LENGTH KEY=VALUE\\n`` of a pax header; stops at the first that is none."""
    records: dict[str, str] = {}
    while data:
        head, _, _ = data.partition(b" ")
        if not head.isdigit() or len(head) > 7 or int(head) <= len(head) + 1:
            break
        record, data = data[len(head) + 1 : int(head)], data[int(head) :]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        records[_text(key)] = _text(value)
    return records


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _member(info: tarfile.TarInfo, pax: dict[str, str], start: int, size: int) -> TarMember:
    name = pax.get("path") or info.name.encode("utf-8", "surrogateescape").decode(
        "utf-8", "backslashreplace"
    )
    return TarMember(
        name, start, size, _modified(pax.get("mtime"), info.mtime), _refusal(info, pax)
    )


def _modified(pax_text: str | None, seconds: float) -> datetime | None:
    try:
        when = float(pax_text) if pax_text else seconds
        return datetime.fromtimestamp(when, UTC) if when else None
    except (ValueError, OverflowError, OSError):
        return None


def _refusal(info: tarfile.TarInfo, pax: dict[str, str]) -> str:
    if info.type in _LINKS:
        return "a link inside the archive: links are not followed"
    if info.type in _DEVICES:
        return "a device or pipe inside the archive"
    if info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse.") for key in pax):
        return "a sparse tar member: not supported"
    if info.type not in _FILES:
        return "a tar member of unknown type"
    return ""
