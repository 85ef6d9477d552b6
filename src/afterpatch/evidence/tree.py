"""The evidence as one tree: folders, archives seen as folders, and files.

Enters: what the walk and the archive readers find. Leaves: a tree that layouts look at to decide
which host each part is from. Names are text here, never file-system paths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from afterpatch.evidence.locators import Locator

# A member named a/a/a/… must not cost more than its own length.
_MAX_PARTS: Final = 64


@dataclass(slots=True, eq=False)
class File:
    """A file or archive member that will become an item."""

    name: str
    path: str
    member: str | None
    locator: Locator
    size_bytes: int
    modified: datetime | None = None

    @property
    def label(self) -> str:
        """As :attr:`afterpatch.model.places.Item.name`."""
        return self.path if self.member is None else f"{self.path}!{self.member}"


@dataclass(slots=True, eq=False)
class Folder:
    """A folder, or an archive. ``stem`` is its name without archive endings."""

    name: str
    label: str
    parent: Folder | None = None
    archive: bool = False
    comment: str = ""
    folders: dict[str, Folder] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """``EX01.tar.gz`` -> ``EX01``; a folder's name stays as it is."""
        if not self.archive:
            return self.name
        stem = self.name
        for ending in _ARCHIVE_ENDINGS:
            stem = stem[: -len(ending)] if stem.lower().endswith(ending) else stem
        return stem or self.name

    def child(self, name: str, *, archive: bool = False) -> Folder:
        """The folder of that name below this one, made if need be."""
        key = f"{name}/" if not archive else f"{name}!"
        if key not in self.folders:
            joint = "!" if self.archive else "/"
            self.folders[key] = Folder(name, f"{self.label}{joint}{name}", self, archive)
        return self.folders[key]

    def below(self, parts: list[str]) -> Folder:
        """The folder at that path below this one, made if need be."""
        folder = self
        for part in parts:
            folder = folder.child(part)
        return folder

    def find(self, name: str) -> Folder | None:
        """The sub-folder of that name, ignoring case; None if there is none."""
        wanted = name.lower()
        return next((one for one in self.subfolders() if one.name.lower() == wanted), None)

    def subfolders(self) -> list[Folder]:
        """Folders (not archives) directly below, by name."""
        return [one for one in self._sorted() if not one.archive]

    def archives(self) -> list[Folder]:
        """Archives directly below, by name."""
        return [one for one in self._sorted() if one.archive]

    def _sorted(self) -> list[Folder]:
        return [self.folders[key] for key in sorted(self.folders)]

    def file(self, name: str) -> File | None:
        """The file of that name directly below, ignoring case."""
        wanted = name.lower()
        return next((one for one in self.files if one.name.lower() == wanted), None)

    def walk(self) -> Iterator[tuple[str, File]]:
        """Every file below with its path relative to this folder; archives count as folders."""
        waiting: list[tuple[str, Folder]] = [("", self)]
        while waiting:
            prefix, folder = waiting.pop()
            for file in folder.files:
                yield prefix + file.name, file
            waiting += [(f"{prefix}{one.name}/", one) for one in folder.folders.values()]


_ARCHIVE_ENDINGS: Final = (
    *(".gz", ".bz2", ".xz", ".tgz", ".tbz2", ".txz"),
    *(".tar", ".zip", ".7z"),
)


def split_name(name: str) -> tuple[list[str], str]:
    """A member name -> folder names and file name. ``..`` and the like stay as mere text."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if len(parts) > _MAX_PARTS:
        parts = [*parts[: _MAX_PARTS - 1], "/".join(parts[_MAX_PARTS - 1 :])]
    return (parts[:-1], parts[-1]) if parts else ([], "(no name)")
