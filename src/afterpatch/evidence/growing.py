"""Put a found file into the tree; if it is an archive, put its members there instead.

Enters: files from the walk. Leaves: a grown tree, and an account of what could not be opened.
Archives are opened here and only here; only scratch is ever written to.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from afterpatch.evidence.account import Account
from afterpatch.evidence.archives import LISTERS, Member
from afterpatch.evidence.limits import Budget, Limits, Unreadable
from afterpatch.evidence.locators import open_locator, packed_locator
from afterpatch.evidence.sniff import HEAD_BYTES, Container, closed, container, inner_name, misnamed
from afterpatch.evidence.spool import Spool
from afterpatch.evidence.tree import File, Folder, split_name

_COMPRESSED: Final[tuple[Container, ...]] = ("gzip", "bzip2", "xz")


class Grower:
    """Grows trees within one budget. ``on_progress`` hears the name of each archive."""

    def __init__(
        self,
        scratch: Path,
        limits: Limits,
        account: Account,
        on_progress: Callable[[str], None] | None = None,
    ) -> None:
        self.limits, self.account, self.budget = limits, account, Budget(limits)
        self._spool = Spool(scratch, self.budget)
        self._on_progress = on_progress or (lambda _: None)

    def place(self, where: Folder, found: File, depth: int = 0) -> None:
        """Add a file, or what is in it, below ``where``. Never raises for content.

        ``depth`` counts the archives around the file.
        """
        try:
            head = self._head(found)
            kind = container(head)
            if kind is None:
                self._place_plain(where, found, head)
                return
            if depth >= self.limits.depth:
                raise Unreadable(f"archives nested deeper than the limit of {self.limits.depth}")
            if kind in _COMPRESSED:
                self._place_compressed(where, found, kind, depth + 1)
            else:
                self._place_archive(where, found, kind, depth + 1)
        except Unreadable as error:
            self.account.lose(found.label, error.reason)

    def _head(self, found: File) -> bytes:
        with open_locator(found.locator, self.limits) as stream:
            return stream.read(HEAD_BYTES)

    def _place_plain(self, where: Folder, found: File, head: bytes) -> None:
        if reason := closed(head, found.name):
            raise Unreadable(reason)
        if remark := misnamed(found.name):
            self.account.lose(found.label, remark)
        where.files.append(found)

    def _place_compressed(self, where: Folder, found: File, kind: Container, depth: int) -> None:
        """A compressed file is unpacked while it is read, unless there is an archive in it."""
        name = inner_name(found.name, kind)
        locator = packed_locator(self._on_disk(found), name, kind)
        member = name if found.member is None else f"{found.member}!{name}"
        inside = replace(found, name=name, member=member, locator=locator)
        inner = container(self._head(inside))
        if inner == "tar":  # x.tar.gz is one archive to its maker and to its reader
            self._place_archive(where, replace(found, locator=locator), inner, depth)
        elif inner:
            self.place(where, inside, depth)
        else:
            where.files.append(inside)

    def _place_archive(self, where: Folder, found: File, kind: Container, depth: int) -> None:
        self._on_progress(found.label)
        folder = where.child(found.name, archive=True)
        folder.label = found.label
        listing = LISTERS[kind](self._on_disk(found), self._spool, self.budget)
        folder.comment = listing.comment
        for remark in listing.remarks:
            self.account.lose(found.label, remark)
        for member in listing.members:
            if member.refused:
                self.account.lose(found.label, member.refused, member.name)
            else:
                self._place_member(folder, found, member, depth)

    def _place_member(self, folder: Folder, outer: File, member: Member, depth: int) -> None:
        folders, name = split_name(member.name)
        text = member.name if outer.member is None else f"{outer.member}!{member.name}"
        inside = File(name, outer.path, text, member.locator, member.size_bytes, member.modified)
        self.place(folder.below(folders), inside, depth)

    def _on_disk(self, found: File) -> str:
        """The path of a file that holds exactly its bytes; spooled unless there is one already."""
        if len(found.locator) == 1:
            return found.locator[0]
        with open_locator(found.locator, self.limits) as stream:
            path, cut = self._spool.keep(stream)
        if cut:
            self.account.lose(found.label, cut)
        return str(path)
