"""Mitigations over time: which affected spans were covered, and by what.

Enters: spans and facts. Leaves: spans, the covered parts of affected ones turned ``mitigated``. A
mitigation is a state of its own: it expires, and it rarely stops every CVE of a fix.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from afterpatch.model.places import Fact
from afterpatch.model.times import Interval, rfc3339
from afterpatch.model.verdicts import ExposureSpan

_OPEN: Final = ("affected", "mitigated")


def mitigate(
    spans: Iterable[ExposureSpan],
    facts: Iterable[Fact],
    name: str,
    limits: str,
    end: datetime,
    doubts: list[str],
) -> list[ExposureSpan]:
    """Turn the parts of affected spans during which fact ``name`` was ``present`` mitigated.

    A span that another mitigation covers already is cut as well. Undated facts count as seen at
    ``end``. Present until last seen present before an ``absent``, or until ``end``. ``limits`` is
    added to the evidence text.
    """
    mine = [fact for fact in facts if fact.name == name]
    if any(fact.time is None and fact.value == "present" for fact in mine):
        doubts.append(f"{name} is present; since when is not in the evidence")
    covered = _present(mine, end, name, doubts)
    return [
        piece
        for span in spans
        for piece in (_cut(span, covered, limits) if span.state in _OPEN else [span])
    ]


def _present(facts: Iterable[Fact], end: datetime, name: str, doubts: list[str]) -> list[Interval]:
    seen: dict[datetime, set[str]] = defaultdict(set)
    for fact in facts:
        seen[fact.time or end].add(fact.value)
    covered: list[Interval] = []
    since: datetime | None = None
    last = end
    for when in sorted(seen):
        if seen[when] >= {"present", "absent"}:
            doubts.append(
                f"{name} is both present and absent at {rfc3339(when)}: held to be absent"
            )
        if "absent" in seen[when]:
            if since:
                covered.append(Interval(since, last))
            since = None
        elif "present" in seen[when]:
            since, last = since or when, when
    if since:
        covered.append(Interval(since, max(end, last)))
    return covered


def _cut(span: ExposureSpan, covered: Sequence[Interval], limits: str) -> list[ExposureSpan]:
    pieces: list[ExposureSpan] = []
    at = span.start
    for start, stop in covered:
        low, high = max(start, at), min(stop, span.end)
        # Moments count where nothing longer can: a span seen once, a mitigation seen at the end.
        moment = low == high and (span.start == span.end or start == stop == span.end)
        if low > high or (low == high and not moment):
            continue
        if low > at:
            pieces.append(replace(span, start=at, end=low))
        evidence = f"{span.evidence}; {limits}"
        pieces.append(replace(span, start=low, end=high, state="mitigated", evidence=evidence))
        at = high
    if at < span.end or not pieces:
        pieces.append(replace(span, start=at))
    return pieces
