"""All readings of a run -> the assessment: hosts, verdicts, intrusions, what was left unread."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from afterpatch.assess.attribution import describe, related_findings
from afterpatch.assess.coverage import last_seen
from afterpatch.assess.duplicates import without_copies
from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.intrusions import group_intrusions, intrusion_id
from afterpatch.assess.judge import Case, examine, judge
from afterpatch.assess.merging import group_hosts
from afterpatch.assess.names import short
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.places import Fact, Gap, Notice, Source
from afterpatch.model.readings import Reading
from afterpatch.model.verdicts import Assessment, Host, Intrusion, RuleAccount

INVENTORY = "inventory-csv"

Correlate = Callable[[Sequence[Hit]], tuple[Hit, ...]]


def assess(
    readings: Sequence[Reading],
    gaps: Sequence[Gap],
    notices: Sequence[Notice],
    campaign: Campaign,
    rules: Sequence[RuleInfo],
    unsupported: Sequence[tuple[str, str]],
    correlate: Correlate,
    tool_version: str,
    evidence: Sequence[str],
) -> Assessment:
    """Judge every host. Pure: order of ``readings`` does not change a byte of the result."""
    ordered = sorted(readings, key=lambda r: r.source.item.name)
    inventories = [r for r in ordered if r.source.kind == INVENTORY]
    kept, said = _per_root(ordered)
    all_gaps = sorted({*gaps, *(gap for reading in kept for gap in reading.gaps)})
    hosts, host_notices = group_hosts([r for r in kept if r not in inventories], all_gaps)
    by_host, unknown_hosts = _inventory_facts(inventories, hosts)
    infos = {rule.id: rule for rule in rules}
    as_of = last_seen(kept)
    cases = [
        examine(host, correlate(_hits(host)), by_host.get(host.name, ()), infos, campaign, as_of)
        for host in (*hosts, *unknown_hosts)
    ]
    intrusions = _intrusions(cases, campaign)
    return Assessment(
        tool_version=tool_version,
        campaigns=((campaign.id, campaign.version, campaign.sha256),),
        evidence=tuple(evidence),
        rules=_account(rules, unsupported, kept),
        rule_infos=tuple(sorted(rules, key=lambda rule: rule.id)),
        hosts=tuple(_host(case, intrusions, campaign) for case in cases),
        intrusions=tuple(intrusions),
        sources=tuple(_sources(hosts, inventories)),
        gaps=tuple(all_gaps),
        notices=tuple(
            sorted({*notices, *said, *host_notices, *(n for r in kept for n in r.notices)})
        ),
    )


def _per_root(readings: Sequence[Reading]) -> tuple[list[Reading], list[Notice]]:
    """Copies are only looked for inside one collection: two hosts may hold equal files."""
    by_root: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_root[reading.source.item.root].append(reading)
    kept: list[Reading] = []
    notices: list[Notice] = []
    for root in sorted(by_root):
        unique, said = without_copies(by_root[root])
        kept += unique
        notices += said
    return kept, notices


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


def _sources(
    hosts: Sequence[HostEvidence], inventories: Sequence[Reading]
) -> list[tuple[str, Source]]:
    listed = [(host.name, r.source) for host in hosts for r in host.readings]
    listed += [("", reading.source) for reading in inventories]
    return sorted(listed, key=lambda entry: entry[1].item.name)
