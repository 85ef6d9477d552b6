"""What the logs could show, in words and shares: open intervals, logs to fetch, shares.

Enters: a verdict of the document. Leaves: short English and numbers. It decides nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from afterpatch.report.shape import CoverageEntry, Document, Span, Time, VerdictEntry
from afterpatch.report.words import intervals, listed, parse


def uncleared(verdict: VerdictEntry) -> str:
    """What cannot be cleared and which logs would help; "" when nothing is open."""
    if not verdict["cannot_be_cleared"]:
        return ""
    groups: dict[object, list[str]] = {}
    for log in missing_logs(verdict):
        group = log["log"] if log["group"] is None else log["group"]
        groups.setdefault(group, []).append(log["title"] or log["log"])
    wanted = [listed(names, "or") for names in groups.values()]
    fetch = f": fetch {listed(wanted)}" if wanted else ""
    return f"Cannot be cleared for {intervals(verdict['cannot_be_cleared'])}{fetch}."


def missing_logs(verdict: VerdictEntry) -> list[CoverageEntry]:
    """Needed logs with a gap inside an interval that cannot be cleared."""
    return [
        log
        for log in verdict["coverage"]
        if log["needed"] and _overlap(log["missing"], verdict["cannot_be_cleared"])
    ]


def window(verdict: VerdictEntry, start: Time | None) -> tuple[datetime, datetime] | None:
    """The stretch of time that the logs are held against; None when no log says.

    start  the campaign's, if known; logs may reach back further than the emergency does.
    """
    spans = [span for log in verdict["coverage"] for span in _all_spans(log)]
    ends = [parse(end) for span in spans or verdict["cannot_be_cleared"] for end in span]
    if not ends:
        return None
    low, high = (parse(start) if start else min(ends)), max(ends)
    return (low, high) if low < high else None


def window_start(document: Document, verdict: VerdictEntry) -> Time | None:
    """When the verdict's campaign began, if the document knows."""
    starts = {one["id"]: one["window_start"] for one in document["tool"]["campaigns"]}
    return starts.get(verdict["campaign"])


def seen_share(verdict: VerdictEntry, cells: int, start: Time | None) -> list[float | None]:
    """The window in ``cells`` equal parts: the share of each that needed logs observed, 0..1.

    Taken over the needed logs (over all logs when none is needed). None: nothing was recorded and
    nothing is missed, as after the fix went in. Empty when no window is known.
    """
    logs = [log for log in verdict["coverage"] if log["needed"]] or verdict["coverage"]
    ends = window(verdict, start)
    if not logs or ends is None:
        return []
    low, step = ends[0], (ends[1] - ends[0]) / cells
    shares: list[float | None] = []
    for cell in range(cells):
        left, right = low + cell * step, low + (cell + 1) * step
        seen = sum((_within(log["observed"], left, right) for log in logs), timedelta())
        missed = sum((_within(log["missing"], left, right) for log in logs), timedelta())
        shares.append(seen / (seen + missed) if seen + missed else None)
    return shares


def percent(shares: Sequence[float | None]) -> int:
    """Mean share in per cent; only a whole window reads 100, only an empty one 0."""
    counted_shares = [share for share in shares if share is not None]
    mean = sum(counted_shares) / len(counted_shares) if counted_shares else 0.0
    if mean == 0 or min(counted_shares) > 0.999999:
        return 100 if mean else 0
    return min(99, max(1, round(mean * 100)))


def _all_spans(log: CoverageEntry) -> Iterable[Span]:
    yield from log["observed"]
    yield from log["missing"]


def _within(spans: Iterable[Span], low: datetime, high: datetime) -> timedelta:
    parts = ((max(parse(start), low), min(parse(end), high)) for start, end in spans)
    return sum((end - start for start, end in parts if end > start), timedelta())


def _overlap(left: Iterable[Span], right: Sequence[Span]) -> bool:
    return any(parse(a[0]) < parse(b[1]) and parse(b[0]) < parse(a[1]) for a in left for b in right)
