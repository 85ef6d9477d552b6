"""Hunts: any rules over any evidence, summed up per rule and host, without a verdict."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal

from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.places import Gap, Notice, Source
from afterpatch.model.rules import RuleState
from afterpatch.model.times import EPOCH

LEVELS: Final = ("critical", "high", "medium", "low", "informational")

# Which entries of the suppressions file a record's fields satisfy, as positions in that file.
Excused = frozenset[int]


@dataclass(frozen=True, slots=True)
class HitSum:
    """Matches of one rule: how many exactly, from when to when, and a few of them.

    examples  the earliest, in order of :func:`example_order`; the caller bounds how many.
    """

    count: int
    first: datetime | None
    last: datetime | None
    examples: tuple[Hit, ...]

    def plus(self, other: "HitSum", examples: int) -> "HitSum":
        """The sum of both, with at most so many examples. Associative and commutative."""
        firsts = [when for when in (self.first, other.first) if when is not None]
        lasts = [when for when in (self.last, other.last) if when is not None]
        both = (*self.examples, *other.examples)
        return HitSum(
            count=self.count + other.count,
            first=min(firsts, default=None),
            last=max(lasts, default=None),
            examples=tuple(heapq.nsmallest(examples, both, key=example_order)),
        )


def example_order(hit: Hit) -> tuple[object, ...]:
    """Earliest first, without a time last; total, so that the order of reading never shows."""
    return (hit.time is None, hit.time or EPOCH, hit.place, hit.raw, sorted(hit.fields.items()))


SumKey = tuple[str, Excused]  # rule id, what excuses the record


@dataclass(frozen=True, slots=True)
class Hunted:
    """What a hunt found in one source.

    evaluated ids of rules; of indicators their types (``indicator:ip``).
    feeding   hits of rules that correlations read, up to a limit per rule; ``overflow`` counts
              those beyond it.
    gaps      what only the hunt could not look at; the campaign's verdicts do not rest on it.
    """

    sums: Mapping[SumKey, HitSum] = field(default_factory=dict)
    feeding: tuple[Hit, ...] = ()
    overflow: Mapping[str, int] = field(default_factory=dict)
    evaluated: frozenset[str] = frozenset()
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Suppression:
    """Hits that are known to be harmless, for a reason and until a day.

    rule        id or title. host: a name or a glob, "" = every host.
    conditions  a Sigma selection over the record's fields, as YAML text; "" = every record.
    place       where it stands: ``file:line``.
    """

    rule: str
    host: str
    conditions: str
    reason: str
    expires: date
    place: str


SuppressionState = Literal["applied", "matched nothing", "expired", "unknown rule"]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One entry of the suppressions file and what it did; ``count`` is exact."""

    entry: Suppression
    state: SuppressionState
    count: int
    groups: tuple["HitGroup", ...]


@dataclass(frozen=True, slots=True)
class HitGroup:
    """One rule on one host.

    host_count  hosts of this run on which the rule was seen.
    campaigns   ids of the shipped campaigns the rule speaks of: by CVE, stage or rule id.
    """

    rule: RuleInfo
    host: str
    total: HitSum
    host_count: int
    campaigns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleFate:
    """What became of one rule in this run; ``reason`` says why it was not evaluated."""

    id: str
    title: str
    level: str
    engine: str
    state: RuleState
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Hunt:
    """Everything one hunt found; ``report`` renders it.

    groups      ranked, worst first. below: rules and hits under the asked level, not listed.
    fates       one per rule; of indicators only those that matched or could not be taken, since
                there may be a million: ``quiet_indicators`` counts the others by state.
    ignored     files among the rules that hold none (README, LICENSE …).
    own_gaps    what only the hunt could not look at; ``gaps`` are those of the evidence itself.
    """

    tool_version: str
    evidence: tuple[str, ...]
    level: str
    as_of: date | None
    hosts: tuple[str, ...]
    groups: tuple[HitGroup, ...]
    below_groups: int
    below_hits: int
    suppressed: tuple[Suppressed, ...]
    fates: tuple[RuleFate, ...]
    quiet_indicators: Mapping[RuleState, int]
    ignored: tuple[str, ...]
    sources: tuple[tuple[str, Source], ...]
    own_gaps: tuple[Gap, ...]
    gaps: tuple[Gap, ...]
    notices: tuple[Notice, ...]
