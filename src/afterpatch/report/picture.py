"""The timeline picture of one verdict, as geometry: lanes, bars, marks, ticks in per cent of width.

Enters: one verdict of the document. Leaves: frozen values that the template draws as SVG. It knows
no colours and writes no markup. Two rules keep the picture honest: a gap is never drawn thinner
than it can be seen, and what lies outside the picture is pinned to its edge, not dropped.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from afterpatch.report.picture_shapes import (
    LAST,
    MIN_GAP_PERCENT,
    SECOND,
    Axis,
    Bar,
    Group,
    Lane,
    Mark,
    Picture,
    ticks,
)
from afterpatch.report.shape import (
    CoverageEntry,
    ExposureSpanEntry,
    FindingEntry,
    StageEntry,
    Time,
    VerdictEntry,
)
from afterpatch.report.words import STATE_TITLES, counted, interval, intervals, moment, parse
from afterpatch.report.words_coverage import window

MAX_HELPFUL_LANES: Final = 12
OPEN_LANE: Final = "Cannot be cleared"
MAX_MARKS: Final = 200  # per lane; more would be one blot
EDGE: Final = timedelta(days=30)  # how far findings may stretch the picture beyond the window
CLOSE_UP_SHARE: Final = 8  # a close-up is worth drawing when all happens in 1/8 of the window


def overview(
    verdict: VerdictEntry, stages: Sequence[StageEntry], start: Time | None
) -> Picture | None:
    """The whole window: what happened, exposure, what the logs saw. None when nothing is dated."""
    axis = _window(verdict, start)
    if axis is None:
        return None
    needed = _log_lanes(verdict, axis, needed=True)
    groups = (
        Group("What happened", _stage_lanes(verdict, stages, axis)),
        Group("Exposure", _exposure_lane(verdict, axis)),
        Group("Logs that are needed", (*_open_lane(verdict, axis), *needed)),
        Group("Logs that help", _log_lanes(verdict, axis, needed=False)),
    )
    first, last = (moment(end.isoformat())[:10] for end in (axis.start, axis.end))
    return _picture(f"{first} to {last}, UTC", groups, verdict, axis)


def close_up(
    verdict: VerdictEntry, stages: Sequence[StageEntry], start: Time | None
) -> Picture | None:
    """Only the stretch in which it happened; None when the overview shows it well enough."""
    whole = _window(verdict, start)
    times = [
        parse(when)
        for finding in verdict["because"]
        if not finding["weak"] and finding["band"] not in ("none", "attempted")
        for when in _times(finding)
    ]
    if whole is None or len(set(times)) < 2:
        return None
    first, last = min(times), max(times)
    if (last - first) * CLOSE_UP_SHARE > whole.end - whole.start:
        return None
    margin = min((last - first) / 20, first - whole.start) if first > whole.start else timedelta()
    axis = Axis(first - margin, last + margin)
    lanes = _stage_lanes(verdict, stages, axis, inside_only=True)
    shown = " to ".join(moment(end.isoformat()) for end in (first, last))
    return _picture(f"Close-up, {shown}, UTC", (Group("What happened", lanes),), verdict, axis)


def _picture(caption: str, groups: tuple[Group, ...], verdict: VerdictEntry, axis: Axis) -> Picture:
    patched = verdict["exposure"]["patched_at"]
    fixed = None
    if patched:
        start, end = map(parse, patched)
        end = max(end, min(start, LAST - SECOND) + SECOND)
        fixed = axis.bar(start, end, "fix", f"fix went in {interval(patched)}")
    kept = tuple(group for group in groups if group.lanes)
    return Picture(caption, kept, ticks(axis), fixed)


def _window(verdict: VerdictEntry, start: Time | None) -> Axis | None:
    """The window the logs are held against, widened by findings near it."""
    ends = window(verdict, start)
    found = [parse(when) for finding in verdict["because"] for when in _times(finding)]
    if ends is None:
        spans = verdict["exposure"]["timeline"]
        dated = found or [parse(end) for span in spans for end in (span["from"], span["to"])]
        return Axis(min(dated), max(dated)) if dated else None
    low, high = ends
    near = [when for when in found if low - when <= EDGE and when - high <= EDGE]
    return Axis(min([low, *near]), max([high, *near]))


def _times(finding: FindingEntry) -> list[Time]:
    return [when for when in (finding["first"], finding["last"]) if when]


def _stage_lanes(
    verdict: VerdictEntry,
    stages: Sequence[StageEntry],
    axis: Axis,
    *,
    inside_only: bool = False,
) -> tuple[Lane, ...]:
    """A lane per stage with dated findings, the highest on top like a ladder."""
    by_stage: dict[str | None, list[FindingEntry]] = {}
    for finding in verdict["because"]:
        first, last = finding["first"], finding["last"] or finding["first"]
        if first is None or last is None:
            continue
        if inside_only and (parse(last) < axis.start or parse(first) > axis.end):
            continue
        by_stage.setdefault(finding["stage"], []).append(finding)
    titles = {stage["id"]: stage["title"] for stage in stages}
    ladder: list[str | None] = [stage["id"] for stage in reversed(stages)]
    known = [stage for stage in ladder if stage in by_stage]
    # Without the ladder the order of first times, latest on top, comes nearest to it.
    others = [stage for stage in reversed(by_stage) if stage not in known]
    return tuple(
        _stage_lane(titles.get(stage or "", stage or "Other rules"), by_stage[stage], axis)
        for stage in (*known, *others)
    )


def _stage_lane(label: str, findings: Sequence[FindingEntry], axis: Axis) -> Lane:
    marks = tuple(_mark(finding, axis) for finding in findings[:MAX_MARKS])
    total = sum(finding["count"] for finding in findings)
    first = min(finding["first"] or "~" for finding in findings)
    last = max(finding["last"] or "" for finding in findings)
    described = f"{label}: {counted(total, 'record')}, {moment(first)} to {moment(last)}"
    return Lane(label, described, marks=marks)


def _mark(finding: FindingEntry, axis: Axis) -> Mark:
    first, last = finding["first"] or "", finding["last"] or finding["first"] or ""
    look = "weak" if finding["weak"] else finding["band"] or "other"
    when = moment(first) if first == last else f"{moment(first)} to {moment(last)}"
    outside = "" if axis.holds(parse(first)) else " (begins outside the picture)"
    title = f"{finding['title']}, {counted(finding['count'], 'record')}, {when}{outside}"
    return Mark(axis.x(parse(first)), axis.x(parse(last)), look, title)


def _exposure_lane(verdict: VerdictEntry, axis: Axis) -> tuple[Lane, ...]:
    timeline = verdict["exposure"]["timeline"]
    bars = tuple(bar for span in timeline if (bar := _state_bar(span, axis)))
    if not bars:
        return ()
    described = "; ".join(bar.title for bar in bars)
    return (Lane("Build", described, bars=bars),)


def _state_bar(span: ExposureSpanEntry, axis: Axis) -> Bar | None:
    state = STATE_TITLES[span["state"]]
    build = f", build {span['build']}" if span["build"] else ""
    title = f"{state}{build}, {interval([span['from'], span['to']])}"
    bar = axis.bar(parse(span["from"]), parse(span["to"]), span["state"], title)
    if bar is None or bar.width < 7:
        return bar
    label = f"{state} {span['build']}" if bar.width >= 30 else state if bar.width >= 12 else ""
    label = "fixed" if not label and span["state"] == "fixed" else label
    return Bar(bar.x, bar.width, bar.look, bar.title, label.strip())


def _open_lane(verdict: VerdictEntry, axis: Axis) -> tuple[Lane, ...]:
    """The intervals that the verdict cannot clear, above the logs that leave them open."""
    spans = verdict["cannot_be_cleared"]
    bars = [axis.bar(parse(a), parse(b), "open", f"open {interval([a, b])}") for a, b in spans]
    joined = tuple(_joined(bars))
    if not joined:
        return ()
    return (Lane(OPEN_LANE, f"{OPEN_LANE}: {intervals(spans)}", bars=joined),)


def _log_lanes(verdict: VerdictEntry, axis: Axis, *, needed: bool) -> tuple[Lane, ...]:
    """Every needed log; of the others as many as a page holds."""
    logs = [log for log in verdict["coverage"] if log["needed"] is needed]
    shown = logs if needed else logs[:MAX_HELPFUL_LANES]
    return tuple(_log_lane(log, axis) for log in shown)


def _log_lane(log: CoverageEntry, axis: Axis) -> Lane:
    gap = "gap" if log["needed"] else "spare"
    seen = [
        axis.bar(parse(start), parse(end), "seen", f"seen {interval([start, end])}")
        for start, end in log["observed"]
    ]
    gaps = [
        axis.bar(parse(start), parse(end), gap, f"missing {interval([start, end])}")
        for start, end in log["missing"]
    ]
    label = log["title"] or log["log"]
    missing = f"missing {intervals(log['missing'])}" if log["missing"] else "nothing missing"
    # Gaps are drawn last, over what was seen, so that a short one stays in sight.
    return Lane(label, f"{label}: {missing}", bars=(*_joined(seen), *_joined(gaps)))


def _joined(bars: Iterable[Bar | None]) -> list[Bar]:
    """Bars in order, those that touch on paper drawn as one: a log can have thousands."""
    joined: list[Bar] = []
    for bar in bars:
        if bar is None:
            continue
        last = joined[-1] if joined else None
        if last and bar.x - (last.x + last.width) < MIN_GAP_PERCENT / 2:
            width = round(max(last.x + last.width, bar.x + bar.width) - last.x, 3)
            title = last.title if last.title == bar.title else f"several: {last.look}"
            joined[-1] = Bar(last.x, width, last.look, title)
        else:
            joined.append(bar)
    return joined
