"""The sums of a hunt, per host -> groups per rule and host, ranked, with an account of every rule.

Enters: hosts with their sums, rules, suppressions. Leaves: :class:`Hunt`. Pure; order of the input
does not change a byte. No verdict: a hit is a hit.

The ranking, best reason first:

1. level of the rule, critical before informational;
2. rarity: a rule seen on few of many hosts before one seen on most of them;
3. campaign relevance: the rule names a CVE of a shipped campaign, proves one of its stages, or is
   one of its rules;
4. when the rule was first seen anywhere (unknown last), then title and rule id;
5. within a rule, hosts by their first match, then by name.
"""

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from afterpatch.assess.fleet import Fleet
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.hunts import (
    LEVELS,
    Excused,
    HitGroup,
    HitSum,
    Hunt,
    Hunted,
    RuleFate,
    RuleState,
    Suppressed,
    Suppression,
    SuppressionState,
)
from afterpatch.model.places import Gap, Source
from afterpatch.model.times import EPOCH

NEEDS_PLACEHOLDER: Final = "needs placeholder"
_CVE: Final = re.compile(r"cve[._-](\d{4})[._-](\d{4,7})", re.IGNORECASE)

_NEVER: Final = (True, EPOCH)

_Groups = dict[tuple[str, str], HitSum]  # rule id, host


@dataclass(frozen=True, slots=True)
class HostHunt:
    """What was found on one host. ``names``: its name, then the others it is called by."""

    names: tuple[str, ...]
    hunted: Hunted


@dataclass(frozen=True, slots=True)
class Content:
    """What was hunted with. ``unsupported``, ``ignored``: (rule id or path, reason); paths."""

    infos: tuple[RuleInfo, ...]
    unsupported: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]
    suppressions: tuple[Suppression, ...]
    correlate: Callable[[Sequence[Hit]], tuple[Hit, ...]]
    excused: Callable[[Hit], Excused]
    silent: frozenset[str]
    examples: int


@dataclass(frozen=True, slots=True)
class Terms:
    """How a hunt is shown. ``as_of``: the day on which suppressions are judged; None = none given.

    level  groups of rules below it are counted and not listed.
    """

    level: str
    as_of: date | None
    tool_version: str
    evidence: tuple[str, ...]


def sum_up(
    hosts: Sequence[HostHunt],
    content: Content,
    campaigns: Sequence[Campaign],
    fleet: Fleet,
    terms: Terms,
) -> Hunt:
    """The whole hunt."""
    level, as_of = terms.level, terms.as_of
    open_: _Groups = {}
    excused: dict[int, _Groups] = {}
    lost: list[Gap] = []
    for host in sorted(hosts, key=lambda host: host.names):
        _sort_out(host, content, as_of, open_, excused)
        lost += (*host.hunted.gaps, *_cut_correlations(host, content))
    infos = {info.id: info for info in content.infos}
    groups = _ranked(open_, infos, campaigns)
    shown = [group for group in groups if _rank(group.rule.level) <= _rank(level)]
    return Hunt(
        tool_version=terms.tool_version,
        evidence=terms.evidence,
        level=level,
        as_of=as_of,
        hosts=tuple(sorted(host.names[0] for host in hosts)),
        groups=tuple(shown),
        below_groups=len(groups) - len(shown),
        below_hits=sum(group.total.count for group in groups)
        - sum(group.total.count for group in shown),
        suppressed=tuple(
            _suppressed(entry, content, as_of, _ranked(excused.get(at, {}), infos, campaigns))
            for at, entry in enumerate(content.suppressions)
        ),
        fates=_fates(content, hosts, open_, excused),
        ignored=content.ignored,
        sources=tuple(_sources(fleet)),
        own_gaps=tuple(sorted(set(lost))),
        gaps=fleet.gaps,
        notices=fleet.notices,
    )


def _sources(fleet: Fleet) -> list[tuple[str, Source]]:
    """Stray files, too: a hunt looks into every one of them."""
    others = [("", r.source) for readings in fleet.of_no_host().values() for r in readings]
    return sorted({*fleet.sources(), *others}, key=lambda entry: entry[1].item.name)


def _sort_out(
    host: HostHunt,
    content: Content,
    as_of: date | None,
    open_: _Groups,
    excused: dict[int, _Groups],
) -> None:
    """Every sum of a host to its group: open, or excused by the first entry that holds for it."""
    sums = dict(host.hunted.sums)
    for hit in content.correlate(host.hunted.feeding):
        if hit.rule not in content.silent:
            key = (hit.rule, content.excused(hit))
            one = HitSum(1, hit.time, hit.time, (hit,))
            sums[key] = sums[key].plus(one, content.examples) if key in sums else one
    for (rule, entries), found in sums.items():
        holding = [at for at in sorted(entries) if _holds(content.suppressions[at], host, as_of)]
        groups = excused.setdefault(holding[0], {}) if holding else open_
        group = (rule, host.names[0])
        known = groups.get(group)
        groups[group] = found if known is None else known.plus(found, content.examples)


def _holds(entry: Suppression, host: HostHunt, as_of: date | None) -> bool:
    if as_of is None or entry.expires < as_of:
        return False
    wanted = entry.host.casefold()
    names = {part for name in host.names for part in (name.casefold(), _short(name))}
    return not wanted or any(fnmatch.fnmatchcase(name, wanted) for name in names)


def _short(name: str) -> str:
    return name.casefold().split(".", 1)[0]


def _cut_correlations(host: HostHunt, content: Content) -> list[Gap]:
    titles = {info.id: info.title for info in content.infos}
    return [
        Gap(
            host.names[0],
            f"rule {rule}",
            f"'{titles.get(rule, rule)}' matched too often for the correlations that read it: "
            f"they did not see {count} of its matches",
        )
        for rule, count in host.hunted.overflow.items()
    ]


def _ranked(
    groups: _Groups, infos: Mapping[str, RuleInfo], campaigns: Sequence[Campaign]
) -> list[HitGroup]:
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
        _rank(group.rule.level),
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


def _rank(level: str) -> int:
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


def _suppressed(
    entry: Suppression,
    content: Content,
    as_of: date | None,
    groups: Sequence[HitGroup],
) -> Suppressed:
    known = any(entry.rule in (info.id, info.title) for info in content.infos)
    state: SuppressionState = "applied" if groups else "matched nothing"
    if as_of is not None and entry.expires < as_of:
        state = "expired"
    elif not known:
        state = "unknown rule"
    return Suppressed(entry, state, sum(group.total.count for group in groups), tuple(groups))


def _fates(
    content: Content,
    hosts: Iterable[HostHunt],
    open_: _Groups,
    excused: Mapping[int, _Groups],
) -> tuple[RuleFate, ...]:
    evaluated = frozenset(rule for host in hosts for rule in host.hunted.evaluated)
    counts = Counter[str]()
    for groups in (open_, *excused.values()):
        for (rule, _), total in groups.items():
            counts[rule] += total.count
    fates = [
        RuleFate(
            info.id,
            info.title,
            info.level,
            info.engine,
            "evaluated" if info.id in evaluated else "not applicable",
            "" if info.id in evaluated else "no event of its log source in this evidence",
            counts[info.id],
        )
        for info in content.infos
    ]
    fates += [RuleFate(name, "", "", "", _state(why), why, 0) for name, why in content.unsupported]
    return tuple(sorted(fates, key=lambda fate: (fate.id, fate.state, fate.reason)))


def _state(reason: str) -> RuleState:
    return NEEDS_PLACEHOLDER if NEEDS_PLACEHOLDER in reason else "unsupported"
