"""What the HTML page shows, chosen and cut from the document, before any markup.

Enters: the assessment document. Leaves: frozen views for the templates. What is cut is counted and
named; ``assessment.json`` has the rest. With many hosts every host gets less room, so that a page
of five hundred stays a page.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from afterpatch.report.page_host import HostView, host_view
from afterpatch.report.page_hunt import HuntView, hunt_view
from afterpatch.report.safe_text import readable
from afterpatch.report.shape import (
    Document,
    GapEntry,
    HostEntry,
    IntrusionEntry,
    NoticeEntry,
    SourceEntry,
)
from afterpatch.report.steps import first_steps, grouped_steps
from afterpatch.report.words import (
    OUTCOME_TITLES,
    OUTCOMES,
    counted,
    gap_reasons,
    headline,
    outcome,
)

LIMIT_CHARS: Final = 4_000  # of any one string
MAX_STEPS: Final = 20
MAX_HOSTS_NAMED: Final = 6  # per group of steps
MAX_LISTED: Final = 100  # gaps, notices, unsupported rules, unrecognised files


@dataclass(frozen=True, slots=True)
class StepsView:
    """Steps for the same hosts. ``start``: number of the first; ``hosts``: (anchor, name)."""

    start: int
    steps: tuple[str, ...]
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
    left_out: str
    tallies: tuple[Tally, ...]
    hosts: tuple[HostView, ...]
    steps: tuple[StepsView, ...]
    more_steps: int
    intrusions: tuple[tuple[str, IntrusionEntry], ...]
    readings: tuple[Reading, ...]
    reasons: tuple[tuple[str, int, int], ...]
    gaps: tuple[GapEntry, ...]
    notices: tuple[NoticeEntry, ...]
    unrecognised: tuple[SourceEntry, ...]
    hunt: HuntView | None


def build_page(document: Mapping[str, Any]) -> Page:
    """Choose what to show; every string is safe to look at afterwards (not yet escaped)."""
    doc = readable(document, LIMIT_CHARS)
    intrusions = tuple((f"i{n}", one) for n, one in enumerate(doc["intrusions"], start=1))
    ranked = sorted(doc["hosts"], key=_worst_first)
    hosts = tuple(
        host_view(f"h{number}", entry, doc, intrusions)
        for number, entry in enumerate(ranked, start=1)
    )
    steps, more_steps = _steps(hosts)
    return Page(
        doc=doc,
        headline=headline(doc),
        left_out=_left_out(doc),
        tallies=_tallies(hosts),
        hosts=hosts,
        steps=steps,
        more_steps=more_steps,
        intrusions=intrusions,
        readings=_readings(doc),
        reasons=tuple(gap_reasons(doc["gaps"])),
        gaps=tuple(doc["gaps"][:MAX_LISTED]),
        notices=tuple(doc["notices"][:MAX_LISTED]),
        unrecognised=tuple([s for s in doc["sources"] if s["kind"] == "unknown"][:MAX_LISTED]),
        hunt=hunt_view(doc["hunt"]) if doc["hunt"] else None,
    )


def _left_out(doc: Document) -> str:
    """What was not read, in one phrase; "" when everything was."""
    counts, phrases = doc["counts"], []
    if counts["unrecognised"]:
        phrases.append(f"{counted(counts['unrecognised'], 'file')} not recognised")
    if doc["gaps"]:
        places = counted(len(doc["gaps"]), "place")
        phrases.append(f"{counted(counts['unread_records'], 'record')} unread in {places}")
    return ", ".join(phrases)


def _worst_first(entry: HostEntry) -> tuple[int, str]:
    ranks = [OUTCOMES.index(outcome(verdict)) for verdict in entry["verdicts"]]
    return min(ranks, default=len(OUTCOMES)), entry["host"]


def _steps(hosts: tuple[HostView, ...]) -> tuple[tuple[StepsView, ...], int]:
    """The first steps for the fleet, and how many are left out."""
    anchors = {host.entry["host"]: host.anchor for host in reversed(hosts)}
    rows = [(host.entry["host"], verdict.entry) for host in hosts for verdict in host.verdicts]
    groups = grouped_steps(rows)
    views: list[StepsView] = []
    start = 1
    for group in first_steps(groups, MAX_STEPS):
        who = tuple((anchors[name], name) for name in group.hosts[:MAX_HOSTS_NAMED])
        more = max(0, len(group.hosts) - MAX_HOSTS_NAMED)
        views.append(StepsView(start, group.steps, who, more))
        start += len(group.steps)
    return tuple(views), sum(len(group.steps) for group in groups) - (start - 1)


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
