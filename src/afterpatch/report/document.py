"""Assessment -> the assessment document, the one input of every renderer.

Enters: ``model.verdicts.Assessment`` and, if at hand, the campaigns it used (they add titles, the
ladder of stages and where to fetch a log). Leaves: plain dicts, lists, strings, numbers in the
documented order (``docs/document.md``), so that the same assessment gives the same bytes. It cuts
nothing and judges nothing; the only change to a string is that lone surrogates, which UTF-8 cannot
carry, become U+FFFD.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast

from afterpatch.model.campaigns import Band, Campaign, NeededLog
from afterpatch.model.hits import Finding, Hit, RuleInfo
from afterpatch.model.places import Fact, Source
from afterpatch.model.times import Interval, rfc3339
from afterpatch.model.verdicts import (
    Answer,
    Assessment,
    Exposure,
    Host,
    Intrusion,
    LogCoverage,
    PatchOrder,
    ShellLifetime,
    Verdict,
)
from afterpatch.report.shape import (
    AnswerEntry,
    CampaignEntry,
    CountsEntry,
    CoverageEntry,
    Document,
    ExposureEntry,
    FactEntry,
    FindingEntry,
    HostEntry,
    IntrusionEntry,
    LifetimeEntry,
    PlaceEntry,
    RuleEntry,
    SourceEntry,
    Span,
    Time,
    ToolEntry,
    VerdictEntry,
)

SCHEMA: Final = "afterpatch.assessment/1"
QUESTIONS: Final = ("exposed", "hit", "by_whom", "blocked", "done")
UNRECOGNISED: Final = "unknown"
_AFTER_ALL_TIMES: Final = "~"  # sorts behind every digit: unknown times come last
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def document(assessment: Assessment, campaigns: Sequence[Campaign] = ()) -> dict[str, Any]:
    """The whole assessment as JSON-ready values, every list in its documented order."""
    known = {campaign.id: campaign for campaign in campaigns}
    sources = {source.item.name: source for _, source in reversed(assessment.sources)}
    hosts = [_host(host, known, sources) for host in sorted(assessment.hosts, key=lambda h: h.name)]
    made: Document = {
        "schema": SCHEMA,
        "tool": _tool(assessment, known),
        "counts": _counts(assessment),
        "hosts": hosts,
        "intrusions": sorted(map(_intrusion, assessment.intrusions), key=_by_first_then_id),
        "rules": _fired_rules(assessment),
        "notices": [
            {"topic": notice.topic, "source": notice.source, "text": notice.text}
            for notice in sorted(assessment.notices)
        ],
        "gaps": [
            {"source": gap.source, "place": gap.place, "reason": gap.reason, "records": gap.records}
            for gap in sorted(assessment.gaps)
        ],
        "sources": sorted(
            (_source(host, source) for host, source in assessment.sources),
            key=lambda entry: (entry["path"], entry["member"] or "", entry["host"]),
        ),
    }
    return cast(dict[str, Any], _sound(made))


def _sound(value: Any) -> Any:
    """Copy of a JSON value in which every string can be written as UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_sound(key): _sound(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_sound(inner) for inner in value]
    return value


def _time(when: datetime | None) -> Time | None:
    return None if when is None else _sure_time(when)


def _sure_time(when: datetime) -> Time:
    # Logs do carry .NET's DateTime.MinValue; C's %Y does not pad the year 1 to four digits.
    year, rest = rfc3339(when).split("-", 1)
    return f"{year:0>4}-{rest}"


def _span(interval: Interval) -> Span:
    return [_sure_time(interval.start), _sure_time(interval.end)]


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
        "window_start": _sure_time(pack.window_start) if pack else None,
        "stages": [
            {"id": stage.id, "band": stage.band, "title": stage.title, "means": stage.means}
            for stage in (pack.stages if pack else ())
        ],
    }


def _counts(assessment: Assessment) -> CountsEntry:
    sources = [source for _, source in assessment.sources]
    return {
        "hosts": len(assessment.hosts),
        "sources": len(sources),
        "unrecognised": sum(source.kind == UNRECOGNISED for source in sources),
        "records": sum(source.records for source in sources),
        "events": sum(source.events for source in sources),
        "skipped": sum(source.skipped for source in sources),
        "gaps": len(assessment.gaps),
        "unread_records": sum(gap.records for gap in assessment.gaps),
    }


def _host(host: Host, known: Mapping[str, Campaign], sources: Mapping[str, Source]) -> HostEntry:
    verdicts = sorted(host.verdicts, key=lambda verdict: verdict.campaign)
    facts = map(_fact, host.facts)
    return {
        "host": host.name,
        "aliases": sorted(host.aliases),
        "named_by": host.named_by,
        "roots": sorted(host.roots),
        "verdicts": [_verdict(one, known.get(one.campaign), sources) for one in verdicts],
        "facts": sorted(
            facts, key=lambda fact: (fact["name"], _order(fact["time"]), fact["value"])
        ),
    }


def _fact(fact: Fact) -> FactEntry:
    return {
        "name": fact.name,
        "value": fact.value,
        "time": _time(fact.time),
        "source": fact.place.source,
        "record": fact.place.record,
        "detail": dict(sorted(fact.detail.items())),
    }


