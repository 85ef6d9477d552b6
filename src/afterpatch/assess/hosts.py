"""Readings -> hosts: who does each piece of evidence belong to?

Enters: readings grouped by ``Item.root``, gaps. Leaves: one :class:`HostEvidence` per machine, and
a notice for every conflict of names. One root is one host unless its records name several; whether
two roots are one machine is decided in :mod:`afterpatch.assess.merging`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from afterpatch.assess.names import is_full, plain, short
from afterpatch.model.places import Gap, HostClaim, Notice
from afterpatch.model.readings import Reading

TRUST_FQDN = 70
TRUST_SHORT = 60
# Below this a differing name is a label somebody chose (a folder), not a witness worth a notice.
TRUST_WITNESS = 40


@dataclass(frozen=True, slots=True)
class HostEvidence:
    """Everything read that belongs to one machine.

    full_names  names good enough to recognise the machine in another collection, lower case.
    """

    name: str
    aliases: tuple[str, ...]
    named_by: str
    roots: tuple[str, ...]
    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...]
    full_names: frozenset[str] = frozenset()


def split_roots(readings: Sequence[Reading]) -> tuple[list[HostEvidence], list[Notice]]:
    """The machines of every root, in order of root and name; conflicts of names."""
    by_root: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_root[reading.source.item.root].append(reading)
    parts: list[HostEvidence] = []
    notices: list[Notice] = []
    for root in sorted(by_root):
        root_parts, root_notices = _split_root(root, by_root[root])
        parts += root_parts
        notices += root_notices
    return parts, notices


class _Names:
    """What a root's witnesses call its machines; a short name stands for the one full name of it.

    Two full names may share a short one (``ex01.a.example``, ``ex01.b.example``): those are two
    machines, and the short name alone is then neither.
    """

    def __init__(self, readings: Sequence[Reading]) -> None:
        outer = {
            HostClaim(claim.trust, plain(claim.name), claim.witness)
            for reading in readings
            for claim in reading.source.item.claims
        }
        self.outer = {claim for claim in outer if claim.name}
        self.inner = {id(reading): _content_claims(reading) for reading in readings}
        self._full: dict[str, set[str]] = defaultdict(set)
        for claim in (*self.outer, *(c for claims in self.inner.values() for c in claims)):
            if claim.trust >= TRUST_SHORT and is_full(claim.name):
                self._full[short(claim.name)].add(claim.name.casefold())

    def key(self, name: str) -> str:
        """Equal for all spellings of one machine's name."""
        full = self._full.get(short(name), set())
        if name.casefold() in full:
            return name.casefold()
        return next(iter(full)) if len(full) == 1 and not is_full(name) else short(name)

    def of(self, reading: Reading) -> set[str]:
        return {self.key(claim.name) for claim in self.inner[id(reading)]}


def _content_claims(reading: Reading) -> list[HostClaim]:
    claims = []
    for fact in reading.facts:
        name = plain(fact.value)
        if fact.name in ("host.fqdn", "host.name") and name:
            trust = TRUST_FQDN if is_full(name) else TRUST_SHORT
            claims.append(HostClaim(trust, name, f"{reading.source.kind} records"))
    return claims


def _split_root(root: str, readings: list[Reading]) -> tuple[list[HostEvidence], list[Notice]]:
    """One root is one host, unless its records name several machines."""
    names = _Names(readings)
    named = {id(reading): names.of(reading) for reading in readings}
    every = {key for keys in named.values() for key in keys}
    # A file that names several machines (forwarded events, a report on a whole organisation) is
    # no witness for where it was found, unless there is no other.
    votes = Counter(key for keys in named.values() if len(keys) == 1 for key in keys)
    votes = votes or Counter(key for keys in named.values() for key in keys)
    manifest = max(names.outer, default=None)
    primary = _primary(manifest, votes, names)
    groups: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        keys = named[id(reading)]
        groups[min(keys) if len(keys) == 1 else primary].append(reading)
    if manifest and manifest.trust > TRUST_FQDN and len(every) <= 1:
        groups = {primary: readings}
    hosts = []
    for key in sorted(groups):
        claims = [claim for reading in groups[key] for claim in names.inner[id(reading)]]
        claims += names.outer if key == primary else ()
        hosts.append(_name_host(key, claims, names, root, groups[key]))
    return hosts, _conflicts(root, names, every, primary)


