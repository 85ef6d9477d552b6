"""The assessment document as types: what DESIGN calls schema version 1.

The same names are in ``assessment.schema.json`` and are explained in ``docs/document.md``; a test
holds the three together. Times are RFC 3339 text in UTC. ``source`` always means a source's
``name``, so every place, gap and notice joins to ``sources``.
"""

from typing import Literal, TypedDict

from afterpatch.model.campaigns import Band
from afterpatch.model.verdicts import BuildState, Confidence, PatchOrder

Time = str
Span = list[Time]  # [from, to), always two

ExposureSpanEntry = TypedDict(
    "ExposureSpanEntry",
    {"from": Time, "to": Time, "state": BuildState, "build": str, "evidence": str},
)
LifetimeEntry = TypedDict(
    "LifetimeEntry",
    {"name": str, "key": str, "from": list[Time | None], "to": list[Time | None]},
)
HypothesisEntry = TypedDict(
    "HypothesisEntry",
    {"actor": str, "score": int, "for": list[str], "against": list[str]},
)


class StageEntry(TypedDict):
    """A rung of a campaign's ladder."""

    id: str
    band: Band
    title: str
    means: str


class CampaignEntry(TypedDict):
    """A campaign used; from ``title`` on empty unless the campaign itself was handed over."""

    id: str
    version: str
    sha256: str
    title: str
    summary: str
    cves: list[str]
    references: list[str]
    window_start: Time | None
    stages: list[StageEntry]


class UnsupportedEntry(TypedDict):
    """A rule that could not be evaluated."""

    rule: str
    reason: str


class RuleAccountEntry(TypedDict):
    """loaded = evaluated + not_applicable + len(unsupported)."""

    loaded: int
    evaluated: int
    not_applicable: int
    unsupported: list[UnsupportedEntry]


class ToolEntry(TypedDict):
    """What made the document, from what."""

    version: str
    evidence: list[str]
    campaigns: list[CampaignEntry]
    rules: RuleAccountEntry


class CountsEntry(TypedDict):
    """Law: records = events + skipped + unread_records."""

    hosts: int
    sources: int
    unrecognised: int
    records: int
    events: int
    skipped: int
    gaps: int
    unread_records: int


class PlaceEntry(TypedDict):
    """One record behind a claim, as found."""

    source: str
    sha256: str | None
    path: str
    member: str | None
    record: int
    time: Time | None
    rule: str
    excerpt: dict[str, str]
    raw: str


class FindingEntry(TypedDict):
    """Hits that mean one thing on one host."""

    finding: str
    title: str
    stage: str | None
    band: Band | None
    weak: bool
    first: Time | None
    last: Time | None
    count: int
    rules: list[str]
    key: dict[str, str]
    values: dict[str, list[str]]
    places: list[PlaceEntry]


class AnswerEntry(TypedDict):
    """One of the five questions, answered."""

    question: Literal["exposed", "hit", "by_whom", "blocked", "done"]
    answer: str
    detail: str
    confidence: Confidence


class CoverageEntry(TypedDict):
    """One kind of log against the campaign's window."""

    log: str
    title: str
    needed: bool
    group: int | None
    records: int
    observed: list[Span]
    missing: list[Span]
    fetch: str
    sees: list[str]


class ExposureEntry(TypedDict):
    """Dated builds of one product."""

    product: str
    timeline: list[ExposureSpanEntry]
    patched_at: Span | None
    order: PatchOrder
    doubts: list[str]


class VerdictEntry(TypedDict):
    """Host × campaign."""

    campaign: str
    band: Band
    stage: str | None
    cleared: bool
    answer: str
    confidence: Confidence
    answers: list[AnswerEntry]
    because: list[FindingEntry]
    why_not_higher: list[str]
    coverage: list[CoverageEntry]
    cannot_be_cleared: list[Span]
    lifetimes: list[LifetimeEntry]
    exposure: ExposureEntry
    intrusions: list[str]
    next: list[str]


