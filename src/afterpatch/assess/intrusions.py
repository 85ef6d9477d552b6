"""Findings -> intrusions: which findings belong to one actor's activity?

Links, strongest first: a shared strong key on one host (canary, shell file); the same source
address within hours on any host, between findings that prove more than an attempt; nearness in
time, for findings that carry no key of their own and have exactly one candidate. A shell that two
visitors asked for does not tie the visitors together, and a shell name shared by two hosts proves
nothing.
"""

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from afterpatch.assess.findings import KeyReader
from afterpatch.model.campaigns import BANDS, Campaign
from afterpatch.model.hits import Finding, Hit

NEAR = timedelta(minutes=2)


def group_intrusions(findings: Sequence[Finding], campaign: Campaign) -> list[tuple[Finding, ...]]:
    """Groups of findings, each one actor's activity, in order of first time then id.

    Only findings that prove a compromise start a group; attempts join one by address, scans never.
    """
    serious = [
        f for f in findings if not f.weak and _band(f, campaign) >= BANDS.index("compromised")
    ]
    union = _Union(finding.id for finding in serious)
    reader = KeyReader(campaign.keys)
    _link_strong(serious, campaign, union)
    _link_addresses(serious, campaign, reader, union)
    _link_nearby(serious, union)
    groups = union.groups()
    by_id = {finding.id: finding for finding in serious}
    found = [tuple(_sorted(by_id[i] for i in ids)) for ids in groups]
    return sorted(found, key=lambda group: (_first(group), group[0].id))


def intrusion_id(group: Sequence[Finding]) -> str:
    """Stable name of a group: derived from its findings."""
    joined = "\0".join(sorted(finding.id for finding in group))
    return "I-" + hashlib.sha256(joined.encode()).hexdigest()[:8]


def _band(finding: Finding, campaign: Campaign) -> int:
    return BANDS.index(campaign.band(finding.stage))


def _link_strong(findings: Sequence[Finding], campaign: Campaign, union: "_Union") -> None:
    owner: dict[tuple[str, str, str], str] = {}
    strong = [key.name for key in campaign.keys if key.strength == "strong"]
    for finding in findings:
        for name in strong:
            for value in finding.values.get(name, ()):
                union.join(owner.setdefault((finding.host, name, value), finding.id), finding.id)


def _link_addresses(
    findings: Sequence[Finding], campaign: Campaign, reader: KeyReader, union: "_Union"
) -> None:
    """Same address within the key's hours, unless both findings are only visits to a shell."""
    visits = {life.key for life in campaign.lifetimes}
    for key in campaign.keys:
        if key.strength != "nearby":
            continue
        sightings = sorted(_sightings(findings, key.name, reader))
        for (value, when, one), (other_value, later, other) in itertools.pairwise(sightings):
            if value != other_value or later - when > timedelta(hours=key.hours):
                continue
            a, b = (next(f for f in findings if f.id == i) for i in (one, other))
            if not (visits & a.key.keys() and visits & b.key.keys() and a.key != b.key):
                union.join(one, other)


def _sightings(
    findings: Iterable[Finding], key: str, reader: KeyReader
) -> Iterator[tuple[str, datetime, str]]:
    for finding in findings:
        for hit in finding.hits:
            value = reader.read(hit).get(key)
            if value and hit.time:
                yield value, hit.time, finding.id


def _link_nearby(findings: Sequence[Finding], union: "_Union") -> None:
    """Findings without address or canary join the one group that was active around them."""
    anchored = [f for f in findings if not _is_local(f)]
    links: list[tuple[str, str]] = []
    for finding in findings:
        if not _is_local(finding):
            continue
        near = {
            union.find(other.id)
            for other in anchored
            if other.host == finding.host and _near(finding.hits, other.hits)
        }
        if len(near) == 1:
            links.append((near.pop(), finding.id))
    for one, other in links:
        union.join(one, other)


def _is_local(finding: Finding) -> bool:
    """Seen by the host itself (event log, file), so without a visitor's address or session."""
    return not any("address" in name or name == "canary" for name in finding.values)


def _near(hits: Sequence[Hit], others: Sequence[Hit]) -> bool:
    return any(
        hit.time and other.time and abs(hit.time - other.time) <= NEAR
        for hit in hits
        for other in others
    )


def _first(group: Sequence[Finding]) -> tuple[bool, float]:
    times = [finding.first for finding in group if finding.first]
    return (not times, min(times).timestamp() if times else 0.0)


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (_first((f,)), f.host, f.id))


class _Union:
    """Disjoint sets of finding ids; the smallest id leads, so order of joining does not matter."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parent = {i: i for i in ids}

    def find(self, i: str) -> str:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low

    def groups(self) -> list[list[str]]:
        members: dict[str, list[str]] = defaultdict(list)
        for i in sorted(self._parent):
            members[self.find(i)].append(i)
        return list(members.values())
