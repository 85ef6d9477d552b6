"""Which host each file is from.

Enters: a tree. Leaves: its hosts, and every file with the host it belongs to. Layouts are asked
first; a folder no layout knows is a host if a server's folders or loose logs lie directly in it,
else its sub-folders and archives are asked in turn. When in doubt two hosts stay two: merging
them would let one's evidence clear the other.
"""

from collections.abc import Iterator
from typing import Final

from afterpatch.evidence.layouts.layout import Host, Look
from afterpatch.evidence.layouts.names import is_generic
from afterpatch.evidence.layouts.plain import NAME as PLAIN
from afterpatch.evidence.layouts.plain import holds_evidence, plain_host
from afterpatch.evidence.layouts.registry import LAYOUTS
from afterpatch.evidence.tree import File, Folder

_LEVELS: Final = 4  # case/hosts/EX01.zip/EX01


def hosts_of(top: Folder, look: Look) -> list[Host]:
    """The hosts of a whole tree; files below none of them belong to nobody known."""
    if found := _hosts_in(top, look, 0):
        return found
    archives = [plain_host(one) for one in top.archives()]
    folders = [one for one in top.subfolders() if _has_files(one)]
    if not top.files and len(folders) > 1:
        return [*archives, *map(plain_host, folders)]
    return [*archives, plain_host(top)] if top.files or folders or not archives else archives


def _hosts_in(folder: Folder, look: Look, level: int) -> list[Host]:
    """Hosts at or below a folder; [] when nothing here looks like a server's evidence."""
    for layout in LAYOUTS:
        if hosts := layout.find(folder, look):
            return hosts
    if holds_evidence(folder):
        return [plain_host(folder), *_collections_in(folder, look)]
    if level == _LEVELS:
        return []
    below = [(one, _hosts_in(one, look, level + 1)) for one in _children(folder)]
    found = [host for _, hosts in below for host in hosts]
    if any(_is_part(host, folder) for host in found):
        own = [host for host in found if _stands_alone(host, folder, level)]
        return [plain_host(folder), *own]
    silent = [one for one, hosts in below if not hosts and _has_files(one)]
    return [*found, *map(plain_host, silent)] if found else []


def _children(folder: Folder) -> list[Folder]:
    return [*folder.subfolders(), *folder.archives()]


def _collections_in(folder: Folder, look: Look) -> Iterator[Host]:
    """Collections with a layout of their own that lie in a host's folder."""
    for archive in folder.archives():
        for layout in LAYOUTS:
            if hosts := layout.find(archive, look):
                yield from hosts
                break


def _is_part(host: Host, folder: Folder) -> bool:
    """Whether a "host" is but a kind of log of ``folder``: ``EX01/iis``, ``EX01/EX01-evtx.zip``."""
    if host.layout != PLAIN or host.folder.parent is not folder:
        return False
    stem, owner = host.folder.stem, folder.stem
    rest = stem[len(owner) :] if stem.lower().startswith(owner.lower()) else stem
    return is_generic(rest) and not rest[:1].isdecimal()


def _stands_alone(host: Host, folder: Folder, level: int) -> bool:
    """Among parts of one host: collections stay hosts, and so does what a PATH lists by name."""
    return host.layout != PLAIN or (level == 0 and not _is_part(host, folder))


def _has_files(folder: Folder) -> bool:
    return next(folder.walk(), None) is not None


def files_by_host(top: Folder, hosts: list[Host]) -> Iterator[tuple[Host | None, str, File]]:
    """Every file once: the innermost host it is below (or None), its path below that host."""
    owner = {id(host.folder): host for host in hosts}
    waiting: list[tuple[Folder, Host | None, str]] = [(top, owner.get(id(top)), "")]
    while waiting:
        folder, host, prefix = waiting.pop()
        for file in folder.files:
            yield host, prefix + file.name, file
        for one in folder.folders.values():
            inner = owner.get(id(one))
            waiting.append((one, inner, "") if inner else (one, host, f"{prefix}{one.name}/"))
