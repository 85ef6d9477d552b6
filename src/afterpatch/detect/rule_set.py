"""All rules of a run, loaded: what they are, what they apply to, what became of them.

Enters: rule texts and indicators, then log sources. Leaves: the engines, and which rules and
indicators an event is tested with. Will not do: match.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from afterpatch.detect.accounting import (
    content_statuses,
    correlation_statuses,
    fed_by,
    refused_statuses,
    sigma_statuses,
)
from afterpatch.detect.decoders import Decoder
from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.detect.sigma.ast import ANY_FIELD, Rule, tests
from afterpatch.detect.sigma.fields import names
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.yara import YaraEngine
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.hits import RuleInfo
from afterpatch.model.network import NATIVE
from afterpatch.model.rules import RuleStatus

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


@dataclass(frozen=True)
class RuleSet:
    """``parsed``: what ``sigma`` was made from, with the correlations and what was refused."""

    parsed: Parsed
    sigma: SigmaEngine
    yara: YaraEngine
    indicators: IndicatorEngine
    decoder: Decoder

    @property
    def infos(self) -> tuple[RuleInfo, ...]:
        """Every rule and indicator that can be evaluated."""
        return (
            *(rule.info for rule in self.sigma.rules),
            *(correlation.info for correlation in self.parsed.correlations),
            *self._content_infos(),
        )

    def _content_infos(self) -> Iterator[RuleInfo]:
        """What is no Sigma rule."""
        yield from self.yara.infos
        yield from self.indicators.infos
        yield from self.decoder.infos

    @cached_property
    def unsupported(self) -> tuple[tuple[str, str], ...]:
        """(rule id or path, reason) of what was refused, for whatever reason."""
        return (*self.parsed.refused, *self.yara.unsupported, *self.indicators.unsupported)

    def statuses(self, evaluated: Collection[str]) -> Iterator[RuleStatus]:
        """What became of every rule in a run, engine by engine.

        ``evaluated``: kinds that met records, over all results and readings of the run.
        """
        broken = (*self.parsed.unsupported, *self.yara.unsupported)
        yield from sigma_statuses(self.sigma.rules, evaluated)
        yield from correlation_statuses(self.parsed.correlations, evaluated)
        yield from content_statuses(self._content_infos(), evaluated)
        yield from refused_statuses(
            (*broken, *self.indicators.unsupported), self.parsed.needs_placeholder
        )

    @cached_property
    def _by_id(self) -> dict[str, Rule]:
        return {rule.info.id: rule for rule in self.sigma.rules}

    def tested_fields(self, rule: str) -> tuple[str, ...]:
        """The fields a Sigma rule tests, in its own order and spelling; () for other engines."""
        if rule not in self._by_id:
            return ()
        asked = tests(self._by_id[rule].condition)
        return tuple(dict.fromkeys(test.field for test in asked if test.field != ANY_FIELD))

    @cached_property
    def of_content(self) -> frozenset[str]:
        """Everything that looks at the content of files, by kind."""
        yara = (info.id for info in self.yara.infos)
        return self.indicators.kinds_for(["Sha256"]).union(yara)

    def of_logsource(self, logsource: Logsource) -> frozenset[str]:
        """The rules and indicators that events of a log source are tested with, by kind."""
        fields = () if logsource.product in _AUDITED else _WEB_FIELDS
        columns = [column for name in fields for column in names(name, logsource)]
        table = NATIVE.get((logsource.product, logsource.service), {})
        columns += [column for native in table.values() for column in native]
        return self._rules_of(logsource) | self.indicators.kinds_for(columns)

    def of_batch(self, batch: Batch) -> frozenset[str]:
        """The rules that apply to a batch that has rows, whether or not they match, by kind."""
        if batch.frame.height == 0:
            return frozenset()
        kinds = self.indicators.kinds_for(batch.frame.columns)
        return self._rules_of(batch.logsource) | kinds

    def _rules_of(self, logsource: Logsource) -> frozenset[str]:
        rules = (rule.info.id for rule in self.sigma.rules_for(logsource))
        reached = fed_by(self.parsed.correlations, rules)
        if self.decoder.applies(logsource):
            reached |= {info.id for info in self.decoder.infos}
        return reached
