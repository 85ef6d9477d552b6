"""What the HTML page shows, chosen and cut from the document, before any markup.

Enters: the assessment document. Leaves: frozen views for the templates. What is cut is counted and
named; ``assessment.json`` has the rest. With many hosts every host gets less room, so that a page
of five hundred stays a page.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from afterpatch.report.picture import Picture, close_up, overview
from afterpatch.report.safe_text import cut, readable
from afterpatch.report.shape import (
    CampaignEntry,
    Document,
    FindingEntry,
    GapEntry,
    HostEntry,
    IntrusionEntry,
    NoticeEntry,
    PlaceEntry,
    RuleEntry,
    SourceEntry,
    VerdictEntry,
)
from afterpatch.report.words import (
    OUTCOME_TITLES,
    OUTCOMES,
    gap_reasons,
    headline,
    outcome,
    percent,
    seen_share,
    uncleared,
    window_start,
)

LIMIT_CHARS: Final = 4_000  # of any one string
FEW_HOSTS: Final = 12  # up to here hosts stand open and show more examples
BAR_CELLS: Final = 12
MAX_FINDINGS: Final = 200  # per verdict
MAX_STEPS: Final = 12
MAX_LISTED: Final = 100  # gaps, notices, unsupported rules, unrecognised files


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with the examples that fit."""

    entry: FindingEntry
    rules: tuple[RuleEntry, ...]
    examples: tuple[PlaceEntry, ...]
    more: int


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict with all that is drawn or said of it."""

    entry: VerdictEntry
    campaign: CampaignEntry | None
    outcome: str
    title: str
    shares: tuple[float, ...]
    percent: int
    uncleared: str
    pictures: tuple[Picture, ...]
    findings: tuple[FindingView, ...]
    more_findings: int
    intrusions: tuple[tuple[str, IntrusionEntry], ...]


@dataclass(frozen=True, slots=True)
class HostView:
    """A host's section; ``anchor`` is ours, never the evidence's."""

    anchor: str
    entry: HostEntry
    verdicts: tuple[VerdictView, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, and for whom."""

    text: str
    hosts: tuple[tuple[str, str], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many verdicts have one outcome."""

    outcome: str
    title: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class Reading:
    """All files of one kind on one host."""

    host: str
    kind: str
    files: int
    records: int
    unread: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    doc: Document
    headline: str
    tallies: tuple[Tally, ...]
    hosts: tuple[HostView, ...]
    steps: tuple[Step, ...]
    more_steps: int
    intrusions: tuple[tuple[str, IntrusionEntry], ...]
    readings: tuple[Reading, ...]
    reasons: tuple[tuple[str, int, int], ...]
    gaps: tuple[GapEntry, ...]
    notices: tuple[NoticeEntry, ...]
    unrecognised: tuple[SourceEntry, ...]


def build_page(document: Mapping[str, Any]) -> Page:
    """Choose what to show; every string is safe to look at afterwards (not yet escaped)."""
    doc = readable(document, LIMIT_CHARS)
    intrusions = tuple((f"i{n}", one) for n, one in enumerate(doc["intrusions"], start=1))
    ranked = sorted(doc["hosts"], key=_worst_first)
    hosts = tuple(
        _host(f"h{number}", entry, doc, intrusions) for number, entry in enumerate(ranked, start=1)
    )
    steps = _steps(hosts)
    return Page(
        doc=doc,
        headline=headline(doc),
        tallies=_tallies(hosts),
        hosts=hosts,
        steps=tuple(steps[:MAX_STEPS]),
        more_steps=max(0, len(steps) - MAX_STEPS),
        intrusions=intrusions,
        readings=_readings(doc),
        reasons=tuple(gap_reasons(doc)),
        gaps=tuple(doc["gaps"][:MAX_LISTED]),
        notices=tuple(doc["notices"][:MAX_LISTED]),
        unrecognised=tuple([s for s in doc["sources"] if s["kind"] == "unknown"][:MAX_LISTED]),
    )


def _worst_first(entry: HostEntry) -> tuple[int, str]:
    ranks = [OUTCOMES.index(outcome(verdict)) for verdict in entry["verdicts"]]
    return min(ranks, default=len(OUTCOMES)), entry["host"]


def _host(
    anchor: str, entry: HostEntry, doc: Document, intrusions: tuple[tuple[str, IntrusionEntry], ...]
) -> HostView:
    verdicts = tuple(_verdict(verdict, doc, intrusions) for verdict in entry["verdicts"])
    return HostView(anchor, entry, verdicts, len(doc["hosts"]) <= FEW_HOSTS)


def _verdict(
    verdict: VerdictEntry, doc: Document, intrusions: tuple[tuple[str, IntrusionEntry], ...]
) -> VerdictView:
    campaign = next((c for c in doc["tool"]["campaigns"] if c["id"] == verdict["campaign"]), None)
    stages = campaign["stages"] if campaign else []
    start = window_start(doc, verdict)
    shares = tuple(seen_share(verdict, BAR_CELLS, start))
    drawn = (overview(verdict, stages, start), close_up(verdict, stages, start))
    found = outcome(verdict)
    rules = {rule["id"]: rule for rule in doc["rules"]}
    few = len(doc["hosts"]) <= FEW_HOSTS
    return VerdictView(
        entry=verdict,
        campaign=campaign,
        outcome=found,
        title=OUTCOME_TITLES[found],
        shares=shares,
        percent=percent(shares),
        uncleared=uncleared(verdict),
        pictures=tuple(picture for picture in drawn if picture),
        findings=tuple(
            _finding(finding, rules, few=few) for finding in verdict["because"][:MAX_FINDINGS]
        ),
        more_findings=max(0, len(verdict["because"]) - MAX_FINDINGS),
        intrusions=tuple(pair for pair in intrusions if pair[1]["id"] in verdict["intrusions"]),
    )


def _finding(finding: FindingEntry, rules: Mapping[str, RuleEntry], *, few: bool) -> FindingView:
    examples, raw_chars, field_chars = (3, 1_200, 300) if few else (1, 320, 120)
    shown = [_shortened(place, raw_chars, field_chars) for place in finding["places"][:examples]]
    return FindingView(
        entry=finding,
        rules=tuple(rules[name] for name in finding["rules"] if name in rules),
        examples=tuple(shown),
        more=finding["count"] - len(shown),
    )


def _shortened(place: PlaceEntry, raw_chars: int, field_chars: int) -> PlaceEntry:
    fields = {name: cut(value, field_chars) for name, value in place["excerpt"].items() if value}
    return {**place, "raw": cut(place["raw"], raw_chars), "excerpt": fields}


def _steps(hosts: tuple[HostView, ...]) -> list[Step]:
    """Each step once, with its hosts; steps of the worst hosts first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for host in hosts:
        for verdict in host.verdicts:
            for step in verdict.entry["next"]:
                found.setdefault(step, []).append((host.anchor, host.entry["host"]))
    return [Step(text, tuple(who[:6]), max(0, len(who) - 6)) for text, who in found.items()]


def _tallies(hosts: tuple[HostView, ...]) -> tuple[Tally, ...]:
    counts = Counter(verdict.outcome for host in hosts for verdict in host.verdicts)
    total = max(1, sum(counts.values()))
    return tuple(
        Tally(name, OUTCOME_TITLES[name], counts[name], round(100 * counts[name] / total, 2))
        for name in OUTCOMES
    )


def _readings(doc: Document) -> tuple[Reading, ...]:
    groups: dict[tuple[str, str], list[SourceEntry]] = {}
    for source in doc["sources"]:
        groups.setdefault((source["host"], source["kind"]), []).append(source)
    return tuple(_reading(*key, groups[key]) for key in sorted(groups))


def _reading(host: str, kind: str, sources: list[SourceEntry]) -> Reading:
    return Reading(
        host=host,
        kind=kind,
        files=len(sources),
        records=sum(source["records"] for source in sources),
        unread=sum(s["records"] - s["events"] - s["skipped"] for s in sources),
        first=min((source["first"] for source in sources if source["first"]), default=None),
        last=max((source["last"] for source in sources if source["last"]), default=None),
    )
