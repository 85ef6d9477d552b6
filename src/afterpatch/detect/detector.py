"""Everything that detects, behind one face: what pipeline uses, one per process.

Enters: rule texts, indicators, then batches and file contents. Leaves: hits, exact counts, which
rules met events they apply to. Will not do: open evidence, judge, name hosts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import numpy as np

from afterpatch.detect.accounting import (
    content_statuses,
    correlation_statuses,
    refused_statuses,
    sigma_statuses,
)
from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.detect.prefilter import Built, build_prefilter
from afterpatch.detect.sigma.ast import Correlation, Rule
from afterpatch.detect.sigma.correlation import Row, Stretch, correlate
from afterpatch.detect.sigma.fields import applies, names
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.placeholders import Placeholders
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.store import RuleStore, load_rules
from afterpatch.detect.yara import ScanIncomplete, YaraEngine
from afterpatch.model.batches import RAW, RECORD, RESERVED, TIME, Batch, Logsource, Wanted
from afterpatch.model.campaigns import Indicator, RuleText
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.places import Gap, Place
from afterpatch.model.rules import RuleStatus
from afterpatch.model.times import from_us, rfc3339, to_us

MAX_HITS_PER_RULE: Final = 20_000
MAX_FIELD_CHARS: Final = 2_000

Family = Literal["webserver", "exchange"]
_WEB_SERVICES: Final = ("iis", "httperr")
# What the readers of a family make; "*" = any service but those of the web server's own logs.
_FAMILIES: Final[Mapping[Family, tuple[Logsource, ...]]] = {
    "webserver": tuple(Logsource("webserver", "windows", name) for name in _WEB_SERVICES),
    "exchange": (Logsource("webserver", "exchange", "*"), Logsource("", "exchange", "*")),
}
# The fields of a web request that indicators look at, by their Sigma names.
_WEB_FIELDS: Final = (
    "c-ip",
    "cs-host",
    "cs-referer",
    "cs-uri-stem",
    "cs-uri-query",
    "cs-user-agent",
)


@dataclass(frozen=True, slots=True)
class MatchResult:
    """hits: by rule, then row. overflow: rule id -> matches beyond the hits kept (exact).

    evaluated: ids of the rules that apply to the batch, whether or not they matched.
    """

    hits: tuple[Hit, ...] = ()
    overflow: Mapping[str, int] = field(default_factory=dict)
    evaluated: frozenset[str] = frozenset()


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
        store: RuleStore | None,
    ) -> None:
        self._parsed = parsed
        self._sigma = SigmaEngine(parsed.rules, store)
        self._correlations = parsed.correlations
        self._yara = yara
        self._indicators = IndicatorEngine(indicators)
        self._indicator_lines = indicators
        self._keep = tuple(dict.fromkeys(keep))
        self._feeds = _feeds(self._correlations)
        self._silent = _silent(self._correlations)
        self._prefilters: dict[Family, Built] = {}
        self._content_gaps: list[Gap] = []
        self.unsupported = (*parsed.refused, *yara.unsupported, *self._indicators.unsupported)
        self.infos = (
            *(rule.info for rule in self._sigma.rules),
            *(correlation.info for correlation in self._correlations),
            *yara.infos,
            *self._indicators.infos,
        )

    @classmethod
    def build(
        cls,
        sigma: Iterable[RuleText],
        yara: Iterable[RuleText],
        indicators: Iterable[Indicator],
        keep: Iterable[str] = (),
        placeholders: Placeholders = MappingProxyType({}),
        cache: Path | None = None,
    ) -> "Detector":
        """Parse and compile everything. Never raises for rule content: see ``unsupported``.

        ``keep``: columns every hit carries where the batch has them, beside its rule's ``fields``.
        ``placeholders``: what the user says ``expand`` placeholders stand for.
        ``cache``: a folder, the user's own, that remembers Sigma rules between runs.
        """
        store = None if cache is None else RuleStore(cache)
        parsed = load_rules(sigma, placeholders, store)
        return cls(parsed, YaraEngine(yara), tuple(indicators), keep, store)

    def statuses(self, evaluated: Collection[str]) -> tuple[RuleStatus, ...]:
        """What became of every rule in a run, sorted by rule.

        ``evaluated``: ids that met records, over all results and readings of the run.
        """
        others = (*self._yara.infos, *self._indicators.infos)
        broken = (*self._parsed.unsupported, *self._yara.unsupported)
        found = (
            *sigma_statuses(self._sigma.rules, evaluated),
            *correlation_statuses(self._correlations, evaluated),
            *content_statuses(others, evaluated),
            *refused_statuses(
                (*broken, *self._indicators.unsupported), self._parsed.needs_placeholder
            ),
        )
        return tuple(sorted(found, key=lambda status: (status.rule, status.state, status.reason)))

    @property
    def silent(self) -> frozenset[str]:
        """Rules that only feed correlations: their hits go to :meth:`correlate`, no further."""
        return self._silent

    def wanted(self, prefilter: Family) -> Wanted | None:
        """The raw-text prefilter of a family of logs; None = every line must be parsed."""
        return self._built(prefilter).prefilter

    def forced_by(self, prefilter: Family) -> tuple[tuple[str, str], ...]:
        """(rule id, reason) of the rules that make :meth:`wanted` None."""
        return self._built(prefilter).forced_by

    def applicable(self, logsource: Logsource) -> frozenset[str]:
        """Ids of the rules and indicators that events of a log source are tested with."""
        rules = {rule.info.id for rule in self._sigma.rules_for(logsource)}
        rules |= {c.info.id for c in self._correlations if not rules.isdisjoint(c.rules)}
        columns = [column for name in _WEB_FIELDS for column in names(name, logsource)]
        return frozenset(rules | {info.id for info in self._indicators.infos_for(columns)})

    @property
    def content_rules(self) -> frozenset[str]:
        """Ids of everything that :meth:`match_content` tests."""
        hashes = self._indicators.infos_for(["Sha256"])
        return frozenset(info.id for info in (*self._yara.infos, *hashes))

    def match(self, batch: Batch, spans: Sequence[tuple[str, int]]) -> tuple[MatchResult, ...]:
        """Hits of all Sigma rules and indicators in a batch, one result per span.

        spans  whose rows these are, in order: (``Item.name``, number of rows).
        """
        ends = np.cumsum([rows for _, rows in spans])
        hits: list[list[Hit]] = [[] for _ in spans]
        overflow: list[dict[str, int]] = [{} for _ in spans]
        for info, rows in self._matches(batch):
            parts = np.split(rows, np.searchsorted(rows, ends[:-1]))
            for at, part in enumerate(parts):
                if len(part) > MAX_HITS_PER_RULE:
                    overflow[at][info.id] = len(part) - MAX_HITS_PER_RULE
                if len(part):
                    kept = part[:MAX_HITS_PER_RULE]
                    hits[at].extend(self._hits(info, kept, batch, spans[at][0]))
        evaluated = self._evaluated(batch)
        return tuple(
            MatchResult(tuple(found), beyond, evaluated)
            for found, beyond in zip(hits, overflow, strict=True)
        )

    def match_content(
        self,
        data: bytes,
        sha256: str,
        item_name: str,
        fields: Mapping[str, str],
        time: datetime | None,
    ) -> tuple[Hit, ...]:
        """Hits of YARA rules and hash indicators on one file's content.

        An unfinished scan gives no hits of YARA and a gap: see :meth:`take_gaps`.
        """
        place = Place(item_name, 0)
        kept = {name: value[:MAX_FIELD_CHARS] for name, value in fields.items()}
        hits: list[Hit] = []
        known = self._indicators.match_sha256(sha256)
        if known is not None:
            hits.append(Hit(known.id, time, place, kept, f"SHA256={sha256}"))
        try:
            matches = self._yara.scan(data)
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
        fed = sorted(
            (h for h in hits if h.time is not None and h.rule in self._feeds),
            key=lambda hit: (hit.time, hit.place, hit.rule),
        )
        rows = [
            Row(hit.rule, to_us(hit.time), hit.fields, position)
            for position, hit in enumerate(fed)
            if hit.time is not None
        ]
        ordered = _referenced_first(self._correlations)
        return tuple(_stretch_hit(stretch, fed) for stretch in correlate(ordered, rows))

    def _built(self, prefilter: Family) -> Built:
        if prefilter not in self._prefilters:
            rules = [r for r in self._sigma.rules if _may_read(r, _FAMILIES[prefilter])]
            self._prefilters[prefilter] = build_prefilter(rules, self._indicator_lines)
        return self._prefilters[prefilter]

    def _matches(self, batch: Batch) -> Iterator[tuple[RuleInfo, Indexes]]:
        for rule, rows in self._sigma.match(batch):
            yield rule.info, rows
        yield from self._indicators.match(batch)

    def _evaluated(self, batch: Batch) -> frozenset[str]:
        if batch.frame.height == 0:
            return frozenset()
        rules = {rule.info.id for rule in self._sigma.rules_for(batch.logsource)}
        rules |= {c.info.id for c in self._correlations if not rules.isdisjoint(c.rules)}
        rules |= {info.id for info in self._indicators.infos_for(batch.frame.columns)}
        return frozenset(rules)

    def _hits(self, info: RuleInfo, rows: Indexes, batch: Batch, source: str) -> Iterator[Hit]:
        frame = batch.frame[rows]
        kept: dict[str, list[str | None]] = {}
        for name in dict.fromkeys((*info.fields, *self._feeds.get(info.id, ()), *self._keep)):
            column = _first_present(name, batch)
            if column is not None:
                kept[name] = frame.get_column(column).str.slice(0, MAX_FIELD_CHARS).to_list()
        height = frame.height
        times = frame.get_column(TIME).to_list() if TIME in frame.columns else [None] * height
        records = frame.get_column(RECORD).to_list() if RECORD in frame.columns else [0] * height
        raws = frame.get_column(RAW).to_list() if RAW in frame.columns else [""] * height
        for at in range(height):
            fields = {name: v for name, values in kept.items() if (v := values[at]) is not None}
            yield Hit(
                rule=info.id,
                time=_time(times[at]),
                place=Place(source, records[at] or 0),
                fields=fields,
                raw=(raws[at] or "")[:MAX_FIELD_CHARS],
            )


def _time(micros: int | None) -> datetime | None:
    try:
        return None if micros is None else from_us(micros)
    except OverflowError:
        return None


def _first_present(name: str, batch: Batch) -> str | None:
    """The column that shows a field: its own spelling, else the log source's native name."""
    columns = batch.frame.columns
    return next(
        (c for c in names(name, batch.logsource) if c in columns and c not in RESERVED), None
    )


def _may_read(rule: Rule, family: tuple[Logsource, ...]) -> bool:
    """Whether a rule applies to some batch of the family."""
    return any(
        applies(rule.scope, source)
        if source.service != "*"
        else rule.scope.service not in _WEB_SERVICES
        and applies(replace(rule.scope, service=""), source)
        for source in family
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
