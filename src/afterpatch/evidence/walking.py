"""Walk the given paths into trees.

Enters: PATH arguments. Leaves: one tree per folder argument, and one for the files given from one
folder. Symbolic links are never followed, nothing but regular files is opened.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from afterpatch.evidence.account import Account
from afterpatch.evidence.growing import Grower
from afterpatch.evidence.limits import Unreadable
from afterpatch.evidence.streams import why
from afterpatch.evidence.tree import File, Folder
from afterpatch.model.errors import UsageError

_SPECIAL: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def shown(name: str) -> str:
    """A file-system name as clean text: bytes that are no UTF-8 become ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class Walker:
    """Grows one tree per argument. ``scratch`` is left out should it lie inside the evidence."""

    def __init__(self, grower: Grower, account: Account, scratch: Path) -> None:
        self._grower, self._account = grower, account
        self._scratch = scratch.resolve()
        self._labels: set[str] = set()

    def walk(self, paths: Sequence[str]) -> list[Folder]:
        """Trees in the order of the arguments. Raises UsageError for a path that is not there."""
        given = _distinct(paths, self._account)
        trees: list[Folder] = []
        holders: dict[Path, Folder] = {}
        try:
            for path in given:
                label = self._unique(shown(path.name) or "root")
                if path.is_dir():
                    trees.append(Folder(label, label))
                    self._fill(trees[-1], path)
                    continue
                if path.parent not in holders:
                    holders[path.parent] = self._holder(path.parent)
                    trees.append(holders[path.parent])
                self._place(holders[path.parent], path, label, given=True)
        except Unreadable as error:  # the limit on entries
            self._account.lose(label, f"{error.reason}: the rest was not read")
        return trees

    def _holder(self, parent: Path) -> Folder:
        """The folder that single files were given from, known by its name only."""
        return Folder(shown(parent.name) or "root", self._unique(shown(parent.name) or "root"))

    def _unique(self, label: str) -> str:
        """``evidence``, ``evidence~2`` …"""
        candidate, number = label, 1
        while candidate in self._labels:
            number += 1
            candidate = f"{label}~{number}"
        self._labels.add(candidate)
        return candidate

    def _fill(self, top: Folder, path: Path) -> None:
        waiting = [(top, path)]
        while waiting:
            folder, where = waiting.pop()
            if where.resolve() == self._scratch:
                self._account.remark("layout", folder.label, "our own scratch folder: left out")
                continue
            for entry in self._entries(folder, where):
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((folder.child(shown(entry.name)), Path(entry.path)))
                else:
                    self._place(folder, Path(entry.path), f"{folder.label}/{shown(entry.name)}")

    def _entries(self, folder: Folder, where: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(where) as entries:
                return sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            self._account.lose(folder.label, f"folder cannot be listed: {why(error)}")
            return []

    def _place(self, folder: Folder, path: Path, label: str, *, given: bool = False) -> None:
        """Add one file. A link is followed only where the user ``given`` it as an argument."""
        self._grower.budget.take_entry()
        try:
            found = path.stat() if given else path.lstat()
        except OSError as error:
            self._account.lose(label, f"cannot be read: {why(error)}")
            return
        if stat.S_ISLNK(found.st_mode):
            self._account.lose(label, "a symbolic link: links are not followed")
        elif not stat.S_ISREG(found.st_mode):
            what = _SPECIAL.get(stat.S_IFMT(found.st_mode), "no regular file")
            self._account.lose(label, f"{what}: not read")
        else:
            file = File(shown(path.name), label, None, (str(path),), found.st_size)
            self._grower.place(folder, file)


def _distinct(paths: Sequence[str], account: Account) -> list[Path]:
    """Absolute paths, each once. Raises UsageError."""
    seen: dict[str, Path] = {}
    for text in paths:
        path = Path(os.path.abspath(text))  # noqa: PTH100  (resolve() would follow links)
        if not os.path.lexists(path):
            raise UsageError(f"no such file or folder: {text}")
        if os.path.realpath(path) in seen:
            account.remark("duplicate", shown(path.name), "given twice: read once")
        seen.setdefault(os.path.realpath(path), path)
    return list(seen.values())
