"""What could be seen, and when: per log kind, against the campaign's window.

Law 1, *unread is not clean*: a log that was not read, or has silent days, leaves an interval for
which nothing can be said. Hours are the grain: an hour with one readable event is observed.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from afterpatch.model.campaigns import Campaign, NeededLog
from afterpatch.model.places import Gap
from afterpatch.model.readings import Reading
from afterpatch.model.times import EPOCH, HOUR, Interval, hours_to_intervals, merge, subtract
from afterpatch.model.verdicts import LogCoverage

WEB_FILES: Final = "web-files"
_LISTING_KINDS: Final = frozenset({"web-file", "directory-listing"})
# Pages that every Exchange server has in owa/auth (Microsoft's hash baselines): where one of them
# is, the folder was collected, not a single find.
_STOCK_PAGES: Final = tuple(
    f"/frontend/httpproxy/owa/auth/{page}.aspx" for page in ("errorfe", "logoff", "logon")
)
# What a damaged file of a kind may have held; a kind that is not here may have held any log.
_HOLDS: Final[Mapping[str, str | None]] = {
    "iis-w3c": "iis",
    "httperr": "httperr",
    "httpproxy": "httpproxy:",
    "ecp-server": "ecp-server",
    "oabgenerator": "oabgenerator",
    "exchange-log": "exchange:",
    "exchange-setup": "exchange-setup",
    "access-log": "access",
    "apache-access": "access",
    "nginx-access": "access",
    "proxy-w3c": "proxy",
    "squid": "squid",
    "squid-combined": "squid",
    "evtx": "windows:",
    "windows-json": "windows:",
    "web-file": WEB_FILES,
    "directory-listing": WEB_FILES,
    # These are read for what they say of a host; "unknown" was read and is no log we know.
    "iis-config": None,
    "healthchecker": None,
    "registry-export": None,
    "inventory-csv": None,
    "machine-csv": None,
    "orion-dll": None,
    "unknown": None,
}
# Times outside these years are nonsense, and too near to the ends of what a datetime can hold.
_FIRST_HOUR: Final = (datetime(1601, 1, 1, tzinfo=UTC) - EPOCH) // HOUR
_LAST_HOUR: Final = (datetime(9000, 1, 1, tzinfo=UTC) - EPOCH) // HOUR


def log_coverage(
    campaign: Campaign, readings: Sequence[Reading], window: Interval
) -> tuple[LogCoverage, ...]:
    """Coverage of every log the campaign looks at, in the campaign's order."""
    clearing = {log for group in campaign.clearing for log in group}
    covered = []
    for log in campaign.logs:
        observed = tuple(_observed(log, readings, window))
        covered.append(
            LogCoverage(
                log=log.id,
                title=log.title,
                needed=log.id in clearing,
                observed=observed,
                missing=tuple(subtract(window, observed)),
                records=_records(log, readings),
            )
        )
    return tuple(covered)


def _observed(log: NeededLog, readings: Sequence[Reading], window: Interval) -> list[Interval]:
    if log.id == WEB_FILES:
        # A listing shows what lay there when it was taken, whatever day that file was written.
        return [window] if any(_lists_web_root(reading) for reading in readings) else []
    if log.silence_hours == 0:
        seen = (_hours(reading, log.id) for reading in readings)
        return merge(_ring(hours) for hours in seen if hours)
    hours = {hour for reading in readings for hour in _hours(reading, log.id)}
    tolerance = timedelta(hours=log.silence_hours)
    observed = hours_to_intervals(hours, tolerance)
    if observed and timedelta(0) < window.end - observed[-1].end <= tolerance:
        # Silence up to the end of the window is silence like any other.
        observed[-1] = Interval(observed[-1].start, window.end)
    return observed


def _hours(reading: Reading, log: str) -> list[int]:
    """Hours of a log with events, ascending, without those that cannot be true."""
    seen = reading.observed.get(log, {})
    return sorted(h for h, events in seen.items() if events and _FIRST_HOUR <= h < _LAST_HOUR)


def _span(first: int, end: int) -> Interval:
    return Interval(EPOCH + first * HOUR, EPOCH + end * HOUR)


def _ring(hours: Sequence[int]) -> Interval:
    """A ring buffer holds everything between its oldest and its newest event."""
    return _span(hours[0], hours[-1] + 1)


def _lists_web_root(reading: Reading) -> bool:
    if reading.source.kind == "directory-listing":
        return reading.source.events > 0
    origin = reading.source.item.origin.casefold()
    return reading.source.kind == "web-file" and origin.endswith(_STOCK_PAGES)


