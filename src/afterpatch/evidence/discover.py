"""Paths in, items out: the door to this room.

Enters: files, folders, archives, triage collections. Leaves: every readable file or archive member
as an :class:`Item` with the host it is claimed to be from, and a gap for everything else. It reads
no more than first bytes, archive directories and small metadata; it decides no host names.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from afterpatch.evidence.account import Account
from afterpatch.evidence.growing import Grower
from afterpatch.evidence.hive import computer_name
from afterpatch.evidence.layouts.layout import REGISTRY, Host, claim, ordered
from afterpatch.evidence.layouts.plain import NAME as PLAIN
from afterpatch.evidence.limits import MIB, Limits, Unreadable
from afterpatch.evidence.locators import open_locator
from afterpatch.evidence.opening import open_seekable
from afterpatch.evidence.roots import files_by_host, hosts_of
from afterpatch.evidence.tree import File, Folder
from afterpatch.evidence.walking import Walker
from afterpatch.model.places import Gap, HostClaim, Item, Notice

_DEFAULT_LIMITS: Final = Limits()
_MAX_METADATA_BYTES: Final = 64 * MIB  # a CopyLog of 200,000 files
_MAX_HIVE_BYTES: Final = 1024 * MIB
_SYSTEM_HIVE: Final = "windows/system32/config/system"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, sorted: every file is in ``items`` or accounted for in ``gaps``."""

    items: tuple[Item, ...]
    gaps: tuple[Gap, ...]
    notices: tuple[Notice, ...]


def discover(
    paths: Sequence[str],
    scratch: Path,
    limits: Limits = _DEFAULT_LIMITS,
    on_progress: Callable[[str], None] | None = None,
) -> Discovery:
    """Find all evidence below the given paths.

    Shape:   items sorted by name; their locators stay valid as long as ``scratch`` does.
    Errors:  UsageError for a path that does not exist; evidence itself never raises.
    Writes:  only numbered files in ``scratch``.
    """
    account = Account()
    look = _Look(account, limits)
    grower = Grower(scratch, limits, account, on_progress)
    items: list[Item] = []
    for tree in Walker(grower, account, scratch).walk(paths):
        items += _items(tree, look, scratch, limits)
    return Discovery(_distinctly_named(items), account.gaps(), account.notices())


class _Look:
    """Lets layouts read small files; see :class:`afterpatch.evidence.layouts.layout.Look`."""

    def __init__(self, account: Account, limits: Limits) -> None:
        self.account, self._limits = account, limits

    def read(self, file: File) -> bytes:
        try:
            with open_locator(file.locator, self._limits) as stream:
                data = stream.read(_MAX_METADATA_BYTES + 1)
        except Unreadable as error:
            self.account.lose(file.label, f"not used to name the host: {error.reason}")
            return b""
        if len(data) > _MAX_METADATA_BYTES:
            self.remark("host-name", file.label, "too large to be searched for a host name")
            return b""
        return data

    def remark(self, topic: str, source: str, text: str) -> None:
        self.account.remark(topic, source, text)


def _items(tree: Folder, look: _Look, scratch: Path, limits: Limits) -> Iterator[Item]:
    """One item per file of the tree."""
    found: dict[int, list[tuple[str, File]]] = defaultdict(list)
    hosts = hosts_of(tree, look)
    by_id: dict[int, Host | None] = {id(host): host for host in hosts}
    for owner, path, file in files_by_host(tree, hosts):
        by_id.setdefault(id(owner), owner)
        found[id(owner)].append((path, file))
    for key, files in found.items():
        host = by_id[key]
        if host is None:
            yield from (_item(file, path, tree.label, ()) for path, file in files)
            continue
        if host.layout != PLAIN:
            look.remark("layout", host.folder.label, f"read as a {host.layout} collection")
        placed = [(host.origin(path) or path, file) for path, file in files]
        claims = ordered([*host.claims, *_hive_claims(placed, look.account, scratch, limits)])
        for origin, file in placed:
            item = _item(file, origin, host.folder.label, claims)
            yield replace(item, modified=host.modified.get(origin.lower(), item.modified))


def _item(file: File, origin: str, root: str, claims: tuple[HostClaim, ...]) -> Item:
    return Item(
        path=file.path,
        member=file.member,
        origin=origin,
        root=root,
        locator=file.locator,
        size_bytes=file.size_bytes,
        modified=file.modified,
        claims=claims,
    )


def _hive_claims(
    files: list[tuple[str, File]], account: Account, scratch: Path, limits: Limits
) -> tuple[HostClaim, ...]:
    """What the first readable SYSTEM hive says; live copies lie before shadow copies by name."""
    hives = [file for origin, file in files if origin.lower().endswith(_SYSTEM_HIVE)]
    for hive in sorted(hives, key=lambda file: (len(file.label), file.label)):
        try:
            if hive.size_bytes > _MAX_HIVE_BYTES:
                raise Unreadable("larger than any SYSTEM hive")
            with open_seekable(hive.locator, scratch, limits) as stream:
                return claim(REGISTRY, computer_name(stream), f"SYSTEM hive {hive.label}")
        except Unreadable as error:
            account.lose(hive.label, f"not used to name the host: {error.reason}")
    return ()


def _distinctly_named(items: list[Item]) -> tuple[Item, ...]:
    """Sorted by name; members sharing one name get ``~2``, ``~3`` … so that places stay unique."""
    items.sort(key=lambda item: (item.name, item.locator))
    taken = Counter(item.name for item in items)
    seen: Counter[str] = Counter()
    named: list[Item] = []
    for item in items:
        seen[item.name] += 1
        number = seen[item.name]
        while number > 1 and f"{item.name}~{number}" in taken:
            number += 1
        named.append(item if number == 1 else _renamed(item, f"~{number}"))
        taken[named[-1].name] += 1
    return tuple(sorted(named, key=lambda item: item.name))


def _renamed(item: Item, suffix: str) -> Item:
    if item.member is None:
        return replace(item, path=item.path + suffix)
    return replace(item, member=item.member + suffix)
