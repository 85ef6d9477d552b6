"""Everything that looks at events in one process: a campaign's detector, a hunt, or both.

The two do not know each other: a rule of the user's can change no verdict, and an id may stand in
both. They share what is costly, the reading of the evidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from afterpatch.detect.detector import Detector, MatchResult
from afterpatch.detect.hunter import Hunter
from afterpatch.detect.prefilters import Family
from afterpatch.detect.sigma.columns import Columns
from afterpatch.model.batches import (
    Batch,
    Cell,
    ColumnsWanted,
    Declared,
    Logsource,
    Spelling,
    Wanted,
)
from afterpatch.model.campaigns import Indicator, RuleText
from afterpatch.model.hunts import Hunted, Suppression
from afterpatch.model.rules import Placeholders

# Columns that say what kind of event an example is; rules seldom name them.
KEEP: Final = ("EventID", "Channel")


@dataclass(frozen=True, slots=True)
class HuntRules:
    """What the user hunts with, as plain data that crosses process borders."""

    sigma: tuple[RuleText, ...] = ()
    yara: tuple[RuleText, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    placeholders: Placeholders = field(default_factory=dict)
    examples: int = 5

    def build(self, cache: Path | None = None) -> Hunter:
        """Compile for this process. Raises UsageError for a suppression that cannot be read.

        ``cache``: as for :meth:`Detector.build`.
        """
        detector = Detector.build(
            self.sigma, self.yara, self.indicators, KEEP, self.placeholders, cache=cache
        )
        return Hunter(detector, self.suppressions, self.examples)


@dataclass(frozen=True, slots=True)
class Engines:
    """``campaign``: what the verdicts rest on. ``hunter``: the user's own rules, if any."""

    campaign: Detector
    hunter: Hunter | None = None

    @property
    def examples(self) -> int:
        """How many examples a sum of the hunt keeps."""
        return self.hunter.examples if self.hunter else 0

    def wanted(self, prefilter: Family) -> Wanted | None:
        """Lines that either asks for; None = every line must be parsed."""
        mine = self.campaign.wanted(prefilter)
        if self.hunter is None or mine is None:
            return mine
        return _either(mine, self.hunter.detector.wanted(prefilter))

    def wanted_of(self, declared: Declared, spelling: Spelling) -> Wanted | None:
        """The same for a log that declares its log source and columns."""
        mine = self.campaign.wanted_of(declared, spelling)
        if self.hunter is None or mine is None:
            return mine
        return _either(mine, self.hunter.detector.wanted_of(declared, spelling))

    @property
    def columns_wanted(self) -> ColumnsWanted | None:
        """Columns that either looks at; None = all."""
        mine = self.campaign.columns_wanted
        if self.hunter is None:
            return mine
        theirs = self.hunter.columns_wanted
        return None if theirs is None else _Both(mine, theirs)

    def match(self, batch: Batch, spans: Sequence[tuple[str, int]]) -> tuple[MatchResult, ...]:
        """One result per span, as :meth:`Detector.match`."""
        columns = Columns(batch)
        results = self.campaign.match(batch, spans, columns)
        if self.hunter is None:
            return results
        hunted = self.hunter.match(batch, spans, columns)
        return tuple(
            replace(result, hunted=found) for result, found in zip(results, hunted, strict=True)
        )

    def applicable(self, logsource: Logsource) -> MatchResult:
        """No hits; ``evaluated`` are the rules that events of a log source are tested with."""
        theirs = self.hunter.detector.applicable(logsource) if self.hunter else frozenset()
        mine = self.campaign.applicable(logsource)
        return MatchResult(evaluated=mine, hunted=Hunted(evaluated=theirs))


@dataclass(frozen=True, slots=True)
class _Both:
    one: ColumnsWanted
    other: ColumnsWanted

    def __call__(self, logsource: Logsource, event_id: str) -> frozenset[str] | None:
        mine = self.one(logsource, event_id)
        theirs = None if mine is None else self.other(logsource, event_id)
        return None if mine is None or theirs is None else mine | theirs

    def within(self, block: bytes | memoryview) -> ColumnsWanted:
        return _Both(self.one.within(block), self.other.within(block))


def _either(mine: Wanted, theirs: Wanted | None) -> Wanted | None:
    return None if theirs is None else _Either(mine, theirs)


@dataclass(frozen=True, slots=True)
class _Either:
    one: Wanted
    other: Wanted

    @property
    def cells(self) -> tuple[Cell, ...]:
        return (*self.one.cells, *self.other.cells)

    def offsets(self, block: bytes | bytearray | memoryview) -> npt.NDArray[np.int64]:
        return np.union1d(self.one.offsets(block), self.other.offsets(block))
