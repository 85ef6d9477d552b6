"""Who might be behind an intrusion: hypotheses with reasons for and against, "unknown" among them.

Shared techniques and leased servers do not identify anybody, so a name is never more than a
hypothesis, and needs more than one kind of reason to be offered at all.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from afterpatch.model.campaigns import Argument, Campaign
from afterpatch.model.hits import Finding
from afterpatch.model.times import parse_utc
from afterpatch.model.verdicts import Hypothesis, Intrusion

UNKNOWN = "unknown"
# A name is offered only from this score on, with this lead over the next one.
OFFER_SCORE = 4
OFFER_LEAD = 2


def describe(
    intrusion: str, group: Sequence[Finding], related: Sequence[Finding], campaign: Campaign
) -> Intrusion:
    """The intrusion with its infrastructure and ranked hypotheses.

    related  weak findings (indicator matches …) that share a key with the group.
    """
    infrastructure = _infrastructure(group, campaign)
    return Intrusion(
        id=intrusion,
        hosts=tuple(sorted({finding.host for finding in group})),
        findings=tuple(finding.id for finding in group),
        first=min((f.first for f in group if f.first), default=None),
        last=max((f.last for f in group if f.last), default=None),
        infrastructure=infrastructure,
        hypotheses=_hypotheses(group, related, infrastructure, campaign),
    )


def offered(intrusion: Intrusion) -> str:
    """The actor whose name may be mentioned as a hypothesis, or ``unknown``."""
    named = [h for h in intrusion.hypotheses if h.actor != UNKNOWN]
    if not named or named[0].score < OFFER_SCORE:
        return UNKNOWN
    if len(named) > 1 and named[0].score - named[1].score < OFFER_LEAD:
        return UNKNOWN
    return named[0].actor


def related_findings(group: Sequence[Finding], findings: Iterable[Finding]) -> list[Finding]:
    """Weak findings on the same hosts that share any key value with the group."""
    hosts = {finding.host for finding in group}
    values = _all_values(group)
    return [f for f in findings if f.weak and f.host in hosts and values & _all_values([f])]


def _all_values(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(name, v) for f in findings for name, seen in f.values.items() for v in seen}


def _infrastructure(group: Sequence[Finding], campaign: Campaign) -> Mapping[str, tuple[str, ...]]:
    merged: dict[str, set[str]] = {}
    for finding in group:
        for name, values in finding.values.items():
            merged.setdefault(name, set()).update(values)
    classes = {
        f"{address} is in a {kind} network ({owner})"
        for address in _addresses(merged)
        for kind, owner in network_classes(address, campaign)
    }
    if classes:
        merged["networks"] = classes
    return {name: tuple(sorted(values)) for name, values in sorted(merged.items())}


def _addresses(values: Mapping[str, Iterable[str]]) -> list[str]:
    return sorted({v for name, seen in values.items() if "address" in name for v in seen})


def network_classes(address: str, campaign: Campaign) -> list[tuple[str, str]]:
    """(class, owner) of every listed network the address lies in; empty when it is no address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return []
    return [
        (network.network_class, network.owner)
        for network in campaign.networks
        if ip in ipaddress.ip_network(network.cidr)
    ]


def _hypotheses(
    group: Sequence[Finding],
    related: Sequence[Finding],
    infrastructure: Mapping[str, tuple[str, ...]],
    campaign: Campaign,
) -> tuple[Hypothesis, ...]:
    evidence = _Evidence(group, related, infrastructure, campaign)
    found = []
    for actor in campaign.actors:
        for_ = [a for a in actor.speaks_for if evidence.holds(a)]
        against = [a for a in actor.speaks_against if evidence.holds(a)]
        score = sum(a.weight for a in for_) - sum(a.weight for a in against)
        found.append(
            Hypothesis(
                actor.name,
                score,
                tuple(a.because for a in for_),
                tuple(a.because for a in against),
            )
        )
    ranked = sorted(found, key=lambda h: (-h.score, h.actor))
    unknown = Hypothesis(
        UNKNOWN, 0, ("shared techniques and leased servers do not identify an actor",), ()
    )
    return (*ranked, unknown)


class _Evidence:
    """What the arguments of a campaign's actors are tested against."""

    def __init__(
        self,
        group: Sequence[Finding],
        related: Sequence[Finding],
        infrastructure: Mapping[str, tuple[str, ...]],
        campaign: Campaign,
    ) -> None:
        self._rules = {rule for finding in (*group, *related) for rule in finding.rules}
        self._stages = {finding.stage for finding in group}
        self._classes = {
            kind
            for address in _addresses(infrastructure)
            for kind, _ in network_classes(address, campaign)
        }
        self._first: datetime | None = min((f.first for f in group if f.first), default=None)

    def holds(self, argument: Argument) -> bool:
        subject, _, value = argument.when.partition(":")
        match subject:
            case "rule":
                return value in self._rules
            case "stage":
                return value in self._stages
            case "network":
                return value in self._classes
            case "before":
                return self._first is not None and self._first < parse_utc(value)
            case "after":
                return self._first is not None and self._first >= parse_utc(value)
            case _:
                return False
