"""What is concluded: exposure, coverage, verdicts, intrusions, the whole assessment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from afterpatch.model.campaigns import Band
from afterpatch.model.hits import Finding, RuleInfo
from afterpatch.model.hunts import Hunt
from afterpatch.model.places import Fact, Gap, Notice, Source
from afterpatch.model.times import Interval

BuildState = Literal["affected", "mitigated", "fixed", "unknown"]
PatchOrder = Literal["patched-before", "patched-after-exploitation", "not-patched", "unknown"]
Confidence = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class ExposureSpan:
    """For this time the host ran this build, which is affected, mitigated, fixed or unknown."""

    start: datetime
    end: datetime
    state: BuildState
    build: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Exposure:
    """Dated builds of one product on one host.

    patched_at  the fix went in after ``start`` and no later than ``end``; None = not seen.
    doubts      places where public sources disagree or a build cannot decide, in words.
    """

    product: str
    timeline: tuple[ExposureSpan, ...] = ()
    patched_at: Interval | None = None
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogCoverage:
    """One kind of log on one host against the campaign's window."""

    log: str
    title: str
    needed: bool
    observed: tuple[Interval, ...]
    missing: tuple[Interval, ...]
    records: int


@dataclass(frozen=True, slots=True)
class ShellLifetime:
    """A thing that came and went. Each end is an interval: earliest, latest; None = not seen."""

    name: str
    key: str
    begin: tuple[datetime | None, datetime | None]
    end: tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """One of the five questions, answered in words."""

    question: Literal["exposed", "hit", "by_whom", "blocked", "done"]
    answer: str
    detail: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Verdict:
    """Per host × campaign."""

    campaign: str
    band: Band
    stage: str
    cleared: bool
    answer: str
    confidence: Confidence
    answers: tuple[Answer, ...]
    because: tuple[Finding, ...]
    why_not_higher: tuple[str, ...]
    coverage: tuple[LogCoverage, ...]
    cannot_be_cleared: tuple[Interval, ...]
    lifetimes: tuple[ShellLifetime, ...]
    exposure: Exposure
    order: PatchOrder
    intrusions: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Host:
    """One machine: how it got its name, what it is also called, what is concluded."""

    name: str
    aliases: tuple[str, ...]
    named_by: str
    roots: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """An actor that might be behind an intrusion; ``unknown`` is always among them."""

    actor: str
    score: int
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intrusion:
    """Findings on one or many hosts that belong to one actor's activity."""

    id: str
    hosts: tuple[str, ...]
    findings: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    infrastructure: Mapping[str, tuple[str, ...]]
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """What became of the loaded rules: loaded = evaluated + not_applicable + unsupported."""

    loaded: int
    evaluated: int
    not_applicable: int
    unsupported: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything one run concluded; ``report`` renders it, the JSON document is its schema.

    hunt  what the user's own rules found beside the verdicts; None = none were brought.
    """

    tool_version: str
    campaigns: tuple[tuple[str, str, str], ...]
    evidence: tuple[str, ...]
    rules: RuleAccount
    rule_infos: tuple[RuleInfo, ...]
    hosts: tuple[Host, ...]
    intrusions: tuple[Intrusion, ...]
    sources: tuple[tuple[str, Source], ...]
    gaps: tuple[Gap, ...]
    notices: tuple[Notice, ...]
    hunt: Hunt | None = None
