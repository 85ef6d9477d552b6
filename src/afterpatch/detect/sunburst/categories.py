"""CISA ED 21-01 categories, and the funnel: how many hosts got how far.

Enters: hosts, and the days for which a log of look-ups was seen. Leaves: :class:`Judged` per host,
:class:`Funnel`. "Stopped by the operator" is not clean. A missing day makes what would be category
2 unknown, never category 2: beacons may have gone on, or ceased unexplained, on that day.

Category 2: the binary was there, beacons or not, no other traffic of the intruder. Category 3:
second-stage traffic, or beacons that ceased before 2020-12-14 without the defenders' doing (CISA
AA20-352A). Category 1, never had the binary, cannot be told from names.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeAlias

from afterpatch.detect.sunburst.hosts import STAGES, Host

Category: TypeAlias = Literal["2", "3", "unknown"]

FIRST_DAY: Final = date(2020, 3, 24)  # first malicious build signed
LAST_DAY: Final = date(2020, 12, 13)  # the day before the directive's date
_CEASED: Final = datetime(2020, 12, 14, tzinfo=UTC)
_LONGEST_PAUSE: Final = timedelta(minutes=43_260)  # thirty days, the longest an answer can set


@dataclass(frozen=True, slots=True)
class Judged:
    """One host's category and the reason."""

    host: Host
    category: Category
    because: str


@dataclass(frozen=True, slots=True)
class Funnel:
    """Hosts by highest stage; each stage counts those that got further, ``stopped`` all stopped.

    unknown  hosts whose category the logs cannot tell. doubted  hosts with doubts among all.
    """

    beaconed: int
    stopped: int
    targeted: int
    http_c2: int
    unknown: int
    doubted: int


def missing_days(seen: Collection[date]) -> tuple[date, ...]:
    """Days of the window without a record of look-ups."""
    days = (LAST_DAY - FIRST_DAY).days + 1
    return tuple(day for at in range(days) if (day := FIRST_DAY + timedelta(days=at)) not in seen)


def judge(host: Host, missing: Sequence[date]) -> Judged:
    """The category of one host that beaconed."""
    if host.stage == "http-c2":
        return Judged(host, "3", "second-stage traffic")
    if host.stage == "targeted":
        return Judged(host, "3", "chosen for the second stage: category 3 until shown otherwise")
    if missing:
        text = f"{len(missing)} days from {missing[0]} to {missing[-1]} have no record of look-ups"
        return Judged(host, "unknown", text)
    if host.stopped:
        return Judged(host, "2", "beaconed until the operator stopped it; not clean")
    if host.last and host.last + _LONGEST_PAUSE < _CEASED:
        return Judged(host, "3", f"beacons ceased on {host.last:%Y-%m-%d}, unless defenders did it")
    return Judged(host, "2", "beaconed; nothing shows more")


def funnel(judged: Iterable[Judged]) -> Funnel:
    """Counts over all hosts."""
    rows = tuple(judged)
    ranks = [STAGES.index(row.host.stage) for row in rows]
    return Funnel(
        beaconed=len(rows),
        stopped=sum(row.host.stopped for row in rows),
        targeted=sum(rank >= STAGES.index("targeted") for rank in ranks),
        http_c2=sum(rank >= STAGES.index("http-c2") for rank in ranks),
        unknown=sum(row.category == "unknown" for row in rows),
        doubted=sum(bool(row.host.doubts) for row in rows),
    )
