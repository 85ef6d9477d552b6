"""The order of a hunt's findings.

The ranking, best reason first:

1. level of the rule, critical before informational;
2. rarity: a rule seen on few of many hosts before one seen on most of them;
3. campaign relevance: the rule's tags or title name a CVE of a shipped campaign, or the rule proves
   one of its stages;
4. when the rule was first seen anywhere (unknown last), then title and rule id;
5. within a rule, hosts by their first match, then by name.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import RuleInfo
from afterpatch.model.hunts import LEVELS, HitGroup, HitSum
from afterpatch.model.times import EPOCH

Groups = dict[tuple[str, str], HitSum]  # rule id, host

_NEVER: Final = (True, EPOCH)
_CVE: Final = re.compile(r"cve[._-](\d{4})[._-](\d{4,7})", re.IGNORECASE)


def ranked(
    groups: Groups, infos: Mapping[str, RuleInfo], campaigns: Sequence[Campaign]
) -> list[HitGroup]:
    """Every group with what it is ranked by, best first."""
    host_counts = Counter(rule for rule, _ in groups)
    spoken_of = {rule: _campaigns_of(infos[rule], campaigns) for rule in host_counts}
    firsts: dict[str, tuple[bool, datetime]] = {}
    for (rule, _), total in groups.items():
        firsts[rule] = min(firsts.get(rule, _NEVER), _when(total.first))
    found = [
        HitGroup(infos[rule], host, total, host_counts[rule], spoken_of[rule])
        for (rule, host), total in groups.items()
    ]
    return sorted(found, key=lambda group: _group_order(group, firsts[group.rule.id]))


def _group_order(group: HitGroup, first: tuple[bool, datetime]) -> tuple[object, ...]:
    """``first``: when the rule was first seen on any host, so that its groups stay together."""
    return (
        rank(group.rule.level),
        group.host_count,
        not group.campaigns,
        first,
        group.rule.title,
        group.rule.id,
        _when(group.total.first),
        group.host,
    )


def _when(time: datetime | None) -> tuple[bool, datetime]:
    return (time is None, time or EPOCH)


def rank(level: str) -> int:
    """Position from the worst; a level nobody knows counts as medium, so that it is not hidden."""
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("medium")


def _campaigns_of(rule: RuleInfo, campaigns: Sequence[Campaign]) -> tuple[str, ...]:
    texts = (*rule.tags, rule.title)
    cves = {f"CVE-{year}-{number}" for text in texts for year, number in _CVE.findall(text)}
    return tuple(
        campaign.id
        for campaign in campaigns
        if cves.intersection(campaign.cves) or rule.stage in {s.id for s in campaign.stages}
    )