def _records(log: NeededLog, readings: Iterable[Reading]) -> int:
    if log.id == WEB_FILES:
        return sum(r.source.events for r in readings if r.source.kind in _LISTING_KINDS)
    return sum(sum(reading.observed.get(log.id, {}).values()) for reading in readings)


def blind_intervals(
    campaign: Campaign,
    coverage: Sequence[LogCoverage],
    readings: Sequence[Reading],
    gaps: Sequence[Gap],
    window: Interval,
) -> dict[tuple[str, ...], list[Interval]]:
    """Any-of log group -> the parts of the window where no log of the group was observed or whole.

    Records lost inside a file blind the hours of that file, and the silence around it; evidence
    that was not read at all could be any log of its kind, so it blinds those for the whole window.
    """
    lost = _lost(campaign, readings, gaps, window)
    return _uncovered(campaign, coverage, lost, window)


def _uncovered(
    campaign: Campaign,
    coverage: Sequence[LogCoverage],
    lost: Mapping[str, Sequence[Interval]],
    window: Interval,
) -> dict[tuple[str, ...], list[Interval]]:
    observed = {entry.log: entry.observed for entry in coverage}
    blind: dict[tuple[str, ...], list[Interval]] = {}
    for group in campaign.clearing:
        whole = [
            part
            for log in group
            # What lies on disk today shows no visits: it never stands in for a log.
            if log != WEB_FILES or len(group) == 1
            for span in observed.get(log, ())
            for part in subtract(span, lost.get(log, ()))
        ]
        blind[group] = subtract(window, whole)
    return {group: intervals for group, intervals in blind.items() if intervals}


def _lost(
    campaign: Campaign, readings: Sequence[Reading], gaps: Sequence[Gap], window: Interval
) -> dict[str, list[Interval]]:
    """Log -> intervals in which records were lost, or may have been."""
    read = {reading.source.item.name for reading in readings}
    gapped = {gap.source for gap in gaps} | {r.source.item.name for r in readings if r.gaps}
    damaged = [r for r in readings if r.source.item.name in gapped]
    whole = _by_origin(r for r in readings if r.source.item.name not in gapped)
    lost: dict[str, list[Interval]] = defaultdict(list)
    for log in campaign.logs:
        if gapped - read:
            lost[log.id].append(window)
            continue
        seen = sorted({h for r in readings for h in _hours(r, log.id)}) if damaged else []
        for reading in damaged:
            hours = _hours(reading, log.id)
            if hours and not _has_whole_copy(hours, log.id, whole[_origin(reading)]):
                lost[log.id].append(_around(hours, seen, log.silence_hours))
            elif not hours and _may_hold(reading, log.id):
                lost[log.id].append(_unseen(reading, window))
    return {log: intervals for log, intervals in lost.items() if any(intervals)}


def _unseen(reading: Reading, window: Interval) -> Interval:
    """Where records of a log may have been lost in a damaged file that shows none of that log."""
    if not any(reading.observed.values()):
        return window
    if reading.source.kind != "windows-json":
        return Interval(window.start, window.start)  # a file of another log
    # One export may hold every channel, so any of them may have lost records.
    return _ring(sorted(h for log in reading.observed for h in _hours(reading, log)))


def _origin(reading: Reading) -> str:
    return reading.source.item.origin.casefold()


def _by_origin(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    found: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        found[_origin(reading)].append(reading)
    return found


def _has_whole_copy(hours: Sequence[int], log: str, copies: Sequence[Reading]) -> bool:
    """Another state of the same file (a shadow copy) that was read whole and reaches as far."""
    return any(set(hours) <= set(_hours(copy, log)) for copy in copies)


def _may_hold(reading: Reading, log: str) -> bool:
    held = _HOLDS.get(reading.source.kind, "")
    return held is not None and log.startswith(held)


def _around(hours: Sequence[int], seen: Sequence[int], silence: int) -> Interval:
    """The hours of a damaged file with the silence beside it: lost records may lie there."""
    before, after = bisect_left(seen, hours[0]), bisect_right(seen, hours[-1])
    first = max(hours[0] - silence, seen[before - 1] + 1 if before else _FIRST_HOUR)
    end = min(hours[-1] + 1 + silence, seen[after] if after < len(seen) else _LAST_HOUR)
    return _span(min(first, hours[0]), max(end, hours[-1] + 1))


def last_seen(readings: Iterable[Reading]) -> datetime | None:
    """The latest event time of these readings: the moment the evidence was still being written."""
    return max((r.source.last for r in readings if r.source.last), default=None)
