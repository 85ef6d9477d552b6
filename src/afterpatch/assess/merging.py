"""Are two collections one machine? And no two hosts may share a name.

Two roots become one host only when they share a full name (``ex01.corp.example``) or a machine
SID without contradicting full names (cloned machines share SIDs); a short name never merges them:
one machine's evidence must not clear another.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce

from afterpatch.assess.hosts import HostEvidence, is_below, split_roots, with_gaps
from afterpatch.assess.names import is_full, short
from afterpatch.assess.unions import Union
from afterpatch.model.places import Gap, Notice
from afterpatch.model.readings import Reading


def group_hosts(
    readings: Sequence[Reading], gaps: Iterable[Gap]
) -> tuple[list[HostEvidence], list[Notice]]:
    """Hosts in order of name. Every reading has one host; every gap at least one.

    Unrecognised files that lie beside the collections, in none of them, are no host.
    """
    parts, notices = split_roots(readings)
    parts = [part for part in parts if not _is_litter(part, parts)]
    hosts, said = _merge(parts)
    return distinctly_named(with_gaps(hosts, gaps)), [*notices, *said, *_alike(hosts)]


def _is_litter(part: HostEvidence, parts: Sequence[HostEvidence]) -> bool:
    if any(r.source.kind != "unknown" or r.hits or r.facts or r.gaps for r in part.readings):
        return False
    (root,) = part.roots
    return any(root != other.roots[0] and is_below(other.roots[0], root) for other in parts)


def _merge(parts: Sequence[HostEvidence]) -> tuple[list[HostEvidence], list[Notice]]:
    """One host per machine, in order of the first part of each."""
    union = Union(len(parts))
    owner: dict[str, int] = {}
    by_sid: dict[str, set[int]] = defaultdict(set)
    for i, part in enumerate(parts):
        for name in part.full_names:
            union.join(owner.setdefault(name, i), i)
        for sid in _sids(part):
            by_sid[sid].add(i)
    named = {union.find(i) for i, part in enumerate(parts) if part.full_names}
    notices = []
    for sid in sorted(by_sid):
        sharing = sorted({union.find(i) for i in by_sid[sid]})
        if len(named.intersection(sharing)) > 1:
            listed = ", ".join(sorted(parts[i].name for i in sharing))
            text = f"machine SID {sid} is shared by {listed}: clones? kept apart"
            notices += [Notice("host-name", parts[i].roots[0], text) for i in sharing]
            continue
        for i in sharing:
            union.join(sharing[0], i)
        if named.intersection(sharing):
            named.add(sharing[0])
    return [reduce(_join, (parts[i] for i in group)) for group in union.groups()], notices


def _sids(host: HostEvidence) -> set[str]:
    facts = (fact for reading in host.readings for fact in reading.facts)
    return {fact.value for fact in facts if fact.name == "host.sid" and fact.value}


def _join(one: HostEvidence, other: HostEvidence) -> HostEvidence:
    best = other if is_full(other.name) and not is_full(one.name) else one
    names = {one.name, *one.aliases, other.name, *other.aliases} - {best.name}
    return replace(
        best,
        aliases=tuple(sorted(names)),
        roots=tuple(sorted({*one.roots, *other.roots})),
        readings=(*one.readings, *other.readings),
        full_names=one.full_names | other.full_names,
    )


def _alike(hosts: Sequence[HostEvidence]) -> list[Notice]:
    """Hosts that only share a short name stay apart, and it is said."""
    alike: dict[str, list[HostEvidence]] = defaultdict(list)
    for host in hosts:
        alike[short(host.name)].append(host)
    notices = []
    for name, group in sorted(alike.items()):
        # Different full names are different machines: nothing is open then.
        if len(group) == 1 or all(host.full_names for host in group):
            continue
        text = (
            f"{len(group)} collections are called {name}, but no full name or machine SID "
            "says that they are one machine; kept apart"
        )
        notices += [Notice("host-name", host.roots[0], text) for host in group]
    return notices


def distinctly_named(hosts: Sequence[HostEvidence]) -> list[HostEvidence]:
    """In order of name; hosts of one name get their root added, then a number."""
    count = Counter(host.name.casefold() for host in hosts)
    taken: set[str] = set()
    named = []
    for host in sorted(hosts, key=lambda host: (host.name.casefold(), host.name, host.roots)):
        name = host.name
        if count[name.casefold()] > 1 and host.roots:
            name = f"{name} ({host.roots[0]})"
        number, wanted = 2, name
        while name.casefold() in taken or (name != host.name and count[name.casefold()]):
            name = f"{wanted} ({number})"
            number += 1
        taken.add(name.casefold())
        named.append(host if name == host.name else replace(host, name=name))
    return sorted(named, key=lambda host: (host.name.casefold(), host.name))
