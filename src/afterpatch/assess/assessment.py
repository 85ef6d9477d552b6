"""The fleet -> the assessment: hosts, verdicts, intrusions, what was left unread."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from afterpatch.assess.attribution import describe, related_findings
from afterpatch.assess.clients import ADDRESS_FACT, place_clients
from afterpatch.assess.coverage import last_seen
from afterpatch.assess.fleet import Fleet
from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.intrusions import group_intrusions, intrusion_id
from afterpatch.assess.judge import Case, examine, judge
from afterpatch.assess.merging import distinctly_named
from afterpatch.assess.names import short
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.hunts import Hunt
from afterpatch.model.places import Fact
from afterpatch.model.readings import Reading
from afterpatch.model.verdicts import Assessment, Host, Intrusion, RuleAccount

Correlate = Callable[[Sequence[Hit]], tuple[Hit, ...]]


def assess(
    fleet: Fleet,
    campaign: Campaign,
    rules: Sequence[RuleInfo],
    unsupported: Sequence[tuple[str, str]],
    correlate: Correlate,
    tool_version: str,
    evidence: Sequence[str],
    hunt: Hunt | None = None,
) -> Assessment:
    """Judge every host. ``hunt`` is only carried along: it can change no verdict."""
    infos = {rule.id: rule for rule in rules}
    placed, notices = place_clients(fleet.hosts, fleet.inventories, campaign, infos)
    hosts = distinctly_named(placed)
    by_host, unknown_hosts = _inventory_facts(fleet.inventories, hosts)
    as_of = last_seen(fleet.kept)
    cases = [
        examine(host, correlate(_hits(host)), by_host.get(host.name, ()), infos, campaign, as_of)
        for host in (*hosts, *unknown_hosts)
    ]
    intrusions = _intrusions(cases, campaign)
    return Assessment(
        tool_version=tool_version,
        campaigns=((campaign.id, campaign.version, campaign.sha256),),
        evidence=tuple(evidence),
        rules=_account(rules, unsupported, fleet.kept),
        rule_infos=tuple(sorted(rules, key=lambda rule: rule.id)),
        hosts=tuple(_host(case, intrusions, campaign) for case in cases),
        intrusions=tuple(intrusions),
        sources=tuple(fleet.sources()),
        gaps=fleet.gaps,
        notices=tuple(sorted({*fleet.notices, *notices})),
        hunt=hunt,
    )


def _hits(host: HostEvidence) -> list[Hit]:
    return [hit for reading in host.readings for hit in reading.hits]


def _inventory_facts(
    inventories: Sequence[Reading], hosts: Sequence[HostEvidence]
) -> tuple[Mapping[str, tuple[Fact, ...]], list[HostEvidence]]:
    """Lines of an inventory, by the hosts they name; a host only listed there is a host too."""
    rows: dict[str, list[Fact]] = defaultdict(list)
    spelled: dict[str, str] = {}
    for reading in inventories:
        for fact in reading.facts:
            if fact.name == ADDRESS_FACT:
                continue
            name = fact.detail.get("host", "")
            rows[name.casefold()].append(fact)
            spelled.setdefault(name.casefold(), name)
    found: dict[str, list[Fact]] = defaultdict(list)
    unknown = []
    for key in sorted(rows):
        matching = [
            host
            for host in hosts
            if key in {n.casefold() for n in (host.name, *host.aliases)}
            or ("." not in key and short(host.name) == key)
        ]
        if len(matching) == 1:
            found[matching[0].name] += rows[key]
        elif key:
            name = spelled[key]
            found[name] += rows[key]
            unknown.append(HostEvidence(name, (), "inventory", (), (), ()))
    return {name: tuple(facts) for name, facts in found.items()}, unknown


def _intrusions(cases: Sequence[Case], campaign: Campaign) -> list[Intrusion]:
    findings = [finding for case in cases for finding in case.findings]
    return [
        describe(intrusion_id(group), group, related_findings(group, findings), campaign)
        for group in group_intrusions([f for case in cases for f in case.found], campaign)
    ]


def _account(
    rules: Sequence[RuleInfo],
    unsupported: Sequence[tuple[str, str]],
    readings: Sequence[Reading],
) -> RuleAccount:
    kinds = frozenset(kind for reading in readings for kind in reading.evaluated)
    loaded = {rule.id: rule.kind in kinds for rule in rules}
    evaluated = sum(loaded.values())
    return RuleAccount(
        loaded=len(loaded) + len(unsupported),
        evaluated=evaluated,
        not_applicable=len(loaded) - evaluated,
        unsupported=tuple(sorted(unsupported)),
    )


def _host(case: Case, intrusions: Sequence[Intrusion], campaign: Campaign) -> Host:
    return Host(
        name=case.host.name,
        aliases=case.host.aliases,
        named_by=case.host.named_by,
        roots=case.host.roots,
        verdicts=(judge(case, intrusions, campaign),),
        facts=case.facts,
    )
