"""The five answers: exposed, hit, by whom, blocked, done. One line each, plus its reason."""

from collections.abc import Sequence

from afterpatch.assess.attribution import UNKNOWN, offered
from afterpatch.assess.words import day, inside, listed, span
from afterpatch.exposure.exchange_fixes_table import Mitigation
from afterpatch.exposure.order import final_state
from afterpatch.exposure.timeline import mitigations_of
from afterpatch.model.campaigns import Band, Campaign
from afterpatch.model.hits import Finding
from afterpatch.model.places import Fact
from afterpatch.model.times import Interval, rfc3339
from afterpatch.model.verdicts import (
    Answer,
    Confidence,
    Exposure,
    Intrusion,
    PatchOrder,
    ShellLifetime,
)


def exposed(exposure: Exposure) -> Answer:
    """Was an affected build running?"""
    affected = [s for s in exposure.timeline if s.state in ("affected", "mitigated")]
    fixed = [s for s in exposure.timeline if s.state == "fixed"]
    if affected:
        ran = listed(sorted({s.build for s in affected}))
        until = "still affected at the end of the evidence"
        if exposure.patched_at:
            until = (
                f"fixed between {day(exposure.patched_at.start)} and {day(exposure.patched_at.end)}"
            )
        elif fixed:
            until = "affected and fixed builds are both seen"
        return Answer("exposed", "yes", f"ran {ran}; {until}", "high")
    if fixed:
        seen = f"ran {fixed[0].build} (fixed) from {day(fixed[0].start)} on; earlier is not known"
        return Answer("exposed", "not when seen", seen, "medium")
    builds = sorted({span.build for span in exposure.timeline if span.build})
    if builds:
        return Answer("exposed", "unknown", f"{listed(builds)} seen: undecidable", "low")
    detail = listed(exposure.doubts) or "no build number in the evidence"
    return Answer("exposed", "unknown", detail, "low")


def hit(
    campaign: Campaign,
    stage: str,
    findings: Sequence[Finding],
    cleared: bool,
    blind: Sequence[Interval],
) -> Answer:
    """Was it attacked, and how far did that get?"""
    band = campaign.band(stage)
    title = inside(campaign.stages[campaign.rank(stage) - 1].title) if stage else ""
    if band in ("compromised", "follow-up"):
        return Answer("hit", "yes", title, hit_confidence(findings))
    seen = attempts(title, "only attempts") if band == "attempted" else "no evidence found"
    if cleared:
        return Answer("hit", "no", f"{seen}; every needed log covers the whole window", "high")
    where = f"{span(Interval(blind[0].start, blind[-1].end))}" if blind else "the window"
    short = "attempted" if band == "attempted" else "cannot say"
    return Answer("hit", short, f"{seen}, but cannot be cleared for {where}", "low")


def attempts(title: str, words: str) -> str:
    """``words``, with the stage where its title says more than that."""
    return words if title == "attempted" else f"{words} ({title})"


def hit_confidence(findings: Sequence[Finding]) -> Confidence:
    """High when independent evidence agrees: files of two folders, or two stages."""
    strong = [f for f in findings if not f.weak]
    folders = {h.place.source.rsplit("/", 1)[0] for f in strong for h in f.hits}
    return "high" if len(folders) > 1 or len({f.stage for f in strong}) > 1 else "medium"


def by_whom(band: Band, cleared: bool, intrusions: Sequence[Intrusion]) -> Answer:
    """A name is a hypothesis at most; "nobody" is only said of a host that is cleared."""
    if band in ("none", "attempted"):
        if cleared:
            return Answer("by_whom", "nobody", "nobody got in", "high")
        return Answer("by_whom", UNKNOWN, "nobody is seen to have got in", "low")
    names = sorted({offered(intrusion) for intrusion in intrusions})
    named = [name for name in names if name != UNKNOWN]
    count = f"{len(intrusions)} separate intrusions; " if len(intrusions) > 1 else ""
    if not named:
        return Answer("by_whom", UNKNOWN, f"{count}nothing here identifies an actor", "low")
    return Answer("by_whom", f"maybe {listed(named)}", f"{count}a hypothesis, see reasons", "low")


def blocked(campaign: Campaign, facts: Sequence[Fact], exposure: Exposure) -> Answer:
    """Is the way in closed, by the fix or by mitigations, as the evidence shows it in the end?"""
    if final_state(exposure) == "fixed":
        return Answer("blocked", "patched", "the fix is in and closes the way in", "high")
    known = mitigations_of(campaign.fix)
    last = {fact.name: fact for fact in sorted(facts, key=_undated_last) if fact.name in known}
    present = {name: fact for name, fact in last.items() if fact.value == "present"}
    unseen = [known[name].title for name in known if name not in last]
    rest = f"; not in the evidence: {listed(unseen, 'or')}" if unseen else ""
    if not last:
        return Answer("blocked", "unknown", "no configuration in the evidence would show it", "low")
    if not present:
        return Answer("blocked", "no", f"no mitigation where one would be{rest}", _sure(unseen))
    stopped = {cve for name in present for cve in known[name].cves}
    found = listed([_mitigation(known[name], fact) for name, fact in sorted(present.items())])
    left = [cve for cve in campaign.cves if cve not in stopped]
    if not left:
        return Answer("blocked", "yes", f"{found}; mitigated is not fixed", "medium")
    detail = f"{found}; {listed(left)} stay open as far as seen{rest}"
    return Answer("blocked", "partly", detail, "medium")


def _undated_last(fact: Fact) -> tuple[bool, str, bool]:
    """Order in which facts overrule one another: two of one time are held to be "absent"."""
    return fact.time is None, rfc3339(fact.time) if fact.time else "", fact.value == "absent"


def _mitigation(mitigation: Mitigation, fact: Fact) -> str:
    when = f" since {day(fact.time)} at the latest" if fact.time else ""
    return f"{mitigation.title}{when} (stops {listed(mitigation.cves)})"


def _sure(unseen: Sequence[str]) -> Confidence:
    return "medium" if unseen else "high"


def done(
    band: Band,
    cleared: bool,
    order: PatchOrder,
    exposure: Exposure,
    lifetimes: Sequence[ShellLifetime],
) -> Answer:
    """Is there nothing left to do?"""
    state = final_state(exposure)
    patched = {"fixed": "patched", "affected": "not patched", "mitigated": "mitigated, not patched"}
    now = patched.get(state, "patch state unknown")
    if band in ("compromised", "follow-up"):
        alive = [life.key for life in lifetimes if life.end[1] is None]
        shells = f"; not seen to be gone: {listed(alive[:3])}" if alive else ""
        late = "; patching does not evict" if order == "patched-after-exploitation" else ""
        return Answer(
            "done", "no", f"{now}{late}{shells}; needs eviction and investigation", "high"
        )
    if state != "fixed":
        return Answer("done", "no" if state != "unknown" else "unknown", now, "medium")
    if cleared:
        return Answer("done", "yes", "patched and cleared for the whole window", "high")
    return Answer("done", "not yet", "patched, but not cleared: see what to fetch", "medium")
