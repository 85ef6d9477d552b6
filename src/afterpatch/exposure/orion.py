"""When did this Orion server run a trojanised build, and when was it replaced?

Enters: facts of one host: ``orion.dll`` (value: SHA-256; detail ``version``, and ``signed`` or
``compiled``) and ``orion.release`` (value: release or file version). Leaves: an
:class:`Exposure`. Each sighting is judged alone; at one moment the worst one counts. Between two
sightings that differ nothing is known. Undated facts count as seen at the end of the evidence.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby, pairwise
from typing import Final, NamedTuple

from afterpatch.exposure.orion_builds import OrionState, OrionTruth, judge_orion
from afterpatch.model.places import Fact
from afterpatch.model.times import Interval, parse_utc
from afterpatch.model.verdicts import BuildState, Exposure, ExposureSpan

DLL: Final = "orion.dll"
RELEASE: Final = "orion.release"
_STATES: Final[dict[OrionState, BuildState]] = {
    "trojanised": "affected",
    "unknown": "unknown",
    "inert": "fixed",
    "never": "fixed",
    "fixed": "fixed",
}
_WORST_FIRST: Final[tuple[BuildState, ...]] = ("affected", "unknown", "fixed")


class _Seen(NamedTuple):
    time: datetime
    state: BuildState
    build: str
    evidence: str


def expose_orion(product: str, facts: Sequence[Fact], until: datetime | None) -> Exposure:
    """Dated states of one Orion server; other facts are passed over."""
    mine = [fact for fact in facts if fact.name in (DLL, RELEASE)]
    end = max([*(f.time for f in mine if f.time), *([until] if until else [])], default=None)
    if not mine or end is None:
        return Exposure(product)
    judged = [(fact.time or end, fact, judge_fact(fact)) for fact in sorted(mine, key=_order)]
    seen = _worst(judged)
    doubts = dict.fromkeys(doubt for _, _, truth in judged for doubt in truth.doubts)
    if any(fact.time is None for fact in mine):
        doubts["a version without a date is taken to be true at the end of the evidence"] = None
    return Exposure(product, tuple(_spans(seen, end)), _patched_at(seen), tuple(doubts))


def judge_fact(fact: Fact) -> OrionTruth:
    """What one fact says."""
    if fact.name == RELEASE:
        return judge_orion(version=fact.value)
    signed = fact.detail.get("signed") or fact.detail.get("compiled", "")
    return judge_orion(
        fact.value, parse_utc(signed) if signed else None, fact.detail.get("version", "")
    )


def _order(fact: Fact) -> tuple[str, int, str, str]:
    return fact.place.source, fact.place.record, fact.name, fact.value


def _worst(judged: Iterable[tuple[datetime, Fact, OrionTruth]]) -> list[_Seen]:
    moments: defaultdict[datetime, list[_Seen]] = defaultdict(list)
    for when, fact, truth in judged:
        build = fact.value if fact.name == RELEASE else fact.detail.get("version", fact.value[:12])
        evidence = f"{truth.because}; seen in {fact.place.source}:{fact.place.record}"
        moments[when].append(_Seen(when, _STATES[truth.state], build, evidence))
    return [
        min(moments[when], key=lambda one: _WORST_FIRST.index(one.state))
        for when in sorted(moments)
    ]


def _spans(seen: Sequence[_Seen], end: datetime) -> Iterable[ExposureSpan]:
    runs = [list(group) for _, group in groupby(seen, key=lambda one: (one.state, one.build))]
    for run, after in zip(runs, [*runs[1:], None], strict=True):
        first, last = run[0], run[-1]
        yield ExposureSpan(first.time, last.time, first.state, first.build, first.evidence)
        if after:
            build, evidence = f"{last.build} or {after[0].build}", "changed somewhere in this time"
            yield ExposureSpan(last.time, after[0].time, "unknown", build, evidence)
        elif last.time < end:
            state: BuildState = "fixed" if last.state == "fixed" else "unknown"
            evidence = f"last seen {last.build}, held to be unchanged where fixed"
            yield ExposureSpan(last.time, end, state, last.build, evidence)


def _patched_at(seen: Sequence[_Seen]) -> Interval | None:
    """From the last affected sighting to the first fixed one after it."""
    for old, new in reversed(list(pairwise(seen))):
        if old.state == "affected" and new.state == "fixed":
            return Interval(old.time, new.time)
    return None
