"""When did this host run an affected build, and between which two moments was it fixed?

Enters: facts of one host. Leaves: an :class:`Exposure`: dated spans, the interval in which the fix
went in, doubts. Pure; facts in any order give the same answer; nothing is assumed about the time
before the first sighting.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Final

from afterpatch.exposure.exchange_builds import build_name
from afterpatch.exposure.exchange_fixes import BuildTruth, always_fixed, state_of
from afterpatch.exposure.exchange_fixes_table import FIXES, FixSet, Mitigation
from afterpatch.exposure.mitigations import mitigate
from afterpatch.exposure.sightings import BUILD_FACTS, Run, read_runs
from afterpatch.exposure.versions import Build
from afterpatch.model.places import Fact
from afterpatch.model.times import Interval, rfc3339
from afterpatch.model.verdicts import BuildState, Exposure, ExposureSpan

# An affected build last seen this long before the end is still held to run: a quiet weekend is no
# patch. After a longer silence nobody knows.
QUIET: Final = timedelta(days=3)
MAX_DOUBTS: Final = 20


def mitigations_of(fix: str) -> Mapping[str, Mitigation]:
    """Fact name -> the mitigation whose presence it tells."""
    return FIXES[fix].mitigations if fix in FIXES else {}


def release_of(fix: str) -> datetime | None:
    """When the fix was published; None for a fix set nobody knows."""
    return FIXES[fix].released if fix in FIXES else None


def expose(product: str, fix: str, facts: Sequence[Fact], until: datetime | None) -> Exposure:
    """Dated states of one host against one fix set.

    Shape:   facts ``exchange.build`` and ``exchange.installed`` (value: any spelling of a build),
             ``mitigation.*`` (``present`` / ``absent``); others are passed over. ``until`` is
             when the evidence ends; undated facts count as seen then.
    States:  between two sightings of one build: that build. Between two different ones: the state
             both share, else ``unknown``. After the last sighting: as last seen, but an affected
             build for at most three days.
    patched_at:  after the last affected sighting, no later than the first fixed one after it. A
             setup log alone gives (release of the fix, end of setup). Otherwise None. The host may
             have been changed since: the timeline's last span says what it is in the end.
    Errors:  none; an unknown ``fix`` gives an empty timeline and a doubt.
    """
    if fix not in FIXES:
        return Exposure(product, doubts=(f"no fix set {fix!r} is known: builds cannot be judged",))
    doubts: list[str] = []
    times = [fact.time for fact in facts if fact.time and fact.name in BUILD_FACTS]
    end = max([*times, *([until] if until else [])], default=None)

    @cache
    def judge(build: Build) -> BuildTruth:
        return state_of(build, fix)

    runs = read_runs(facts, end, judge, doubts)
    if not runs or end is None:
        return Exposure(product, doubts=_told(doubts))
    for build in dict.fromkeys(build for run in runs for build in run.builds):
        doubts.extend(judge(build).doubts)
    spans = _spans(runs, end, fix)
    for name, mitigation in FIXES[fix].mitigations.items():
        limits = f"{mitigation.title} ({', '.join(mitigation.cves)} only)"
        spans = mitigate(spans, facts, name, limits, end, doubts)
    patched_at = _patched_at(runs, FIXES[fix])
    doubts.extend(_history_doubts(runs, patched_at))
    return Exposure(product, tuple(spans), patched_at, _told(doubts))


def _spans(runs: Sequence[Run], end: datetime, fix: str) -> list[ExposureSpan]:
    spans = [_span(runs[0], fix)]
    for old, new in pairwise(runs):
        spans += [_gap(old, new, fix), _span(new, fix)]
    last, silence = spans[-1], f"nothing seen after {rfc3339(runs[-1].last)}"
    if last.end == end:
        return spans
    if last.state == "fixed" or (last.state == "affected" and end - last.end <= QUIET):
        evidence = f"{last.evidence}; {silence}, held to be unchanged"
        return [*spans[:-1], ExposureSpan(last.start, end, last.state, last.build, evidence)]
    evidence = f"last seen running {last.build}; {silence}"
    return [*spans, ExposureSpan(last.end, end, "unknown", last.build, evidence)]


def _span(run: Run, fix: str) -> ExposureSpan:
    said = "; ".join(f"{build_name(b)} {state_of(b, fix).because}" for b in run.builds[:4])
    seen = f"seen in {run.first_place.source}:{run.first_place.record}"
    if run.count > 1:
        last = run.last_place
        seen = f"seen {run.count} times, first{seen[4:]}, last in {last.source}:{last.record}"
    undated = ", undated: taken to be true at the end of the evidence" if run.undated else ""
    return ExposureSpan(run.first, run.last, run.state, run.label, f"{said}; {seen}{undated}")


def _gap(old: Run, new: Run, fix: str) -> ExposureSpan:
    evidence = f"changed from {old.label} to {new.label} somewhere in this time"
    state: BuildState = old.state if old.state == new.state else "unknown"
    if state == "fixed" and not _fixed_all_the_way(old, new, fix):
        state = "unknown"
        evidence += "; the new cumulative update may have run without its security update"
    return ExposureSpan(old.last, new.first, state, f"{old.label} or {new.label}", evidence)


def _fixed_all_the_way(old: Run, new: Run, fix: str) -> bool:
    """An update within a branch keeps the fix; a new branch does only if it always had it."""
    before = {build.branch for build in old.builds}
    return all(build.branch in before or always_fixed(build, fix) for build in new.builds)


def _patched_at(runs: Sequence[Run], fix: FixSet) -> Interval | None:
    affected = [index for index, run in enumerate(runs) if run.state == "affected"]
    after = runs[affected[-1] + 1 :] if affected else runs
    fixed = next((run for run in after if run.state == "fixed"), None)
    if fixed is None:
        return None
    if affected:
        return Interval(runs[affected[-1]].last, fixed.first)
    if fixed is runs[0] and fixed.installed and fixed.first > fix.released:
        return Interval(fix.released, fixed.first)
    return None


def _history_doubts(runs: Sequence[Run], patched_at: Interval | None) -> list[str]:
    doubts = []
    if all(run.state == "fixed" for run in runs) and patched_at is None:
        doubts.append("first seen already fixed; when it was installed is not in the evidence")
    if all(run.undated for run in runs):
        doubts.append("every build in the evidence is undated: only the end is known")
    elif any(run.undated for run in runs):
        doubts.append("an undated build differs from the dated ones; taken to be the latest")
    if len({(b.major, b.minor) for run in runs for b in run.builds}) > 1:
        doubts.append("builds of different Exchange versions: evidence of several servers?")
    return doubts


def _told(doubts: Sequence[str]) -> tuple[str, ...]:
    once = list(dict.fromkeys(doubts))
    if len(once) > MAX_DOUBTS:
        once[MAX_DOUBTS:] = [f"and {len(once) - MAX_DOUBTS} more doubts like these"]
    return tuple(once)
