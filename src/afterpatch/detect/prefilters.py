"""The prefilters of one process: made when a log first asks, kept for the next of its kind.

Enters: all rules and indicators, then which log is to be read. Leaves: its prefilter, or why it has
none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from afterpatch.detect.prefilter import Built, build_prefilter
from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.fields import applies
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.store import RuleStore
from afterpatch.model.batches import Declared, Logsource, Spelling
from afterpatch.model.campaigns import Indicator

Family = Literal["webserver", "exchange"]
_WEB_SERVICES: Final = ("iis", "httperr")
# What the readers of a family make; "*" = any service but those of the web server's own logs.
_FAMILIES: Final[Mapping[Family, tuple[Logsource, ...]]] = {
    "webserver": tuple(Logsource("webserver", "windows", name) for name in _WEB_SERVICES),
    "exchange": (Logsource("webserver", "exchange", "*"), Logsource("", "exchange", "*")),
}


class Prefilters:
    """By family of logs, or by the log source and columns that a log declares."""

    def __init__(
        self, sigma: SigmaEngine, indicators: Sequence[Indicator], store: RuleStore | None = None
    ) -> None:
        self._sigma = sigma
        self._indicators = indicators
        self._store = store
        self._built: dict[Family | tuple[Declared, Spelling], Built] = {}

    def of_family(self, family: Family) -> Built:
        """For logs whose readers make several log sources."""
        if family not in self._built:
            rules = [r for r in self._sigma.rules if _may_read(r, _FAMILIES[family])]
            self._built[family] = build_prefilter(rules, self._indicators, store=self._store)
        return self._built[family]

    def of_log(self, declared: Declared, spelling: Spelling) -> Built:
        """For the log of one log source, with just these columns if they are told."""
        key = (declared, spelling)
        if key not in self._built:
            rules = self._sigma.rules_for(declared.logsource)
            self._built[key] = build_prefilter(
                rules, self._indicators, spelling, declared, self._store
            )
        return self._built[key]


def _may_read(rule: Rule, family: tuple[Logsource, ...]) -> bool:
    """Whether a rule applies to some batch of the family."""
    return any(
        applies(rule.scope, source)
        if source.service != "*"
        else rule.scope.service not in _WEB_SERVICES
        and applies(replace(rule.scope, service=""), source)
        for source in family
    )
