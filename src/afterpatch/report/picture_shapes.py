"""What a picture is made of: lanes, bars, marks, ticks, and the axis that turns time into per cent.

Enters: moments. Leaves: frozen geometry in per cent of the width. A gap is never drawn thinner than
it can be seen, and what lies outside the picture is pinned to its edge, not dropped.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from afterpatch.report.words import parse

MIN_GAP_PERCENT: Final = 0.35
SECOND: Final = timedelta(seconds=1)
LAST: Final = datetime.max.replace(tzinfo=UTC)
_STEPS: Final = tuple(
    timedelta(seconds=s)
    for s in (
        1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400,
        172_800, 345_600, 604_800, 1_209_600, 2_419_200, 7_257_600, 31_536_000,
    )
)  # fmt: skip
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_EPOCH: Final = parse("2021-01-04T00:00:00Z")  # a Monday: weekly ticks fall on Mondays


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane.

    ``look``: seen, gap, spare (a gap that does not matter), open (cannot be cleared), affected,
    mitigated, fixed or unknown.
    """

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


class Axis:
    """Time -> per cent of the width, clipped to the edges."""

    def __init__(self, start: datetime, end: datetime) -> None:
        # A second wide at least; the last second of the year 9999 has nothing after it.
        self.start = min(start, LAST - SECOND)
        self.end = max(end, self.start + SECOND)

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
        least = MIN_GAP_PERCENT if look in ("gap", "spare", "open") else 0.0
        width = max(width, least)
        return Bar(min(left, 100 - width), round(width, 3), look, title, label)

    def holds(self, when: datetime) -> bool:
        return self.start <= when <= self.end


def ticks(axis: Axis) -> tuple[Tick, ...]:
    """Round moments, at most nine."""
    length = axis.end - axis.start
    step = next((step for step in _STEPS if length / step <= 8), length / 8)
    offset = (_EPOCH - axis.start) % step  # to the first round moment
    count = (length - offset) // step + 1 if offset <= length else 0
    moments = (axis.start + offset + number * step for number in range(count))
    return tuple(
        Tick(axis.x(when), _tick_label(when, step)) for when in moments if 3 <= axis.x(when) <= 96
    )


def _tick_label(when: datetime, step: timedelta) -> str:
    text = when.isoformat()
    if step >= timedelta(days=365):
        return text[:4]
    if step >= timedelta(days=1):
        return f"{when.day} {_MONTHS[when.month - 1]}"
    clock = text[11:19] if step < timedelta(minutes=1) else text[11:16]
    return clock if step < timedelta(hours=6) else f"{when.day} {_MONTHS[when.month - 1]} {clock}"
