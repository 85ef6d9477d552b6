"""What reading one source gave: the unit of work, small enough to send between processes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from afterpatch.model.hits import Hit
from afterpatch.model.hunts import Hunted
from afterpatch.model.places import Fact, Gap, Notice, Source


@dataclass(frozen=True, slots=True)
class Reading:
    """One source, read and hunted through.

    overflow   rule id -> matches beyond the hits kept; counts stay exact.
    observed   coverage: log name -> hours since the epoch with events -> how many.
    evaluated  the rules that met events they apply to, by ``RuleInfo.kind``.
    hunted     what the user's own rules found, summed up.
    """

    source: Source
    hits: tuple[Hit, ...] = ()
    overflow: Mapping[str, int] = field(default_factory=dict)
    observed: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notices: tuple[Notice, ...] = ()
    evaluated: frozenset[str] = frozenset()
    hunted: Hunted = field(default_factory=Hunted)
