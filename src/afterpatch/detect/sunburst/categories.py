"""An authority's categories (CISA ED 21-01), and the funnel: how many hosts got how far.

Enters: hosts, the days for which a log of look-ups was seen, the campaign's :class:`Triage`.
Leaves: :class:`Judged` per host, :class:`Funnel`. Which condition gives which category is the
campaign's; what the conditions mean stands here, for only the decoder knows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from afterpatch.detect.sunburst.hosts import Host
from afterpatch.detect.sunburst.signs import STAGES
from afterpatch.model.campaigns import Triage

_LONGEST_PAUSE: Final = timedelta(minutes=43_260)  # thirty days, the longest an answer can set
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Judged:
    """One host's category and the reason."""

    host: Host
    category: str
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


def missing_days(seen: Collection[date], triage: Triage) -> tuple[date, ...]:
    """Days of the window without a record of look-ups."""
    days = (triage.last_day - triage.first_day).days + 1
    every = (triage.first_day + timedelta(days=at) for at in range(days))
    return tuple(day for day in every if day not in seen)


def judge(host: Host, missing: Sequence[date], triage: Triage) -> Judged:
    """The category of one host that beaconed: that of the first rule that holds."""
    rule = next(rule for rule in triage.rules if _holds(rule.when, host, missing, triage))
    because = rule.because
    if missing:
        told = {"{days}": len(missing), "{first}": missing[0], "{last}": missing[-1]}
        for mark, value in told.items():
            because = because.replace(mark, str(value))
    if host.last:
        because = because.replace("{ceased}", f"{host.last:%Y-%m-%d}")
    return Judged(host, rule.category, because)


def _holds(when: str, host: Host, missing: Sequence[date], triage: Triage) -> bool:
    subject, _, stage = when.partition(":")
    if subject == "stage":
        return host.stage == stage
    if when == "days-missing":
        return bool(missing)
    if when == "stopped":
        return host.stopped
    if when == "ceased":
        after = datetime.combine(triage.last_day + timedelta(days=1), time(), UTC)
        return host.last is not None and host.last + _LONGEST_PAUSE < after
    return True


def funnel(judged: Iterable[Judged]) -> Funnel:
    """Counts over all hosts."""
    rows = tuple(judged)
    ranks = [STAGES.index(row.host.stage) for row in rows]
    return Funnel(
        beaconed=len(rows),
        stopped=sum(row.host.stopped for row in rows),
        targeted=sum(rank >= STAGES.index("targeted") for rank in ranks),
        http_c2=sum(rank >= STAGES.index("http-c2") for rank in ranks),
        unknown=sum(row.category == UNKNOWN for row in rows),
        doubted=sum(bool(row.host.doubts) for row in rows),
    )
