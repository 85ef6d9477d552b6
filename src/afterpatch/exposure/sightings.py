"""Facts about builds -> runs: from when to when which build was seen, and what it says of a fix.

Enters: facts of one host, in any order, from any number of sources. Leaves: :class:`Run` in time
order, and doubts. Nothing seen is thrown away, but for three-part builds that a neighbour already
tells in full. Where two builds are seen at one time the worse one counts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final

from afterpatch.exposure.exchange_builds import releases
from afterpatch.exposure.exchange_fixes import BuildTruth, Truth
from afterpatch.exposure.versions import Build, parse_build
from afterpatch.model.places import Fact, Place
from afterpatch.model.times import rfc3339

BUILD_FACTS: Final = frozenset({"exchange.build", "exchange.installed"})
INSTALLED: Final = "exchange.installed"
# A fix that comes and goes this often is not one server's history.
MAX_BACKSLIDES: Final = 3
MAX_RUNS: Final = 64
_WORST_FIRST: Final[tuple[Truth, ...]] = ("affected", "unknown", "fixed")

Judge = Callable[[Build], BuildTruth]


@dataclass(frozen=True, slots=True)
class Sighting:
    """Everything seen at one moment."""

    time: datetime
    builds: tuple[Build, ...]
    state: Truth
    places: tuple[Place, ...]
    installed: bool
    undated: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring sightings of the same build or builds.

    first, last  time of the first and of the last sighting.
    count        how often seen.
    installed    the first sighting is a setup log that says so.
    undated      seen only by evidence without a time.
    """

    builds: tuple[Build, ...]
    state: Truth
    first: datetime
    last: datetime
    first_place: Place
    last_place: Place
    count: int
    installed: bool
    undated: bool

    @property
    def label(self) -> str:
        """The builds in words: ``15.1.2176.2 / 15.1.2176.9``."""
        return " / ".join(map(str, self.builds))


def read_runs(
    facts: Iterable[Fact], end: datetime | None, judge: Judge, doubts: list[str]
) -> list[Run]:
    """Facts -> runs, earliest first; what gives cause for doubt is added to ``doubts``.

    Undated facts count as seen at ``end``; without an ``end`` they are left out, and it is said.
    """
    dated: dict[datetime, list[tuple[Build, Fact]]] = defaultdict(list)
    undated: list[tuple[Build, Fact]] = []
    for fact in sorted(facts, key=_fact_order):
        if fact.name not in BUILD_FACTS:
            continue
        build = parse_build(fact.value)
        if build is None:
            doubts.append(f"{fact.value[:40]!r} ({fact.place.source}) is no Exchange build number")
        elif fact.time is None:
            undated.append((build, fact))
        else:
            dated[fact.time].append((build, fact))
    _date(undated, dated, end, judge, doubts)
    sightings = [_sighting(when, dated[when], judge, doubts) for when in sorted(dated)]
    _doubt_dates(sightings, doubts)
    return _settle(_runs(_told_in_full(sightings)), doubts)


def _date(
    undated: Sequence[tuple[Build, Fact]],
    dated: dict[datetime, list[tuple[Build, Fact]]],
    end: datetime | None,
    judge: Judge,
    doubts: list[str],
) -> None:
    """Put undated facts at ``end``, but for builds that dated evidence knows to be outdated."""
    latest = {build for build, _ in dated[max(dated)]} if dated else set()
    outdated = {build for seen in dated.values() for build, _ in seen} - latest
    for build, fact in undated:
        if build in outdated:
            doubts.append(
                f"{build} ({fact.place.source}) is undated; dated evidence has it before "
                f"{' / '.join(map(str, sorted(latest)))}, so it is held to be from then"
            )
        elif end is None:
            because = judge(build).because
            doubts.append(f"{build} ({fact.place.source}), {because}: undated, so left out")
        else:
            dated[end].append((build, fact))


def _fact_order(fact: Fact) -> tuple[Place, str, str]:
    return fact.place, fact.name, fact.value


def _sighting(
    when: datetime, seen: Sequence[tuple[Build, Fact]], judge: Judge, doubts: list[str]
) -> Sighting:
    found = {build for build, _ in seen}
    full = {build.branch for build in found if build.revision is not None}
    # At one moment 15.1.2106 says nothing that 15.1.2106.13 does not say better.
    builds = tuple(sorted(b for b in found if b.revision is not None or b.branch not in full))
    if len(builds) > 1:
        both = " and ".join(map(str, builds))
        doubts.append(f"{both} are both seen at {rfc3339(when)}: the worse one counts")
    return Sighting(
        time=when,
        builds=builds,
        state=min((judge(build).state for build in builds), key=_WORST_FIRST.index),
        places=tuple(fact.place for _, fact in seen),
        installed=any(fact.name == INSTALLED for _, fact in seen),
        undated=all(fact.time is None for _, fact in seen),
    )


