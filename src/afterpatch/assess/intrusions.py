"""Findings -> intrusions: which findings belong to one actor's activity?

Links, strongest first: a shared strong key on one host (canary, shell file); the same source
address within hours on any host, unless both findings are only visits to shells; nearness in time,
for findings that no visitor's key was seen in and that have exactly one candidate. A shell that two
visitors asked for does not tie the visitors together, a shell name shared by two hosts proves
nothing, and neither does an address that many machines share (loopback, private, a load balancer).
"""

import hashlib
import ipaddress
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from datetime import datetime, timedelta
from typing import Final

from afterpatch.assess.findings import KeyedFinding
from afterpatch.assess.unions import Union
from afterpatch.model.campaigns import BANDS, Campaign, Key
from afterpatch.model.hits import Finding
from afterpatch.model.times import EPOCH

NEAR: Final = timedelta(minutes=2)
# RFC 1918, 6598, 4193, 3927/4291, loopback: behind them may stand anybody who came through a
# balancer, and 10.0.0.5 of two sites are two machines.
_SHARED: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8"),
        *("169.254.0.0/16", "0.0.0.0/32", "::/127", "fc00::/7", "fe80::/10"),
    )
)


def group_intrusions(
    findings: Sequence[KeyedFinding], campaign: Campaign
) -> list[tuple[Finding, ...]]:
    """Groups of findings, each one actor's activity, in order of first time then id.

    Only findings that prove a compromise are grouped: attempts are anybody's.
    """
    serious = sorted(
        (f for f in findings if not f.finding.weak and _is_serious(f.finding, campaign)),
        key=lambda f: (f.finding.host, f.finding.id),
    )
    union = Union(len(serious))
    _link_strong(serious, campaign, union)
    for key in campaign.keys:
        if key.strength == "nearby":
            _link_addresses(serious, key, campaign, union)
    _link_nearby(serious, campaign, union)
    groups = (sorted((serious[i].finding for i in ids), key=_first) for ids in union.groups())
    return sorted(map(tuple, groups), key=lambda group: _first(group[0]))


def intrusion_id(group: Sequence[Finding]) -> str:
    """Stable name of a group: derived from its findings."""
    joined = "\0".join(sorted(finding.id for finding in group))
    return "I-" + hashlib.sha256(joined.encode()).hexdigest()[:8]


def _is_serious(finding: Finding, campaign: Campaign) -> bool:
    return BANDS.index(campaign.band(finding.stage)) >= BANDS.index("compromised")


def _link_strong(findings: Sequence[KeyedFinding], campaign: Campaign, union: Union) -> None:
    owner: dict[tuple[str, str, str], int] = {}
    strong = [key.name for key in campaign.keys if key.strength == "strong"]
    for i, found in enumerate(findings):
        for item in found.items:
            for name in strong:
                if name in item.keys:
                    value = (found.finding.host, name, item.keys[name])
                    union.join(owner.setdefault(value, i), i)


def _link_addresses(
    findings: Sequence[KeyedFinding], key: Key, campaign: Campaign, union: Union
) -> None:
    """Same address within the key's hours, unless both findings are only visits to a shell.

    Two sightings are linked over the nearest one that is more than a visit: links are transitive.
    """
    visits = [_only_visits(found.finding, campaign) for found in findings]
    sightings: dict[str, set[tuple[datetime, int]]] = defaultdict(set)
    for i, found in enumerate(findings):
        for item in found.items:
            value = item.keys.get(key.name)
            if value and item.hit.time and not _is_shared(value):
                sightings[value].add((item.hit.time, i))
    for seen in sightings.values():
        forward = sorted(seen)
        for ordered in (forward, forward[::-1]):
            last: tuple[datetime, int] | None = None
            for when, i in ordered:
                if last and abs(when - last[0]) <= timedelta(hours=key.hours):
                    union.join(last[1], i)
                if not visits[i]:
                    last = (when, i)


def _only_visits(finding: Finding, campaign: Campaign) -> bool:
    """Whether somebody asked for a shell, and nothing says that he put it there."""
    rules = set(finding.rules)
    return any(
        life.key in finding.key and not rules.intersection(life.written_by)
        for life in campaign.lifetimes
    )


def _is_shared(value: str) -> bool:
    try:
        ip = ipaddress.ip_address(value)
    except ValueError:
        return False
    return any(ip in network for network in _SHARED)


def _link_nearby(findings: Sequence[KeyedFinding], campaign: Campaign, union: Union) -> None:
    """Findings in which no visitor was seen join the one group that was active around them."""
    anchors: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    visitors = {key.name for key in campaign.keys if key.visitor}
    local = [_is_local(found, visitors) for found in findings]
    for i, found in enumerate(findings):
        if not local[i]:
            anchors[found.finding.host] += [(when, i) for when in _times(found)]
    for seen in anchors.values():
        seen.sort()
    links: list[tuple[int, int]] = []
    for i, found in enumerate(findings):
        if local[i]:
            near = _groups_near(found, anchors[found.finding.host], union)
            links += [(near.pop(), i)] if len(near) == 1 else []
    for one, other in links:
        union.join(one, other)


def _groups_near(
    found: KeyedFinding, anchors: Sequence[tuple[datetime, int]], union: Union
) -> set[int]:
    near: set[int] = set()
    at = 0
    for when in _times(found):
        # Times ascend, so no anchor is looked at twice.
        at = max(at, bisect_left(anchors, when - NEAR, key=lambda anchor: anchor[0]))
        while at < len(anchors) and anchors[at][0] <= when + NEAR:
            near.add(union.find(anchors[at][1]))
            at += 1
    return near


def _is_local(found: KeyedFinding, visitors: Set[str]) -> bool:
    """Seen by the host itself (event log, file), so without a visitor's address or session."""
    return visitors.isdisjoint(name for item in found.items for name in item.keys)


def _times(found: KeyedFinding) -> Iterator[datetime]:
    """Times of the hits, ascending as the hits are."""
    return (item.hit.time for item in found.items if item.hit.time)


def _first(finding: Finding) -> tuple[bool, datetime, str, str]:
    return (finding.first is None, finding.first or EPOCH, finding.host, finding.id)
