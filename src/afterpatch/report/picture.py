"""The timeline picture of one verdict, as geometry: lanes, bars, marks, ticks in per cent of width.

Enters: one verdict of the document. Leaves: frozen values that the template draws as SVG. It knows
no colours and writes no markup. Two rules keep the picture honest: a gap is never drawn thinner
than it can be seen, and what lies outside the picture is pinned to its edge, not dropped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from afterpatch.report.shape import (
    CoverageEntry,
    ExposureSpanEntry,
    FindingEntry,
    StageEntry,
    Time,
    VerdictEntry,
)
from afterpatch.report.words import (
    STATE_TITLES,
    counted,
    interval,
    intervals,
    moment,
    parse,
    window,
)

MIN_GAP_PERCENT: Final = 0.35
MAX_LOG_LANES: Final = 14
MAX_MARKS: Final = 200  # per lane; more would be one blot
EDGE: Final = timedelta(days=30)  # how far findings may stretch the picture beyond the window
CLOSE_UP_SHARE: Final = 8  # a close-up is worth drawing when all happens in 1/8 of the window
_SECOND: Final = timedelta(seconds=1)
_LAST: Final = datetime.max.replace(tzinfo=UTC)
_STEPS: Final = tuple(
    timedelta(seconds=s)
    for s in (
        1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400,
        172_800, 345_600, 604_800, 1_209_600, 2_419_200, 7_257_600, 31_536_000,
    )
)  # fmt: skip
_EPOCH: Final = parse("2021-01-04T00:00:00Z")  # a Monday: weekly ticks fall on Mondays


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane. ``look``: seen, gap, affected, mitigated, fixed or unknown."""

    x: float
    width: float
    look: str
    title: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding: a glyph at ``x`` with a tail up to ``tail_x``. ``look``: band, or ``weak``."""

    x: float
    tail_x: float
    look: str
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row. ``described`` says in words all that the row shows."""

    label: str
    described: str
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled moment of the axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Group:
    """Lanes that belong together."""

    title: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """All lanes over one stretch of time. ``fixed``: the bar in which the fix went in."""

    caption: str
    groups: tuple[Group, ...]
    ticks: tuple[Tick, ...]
    fixed: Bar | None


class _Axis:
    """Time -> per cent of the width, clipped to the edges."""

    def __init__(self, start: datetime, end: datetime) -> None:
        # A second wide at least; the last second of the year 9999 has nothing after it.
        self.start = min(start, _LAST - _SECOND)
        self.end = max(end, self.start + _SECOND)

    def x(self, when: datetime) -> float:
        share = (min(max(when, self.start), self.end) - self.start) / (self.end - self.start)
        return round(share * 100, 3)

    def bar(
        self, start: datetime, end: datetime, look: str, title: str, label: str = ""
    ) -> Bar | None:
        """The part inside the picture; None when nothing of it is."""
        if end < self.start or start > self.end or end <= start:
            return None
        left, width = self.x(start), self.x(end) - self.x(start)
        least = MIN_GAP_PERCENT if look == "gap" else 0.0
        width = max(width, least)
        return Bar(min(left, 100 - width), round(width, 3), look, title, label)

    def holds(self, when: datetime) -> bool:
        return self.start <= when <= self.end