def _told_in_full(sightings: Sequence[Sighting]) -> list[Sighting]:
    """Leave out three-part sightings that cannot decide and stand beside the whole build."""
    after: list[Build | None] = []
    coming: Build | None = None
    for sighting in reversed(sightings):
        after.append(coming)
        coming = _whole(sighting) or coming
    kept: list[Sighting] = []
    passed: Build | None = None
    for sighting, following in zip(sightings, reversed(after), strict=True):
        whole = _whole(sighting)
        beside = {build.branch for build in (passed, following) if build}
        vague = sighting.state == "unknown" and whole is None and len(sighting.builds) == 1
        if not (vague and sighting.builds[0].branch in beside):
            kept.append(sighting)
        passed = whole or passed
    return kept


def _whole(sighting: Sighting) -> Build | None:
    build = sighting.builds[-1]
    return build if build.revision is not None else None


def _runs(sightings: Iterable[Sighting]) -> list[Run]:
    found: list[Run] = []
    for builds, group in groupby(sightings, key=lambda sighting: sighting.builds):
        same = list(group)
        found.append(
            Run(
                builds=builds,
                state=same[0].state,
                first=same[0].time,
                last=same[-1].time,
                first_place=same[0].places[0],
                last_place=same[-1].places[-1],
                count=sum(len(sighting.places) for sighting in same),
                installed=same[0].installed,
                undated=all(sighting.undated for sighting in same),
            )
        )
    return found


def _settle(runs: list[Run], doubts: list[str]) -> list[Run]:
    """Say where a fix was lost again; fold what cannot be one server's history into one run."""
    order = [index for index, run in enumerate(runs) if run.state != "unknown"]
    back = [
        (old, new)
        for old, new in pairwise(order)
        if runs[old].state == "fixed" and runs[new].state == "affected"
    ]
    if len(back) > MAX_BACKSLIDES:
        low, high = back[0][0], back[-1][1]
        doubts.append(
            f"affected and fixed builds take turns {len(back)} times from "
            f"{rfc3339(runs[low].first)} to {rfc3339(runs[high].last)}: "
            "more than one server's evidence seems mixed; held to be affected throughout"
        )
        runs = [*runs[:low], _fold(runs[low : high + 1]), *runs[high + 1 :]]
    else:
        doubts.extend(_backslide(runs[old], runs[new]) for old, new in back)
    if len(runs) > MAX_RUNS:
        doubts.append(
            f"the build changes {len(runs) - 1} times: more than one server's evidence seems "
            "mixed; the worst state counts"
        )
        runs = [_fold(runs[:-1]), runs[-1]]
    return runs


def _backslide(fixed: Run, affected: Run) -> str:
    how = "a cumulative update without the fix"
    if affected.undated:
        how = "older evidence without a date"
    elif {build.branch for build in fixed.builds} & {build.branch for build in affected.builds}:
        how = "an update still under way"
    return (
        f"{fixed.label} (fixed) is followed by {affected.label} (affected) at "
        f"{rfc3339(affected.first)}: {how}, a restored system or another server's evidence"
    )


def _fold(runs: Sequence[Run]) -> Run:
    return Run(
        builds=tuple(sorted({build for run in runs for build in run.builds})),
        state=min((run.state for run in runs), key=_WORST_FIRST.index),
        first=runs[0].first,
        last=runs[-1].last,
        first_place=runs[0].first_place,
        last_place=runs[-1].last_place,
        count=sum(run.count for run in runs),
        installed=False,
        undated=False,
    )


def _doubt_dates(sightings: Iterable[Sighting], doubts: list[str]) -> None:
    """A build cannot be seen before it came out."""
    told: set[Build] = set()
    for sighting in sightings:
        for build in sighting.builds:
            release = releases().get(build)
            if release and build not in told and sighting.time < release.released:
                doubts.append(
                    f"{build} is seen at {rfc3339(sighting.time)}, before its release "
                    f"({release.released:%Y-%m}): a clock or a host is mistaken"
                )
            told.add(build)
