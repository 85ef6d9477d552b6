"""Correlation rules over hits: what they need of them, and what they make of them.

Enters: correlations, then the hits of one host or of several. Leaves: hits of the correlations.
"""

from collections.abc import Iterable

from afterpatch.detect.sigma.ast import Correlation
from afterpatch.detect.sigma.correlation import Row, Stretch, correlate
from afterpatch.model.hits import Hit
from afterpatch.model.times import rfc3339, to_us


class HitCorrelations:
    """``feeds``: rule id -> the fields correlations need of its hits. ``silent``: rules that feed
    correlations and do not report by themselves.
    """

    def __init__(self, correlations: tuple[Correlation, ...]) -> None:
        self.feeds = _feeds(correlations)
        self.silent = _silent(correlations)
        self._ordered = _referenced_first(correlations)

    def run(self, hits: Iterable[Hit]) -> tuple[tuple[Hit, frozenset[str]], ...]:
        """Hits of the correlations, each with the names of the sources its stretch lies in.

        Takes all hits, in any order; those of no interest or without a time take no part.
        """
        fed = sorted(
            (h for h in hits if h.time is not None and h.rule in self.feeds),
            key=lambda hit: (hit.time, hit.place, hit.rule),
        )
        rows = [
            Row(hit.rule, to_us(hit.time), hit.fields, position)
            for position, hit in enumerate(fed)
            if hit.time is not None
        ]
        return tuple(
            (
                _stretch_hit(stretch, fed),
                frozenset(fed[row.key].place.source for row in stretch.rows),
            )
            for stretch in correlate(self._ordered, rows)
        )


def _feeds(correlations: tuple[Correlation, ...]) -> dict[str, tuple[str, ...]]:
    """Rule id -> the fields correlations need of its hits."""
    needed: dict[str, dict[str, None]] = {}
    for correlation in correlations:
        for rule in correlation.rules:
            fields = needed.setdefault(rule, {})
            for name in (*correlation.group_by, *correlation.fields):
                fields[correlation.aliases.get(name, {}).get(rule, name)] = None
    return {rule: tuple(fields) for rule, fields in needed.items()}


def _silent(correlations: tuple[Correlation, ...]) -> frozenset[str]:
    """Rules some correlation reads without ``generate: true`` and none reads with it."""
    quiet = {rule for c in correlations if not c.generate for rule in c.rules}
    loud = {rule for c in correlations if c.generate for rule in c.rules}
    return frozenset(quiet - loud)


def _referenced_first(correlations: tuple[Correlation, ...]) -> list[Correlation]:
    """Correlations after those they read (the parser already refused cycles)."""
    waiting = {correlation.info.id: correlation for correlation in correlations}
    ordered: list[Correlation] = []
    while waiting:
        ready = [c for c in waiting.values() if waiting.keys().isdisjoint(c.rules)]
        ordered.extend(ready)
        for correlation in ready:
            del waiting[correlation.info.id]
    return ordered


def _stretch_hit(stretch: Stretch, hits: list[Hit]) -> Hit:
    first, last = hits[stretch.rows[0].key], hits[stretch.rows[-1].key]
    assert first.time is not None
    return Hit(
        rule=stretch.correlation.info.id,
        time=last.time,
        place=last.place,
        fields={
            **stretch.group,
            "@first": rfc3339(first.time),
            "@matches": str(len(stretch.rows)),
            "@rules": ", ".join(sorted({row.rule for row in stretch.rows})),
        },
        raw=last.raw,
    )