def overview(
    verdict: VerdictEntry, stages: Sequence[StageEntry], start: Time | None
) -> Picture | None:
    """The whole window: what happened, exposure, what the logs saw. None when nothing is dated."""
    axis = _window(verdict, start)
    if axis is None:
        return None
    groups = (
        Group("What happened", _stage_lanes(verdict, stages, axis)),
        Group("Exposure", _exposure_lane(verdict, axis)),
        Group("Logs", tuple(_log_lane(log, axis) for log in _logs(verdict))),
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
    axis = _Axis(first - margin, last + margin)
    lanes = _stage_lanes(verdict, stages, axis, inside_only=True)
    shown = " to ".join(moment(end.isoformat()) for end in (first, last))
    return _picture(f"Close-up, {shown}, UTC", (Group("", lanes),), verdict, axis)


def _picture(
    caption: str, groups: tuple[Group, ...], verdict: VerdictEntry, axis: _Axis
) -> Picture:
    patched = verdict["exposure"]["patched_at"]
    fixed = None
    if patched:
        start, end = map(parse, patched)
        end = max(end, min(start, _LAST - _SECOND) + _SECOND)
        fixed = axis.bar(start, end, "fix", f"fix went in {interval(patched)}")
    kept = tuple(group for group in groups if group.lanes)
    return Picture(caption, kept, _ticks(axis), fixed)


def _window(verdict: VerdictEntry, start: Time | None) -> _Axis | None:
    """The window the logs are held against, widened by findings near it."""
    ends = window(verdict, start)
    found = [parse(when) for finding in verdict["because"] for when in _times(finding)]
    if ends is None:
        spans = verdict["exposure"]["timeline"]
        dated = found or [parse(end) for span in spans for end in (span["from"], span["to"])]
        return _Axis(min(dated), max(dated)) if dated else None
    low, high = ends
    near = [when for when in found if low - when <= EDGE and when - high <= EDGE]
    return _Axis(min([low, *near]), max([high, *near]))


def _times(finding: FindingEntry) -> list[Time]:
    return [when for when in (finding["first"], finding["last"]) if when]


def _stage_lanes(
    verdict: VerdictEntry,
    stages: Sequence[StageEntry],
    axis: _Axis,
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


def _stage_lane(label: str, findings: Sequence[FindingEntry], axis: _Axis) -> Lane:
    marks = tuple(_mark(finding, axis) for finding in findings[:MAX_MARKS])
    total = sum(finding["count"] for finding in findings)
    first = min(finding["first"] or "~" for finding in findings)
    last = max(finding["last"] or "" for finding in findings)
    described = f"{label}: {counted(total, 'record')}, {moment(first)} to {moment(last)}"
    return Lane(label, described, marks=marks)


def _mark(finding: FindingEntry, axis: _Axis) -> Mark:
    first, last = finding["first"] or "", finding["last"] or finding["first"] or ""
    look = "weak" if finding["weak"] else finding["band"] or "other"
    when = moment(first) if first == last else f"{moment(first)} to {moment(last)}"
    outside = "" if axis.holds(parse(first)) else " (begins outside the picture)"
    title = f"{finding['title']}, {counted(finding['count'], 'record')}, {when}{outside}"
    return Mark(axis.x(parse(first)), axis.x(parse(last)), look, title)


def _exposure_lane(verdict: VerdictEntry, axis: _Axis) -> tuple[Lane, ...]:
    timeline = verdict["exposure"]["timeline"]
    bars = tuple(bar for span in timeline if (bar := _state_bar(span, axis)))
    if not bars:
        return ()
    described = "; ".join(bar.title for bar in bars)
    return (Lane("Build", described, bars=bars),)


def _state_bar(span: ExposureSpanEntry, axis: _Axis) -> Bar | None:
    state = STATE_TITLES[span["state"]]
    build = f", build {span['build']}" if span["build"] else ""
    title = f"{state}{build}, {interval([span['from'], span['to']])}"
    bar = axis.bar(parse(span["from"]), parse(span["to"]), span["state"], title)
    if bar is None or bar.width < 12:
        return bar
    label = f"{state} {span['build']}" if bar.width >= 30 else state
    return Bar(bar.x, bar.width, bar.look, bar.title, label.strip())


def _logs(verdict: VerdictEntry) -> list[CoverageEntry]:
    """Needed logs first; at most as many as a page holds."""
    logs = verdict["coverage"]
    return logs[: max(MAX_LOG_LANES, sum(log["needed"] for log in logs))]


def _log_lane(log: CoverageEntry, axis: _Axis) -> Lane:
    seen = [
        axis.bar(parse(start), parse(end), "seen", f"seen {interval([start, end])}")
        for start, end in log["observed"]
    ]
    gaps = [
        axis.bar(parse(start), parse(end), "gap", f"missing {interval([start, end])}")
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


def _ticks(axis: _Axis) -> tuple[Tick, ...]:
    """Round moments, at most nine."""
    length = axis.end - axis.start
    step = next((step for step in _STEPS if length / step <= 8), length / 8)
    offset = (_EPOCH - axis.start) % step  # to the first round moment
    count = (length - offset) // step + 1 if offset <= length else 0
    moments = (axis.start + offset + number * step for number in range(count))
    return tuple(
        Tick(axis.x(when), _tick_label(when, step)) for when in moments if axis.x(when) <= 96
    )


def _tick_label(when: datetime, step: timedelta) -> str:
    text = when.isoformat()
    if step >= timedelta(days=365):
        return text[:4]
    if step >= timedelta(days=1):
        return text[5:10]
    return text[11:19] if step < timedelta(minutes=1) else text[5:16].replace("T", " ")
