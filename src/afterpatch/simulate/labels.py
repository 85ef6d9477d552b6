"""The truth about a simulated server: what happened, and what its evidence can still show.

Enters: a plan and the trace of its acts. Leaves: a :class:`Label`. A verdict is right when its
stage lies between ``stage`` and ``ceiling``; for most servers the two are equal.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from afterpatch.model.times import rfc3339
from afterpatch.simulate.scenario import (
    FIRST_COMPROMISED,
    PROTOCOLS,
    ServerPlan,
    band,
    hours,
    rank,
    utc,
)
from afterpatch.simulate.trace import Trace

WINDOW_START: Final = utc("2021-01-06")  # first exploitation known (Volexity)
# Logs that must cover the window before a server may be called clear: one of each group.
CLEARING: Final = (
    ("httpproxy:Ecp",),
    ("httpproxy:Owa",),
    ("ecp-server", "windows:MSExchange Management"),
    ("iis-front",),
)
LABELS_SCHEMA: Final = "afterpatch.labels/1"


@dataclass(frozen=True, slots=True)
class Culprit:
    """One actor's intrusion: what tells it apart, and from when to when its traces reach."""

    actor: str
    addresses: tuple[str, ...]
    canaries: tuple[str, ...]
    shells: tuple[str, ...]
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """What a right verdict says of one server. Times are RFC 3339 text, UTC.

    happened      the stage really reached, seen or not.
    stage         the least a verdict must say: proven by single rows that survive.
    ceiling       the most it may say: what a fair reader could still draw from what survives.
    order         patched-before, patched-after-exploitation, not-patched or unknown.
    order_certain whether logs date both the patch and the first exploitation.
    complete      every log of ``CLEARING`` covers the window from 2021-01-06 to the patch, and
                  the web files are there.
    cleared       complete, and at most attempted.
    """

    server: str
    fqdn: str
    path: str
    layout: str
    happened: str
    stage: str
    ceiling: str
    band: str
    first_exploitation: str | None
    patched_at: str | None
    order: str
    order_certain: bool
    complete: bool
    cleared: bool
    intrusions: tuple[Culprit, ...]
    acts: tuple[str, ...]
    missing: tuple[str, ...]
    rolled: dict[str, str]
    holes: tuple[str, ...]
    truncated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """The truth about a whole scenario."""

    scenario: str
    seed: str
    servers: tuple[Label, ...]

    def document(self) -> dict[str, Any]:
        """What ``labels.json`` holds."""
        return {"schema": LABELS_SCHEMA, **asdict(self)}


def label(plan: ServerPlan, trace: Trace, path: str) -> Label:
    """The label of one server; ``path`` is where its evidence lies below the output folder."""
    stage, ceiling = "", ""
    exploited: datetime | None = None
    logged = False
    for log, when, witness in trace.surviving(plan):
        stage = max(stage, witness.shows, key=rank)
        ceiling = max(ceiling, witness.may_show, key=rank)
        if rank(witness.shows) >= rank(FIRST_COMPROMISED):
            exploited = min(exploited or when, when)
            logged = logged or log != "web-files"
    complete = _complete(plan)
    return Label(
        server=plan.name,
        fqdn=plan.fqdn,
        path=path,
        layout=plan.layout,
        happened=trace.happened,
        stage=stage,
        ceiling=max(stage, ceiling, key=rank),
        band=band(stage),
        first_exploitation=rfc3339(exploited) if exploited else None,
        patched_at=rfc3339(plan.patched_at) if plan.patched_at else None,
        order=_order(plan, exploited),
        order_certain=_order_certain(plan, trace) and (logged or exploited is None),
        complete=complete,
        cleared=complete and band(stage) in ("none", "attempted"),
        intrusions=tuple(_culprits(plan, trace)),
        acts=tuple(act.kind for act in plan.events),
        missing=tuple(sorted(plan.missing)),
        rolled={log: rfc3339(when) for log, when in sorted(plan.rolled.items())},
        holes=tuple(sorted(plan.holes)),
        truncated=tuple(sorted(plan.truncated)),
    )


def _order(plan: ServerPlan, exploited: datetime | None) -> str:
    if plan.patched_at is None:
        return "not-patched"
    if exploited is None or plan.patched_at <= exploited:
        return "patched-before"
    return "patched-after-exploitation"


def _build_times(plan: ServerPlan, trace: Trace) -> Iterable[datetime]:
    """Times at which some log in the evidence names the build that runs."""
    logs = [f"httpproxy:{p}" for p in plan.volume.protocols if p in ("Ecp", "Owa")]
    for hour in hours(plan):
        shown = hour.hour % plan.volume.every_hours == 0
        if (shown and any(plan.keeps(log, hour) for log in logs)) or plan.keeps("ecp-server", hour):
            yield hour
    for log in ("ecp-server", *(f"httpproxy:{p}" for p in PROTOCOLS)):
        yield from (row.when for row in trace.rows.get(log, ()) if plan.keeps(log, row.when))


def _order_certain(plan: ServerPlan, trace: Trace) -> bool:
    times = list(_build_times(plan, trace))
    if plan.patched_at is None:
        return bool(times)
    before = any(when < plan.patched_at for when in times)
    after = any(when >= plan.patched_at for when in times)
    by_setup = plan.patch_kind == "cu" and "exchange-setup" not in plan.missing
    return (before and after) or by_setup


def _complete(plan: ServerPlan) -> bool:
    first, last = plan.days
    end = min(plan.patched_at or last, last)
    if first > WINDOW_START or plan.truncated or plan.volume.every_hours > 6:
        return False
    if not {"Ecp", "Owa"} <= set(plan.volume.protocols) or "web-files" in plan.missing:
        return False
    due = [
        hour
        for hour in hours(plan)
        if WINDOW_START <= hour < end - timedelta(hours=1)
        and hour.hour % plan.volume.every_hours == 0
    ]
    return bool(due) and all(
        any(all(plan.keeps(log, hour) for hour in due) for log in group) for group in CLEARING
    )


def _culprits(plan: ServerPlan, trace: Trace) -> Iterable[Culprit]:
    """Actors of whom something compromising survives, by name."""
    times: dict[str, list[datetime]] = {}
    guilty: set[str] = set()
    for _, when, witness in trace.surviving(plan):
        if witness.actor:
            times.setdefault(witness.actor, []).append(when)
        if rank(witness.shows) >= rank(FIRST_COMPROMISED):
            guilty.add(witness.actor)
    for actor in sorted(guilty & set(trace.actors)):
        known = trace.actors[actor]
        yield Culprit(
            actor=actor,
            addresses=tuple(sorted(known.get("addresses", ()))),
            canaries=tuple(sorted(known.get("canaries", ()))),
            shells=tuple(sorted(known.get("shells", ()))),
            first=rfc3339(min(times[actor])),
            last=rfc3339(max(times[actor])),
        )
