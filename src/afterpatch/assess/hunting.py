"""The sums of a hunt, per host -> groups per rule and host, ranked, with an account of every rule.

Enters: hosts with their sums, rules, suppressions. Leaves: :class:`Hunt`. Pure; order of the input
does not change a byte. No verdict: a hit is a hit.
How groups are ranked stands in :mod:`afterpatch.assess.hunt_ranking`.
"""

import fnmatch
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from afterpatch.assess.fleet import Fleet
from afterpatch.assess.hunt_ranking import Groups, rank, ranked
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import INDICATOR, Hit, RuleInfo
from afterpatch.model.hunts import (
    Excused,
    HitGroup,
    HitSum,
    Hunt,
    Hunted,
    RuleFate,
    SumKey,
    Suppressed,
    Suppression,
    SuppressionState,
)
from afterpatch.model.places import Gap, Source
from afterpatch.model.rules import RuleState, RuleStatus

SEVERAL_HOSTS: Final = "(several hosts)"
MAX_HOSTS_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class HostHunt:
    """What was found on one host. ``names``: its name, then the others it is called by."""

    names: tuple[str, ...]
    hunted: Hunted


@dataclass(frozen=True, slots=True)
class Content:
    """What was hunted with.

    statuses     kinds that met records -> what became of every rule.
    ignored      paths.
    correlate    hits -> hits of correlations, each with the sources it was made of.
    """

    infos: tuple[RuleInfo, ...]
    statuses: Callable[[Collection[str]], Iterable[RuleStatus]]
    ignored: tuple[str, ...]
    suppressions: tuple[Suppression, ...]
    correlate: Callable[[Sequence[Hit]], tuple[tuple[Hit, frozenset[str]], ...]]
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
    open_: Groups = {}
    excused: dict[int, Groups] = {}
    lost: list[Gap] = []
    ordered = sorted(hosts, key=lambda host: host.names)
    _sort_out(_across(ordered, content), content, as_of, open_, excused)
    for host in ordered:
        _sort_out(host, content, as_of, open_, excused)
        lost += (*host.hunted.gaps, *_cut_correlations(host, content))
    infos = {info.id: info for info in content.infos}
    fates, quiet_indicators = _fates(content, hosts, open_, excused)
    groups = ranked(open_, infos, campaigns)
    shown = [group for group in groups if rank(group.rule.level) <= rank(level)]
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
            _suppressed(entry, content, as_of, ranked(excused.get(at, {}), infos, campaigns))
            for at, entry in enumerate(content.suppressions)
        ),
        fates=fates,
        quiet_indicators=quiet_indicators,
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
    open_: Groups,
    excused: dict[int, Groups],
) -> None:
    """Every sum of a host to its group: open, or excused by the first entry that holds for it."""
    sums = dict(host.hunted.sums)
    for hit, _ in content.correlate(host.hunted.feeding):
        _add(sums, hit, content)
    for (rule, entries), found in sums.items():
        holding = [at for at in sorted(entries) if _holds(content.suppressions[at], host, as_of)]
        groups = excused.setdefault(holding[0], {}) if holding else open_
        group = (rule, host.names[0])
        known = groups.get(group)
        groups[group] = found if known is None else known.plus(found, content.examples)


def _across(hosts: Sequence[HostHunt], content: Content) -> HostHunt:
    """Correlations whose matches lie on several hosts: they belong to none of them alone."""
    owner = {hit.place.source: host.names[0] for host in hosts for hit in host.hunted.feeding}
    sums: dict[SumKey, HitSum] = {}
    for hit, sources in content.correlate([hit for h in hosts for hit in h.hunted.feeding]):
        names = sorted({owner[source] for source in sources})
        if len(names) > 1:
            named = ", ".join(names)[:MAX_HOSTS_CHARS]
            _add(sums, replace(hit, fields={**hit.fields, "@hosts": named}), content)
    return HostHunt((SEVERAL_HOSTS,), Hunted(sums))


def _add(sums: dict[SumKey, HitSum], hit: Hit, content: Content) -> None:
    if hit.rule not in content.silent:
        key = (hit.rule, content.excused(hit))
        one = HitSum(1, hit.time, hit.time, (hit,))
        sums[key] = sums[key].plus(one, content.examples) if key in sums else one


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
    open_: Groups,
    excused: Mapping[int, Groups],
) -> tuple[tuple[RuleFate, ...], dict[RuleState, int]]:
    """What became of each rule; of indicators that matched nothing only how many, by state."""
    evaluated = frozenset(rule for host in hosts for rule in host.hunted.evaluated)
    counts = Counter[str]()
    for groups in (open_, *excused.values()):
        for (rule, _), total in groups.items():
            counts[rule] += total.count
    infos = {info.id: info for info in content.infos}
    fates: list[RuleFate] = []
    quiet = Counter[RuleState]()
    for status in content.statuses(evaluated):
        fate = _fate(status, infos.get(status.rule), counts[status.rule])
        if fate.engine == INDICATOR and not fate.count:
            quiet[fate.state] += 1
        else:
            fates.append(fate)
    return tuple(sorted(fates, key=lambda fate: (fate.id, fate.state, fate.reason))), dict(quiet)


def _fate(status: RuleStatus, info: RuleInfo | None, count: int) -> RuleFate:
    # One that was refused may have the id of another that was not.
    if info is None or status.state in ("needs placeholder", "unsupported"):
        return RuleFate(status.rule, "", "", "", status.state, status.reason, 0)
    return RuleFate(
        info.id, info.title, info.level, info.engine, status.state, status.reason, count
    )