class FactEntry(TypedDict):
    """An observation that is no detection."""

    name: str
    value: str
    time: Time | None
    source: str
    record: int
    detail: dict[str, str]


class HostEntry(TypedDict):
    """One machine."""

    host: str
    aliases: list[str]
    named_by: str
    roots: list[str]
    verdicts: list[VerdictEntry]
    facts: list[FactEntry]


class IntrusionEntry(TypedDict):
    """Findings that belong to one actor's activity."""

    id: str
    hosts: list[str]
    findings: list[str]
    first: Time | None
    last: Time | None
    infrastructure: dict[str, list[str]]
    hypotheses: list[HypothesisEntry]


class RuleEntry(TypedDict):
    """A rule that appears in some finding."""

    id: str
    title: str
    level: str
    engine: str
    stage: str | None
    weak: bool
    finds: str
    misses: str
    tags: list[str]
    references: list[str]


class SourceEntry(TypedDict):
    """One piece of evidence."""

    name: str
    sha256: str
    path: str
    member: str | None
    origin: str
    root: str
    host: str
    kind: str
    decided_by: str
    size_bytes: int
    records: int
    events: int
    skipped: int
    first: Time | None
    last: Time | None


class GapEntry(TypedDict):
    """Something not read or not understood."""

    source: str
    place: str
    reason: str
    records: int


class NoticeEntry(TypedDict):
    """Something to know that is neither gap nor hit."""

    topic: str
    source: str
    text: str


class ExampleEntry(TypedDict):
    """One record that a rule matched, as found."""

    source: str
    record: int
    time: Time | None
    excerpt: dict[str, str]
    raw: str


class HitGroupEntry(TypedDict):
    """One rule on one host."""

    rule_id: str
    title: str
    level: str
    engine: str
    host: str
    count: int
    first: Time | None
    last: Time | None
    seen_on: int
    campaigns: list[str]
    tags: list[str]
    references: list[str]
    finds: str
    examples: list[ExampleEntry]


class SuppressionEntry(TypedDict):
    """One entry of the suppressions file, and what it did."""

    place: str
    rule: str
    host: str
    reason: str
    expires: str
    state: Literal["applied", "matched nothing", "expired", "unknown rule"]
    count: int
    groups: list[HitGroupEntry]


class RuleFateEntry(TypedDict):
    """What became of one rule that was hunted with."""

    id: str
    title: str
    level: str
    engine: str
    state: Literal["evaluated", "not applicable", "needs placeholder", "unsupported"]
    reason: str
    count: int


class HuntRulesEntry(TypedDict):
    """loaded = evaluated + not_applicable + needs_placeholder + unsupported."""

    loaded: int
    evaluated: int
    not_applicable: int
    needs_placeholder: int
    unsupported: int
    each: list[RuleFateEntry]


class HuntEntry(TypedDict):
    """What the user's own rules found; no verdict rests on it."""

    level: str
    as_of: str | None
    hosts: list[str]
    findings: list[HitGroupEntry]
    below_groups: int
    below_hits: int
    suppressions: list[SuppressionEntry]
    rules: HuntRulesEntry
    ignored_files: list[str]
    gaps: list[GapEntry]


class HuntToolEntry(TypedDict):
    """What made a hunt, from what."""

    version: str
    evidence: list[str]


class HuntDocument(TypedDict):
    """A whole hunt, without verdicts: ``hunt.json``."""

    schema: Literal["afterpatch.hunt/1"]
    tool: HuntToolEntry
    counts: CountsEntry
    hunt: HuntEntry
    notices: list[NoticeEntry]
    gaps: list[GapEntry]
    sources: list[SourceEntry]


class Document(TypedDict):
    """The whole assessment."""

    schema: Literal["afterpatch.assessment/1"]
    tool: ToolEntry
    counts: CountsEntry
    hosts: list[HostEntry]
    intrusions: list[IntrusionEntry]
    rules: list[RuleEntry]
    notices: list[NoticeEntry]
    gaps: list[GapEntry]
    sources: list[SourceEntry]
    hunt: HuntEntry | None
