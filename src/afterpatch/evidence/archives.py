"""What is in an archive, the same way for zip, tar and 7z.

Enters: the path of an archive on disk. Leaves: its members with locators, in the archive's order.
A listing raises :class:`Unreadable` at the point from which members may be missing; those before
it were handed out and count.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from afterpatch.evidence.limits import Budget, Unreadable
from afterpatch.evidence.locators import Locator, open_locator, slice_locator, zip_locator
from afterpatch.evidence.sniff import Container
from afterpatch.evidence.spool import Spool
from afterpatch.evidence.tars import tar_members
from afterpatch.evidence.zips import ZipDirectory, ZipMember, refuse_overlaps

if TYPE_CHECKING:
    from afterpatch.evidence.sevenzips import SevenZipMember


class Member(NamedTuple):
    """A file inside an archive. ``refused`` says why it will not be read ("" = it will)."""

    name: str
    locator: Locator
    size_bytes: int
    modified: datetime | None = None
    refused: str = ""


class Listing(NamedTuple):
    """``comment`` is the archive's own text; ``remarks`` are parts of the file nobody lists."""

    members: Iterator[Member]
    comment: str = ""
    remarks: tuple[str, ...] = ()


Lister = Callable[[str, Spool, Budget], Listing]


def list_zip(path: str, _spool: Spool, budget: Budget) -> Listing:
    """Members stay in the zip; each is found by its own header."""
    with open_locator((path,), budget.limits) as file:
        directory = ZipDirectory(file)
        entries, cut = _take_all(directory, budget)
    members = (_zip_member(path, entry, budget) for entry in refuse_overlaps(entries))
    return Listing(_then_raise(members, cut), directory.comment, tuple(directory.remarks()))


def _take_all(directory: ZipDirectory, budget: Budget) -> tuple[list[ZipMember], str]:
    """All files of a directory, or those up to the point where it stops making sense, and why."""
    entries: list[ZipMember] = []
    try:
        for entry in directory:
            budget.take_entry()
            if not (entry.name.endswith(("/", "\\")) and entry.size_bytes == 0):
                entries.append(entry)
    except Unreadable as error:
        return entries, error.reason
    return entries, ""


def _then_raise(members: Iterator[Member], reason: str) -> Iterator[Member]:
    yield from members
    if reason:
        raise Unreadable(reason)


def _zip_member(path: str, entry: ZipMember, budget: Budget) -> Member:
    refused = entry.refused
    try:
        if not refused:
            budget.limits.check_member(entry.size_bytes, entry.packed_bytes)
            budget.take_bytes(entry.size_bytes)
    except Unreadable as error:
        refused = error.reason
    locator = zip_locator(
        path,
        entry.name,
        method=entry.method,
        header=entry.header,
        packed=entry.packed_bytes,
        size=entry.size_bytes,
        crc32=entry.crc32,
    )
    return Member(entry.name, locator, entry.size_bytes, refused=refused)


def list_tar(path: str, _spool: Spool, budget: Budget) -> Listing:
    """Members are slices of the tar file."""
    return Listing(_tar_members(path, budget))


def _tar_members(path: str, budget: Budget) -> Iterator[Member]:
    file: BinaryIO
    with open_locator((path,), budget.limits) as file:
        for name, start, size_bytes, modified, refused in tar_members(file):
            budget.take_entry()
            locator = slice_locator(path, name, start, size_bytes)
            yield Member(name, locator, size_bytes, modified, refused)


def list_7z(path: str, spool: Spool, budget: Budget) -> Listing:
    """Members are slices of a private file that the archive is unpacked to."""
    # Here, because py7zr and its ciphers take as long to import as all of this room.
    from afterpatch.evidence.sevenzips import unpack_7z

    with open_locator((path,), budget.limits) as file:
        spooled, entries, cut = unpack_7z(file, spool, budget)
    members = (_7z_member(str(spooled), entry) for entry in entries if not entry.directory)
    return Listing(_then_raise(members, cut))


def _7z_member(spooled: str, entry: "SevenZipMember") -> Member:
    locator = slice_locator(spooled, entry.name, entry.start, entry.size_bytes)
    lost = "" if entry.complete else "not unpacked: the 7z archive cannot be read this far"
    return Member(entry.name, locator, entry.size_bytes, entry.modified, entry.refused or lost)


LISTERS: Final[dict[Container, Lister]] = {"zip": list_zip, "tar": list_tar, "7z": list_7z}
