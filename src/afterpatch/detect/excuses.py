"""Which suppressions a record satisfies, as far as its fields tell.

Enters: suppressions and matched rows. Leaves: the rows apart by the entries that excuse them.
Whether an entry holds for a host is decided later, when hosts have names. Will not do: drop a hit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl
import yaml

from afterpatch.detect.sigma.ast import Rule, Scope
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.store import load_rules
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import RuleText
from afterpatch.model.errors import UsageError
from afterpatch.model.hits import RuleInfo
from afterpatch.model.hunts import Excused, Suppression

_NONE: Excused = frozenset()


class Excuses:
    """The entries of a suppressions file, compiled. Positions are those in ``suppressions``.

    Raises UsageError when the fields of an entry are no Sigma selection.
    """

    def __init__(self, suppressions: Sequence[Suppression]) -> None:
        self._plain: dict[str, set[int]] = {}
        conditional: dict[str, list[Rule]] = {}
        for position, entry in enumerate(suppressions):
            if entry.conditions:
                conditional.setdefault(entry.rule, []).append(_condition(position, entry))
            else:
                self._plain.setdefault(entry.rule, set()).add(position)
        self._engines = {name: SigmaEngine(rules) for name, rules in conditional.items()}

    @property
    def by_fields(self) -> bool:
        """Whether some entry looks at a record's fields."""
        return bool(self._engines)

    def split(
        self, info: RuleInfo, batch: Batch, rows: Indexes
    ) -> Iterator[tuple[Excused, Indexes]]:
        """``rows`` apart by what excuses them, each part ascending; together they are ``rows``."""
        always = frozenset().union(*(self._plain.get(name, ()) for name in _names(info)))
        engines = [self._engines[name] for name in _names(info) if name in self._engines]
        if not engines:
            yield always, rows
            return
        satisfied: list[set[int]] = [set(always) for _ in range(len(rows))]
        matched = Batch(batch.logsource, batch.frame[rows])
        for engine in engines:
            for condition, found in engine.match(matched):
                for at in found.tolist():
                    satisfied[at].add(int(condition.info.id))
        parts: dict[Excused, list[int]] = {}
        for at, entries in enumerate(satisfied):
            parts.setdefault(frozenset(entries), []).append(at)
        for excused in sorted(parts, key=sorted):
            yield excused, rows[np.array(parts[excused], np.int64)]

    def of(self, info: RuleInfo, fields: Mapping[str, str]) -> Excused:
        """What excuses one hit that is no row of a batch: a file, a correlation."""
        if not any(name in self._plain or name in self._engines for name in _names(info)):
            return _NONE
        columns = {name: pl.Series([value], dtype=pl.String) for name, value in fields.items()}
        frame = pl.DataFrame(columns or {"TargetFilename": pl.Series([None], dtype=pl.String)})
        one = Batch(Logsource(), frame)
        return next(excused for excused, _ in self.split(info, one, np.zeros(1, np.int64)))


def _names(info: RuleInfo) -> Iterable[str]:
    return dict.fromkeys((info.id, info.title))


def _condition(position: int, entry: Suppression) -> Rule:
    document = {
        "title": entry.rule,
        "name": str(position),
        "logsource": {"category": "any"},
        "detection": {"selection": yaml.safe_load(entry.conditions), "condition": "selection"},
    }
    text = yaml.safe_dump(document, allow_unicode=True)
    parsed = load_rules([RuleText(entry.place, "sigma", text)], {})
    if parsed.refused or len(parsed.rules) != 1:
        reason = parsed.refused[0][1] if parsed.refused else "not one selection"
        raise UsageError(f"{entry.place}: fields: {reason}")
    info = RuleInfo(str(position), entry.rule, "", "sigma")
    return Rule(info, Scope(), parsed.rules[0].condition)
