"""Sums of a hunt, added up: over the batches of a source, then over the sources of a host."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from afterpatch.model.hits import Hit
from afterpatch.model.hunts import HitSum, Hunted, SumKey, example_order
from afterpatch.model.places import Gap

# Hits kept for correlations, per rule and sum; what is beyond is counted and becomes a gap.
MAX_FEEDING: Final = 100_000


class HuntTally:
    """Adds up in any order to the same total; its size depends on rules, not on matches."""

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._sums: dict[SumKey, HitSum] = {}
        self._feeding: dict[str, list[Hit]] = {}
        self._overflow = Counter[str]()
        self._evaluated: set[str] = set()
        self._gaps: set[Gap] = set()

    def add(self, hunted: Hunted) -> None:
        """One more part."""
        for key, found in hunted.sums.items():
            known = self._sums.get(key)
            self._sums[key] = found if known is None else known.plus(found, self._examples)
        for hit in hunted.feeding:
            self._feeding.setdefault(hit.rule, []).append(hit)
        for rule, hits in self._feeding.items():
            if len(hits) > 2 * MAX_FEEDING:
                self._cut(rule)
        self._overflow.update(hunted.overflow)
        self._evaluated |= hunted.evaluated
        self._gaps.update(hunted.gaps)

    def without_text(self) -> frozenset[int]:
        """Where the texts of one source's examples are that have none yet."""
        examples = (hit for found in self._sums.values() for hit in found.examples)
        return frozenset(hit.at for hit in examples if hit.at is not None)

    def add_texts(self, texts: Mapping[int, str]) -> None:
        """Texts of one source by their places."""
        for key, found in self._sums.items():
            examples = (
                hit if hit.at is None else replace(hit, raw=texts.get(hit.at, ""), at=None)
                for hit in found.examples
            )
            self._sums[key] = replace(found, examples=tuple(examples))

    def total(self) -> Hunted:
        """Everything so far."""
        for rule in self._feeding:
            self._cut(rule)
        return Hunted(
            sums=dict(self._sums),
            feeding=tuple(hit for rule in sorted(self._feeding) for hit in self._feeding[rule]),
            overflow={rule: count for rule, count in sorted(self._overflow.items()) if count},
            evaluated=frozenset(self._evaluated),
            gaps=tuple(sorted(self._gaps)),
        )

    def _cut(self, rule: str) -> None:
        hits = sorted(self._feeding[rule], key=example_order)
        self._overflow[rule] += max(0, len(hits) - MAX_FEEDING)
        self._feeding[rule] = hits[:MAX_FEEDING]
