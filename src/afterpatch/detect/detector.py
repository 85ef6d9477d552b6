"""Everything that detects, behind one face: what pipeline uses, one per process.

Enters: rule texts, indicators, then batches and file contents. Leaves: hits, exact counts, which
rules met events they apply to. Will not do: open evidence, judge, name hosts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from afterpatch.detect.columns_wanted import Wants
from afterpatch.detect.content import ContentMatcher
from afterpatch.detect.decoders import decoder_named
from afterpatch.detect.hit_correlations import HitCorrelations
from afterpatch.detect.hit_rows import hits_at
from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.detect.prefilters import Family, Prefilters
from afterpatch.detect.rule_set import RuleSet
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.store import RuleStore, load_rules
from afterpatch.detect.yara import YaraEngine
from afterpatch.model.batches import (
    Batch,
    ColumnsWanted,
    Declared,
    Logsource,
    Spelling,
    Wanted,
)
from afterpatch.model.campaigns import Indicator, RuleText
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.hunts import Hunted
from afterpatch.model.rules import Placeholders, RuleStatus

MAX_HITS_PER_RULE: Final = 20_000


@dataclass(frozen=True, slots=True)
class MatchResult:
    """hits: by rule, then row. overflow: rule id -> matches beyond the hits kept (exact).

    evaluated: kinds of the rules that apply to the batch, whether or not they matched.
    hunted: what a hunt beside the campaign summed up.
    """

    hits: tuple[Hit, ...] = ()
    overflow: Mapping[str, int] = field(default_factory=dict)
    evaluated: frozenset[str] = frozenset()
    hunted: Hunted = field(default_factory=Hunted)


class Detector:
    """Made by :meth:`build`. ``unsupported``: (rule id or path, reason) of what was refused, for
    whatever reason; :meth:`statuses` tells rules that need a placeholder apart.
    """

    def __init__(self, rules: RuleSet, prefilters: Prefilters, keep: Iterable[str]) -> None:
        self.rules: Final = rules
        self.unsupported: Final = rules.unsupported
        self._prefilters = prefilters
        self._keep = tuple(dict.fromkeys(keep))
        self.content: Final = ContentMatcher(rules.yara, rules.indicators)
        self._hit_correlations = HitCorrelations(rules.parsed.correlations)
        self._feeds = self._hit_correlations.feeds
        self.columns_wanted: Final[ColumnsWanted] = Wants(
            rules.sigma.rules,
            rules.sigma.rules_for,
            self._shown,
            self._keep,
            rules.indicators.columns,
        )

    @classmethod
    def build(
        cls,
        sigma: Iterable[RuleText],
        yara: Iterable[RuleText],
        indicators: Iterable[Indicator],
        keep: Iterable[str] = (),
        placeholders: Placeholders = MappingProxyType({}),
        decoder: str = "",
        cache: Path | None = None,
    ) -> "Detector":
        """Parse and compile everything. Never raises for rule content: see ``unsupported``.

        keep          columns every hit carries where the batch has them, beside its rule's
                      ``fields``.
        placeholders  what the names stand for that Sigma rules expand.
        cache         a folder, the user's own, that remembers Sigma rules between runs.
        """
        store = None if cache is None else RuleStore(cache)
        looked_for = tuple(indicators)
        parsed = load_rules(sigma, placeholders, store)
        rules = RuleSet(
            parsed,
            SigmaEngine(parsed.rules, store),
            YaraEngine(yara),
            IndicatorEngine(looked_for),
            decoder_named(decoder),
        )
        screened = (*looked_for, *rules.decoder.screen)
        return cls(rules, Prefilters(rules.sigma, screened, store), keep)

    @property
    def infos(self) -> tuple[RuleInfo, ...]:
        """Every rule and indicator that can be evaluated."""
        return self.rules.infos

    def statuses(self, evaluated: Collection[str]) -> Iterator[RuleStatus]:
        """What became of every rule in a run; see :meth:`RuleSet.statuses`."""
        return self.rules.statuses(evaluated)

    def applicable(self, logsource: Logsource) -> frozenset[str]:
        """The rules and indicators that events of a log source are tested with, by kind."""
        return self.rules.of_logsource(logsource)

    @property
    def content_rules(self) -> frozenset[str]:
        """Everything that ``content`` tests, by kind."""
        return self.rules.of_content

    @property
    def silent(self) -> frozenset[str]:
        """Rules that only feed correlations: their hits go to :meth:`correlate`, no further."""
        return self._hit_correlations.silent

    @property
    def feeding(self) -> frozenset[str]:
        """Rules whose hits :meth:`correlate` takes."""
        return frozenset(self._feeds)

    def wanted(self, prefilter: Family) -> Wanted | None:
        """The raw-text prefilter of a family of logs; None = every line must be parsed."""
        return self._prefilters.of_family(prefilter).prefilter

    def wanted_of(self, declared: Declared, spelling: Spelling) -> Wanted | None:
        """The same for the log of one log source alone, with just these columns if they are told.

        A rule that cannot hold without a column the log does not have asks for nothing.
        """
        return self._prefilters.of_log(declared, spelling).prefilter

    def forced_by(self, prefilter: Family) -> tuple[tuple[str, str], ...]:
        """(rule id, reason) of the rules that make :meth:`wanted` None."""
        return self._prefilters.of_family(prefilter).forced_by

    def log_forced_by(self, declared: Declared, spelling: Spelling) -> tuple[tuple[str, str], ...]:
        """The same for :meth:`wanted_of`."""
        return self._prefilters.of_log(declared, spelling).forced_by

    def match(
        self, batch: Batch, spans: Sequence[tuple[str, int]], columns: Columns | None = None
    ) -> tuple[MatchResult, ...]:
        """Hits of all Sigma rules and indicators in a batch, one result per span.

        spans    whose rows these are, in order: (``Item.name``, number of rows).
        columns  those of the batch, where another detector looks at them, too.
        """
        ends = np.cumsum([rows for _, rows in spans])
        hits: list[list[Hit]] = [[] for _ in spans]
        overflow: list[dict[str, int]] = [{} for _ in spans]
        for info, rows in self.matches(batch, columns):
            parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
            for at, part in enumerate(parts):
                if len(part) > MAX_HITS_PER_RULE:
                    overflow[at][info.id] = len(part) - MAX_HITS_PER_RULE
                if len(part):
                    kept = part[:MAX_HITS_PER_RULE]
                    hits[at].extend(self.hits(info, kept, batch, spans[at][0]))
        self._decode(batch, spans, ends, hits, overflow)
        evaluated = self.rules.of_batch(batch)
        return tuple(
            MatchResult(tuple(found), beyond, evaluated)
            for found, beyond in zip(hits, overflow, strict=True)
        )

    def _decode(
        self,
        batch: Batch,
        spans: Sequence[tuple[str, int]],
        ends: Indexes,
        hits: list[list[Hit]],
        overflow: list[dict[str, int]],
    ) -> None:
        """Add what the decoder reads to the hits of each span."""
        kept: Counter[tuple[int, str]] = Counter()
        for found in self.rules.decoder.decode(batch):
            at = int(np.searchsorted(ends, found.row, side="right"))
            kept[at, found.info.id] += 1
            if kept[at, found.info.id] > MAX_HITS_PER_RULE:
                overflow[at][found.info.id] = kept[at, found.info.id] - MAX_HITS_PER_RULE
                continue
            (hit,) = self.hits(found.info, np.array([found.row]), batch, spans[at][0])
            hits[at].append(replace(hit, fields={**hit.fields, **found.fields}))

    def matches(
        self, batch: Batch, columns: Columns | None = None
    ) -> Iterator[tuple[RuleInfo, Indexes]]:
        """(rule or indicator, matching row numbers, ascending)."""
        for rule, rows in self.rules.sigma.match(batch, columns):
            yield rule.info, rows
        yield from self.rules.indicators.match(batch)

    def hits(
        self,
        info: RuleInfo,
        rows: Indexes,
        batch: Batch,
        source: str,
        more_fields: Iterable[str] = (),
    ) -> Iterator[Hit]:
        """One hit per row, carrying the rule's ``fields``, what correlations read, and more."""
        shown = dict.fromkeys((*self._shown(info), *more_fields))
        return hits_at(info.id, rows, batch, source, shown)

    def _shown(self, info: RuleInfo) -> Iterable[str]:
        """Fields that every hit of the rule carries."""
        return dict.fromkeys((*info.fields, *self._feeds.get(info.id, ()), *self._keep))

    def correlate(self, hits: Iterable[Hit]) -> tuple[Hit, ...]:
        """Hits of the correlation rules over the hits of one host, or of several together.

        Takes all hits, in any order; those of no interest or without a time take no part. A hit
        stands at the last match of its stretch: time, place and original text are that match's.
        """
        return tuple(hit for hit, _ in self.correlate_sources(hits))

    def correlate_sources(self, hits: Iterable[Hit]) -> tuple[tuple[Hit, frozenset[str]], ...]:
        """The same, each with the names of the sources that its stretch lies in."""
        return self._hit_correlations.run(hits)
