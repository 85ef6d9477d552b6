"""Readings -> hosts: who does each piece of evidence belong to?

Enters: readings grouped by ``Item.root``. Leaves: one :class:`HostEvidence` per machine, and a
notice for every conflict of names. Two roots become one host only when they share a full name
(``ex01.corp.example``) or a machine SID; a shared short name never merges them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from afterpatch.model.places import Gap, HostClaim, Notice
from afterpatch.model.readings import Reading

TRUST_FQDN = 70
TRUST_SHORT = 60
# Below this a differing name is a label somebody chose (a folder), not a witness worth a notice.
TRUST_WITNESS = 40


@dataclass(frozen=True, slots=True)
class HostEvidence:
    """Everything read that belongs to one machine."""

    name: str
    aliases: tuple[str, ...]
    named_by: str
    roots: tuple[str, ...]
    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...]


def group_hosts(
    readings: Sequence[Reading], gaps: Iterable[Gap]
) -> tuple[list[HostEvidence], list[Notice]]:
    """Assign every reading and every gap to exactly one host, in order of host name."""
    by_root: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_root[reading.source.item.root].append(reading)
    notices: list[Notice] = []
    parts: list[HostEvidence] = []
    for root in sorted(by_root):
        root_parts, root_notices = _split_root(root, by_root[root])
        parts += root_parts
        notices += root_notices
    hosts, merge_notices = _merge_roots(parts)
    return _with_gaps(hosts, gaps), notices + merge_notices


def short(name: str) -> str:
    """``EX01.corp.example`` -> ``ex01``: what two spellings of one name share."""
    return name.split(".", 1)[0].casefold()


def _content_claims(reading: Reading) -> list[HostClaim]:
    claims = []
    for fact in reading.facts:
        if fact.name in ("host.fqdn", "host.name") and fact.value:
            trust = TRUST_FQDN if "." in fact.value else TRUST_SHORT
            claims.append(HostClaim(trust, fact.value, f"{reading.source.kind} records"))
    return claims


def _split_root(root: str, readings: list[Reading]) -> tuple[list[HostEvidence], list[Notice]]:
    """One root is one host, unless its records name several machines."""
    outer = {claim for reading in readings for claim in reading.source.item.claims}
    inner = {id(reading): _content_claims(reading) for reading in readings}
    votes = Counter(short(claim.name) for claims in inner.values() for claim in claims)
    manifest = max(outer, default=None)
    primary = _primary_name(manifest, votes)
    groups: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        names = {short(claim.name) for claim in inner[id(reading)]}
        groups[names.pop() if len(names) == 1 else primary].append(reading)
    if manifest and manifest.trust > TRUST_FQDN and len(votes) <= 1:
        groups = {primary: readings}
    hosts = []
    for key in sorted(groups):
        claims = [claim for reading in groups[key] for claim in inner[id(reading)]]
        if key == primary:
            claims += outer
        hosts.append(_name_host(key, claims, root, groups[key]))
    return hosts, _conflicts(root, outer, votes, primary)


def _primary_name(manifest: HostClaim | None, votes: Counter[str]) -> str:
    if manifest and (manifest.trust > TRUST_FQDN or not votes):
        return short(manifest.name)
    if votes:
        return min(votes, key=lambda name: (-votes[name], name))
    return ""


def _name_host(
    key: str, claims: list[HostClaim], root: str, readings: list[Reading]
) -> HostEvidence:
    mine = [claim for claim in claims if short(claim.name) == key]
    # A full name says more than a short one of the same machine, whoever the witness is.
    best = max(mine, key=lambda c: ("." in c.name, c.trust, c.name), default=None)
    name = best.name if best else root
    aliases = {claim.name for claim in claims} - {name}
    return HostEvidence(
        name=name,
        aliases=tuple(sorted(aliases)),
        named_by=best.witness if best else "nothing in the evidence names it; the path is used",
        roots=(root,),
        readings=tuple(readings),
        gaps=(),
    )


def _conflicts(root: str, outer: set[HostClaim], votes: Counter[str], primary: str) -> list[Notice]:
    notices = []
    if len(votes) > 1:
        listed = ", ".join(sorted(votes))
        text = f"records in one collection name several machines ({listed}); kept as separate hosts"
        notices.append(Notice("host-name", root, text))
    for claim in sorted(outer):
        if claim.trust >= TRUST_WITNESS and short(claim.name) != primary:
            text = f"{claim.witness} says {claim.name}, better witnesses say {primary}"
            notices.append(Notice("host-name", root, text))
        elif votes and claim.trust >= TRUST_WITNESS and short(claim.name) not in votes:
            text = f"{claim.witness} says {claim.name}, the records say {', '.join(sorted(votes))}"
            notices.append(Notice("host-name", root, text))
    return notices


def _identities(host: HostEvidence) -> set[str]:
    """Names that are unique to a machine: full names and SIDs."""
    full = {name.casefold() for name in (host.name, *host.aliases) if _is_full_name(name)}
    sids = {
        fact.value
        for reading in host.readings
        for fact in reading.facts
        if fact.name == "host.sid" and fact.value
    }
    return full | sids


def _is_full_name(name: str) -> bool:
    """``ex01.corp.example`` but not an address and not a path."""
    return "." in name and "/" not in name and not name.replace(".", "").isdigit()


def _merge_roots(parts: list[HostEvidence]) -> tuple[list[HostEvidence], list[Notice]]:
    merged: list[HostEvidence] = []
    owner: dict[str, int] = {}
    for part in parts:
        identities = _identities(part)
        found = sorted({owner[identity] for identity in identities if identity in owner})
        if found:
            merged[found[0]] = _join(merged[found[0]], part)
        else:
            found = [len(merged)]
            merged.append(part)
        for identity in identities:
            owner[identity] = found[0]
    return _distinct_names(merged)


def _join(one: HostEvidence, other: HostEvidence) -> HostEvidence:
    names = {*one.aliases, *other.aliases, other.name} - {one.name}
    return replace(
        one,
        aliases=tuple(sorted(names)),
        roots=tuple(sorted({*one.roots, *other.roots})),
        readings=(*one.readings, *other.readings),
    )


def _distinct_names(hosts: list[HostEvidence]) -> tuple[list[HostEvidence], list[Notice]]:
    """Hosts that only share a short name stay apart, and it is said."""
    alike: dict[str, list[HostEvidence]] = defaultdict(list)
    for host in hosts:
        alike[short(host.name)].append(host)
    notices, named = [], []
    for group in alike.values():
        for host in group:
            if len(group) == 1:
                named.append(host)
                continue
            text = (
                f"{len(group)} collections are called {host.name}, but no full name or machine SID "
                "says that they are one machine; kept apart"
            )
            notices.append(Notice("host-name", host.roots[0], text))
            same = sum(other.name.casefold() == host.name.casefold() for other in group) > 1
            named.append(replace(host, name=f"{host.name} ({host.roots[0]})") if same else host)
    return sorted(named, key=lambda host: (host.name.casefold(), host.name)), notices


def _with_gaps(hosts: list[HostEvidence], gaps: Iterable[Gap]) -> list[HostEvidence]:
    """Give each gap to the host whose evidence it is in; evidence wholly unread is a host too."""
    mine: dict[int, list[Gap]] = defaultdict(list)
    orphans: dict[str, list[Gap]] = defaultdict(list)
    owner = {r.source.item.name: i for i, host in enumerate(hosts) for r in host.readings}
    roots = [(root, i) for i, host in enumerate(hosts) for root in host.roots]
    for gap in sorted(set(gaps)):
        index = owner.get(gap.source)
        if index is None:
            inside = [(len(root), i) for root, i in roots if _is_below(gap.source, root)]
            index = max(inside)[1] if inside else None
        if index is None:
            orphans[gap.source.split("!", 1)[0]].append(gap)
        else:
            mine[index].append(gap)
    whole = [replace(host, gaps=tuple(mine[i])) for i, host in enumerate(hosts)]
    for source, lost in sorted(orphans.items()):
        stem = source.rsplit("/", 1)[-1]
        whole.append(
            HostEvidence(
                stem, (), "file name; nothing in it could be read", (source,), (), tuple(lost)
            )
        )
    return whole


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith((f"{root}/", f"{root}!"))
