"""Everything that detects, behind one face: what pipeline uses, one per process.

Enters: rule texts, indicators, then batches and file contents. Leaves: hits, exact counts, which
rules met events they apply to. Will not do: open evidence, judge, name hosts.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from afterpatch.detect.accounting import (
    content_statuses,
    correlation_statuses,
    refused_statuses,
    sigma_statuses,
)
from afterpatch.detect.columns_wanted import Wants
from afterpatch.detect.decoders import Decoder, decoder_named
from afterpatch.detect.hit_correlations import HitCorrelations
from afterpatch.detect.hit_rows import MAX_FIELD_CHARS, hits_at
from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.detect.prefilters import Family, Prefilters
from afterpatch.detect.sigma.ast import ANY_FIELD, Rule, tests
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.fields import names
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.store import RuleStore, load_rules
from afterpatch.detect.yara import ScanIncomplete, YaraEngine
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
from afterpatch.model.network import NATIVE
from afterpatch.model.places import Gap, Place
from afterpatch.model.rules import Placeholders, RuleStatus

MAX_HITS_PER_RULE: Final = 20_000

# The fields of a web request that indicators look at, by their Sigma names.
_WEB_FIELDS: Final = (
    "c-ip",
    "cs-host",
    "cs-referer",
    "cs-uri-stem",
    "cs-uri-query",
    "cs-user-agent",
    "answer",
    "dst_ip",
    "query",
    "sni",
    "src_ip",
)
# Their records are no web requests; which columns they have, the rows that are given tell.
_AUDITED: Final = frozenset(
    {"aws", "azure", "bitbucket", "gcp", "github", "kubernetes", "linux", "m365", "okta",
     "opencanary"}
)  # fmt: skip


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

    def __init__(
        self,
        parsed: Parsed,
        yara: YaraEngine,
        indicators: tuple[Indicator, ...],
        keep: Iterable[str],
        decoder: Decoder,
        store: RuleStore | None,
    ) -> None:
        self._parsed = parsed
        self._sigma = SigmaEngine(parsed.rules, store)
        self._correlations = parsed.correlations
        self._yara = yara
        self._indicators = IndicatorEngine(indicators)
        self._decoder = decoder
        self._prefilters = Prefilters(self._sigma, (*indicators, *decoder.screen), store)
        self._keep = tuple(dict.fromkeys(keep))
        self._hit_correlations = HitCorrelations(parsed.correlations)
        self._feeds = self._hit_correlations.feeds
        self._rules_by_id = {rule.info.id: rule for rule in self._sigma.rules}
        self.columns_wanted: Final[ColumnsWanted] = Wants(
            self._sigma.rules,
            self._sigma.rules_for,
            self._shown,
            self._keep,
            self._indicators.columns,
        )
        self._content_gaps: list[Gap] = []
        self.unsupported = (*parsed.refused, *yara.unsupported, *self._indicators.unsupported)

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
        return cls(
            load_rules(sigma, placeholders, store),
            YaraEngine(yara),
            tuple(indicators),
            keep,
            decoder_named(decoder),
            store,
        )

    @property
    def infos(self) -> tuple[RuleInfo, ...]:
        """Every rule and indicator that can be evaluated."""
        return (
            *(rule.info for rule in self._sigma.rules),
            *(correlation.info for correlation in self._correlations),
            *self._content_infos(),
        )

    def _content_infos(self) -> Iterator[RuleInfo]:
        """What is no Sigma rule."""
        yield from self._yara.infos
        yield from self._indicators.infos
        yield from self._decoder.infos

    def statuses(self, evaluated: Collection[str]) -> Iterator[RuleStatus]:
        """What became of every rule in a run, engine by engine.

        ``evaluated``: kinds that met records, over all results and readings of the run.
        """
        broken = (*self._parsed.unsupported, *self._yara.unsupported)
        yield from sigma_statuses(self._sigma.rules, evaluated)
        yield from correlation_statuses(self._correlations, evaluated)
        yield from content_statuses(self._content_infos(), evaluated)
        yield from refused_statuses(
            (*broken, *self._indicators.unsupported), self._parsed.needs_placeholder
        )

    @property
    def silent(self) -> frozenset[str]:
        """Rules that only feed correlations: their hits go to :meth:`correlate`, no further."""
        return self._hit_correlations.silent

    @property
    def feeding(self) -> frozenset[str]:
        """Rules whose hits :meth:`correlate` takes."""
        return frozenset(self._feeds)

    def tested_fields(self, rule: str) -> tuple[str, ...]:
        """The fields a Sigma rule tests, in its own order and spelling; () for other engines."""
        known = self._rules_by_id.get(rule)
        return _tested_fields(known) if known else ()

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

    def applicable(self, logsource: Logsource) -> frozenset[str]:
        """The rules and indicators that events of a log source are tested with, by kind."""
        fields = () if logsource.product in _AUDITED else _WEB_FIELDS
        columns = [column for name in fields for column in names(name, logsource)]
        table = NATIVE.get((logsource.product, logsource.service), {})
        columns += [column for native in table.values() for column in native]
        return self._rules_for(logsource) | self._indicators.kinds_for(columns)

    def _rules_for(self, logsource: Logsource) -> frozenset[str]:
        rules = {rule.info.id for rule in self._sigma.rules_for(logsource)}
        rules |= {c.info.id for c in self._correlations if not rules.isdisjoint(c.rules)}
        return frozenset(rules | self._decoded_by(logsource))

    def _shown(self, info: RuleInfo) -> Iterable[str]:
        """Fields that every hit of the rule carries."""
        return dict.fromkeys((*info.fields, *self._feeds.get(info.id, ()), *self._keep))

    @cached_property
    def content_rules(self) -> frozenset[str]:
        """Everything that :meth:`match_content` tests, by kind."""
        yara = (info.id for info in self._yara.infos)
        return self._indicators.kinds_for(["Sha256"]).union(yara)

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
        evaluated = self.evaluated(batch)
        return tuple(
            MatchResult(tuple(found), beyond, evaluated)
            for found, beyond in zip(hits, overflow, strict=True)
        )

    def match_content(
        self,
        data: bytes | None,
        sha256: str,
        item_name: str,
        fields: Mapping[str, str],
        time: datetime | None,
    ) -> tuple[Hit, ...]:
        """Hits of YARA rules and hash indicators on one file's content (None = its hash alone).

        An unfinished scan gives no hits of YARA and a gap: see :meth:`take_gaps`.
        """
        place = Place(item_name, 0)
        kept = {name: value[:MAX_FIELD_CHARS] for name, value in fields.items()}
        hits: list[Hit] = []
        known = self._indicators.match_sha256(sha256)
        if known is not None:
            hits.append(Hit(known.id, time, place, kept, f"SHA256={sha256}"))
        try:
            matches = () if data is None else self._yara.scan(data)
        except ScanIncomplete as error:
            self._content_gaps.append(Gap(item_name, "file", str(error), 0))
            matches = ()
        for match in matches:
            raw = "; ".join(f"{offset:#x}: {text}" for offset, text in match.strings)
            hits.append(Hit(match.rule, time, place, kept, raw))
        return tuple(hits)

    def take_gaps(self) -> tuple[Gap, ...]:
        """Content that could not be scanned to the end since the last call."""
        gaps = tuple(self._content_gaps)
        self._content_gaps.clear()
        return gaps

    def correlate(self, hits: Iterable[Hit]) -> tuple[Hit, ...]:
        """Hits of the correlation rules over the hits of one host, or of several together.

        Takes all hits, in any order; those of no interest or without a time take no part. A hit
        stands at the last match of its stretch: time, place and original text are that match's.
        """
        return tuple(hit for hit, _ in self.correlate_sources(hits))

    def correlate_sources(self, hits: Iterable[Hit]) -> tuple[tuple[Hit, frozenset[str]], ...]:
        """The same, each with the names of the sources that its stretch lies in."""
        return self._hit_correlations.run(hits)

    def matches(
        self, batch: Batch, columns: Columns | None = None
    ) -> Iterator[tuple[RuleInfo, Indexes]]:
        """(rule or indicator, matching row numbers, ascending)."""
        for rule, rows in self._sigma.match(batch, columns):
            yield rule.info, rows
        yield from self._indicators.match(batch)

    def evaluated(self, batch: Batch) -> frozenset[str]:
        """The rules that apply to a batch that has rows, whether or not they match, by kind."""
        if batch.frame.height == 0:
            return frozenset()
        kinds = self._indicators.kinds_for(batch.frame.columns)
        return self._rules_for(batch.logsource) | kinds

    def _decoded_by(self, logsource: Logsource) -> frozenset[str]:
        applies = self._decoder.applies(logsource)
        return frozenset(info.id for info in self._decoder.infos) if applies else frozenset()

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
        for found in self._decoder.decode(batch):
            at = int(np.searchsorted(ends, found.row, side="right"))
            kept[at, found.info.id] += 1
            if kept[at, found.info.id] > MAX_HITS_PER_RULE:
                overflow[at][found.info.id] = kept[at, found.info.id] - MAX_HITS_PER_RULE
                continue
            (hit,) = self.hits(found.info, np.array([found.row]), batch, spans[at][0])
            hits[at].append(replace(hit, fields={**hit.fields, **found.fields}))

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


def _tested_fields(rule: Rule) -> tuple[str, ...]:
    fields = (test.field for test in tests(rule.condition) if test.field != ANY_FIELD)
    return tuple(dict.fromkeys(fields))