def _primary(manifest: HostClaim | None, votes: Counter[str], names: _Names) -> str:
    if manifest and (manifest.trust > TRUST_FQDN or not votes):
        return names.key(manifest.name)
    return min(votes, key=lambda name: (-votes[name], name), default="")


def _name_host(
    key: str, claims: list[HostClaim], names: _Names, root: str, readings: list[Reading]
) -> HostEvidence:
    mine = [claim for claim in claims if names.key(claim.name) == key]
    # A full name says more than a short one of the same machine, whoever the witness is.
    best = max(mine, key=lambda c: ("." in c.name, c.trust, c.name, c.witness), default=None)
    name = best.name if best else root
    sure = {c.name.casefold() for c in mine if c.trust >= TRUST_SHORT and is_full(c.name)}
    return HostEvidence(
        name=name,
        aliases=tuple(sorted({claim.name for claim in claims} - {name})),
        named_by=best.witness if best else "nothing in the evidence names it; the path is used",
        roots=(root,),
        readings=tuple(readings),
        gaps=(),
        full_names=frozenset(sure),
    )


def _conflicts(root: str, names: _Names, every: set[str], primary: str) -> list[Notice]:
    listed = ", ".join(sorted(every))
    notices = []
    if len(every) > 1:
        text = (
            f"records in one collection name several machines ({listed}); kept as separate hosts, "
            f"what names none or several of them is counted for {primary}"
        )
        notices.append(Notice("host-name", root, text))
    for claim in sorted(names.outer):
        key = names.key(claim.name)
        if claim.trust < TRUST_WITNESS:
            continue
        if key != primary:
            text = f"{claim.witness} says {claim.name}, better witnesses say {primary}"
            notices.append(Notice("host-name", root, text))
        elif every and key not in every:
            text = f"{claim.witness} says {claim.name}, the records say {listed}"
            notices.append(Notice("host-name", root, text))
    return notices


def with_gaps(hosts: Sequence[HostEvidence], gaps: Iterable[Gap]) -> list[HostEvidence]:
    """Give each gap to the host whose evidence it is in; evidence wholly unread is a host too.

    A gap that may concern several hosts (a collection that holds two, an archive above them all)
    is given to each: what was lost could be of any.
    """
    owner = {r.source.item.name: i for i, host in enumerate(hosts) for r in host.readings}
    roots: dict[str, list[int]] = defaultdict(list)
    for i, host in enumerate(hosts):
        for root in host.roots:
            roots[root].append(i)
    mine: dict[int, set[Gap]] = defaultdict(set)
    orphans: dict[str, set[Gap]] = defaultdict(set)
    for gap in gaps:
        known = [owner[gap.source]] if gap.source in owner else _concerned(gap.source, roots)
        for i in known:
            mine[i].add(gap)
        if not known:
            orphans[gap.source.split("!", 1)[0]].add(gap)
    whole = [replace(host, gaps=tuple(sorted(mine[i]))) for i, host in enumerate(hosts)]
    for source, lost in sorted(orphans.items()):
        whole.append(_unread_host(source, lost))
    return whole


def _unread_host(source: str, lost: set[Gap]) -> HostEvidence:
    name = plain(source.rsplit("/", 1)[-1]) or source
    witness = "file name; nothing in it could be read"
    return HostEvidence(name, (), witness, (source,), (), tuple(sorted(lost)))


def _concerned(source: str, roots: Mapping[str, list[int]]) -> list[int]:
    """Hosts of the innermost root around ``source``; else all hosts whose root lies inside it."""
    above = [root for root in _ancestors(source) if root in roots]
    if above:
        return roots[above[0]]
    return sorted({i for root in roots if is_below(root, source) for i in roots[root]})


def _ancestors(path: str) -> Iterable[str]:
    """``path`` itself, then what it lies in, innermost first."""
    yield path
    for end in range(len(path) - 1, 0, -1):
        if path[end] in "/!":
            yield path[:end]


def is_below(path: str, root: str) -> bool:
    """Whether ``path`` is ``root`` or lies in it."""
    return path == root or path.startswith((f"{root}/", f"{root}!"))
