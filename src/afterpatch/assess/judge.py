"""One host's evidence and one campaign -> one verdict. The order of thought, and nothing else.

Enters: :class:`HostEvidence`, rules, a campaign. Leaves: :class:`Verdict`.
Weak findings never set the stage (law 4); missing logs never become "clear" (law 1).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from afterpatch.assess import answers
from afterpatch.assess.coverage import blind_intervals, last_seen, log_coverage
from afterpatch.assess.duplicates import distinct_hits
from afterpatch.assess.findings import KeyedFinding, KeyedHit, build_findings, key_hits
from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.lifetimes import lifetimes
from afterpatch.assess.words import day, inside, listed, span, spans
from afterpatch.exposure.order import exposed_until, final_state, patch_order
from afterpatch.exposure.products import expose, exposed_at_least_until
from afterpatch.model.campaigns import BANDS, AdviceWhen, Campaign
from afterpatch.model.hits import Finding, Hit, RuleInfo
from afterpatch.model.places import Fact
from afterpatch.model.times import Interval, merge
from afterpatch.model.verdicts import Exposure, Intrusion, LogCoverage, PatchOrder, Verdict

# With no dated evidence at all the window still needs an end to be named.
UNDATED_WINDOW = timedelta(days=90)
# What tells a product's build.
BUILD_SOURCES = {
    "solarwinds-orion": "SolarWinds.Orion.Core.BusinessLayer.dll, or a CSV inventory of "
    "host,version,hotfix",
    "": "any HttpProxy log, ExchangeSetup.log, or a CSV inventory of host,build",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A host examined for a campaign, before intrusions across hosts are known."""

    host: HostEvidence
    facts: tuple[Fact, ...]
    keyed: tuple[KeyedHit, ...]
    found: tuple[KeyedFinding, ...]
    exposure: Exposure
    window: Interval
    until: datetime

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, highest stage first."""
        return tuple(found.finding for found in self.found)


def examine(
    host: HostEvidence,
    correlated: Sequence[Hit],
    inventory: Sequence[Fact],
    rules: Mapping[str, RuleInfo],
    campaign: Campaign,
    as_of: datetime | None,
) -> Case:
    """Findings and exposure of one host; ``as_of`` is the latest event time of the whole run."""
    facts = tuple(fact for reading in host.readings for fact in reading.facts) + tuple(inventory)
    until = last_seen(host.readings) or as_of or campaign.window_start + UNDATED_WINDOW
    exposure = expose(campaign.product, campaign.fix, facts, until)
    keyed = key_hits((*distinct_hits(host.readings), *correlated), rules, campaign)
    overflow = Counter[str]()
    for reading in host.readings:
        overflow.update(reading.overflow)
    found = build_findings(host.name, keyed, overflow, campaign)
    return Case(
        host=host,
        facts=facts,
        keyed=tuple(keyed),
        found=tuple(_weaken_older(found, campaign)),
        exposure=exposure,
        window=_window(exposure, until, campaign),
        until=until,
    )


def _window(exposure: Exposure, until: datetime, campaign: Campaign) -> Interval:
    """From the campaign's start until the host was fixed; where it is not, to the evidence's end.

    Nobody had the fix before it was published, so no window ends earlier.
    """
    start, end = campaign.window_start, exposed_until(exposure, until)
    least = exposed_at_least_until(exposure, campaign.fix)
    if least:
        end = max(end, least)  # a fixed build "seen" before that is a clock's or a host's error
    elif end <= start and final_state(exposure) != "fixed":
        end = start + UNDATED_WINDOW
    return Interval(start, max(start, end))


def _weaken_older(found: Sequence[KeyedFinding], campaign: Campaign) -> Iterator[KeyedFinding]:
    """What follows an entry proves nothing before the window, unless an entry came before it.

    Only the stages of the compromised band show this emergency's own way in.
    """
    strong = [one.finding for one in found if not one.finding.weak]
    entered = first_exploitation(
        [f for f in strong if campaign.band(f.stage) != "follow-up"], campaign
    )
    limit = min(entered or campaign.window_start, campaign.window_start)
    for one in found:
        last = one.finding.last
        follows = campaign.band(one.finding.stage) == "follow-up"
        older = follows and last is not None and last < limit
        yield replace(one, finding=replace(one.finding, weak=True)) if older else one


def judge(case: Case, intrusions: Sequence[Intrusion], campaign: Campaign) -> Verdict:
    """The verdict for one examined host."""
    strong = [finding for finding in case.findings if not finding.weak]
    stage = max((f.stage for f in strong), key=campaign.rank, default="")
    band = campaign.band(stage)
    order = patch_order(case.exposure, first_exploitation(strong, campaign), case.until)
    coverage = log_coverage(campaign, case.host.readings, case.window)
    blind = blind_intervals(campaign, coverage, case.host.readings, case.host.gaps, case.window)
    uncleared = merge(interval for intervals in blind.values() for interval in intervals)
    cleared = not uncleared and band in ("none", "attempted") and bool(case.host.readings)
    lives = lifetimes(case.keyed, campaign)
    mine = [i for i in intrusions if case.host.name in i.hosts]
    told = (
        answers.exposed(case.exposure),
        answers.hit(campaign, stage, case.findings, cleared, uncleared),
        answers.by_whom(band, cleared, mine),
        answers.blocked(campaign, case.facts, case.exposure),
        answers.done(band, cleared, order, case.exposure, lives),
    )
    return Verdict(
        campaign=campaign.id,
        band=band,
        stage=stage,
        cleared=cleared,
        answer=_sentence(case, campaign, stage, cleared, uncleared, blind, order),
        confidence=told[1].confidence,
        answers=told,
        because=case.findings,
        why_not_higher=tuple(_why_not_higher(case, campaign, stage, coverage)),
        coverage=coverage,
        cannot_be_cleared=tuple(uncleared),
        lifetimes=lives,
        exposure=case.exposure,
        order=order,
        intrusions=tuple(i.id for i in mine),
        next=tuple(_next_steps(case, campaign, stage, blind)),
    )


def first_exploitation(findings: Sequence[Finding], campaign: Campaign) -> datetime | None:
    """The earliest time of a finding that proves a compromise."""
    least = BANDS.index("compromised")
    return min(
        (f.first for f in findings if f.first and BANDS.index(campaign.band(f.stage)) >= least),
        default=None,
    )


_ORDER_WORDS = {
    "patched-before": "seen only after the patch, so the way in was earlier or another one",
    "patched-after-exploitation": "patched only after the exploitation, which does not evict",
    "not-patched": "not patched as far as the evidence reaches",
    "unknown": "whether the patch came first cannot be said",
}


def _sentence(
    case: Case,
    campaign: Campaign,
    stage: str,
    cleared: bool,
    uncleared: Sequence[Interval],
    blind: Mapping[tuple[str, ...], Sequence[Interval]],
    order: PatchOrder,
) -> str:
    """The answer to "am I compromised?" in one plain sentence."""
    band = campaign.band(stage)
    title = inside(campaign.stages[campaign.rank(stage) - 1].title) if stage else ""
    if band == "follow-up":
        return f"Compromised, with {title}; {_ORDER_WORDS[order]}."
    if band == "compromised":
        return f"Compromised: {title}; {_ORDER_WORDS[order]}."
    seen = "No evidence found"
    if stage:
        seen = f"{answers.attempts(title, 'Attempts seen')}, no success found"
    if cleared:
        return f"{seen}; the needed logs cover {span(case.window)} without a gap."
    titles = {log.id: log.title for log in campaign.logs}
    logs = listed([" or ".join(titles.get(log, log) for log in group) for group in blind], "and")
    return f"{seen}, but cannot be cleared for {spans(uncleared)}: fetch {logs}."


def _why_not_higher(
    case: Case, campaign: Campaign, stage: str, coverage: Sequence[LogCoverage]
) -> list[str]:
    """For each rung above the one reached: searched where, and what could not be searched."""
    reasons = []
    titles = {log.id: log.title for log in campaign.logs}
    for rung in campaign.stages[campaign.rank(stage) :]:
        watching = [log.id for log in campaign.logs if rung.id in log.sees]
        seen = [c for c in coverage if c.log in watching and c.observed]
        blind = [titles[c.log] for c in coverage if c.log in watching and not c.observed]
        looked = listed([f"{titles[c.log]} ({_share(c, case.window)} of the window)" for c in seen])
        text = f"{rung.title}: not found in {looked}" if looked else f"{rung.title}: not observable"
        if blind:
            text += f"; not in the evidence: {listed(blind)}"
        reasons.append(text + ".")
    older = [f for f in case.findings if f.last and f.last < case.window.start and f.weak]
    if any(campaign.band(f.stage) == "follow-up" for f in older):
        reasons.append(f"What was found before {day(case.window.start)} is older than the case.")
    return reasons


def _share(coverage: LogCoverage, window: Interval) -> str:
    total = (window.end - window.start).total_seconds()
    if total <= 0:
        return "all"
    missing = sum((end - start).total_seconds() for start, end in coverage.missing)
    # Rounded down, so that "100 %" is only ever said of all of it.
    return f"{int(100 * (total - missing) / total)} %"


def _next_steps(
    case: Case,
    campaign: Campaign,
    stage: str,
    blind: Mapping[tuple[str, ...], Sequence[Interval]],
) -> list[str]:
    logs = {log.id: log for log in campaign.logs}
    state = final_state(case.exposure)
    holds: dict[AdviceWhen, bool] = {
        "always": True,
        "not-fixed": state in ("affected", "mitigated"),
        "fix-unknown": state == "unknown",
        "not-cleared": bool(blind),
    }
    advice = campaign.advice.get(campaign.band(stage), ())
    steps = [piece.text for piece in advice if holds[piece.when]]
    for group, intervals in blind.items():
        places = listed([f"{logs[i].title} ({logs[i].fetch})" for i in group if i in logs], "or")
        steps.append(f"Fetch {places} for {spans(intervals)}.")
    steps += [f"Make readable: {gap.source}: {gap.reason}" for gap in case.host.gaps[:5]]
    if not case.exposure.timeline:
        steps.append(f"Fetch a build: {BUILD_SOURCES.get(campaign.product, BUILD_SOURCES[''])}.")
    return steps
