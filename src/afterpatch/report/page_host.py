"""What the HTML page shows of one host: verdict, pictures, findings, examples that fit.

Enters: one host of the document. Leaves: frozen views for the templates. Findings that decide the
verdict stand open, the others closed; weak ones are kept apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from afterpatch.report.picture import close_up, overview
from afterpatch.report.picture_shapes import Picture
from afterpatch.report.safe_text import cut
from afterpatch.report.shape import (
    CampaignEntry,
    Document,
    FindingEntry,
    HostEntry,
    IntrusionEntry,
    PlaceEntry,
    RuleEntry,
    VerdictEntry,
)
from afterpatch.report.words import OUTCOME_TITLES, by_value, dated, decides, inside, outcome
from afterpatch.report.words_coverage import percent, seen_share, uncleared, window_start

FEW_HOSTS: Final = 12  # up to here hosts stand open and show more examples
BAR_CELLS: Final = 24
MAX_FINDINGS: Final = 200  # per verdict
MAX_OPEN: Final = 4  # findings that stand open


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding with the examples that fit."""

    entry: FindingEntry
    rules: tuple[RuleEntry, ...]
    examples: tuple[PlaceEntry, ...]
    more: int
    stage: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class VerdictView:
    """A verdict with all that is drawn or said of it."""

    entry: VerdictEntry
    campaign: CampaignEntry | None
    outcome: str
    title: str
    shares: tuple[float | None, ...]
    percent: int
    uncleared: str
    dated: str
    pictures: tuple[Picture, ...]
    looks: frozenset[str]
    findings: tuple[FindingView, ...]
    weak: tuple[FindingView, ...]
    more_findings: int
    intrusions: tuple[tuple[str, IntrusionEntry], ...]


@dataclass(frozen=True, slots=True)
class HostView:
    """A host's section; ``anchor`` is ours, never the evidence's."""

    anchor: str
    entry: HostEntry
    verdicts: tuple[VerdictView, ...]
    is_open: bool


def host_view(
    anchor: str, entry: HostEntry, doc: Document, intrusions: tuple[tuple[str, IntrusionEntry], ...]
) -> HostView:
    """All that is shown of one host."""
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
    titles = {stage["id"]: inside(stage["title"]) for stage in stages}
    few = len(doc["hosts"]) <= FEW_HOSTS
    pictures = tuple(picture for picture in drawn if picture)
    deciding = [f["finding"] for f in verdict["because"] if decides(f, verdict)][:MAX_OPEN]
    views = [
        _finding(finding, rules, titles, few=few, is_open=finding["finding"] in deciding)
        for finding in verdict["because"][:MAX_FINDINGS]
    ]
    return VerdictView(
        entry=verdict,
        campaign=campaign,
        outcome=found,
        title=OUTCOME_TITLES[found],
        shares=shares,
        percent=percent(shares),
        uncleared=uncleared(verdict),
        dated=dated(verdict),
        pictures=pictures,
        looks=frozenset(_looks(pictures)),
        findings=tuple(view for view in views if not view.entry["weak"]),
        weak=tuple(view for view in views if view.entry["weak"]),
        more_findings=max(0, len(verdict["because"]) - MAX_FINDINGS),
        intrusions=tuple(pair for pair in intrusions if pair[1]["id"] in verdict["intrusions"]),
    )


def _finding(
    finding: FindingEntry,
    rules: Mapping[str, RuleEntry],
    titles: Mapping[str, str],
    *,
    few: bool,
    is_open: bool,
) -> FindingView:
    stage = finding["stage"] or ""
    examples, raw_chars, field_chars = (2, 1_200, 300) if few else (1, 320, 120)
    shown = [_shortened(place, raw_chars, field_chars) for place in finding["places"][:examples]]
    return FindingView(
        entry=finding,
        rules=tuple(rules[name] for name in finding["rules"] if name in rules),
        examples=tuple(shown),
        more=finding["count"] - len(shown),
        stage=titles.get(stage, stage or "outside the campaign"),
        is_open=is_open,
    )


def _shortened(place: PlaceEntry, raw_chars: int, field_chars: int) -> PlaceEntry:
    fields = {names: cut(value, field_chars) for names, value in by_value(place["excerpt"])}
    return {**place, "raw": cut(place["raw"], raw_chars), "excerpt": fields}


def _looks(pictures: tuple[Picture, ...]) -> Iterator[str]:
    """Every look that the legend has to explain."""
    for picture in pictures:
        for group in picture.groups:
            for lane in group.lanes:
                yield from (bar.look for bar in lane.bars)
                yield from (mark.look for mark in lane.marks)