def _verdict(
    verdict: Verdict, pack: Campaign | None, sources: Mapping[str, Source]
) -> VerdictEntry:
    bands = {stage.id: stage.band for stage in pack.stages} if pack else {}
    bands.setdefault(verdict.stage, verdict.band)
    bands[""] = "none"
    logs = {log.id: log for log in pack.logs} if pack else {}
    findings = [_finding(finding, bands, sources) for finding in verdict.because]
    return {
        "campaign": verdict.campaign,
        "band": verdict.band,
        "stage": verdict.stage or None,
        "cleared": verdict.cleared,
        "answer": verdict.answer,
        "confidence": verdict.confidence,
        "answers": _answers(verdict.answers),
        "because": sorted(findings, key=lambda entry: (_order(entry["first"]), entry["finding"])),
        "why_not_higher": list(verdict.why_not_higher),
        "coverage": [
            _coverage(log, logs.get(log.log))
            for log in sorted(verdict.coverage, key=lambda log: (not log.needed, log.log))
        ],
        "cannot_be_cleared": [_span(interval) for interval in sorted(verdict.cannot_be_cleared)],
        "lifetimes": sorted(
            map(_lifetime, verdict.lifetimes), key=lambda life: (life["name"], life["key"])
        ),
        "exposure": _exposure(verdict.exposure, verdict.order),
        "intrusions": sorted(verdict.intrusions),
        "next": list(verdict.next),
    }


def _answers(answers: Sequence[Answer]) -> list[AnswerEntry]:
    """All five, in the order of the first screen; one that was not given says so."""
    given = {answer.question: answer for answer in answers}
    entries: list[AnswerEntry] = []
    for question in QUESTIONS:
        one = given.get(question) or Answer(question, "Not known", "", "low")
        entries.append(
            {
                "question": one.question,
                "answer": one.answer,
                "detail": one.detail,
                "confidence": one.confidence,
            }
        )
    return entries


def _finding(
    finding: Finding, bands: Mapping[str, Band], sources: Mapping[str, Source]
) -> FindingEntry:
    places = [_place(hit, sources.get(hit.place.source)) for hit in finding.hits]
    return {
        "finding": finding.id,
        "title": finding.title,
        "stage": finding.stage or None,
        "band": bands.get(finding.stage),
        "weak": finding.weak,
        "first": _time(finding.first),
        "last": _time(finding.last),
        "count": finding.count,
        "rules": sorted(finding.rules),
        "key": dict(sorted(finding.key.items())),
        "values": {name: list(values) for name, values in sorted(finding.values.items())},
        "places": sorted(
            places,
            key=lambda at: (_order(at["time"]), at["source"], at["record"], at["rule"]),
        ),
    }


def _place(hit: Hit, source: Source | None) -> PlaceEntry:
    return {
        "source": hit.place.source,
        "sha256": source.sha256 if source else None,
        "path": source.item.path if source else hit.place.source,
        "member": source.item.member if source else None,
        "record": hit.place.record,
        "time": _time(hit.time),
        "rule": hit.rule,
        "excerpt": dict(hit.fields),
        "raw": hit.raw,
    }


def _coverage(log: LogCoverage, needed: NeededLog | None) -> CoverageEntry:
    return {
        "log": log.log,
        "title": log.title,
        "needed": log.needed,
        "records": log.records,
        "observed": [_span(interval) for interval in sorted(log.observed)],
        "missing": [_span(interval) for interval in sorted(log.missing)],
        "fetch": needed.fetch if needed else "",
        "sees": list(needed.sees) if needed else [],
    }


def _lifetime(life: ShellLifetime) -> LifetimeEntry:
    return {
        "name": life.name,
        "key": life.key,
        "from": [_time(when) for when in life.begin],
        "to": [_time(when) for when in life.end],
    }


def _exposure(exposure: Exposure, order: PatchOrder) -> ExposureEntry:
    return {
        "product": exposure.product,
        "timeline": [
            {
                "from": _sure_time(span.start),
                "to": _sure_time(span.end),
                "state": span.state,
                "build": span.build,
                "evidence": span.evidence,
            }
            for span in sorted(exposure.timeline, key=lambda span: (span.start, span.end))
        ],
        "patched_at": _span(exposure.patched_at) if exposure.patched_at else None,
        "order": order,
        "doubts": list(exposure.doubts),
    }


def _intrusion(intrusion: Intrusion) -> IntrusionEntry:
    ranked = sorted(intrusion.hypotheses, key=lambda one: (-one.score, one.actor))
    return {
        "id": intrusion.id,
        "hosts": sorted(intrusion.hosts),
        "findings": sorted(intrusion.findings),
        "first": _time(intrusion.first),
        "last": _time(intrusion.last),
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


def _source(host: str, source: Source) -> SourceEntry:
    item = source.item
    return {
        "name": item.name,
        "sha256": source.sha256,
        "path": item.path,
        "member": item.member,
        "origin": item.origin,
        "root": item.root,
        "host": host,
        "kind": source.kind,
        "decided_by": source.decided_by,
        "size_bytes": source.size_bytes,
        "records": source.records,
        "events": source.events,
        "skipped": source.skipped,
        "first": _time(source.first),
        "last": _time(source.last),
    }


def _order(when: Time | None) -> str:
    """Sort key of a time; unknown comes last.

    Fractions do not disturb: "…06Z" sorts after "…06.5Z" as text, so the Z is dropped.
    """
    return _AFTER_ALL_TIMES if when is None else when.removesuffix("Z")


def _by_first_then_id(intrusion: IntrusionEntry) -> tuple[str, str]:
    return _order(intrusion["first"]), intrusion["id"]
