"""Assessment -> the assessment document, the one input of every renderer.

Enters: ``model.verdicts.Assessment`` and, if at hand, the campaigns it used (they add titles, the
ladder of stages and where to fetch a log). Leaves: plain dicts, lists, strings, numbers in the
documented order (``docs/document.md``), so that the same assessment gives the same bytes. It cuts
nothing and judges nothing; the only change to a string is that lone surrogates, which UTF-8 cannot
carry, become U+FFFD.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import RuleInfo
from afterpatch.model.places import Fact, Gap, Source
from afterpatch.model.verdicts import (
    Assessment,
    Host,
    Intrusion,
)
from afterpatch.report.document_time import sure_time, time_or_none, time_order
from afterpatch.report.document_verdict import verdict_entry
from afterpatch.report.entries import gap_entries, notice_entries, source_entries
from afterpatch.report.hunt_entry import hunt_entry
from afterpatch.report.shape import (
    CampaignEntry,
    CountsEntry,
    Document,
    FactEntry,
    HostEntry,
    IntrusionEntry,
    RuleEntry,
    ToolEntry,
)

SCHEMA: Final = "afterpatch.assessment/1"
UNRECOGNISED: Final = "unknown"
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def document(assessment: Assessment, campaigns: Sequence[Campaign] = ()) -> dict[str, Any]:
    """The whole assessment as JSON-ready values, every list in its documented order."""
    known = {campaign.id: campaign for campaign in campaigns}
    sources = {source.item.name: source for _, source in reversed(assessment.sources)}
    hosts = [_host(host, known, sources) for host in sorted(assessment.hosts, key=lambda h: h.name)]
    made: Document = {
        "schema": SCHEMA,
        "tool": _tool(assessment, known),
        "counts": counts_entry(
            len(assessment.hosts), [source for _, source in assessment.sources], assessment.gaps
        ),
        "hosts": hosts,
        "intrusions": sorted(map(_intrusion, assessment.intrusions), key=_by_first_then_id),
        "rules": _fired_rules(assessment),
        "notices": notice_entries(assessment.notices),
        "gaps": gap_entries(assessment.gaps),
        "sources": source_entries(assessment.sources),
        "hunt": hunt_entry(assessment.hunt) if assessment.hunt else None,
    }
    return cast(dict[str, Any], sound(made))


def sound(value: Any) -> Any:
    """Copy of a JSON value in which every string can be written as UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {sound(key): sound(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [sound(inner) for inner in value]
    return value


def _tool(assessment: Assessment, known: Mapping[str, Campaign]) -> ToolEntry:
    account = assessment.rules
    return {
        "version": assessment.tool_version,
        "evidence": list(assessment.evidence),
        "campaigns": [
            _campaign(name, version, sha256, known.get(name))
            for name, version, sha256 in sorted(assessment.campaigns)
        ],
        "rules": {
            "loaded": account.loaded,
            "evaluated": account.evaluated,
            "not_applicable": account.not_applicable,
            "unsupported": [
                {"rule": rule, "reason": reason} for rule, reason in sorted(account.unsupported)
            ],
        },
    }


def _campaign(name: str, version: str, sha256: str, pack: Campaign | None) -> CampaignEntry:
    return {
        "id": name,
        "version": version,
        "sha256": sha256,
        "title": pack.title if pack else "",
        "summary": pack.summary if pack else "",
        "cves": list(pack.cves) if pack else [],
        "references": list(pack.references) if pack else [],
        "window_start": sure_time(pack.window_start) if pack else None,
        "stages": [
            {"id": stage.id, "band": stage.band, "title": stage.title, "means": stage.means}
            for stage in (pack.stages if pack else ())
        ],
    }


def counts_entry(hosts: int, sources: Sequence[Source], gaps: Sequence[Gap]) -> CountsEntry:
    """The totals of a run."""
    return {
        "hosts": hosts,
        "sources": len(sources),
        "unrecognised": sum(source.kind == UNRECOGNISED for source in sources),
        "records": sum(source.records for source in sources),
        "events": sum(source.events for source in sources),
        "skipped": sum(source.skipped for source in sources),
        "gaps": len(gaps),
        "unread_records": sum(gap.records for gap in gaps),
    }


def _host(host: Host, known: Mapping[str, Campaign], sources: Mapping[str, Source]) -> HostEntry:
    verdicts = sorted(host.verdicts, key=lambda verdict: verdict.campaign)
    facts = map(_fact, host.facts)
    return {
        "host": host.name,
        "aliases": sorted(host.aliases),
        "named_by": host.named_by,
        "roots": sorted(host.roots),
        "verdicts": [verdict_entry(one, known.get(one.campaign), sources) for one in verdicts],
        "facts": sorted(
            facts, key=lambda fact: (fact["name"], time_order(fact["time"]), fact["value"])
        ),
    }


def _fact(fact: Fact) -> FactEntry:
    return {
        "name": fact.name,
        "value": fact.value,
        "time": time_or_none(fact.time),
        "source": fact.place.source,
        "record": fact.place.record,
        "detail": dict(sorted(fact.detail.items())),
    }


def _intrusion(intrusion: Intrusion) -> IntrusionEntry:
    ranked = sorted(intrusion.hypotheses, key=lambda one: (-one.score, one.actor))
    return {
        "id": intrusion.id,
        "hosts": sorted(intrusion.hosts),
        "findings": sorted(intrusion.findings),
        "first": time_or_none(intrusion.first),
        "last": time_or_none(intrusion.last),
        "infrastructure": {
            name: list(values) for name, values in sorted(intrusion.infrastructure.items())
        },
        "hypotheses": [
            {
                "actor": one.actor,
                "score": one.score,
                "for": list(one.speaks_for),
                "against": list(one.speaks_against),
            }
            for one in ranked
        ],
    }


def _fired_rules(assessment: Assessment) -> list[RuleEntry]:
    """Only rules some finding names: a run can load thousands."""
    fired = {
        rule
        for host in assessment.hosts
        for verdict in host.verdicts
        for finding in verdict.because
        for rule in (*finding.rules, *(hit.rule for hit in finding.hits))
    }
    infos = {info.id: info for info in assessment.rule_infos if info.id in fired}
    return [_rule(infos[name]) for name in sorted(infos)]


def _rule(info: RuleInfo) -> RuleEntry:
    return {
        "id": info.id,
        "title": info.title,
        "level": info.level,
        "engine": info.engine,
        "stage": info.stage or None,
        "weak": info.weak,
        "finds": info.finds,
        "misses": info.misses,
        "tags": list(info.tags),
        "references": list(info.references),
    }


def _by_first_then_id(intrusion: IntrusionEntry) -> tuple[str, str]:
    return time_order(intrusion["first"]), intrusion["id"]
