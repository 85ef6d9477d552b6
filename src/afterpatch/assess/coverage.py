"""What could be seen, and when: per log kind, against the campaign's window.

Law 1, *unread is not clean*: a log that was not read, or has silent days, leaves an interval for
which nothing can be said. Hours are the grain: an hour with one readable event is observed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from afterpatch.model.campaigns import Campaign, NeededLog
from afterpatch.model.places import Gap
from afterpatch.model.readings import Reading
from afterpatch.model.times import EPOCH, HOUR, Interval, hours_to_intervals, merge, subtract
from afterpatch.model.verdicts import LogCoverage

WEB_FILES: Final = "web-files"
_LISTING_KINDS: Final = frozenset({"web-file", "directory-listing"})


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
        return merge(
            _ring(reading.observed.get(log.id, {}))
            for reading in readings
            if reading.observed.get(log.id)
        )
    hours = {hour for reading in readings for hour in reading.observed.get(log.id, {})}
    return hours_to_intervals(hours, timedelta(hours=log.silence_hours))


def _ring(hours: Mapping[int, int]) -> Interval:
    """A ring buffer holds everything between its oldest and its newest event."""
    return Interval(EPOCH + min(hours) * HOUR, EPOCH + (max(hours) + 1) * HOUR)


def _lists_web_root(reading: Reading) -> bool:
    if reading.source.kind not in _LISTING_KINDS:
        return False
    return reading.source.kind == "directory-listing" or (
        "/frontend/httpproxy/owa/auth/" in reading.source.item.origin.casefold()
    )


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

    Records lost inside a file blind the hours of that file; evidence that was not read at all could
    be any log, so it blinds every group for the whole window.
    """
    observed = {entry.log: entry.observed for entry in coverage}
    lost, unread = _lost(readings, gaps)
    blind: dict[tuple[str, ...], list[Interval]] = {}
    for group in campaign.clearing:
        whole = [
            part
            for log in group
            for span in observed.get(log, ())
            for part in subtract(span, lost.get(log, ()))
        ]
        missing = subtract(window, whole)
        blind[group] = [window] if unread else missing
    return {group: intervals for group, intervals in blind.items() if intervals}


def _lost(
    readings: Sequence[Reading], gaps: Sequence[Gap]
) -> tuple[dict[str, list[Interval]], bool]:
    """Log -> hours in which records were lost; and whether some evidence was not read at all."""
    lost: dict[str, list[Interval]] = defaultdict(list)
    read = {reading.source.item.name for reading in readings}
    for reading in readings:
        if not any(gap.records for gap in reading.gaps):
            continue
        for log, hours in reading.observed.items():
            if hours:
                lost[log].append(_ring(hours))
    return lost, any(gap.source not in read for gap in gaps)


def last_seen(readings: Iterable[Reading]) -> datetime | None:
    """The latest event time of these readings: the moment the evidence was still being written."""
    return max((r.source.last for r in readings if r.source.last), default=None)
