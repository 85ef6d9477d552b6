"""One verdict of the assessment document: answers, findings, places, coverage, exposure.

Enters: ``model.verdicts.Verdict``, its campaign if at hand, and the sources by name. Leaves: plain
values in the documented order; it cuts nothing and judges nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from afterpatch.model.campaigns import Band, Campaign
from afterpatch.model.hits import Finding, Hit
from afterpatch.model.places import Source
from afterpatch.model.verdicts import (
    Answer,
    Exposure,
    LogCoverage,
    PatchOrder,
    ShellLifetime,
    Verdict,
)
from afterpatch.report.document_time import span_of, sure_time, time_or_none, time_order
from afterpatch.report.shape import (
    AnswerEntry,
    CoverageEntry,
    ExposureEntry,
    FindingEntry,
    LifetimeEntry,
    PlaceEntry,
    VerdictEntry,
)

QUESTIONS: Final = ("exposed", "hit", "by_whom", "blocked", "done")


def verdict_entry(
    verdict: Verdict, pack: Campaign | None, sources: Mapping[str, Source]
) -> VerdictEntry:
    bands = {stage.id: stage.band for stage in pack.stages} if pack else {}
    bands.setdefault(verdict.stage, verdict.band)
    bands[""] = "none"
    findings = [_finding(finding, bands, sources) for finding in verdict.because]
    return {
        "campaign": verdict.campaign,
        "band": verdict.band,
        "stage": verdict.stage or None,
        "cleared": verdict.cleared,
        "answer": verdict.answer,
        "confidence": verdict.confidence,
        "answers": _answers(verdict.answers),
        "because": sorted(
            findings, key=lambda entry: (time_order(entry["first"]), entry["finding"])
        ),
        "why_not_higher": list(verdict.why_not_higher),
        "coverage": [
            _coverage(log, pack)
            for log in sorted(verdict.coverage, key=lambda log: (not log.needed, log.log))
        ],
        "cannot_be_cleared": [span_of(interval) for interval in sorted(verdict.cannot_be_cleared)],
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
        "first": time_or_none(finding.first),
        "last": time_or_none(finding.last),
        "count": finding.count,
        "rules": sorted(finding.rules),
        "key": dict(sorted(finding.key.items())),
        "values": {name: list(values) for name, values in sorted(finding.values.items())},
        "places": sorted(
            places,
            key=lambda at: (time_order(at["time"]), at["source"], at["record"], at["rule"]),
        ),
    }


def _place(hit: Hit, source: Source | None) -> PlaceEntry:
    return {
        "source": hit.place.source,
        "sha256": source.sha256 if source else None,
        "path": source.item.path if source else hit.place.source,
        "member": source.item.member if source else None,
        "record": hit.place.record,
        "time": time_or_none(hit.time),
        "rule": hit.rule,
        "excerpt": dict(hit.fields),
        "raw": hit.raw,
    }


def _coverage(log: LogCoverage, pack: Campaign | None) -> CoverageEntry:
    needed = next((one for one in pack.logs if one.id == log.log), None) if pack else None
    groups = enumerate(pack.clearing) if pack else ()
    return {
        "log": log.log,
        "title": log.title,
        "needed": log.needed,
        "group": next((number for number, group in groups if log.log in group), None),
        "records": log.records,
        "observed": [span_of(interval) for interval in sorted(log.observed)],
        "missing": [span_of(interval) for interval in sorted(log.missing)],
        "fetch": needed.fetch if needed else "",
        "sees": list(needed.sees) if needed else [],
    }


def _lifetime(life: ShellLifetime) -> LifetimeEntry:
    return {
        "name": life.name,
        "key": life.key,
        "from": [time_or_none(when) for when in life.begin],
        "to": [time_or_none(when) for when in life.end],
    }


def _exposure(exposure: Exposure, order: PatchOrder) -> ExposureEntry:
    return {
        "product": exposure.product,
        "timeline": [
            {
                "from": sure_time(span.start),
                "to": sure_time(span.end),
                "state": span.state,
                "build": span.build,
                "evidence": span.evidence,
            }
            for span in sorted(exposure.timeline, key=lambda span: (span.start, span.end))
        ],
        "patched_at": span_of(exposure.patched_at) if exposure.patched_at else None,
        "order": order,
        "doubts": list(exposure.doubts),
    }
