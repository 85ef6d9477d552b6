"""Indicators (addresses, networks, domains, hashes, paths, user agents) against columns.

Enters: indicators and batches. Leaves: for each indicator that matched, the rows. Whole columns are
asked which rows may match at all; their distinct values decide. Will not do: hold an indicator for
proof: each is a weak signal, except the hash of content known to be bad (law 4).

ip, cidr     address columns; lists (X-Forwarded-For), ports, brackets, zone ids and ::ffff: mapped
             addresses are understood.
domain       the name or a name below it, standing free in a host or text column.
sha256       ``Sha256`` columns and ``SHA256=…`` in Sysmon's ``Hashes``; content by its own hash.
path         case and kind of slash ignored; drive and leading ``%VARIABLE%`` ignored; the whole
             path, or its end at a component boundary.
user-agent   the whole value; "+" (W3C) and "," (HttpProxy) count as spaces.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from afterpatch.detect.distinct_rows import distinct_rows
from afterpatch.detect.indicator_addresses import Addresses, is_network
from afterpatch.detect.indicator_columns import COLUMNS
from afterpatch.detect.indicator_values import Agents, Domains, Entries, Finder, Hashes, Paths
from afterpatch.detect.sigma.column import Column
from afterpatch.detect.sigma.garbage import no_collection
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.model.batches import Batch
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import INDICATOR, RuleInfo

# Indicator type -> what finds it. Addresses and networks are one question.
_FAMILY: Final[Mapping[str, str]] = {
    "ip": "address",
    "cidr": "address",
    "domain": "domain",
    "sha256": "sha256",
    "path": "path",
    "user-agent": "user-agent",
}
_FINDERS: Final[Mapping[str, Callable[[Entries], Finder]]] = {
    "address": Addresses,
    "domain": Domains,
    "sha256": Hashes,
    "path": Paths,
    "user-agent": Agents,
}

_NOUNS: Final[Mapping[str, str]] = {
    "ip": "address",
    "cidr": "network",
    "domain": "domain",
    "sha256": "file, SHA-256",
    "path": "file name",
    "user-agent": "user agent",
}


class IndicatorEngine:
    """All indicators of a run; the first of each type and value counts.

    ``unsupported`` lists those that cannot be read, as (rule id, reason). What finds them is made
    when first asked: a process that only hands out work never needs it.
    """

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        with no_collection():  # a million small objects, none of them garbage
            self._take(indicators)

    def _take(self, indicators: Iterable[Indicator]) -> None:
        unsupported: list[tuple[str, str]] = []
        self._indicators: list[Indicator] = []
        self._entries: dict[str, list[tuple[str, int]]] = {}
        seen: set[tuple[str, str]] = set()
        for indicator in indicators:
            value = indicator.value.strip()
            fault = _fault(indicator)
            if fault:
                unsupported.append((indicator_id(indicator), fault))
            elif (indicator.type, value) not in seen:
                seen.add((indicator.type, value))
                family = self._entries.setdefault(_FAMILY[indicator.type], [])
                family.append((value, len(self._indicators)))
                self._indicators.append(indicator)
        self.unsupported = tuple(unsupported)
        self._types = frozenset(kind for kind, _ in seen)

    @cached_property
    def _finders(self) -> Mapping[str, Finder]:
        return {family: _FINDERS[family](found) for family, found in self._entries.items()}

    @cached_property
    def _hashes(self) -> Hashes:
        return Hashes(self._entries.get("sha256", ()))

    @property
    def columns(self) -> frozenset[str]:
        """All columns that some indicator looks at, in whatever batch has them."""
        return frozenset[str]().union(*(COLUMNS[family] for family in self._entries))

    @property
    def infos(self) -> Iterator[RuleInfo]:
        """Every indicator as a rule, made when asked for: there may be a million."""
        return map(indicator_info, self._indicators)

    def kinds_for(self, names: Iterable[str]) -> frozenset[str]:
        """The kinds (``RuleInfo.kind``) of the indicators that look at some of these columns."""
        present = frozenset(names)
        return frozenset(
            f"{INDICATOR}:{kind}" for kind in self._types if present & COLUMNS[_FAMILY[kind]]
        )

    def match(self, batch: Batch) -> Iterator[tuple[RuleInfo, Indexes]]:
        """(indicator, matching row numbers, ascending), in the order the indicators came."""
        found: dict[int, list[Indexes]] = {}
        for family, finder in self._finders.items():
            for name in sorted(COLUMNS[family].intersection(batch.frame.columns)):
                series = batch.frame.get_column(name)
                rows = _candidates(finder, series)
                if not len(rows):
                    continue
                column = Column(series.gather(rows))
                for value, number in finder.find(column):
                    found.setdefault(number, []).append(rows[column.rows_of(value)])
        for number in sorted(found):
            rows = np.unique(np.concatenate(found[number]))
            yield indicator_info(self._indicators[number]), rows

    def match_sha256(self, sha256: str) -> RuleInfo | None:
        """The indicator that names this content, if any."""
        numbers = self._hashes.named(sha256)
        return indicator_info(self._indicators[numbers[0]]) if numbers else None


def _candidates(finder: Finder, series: pl.Series) -> Indexes:
    """Rows that may match, ascending."""
    if finder.whole:
        return finder.candidates(series)
    distinct, stands_for = distinct_rows(series)
    is_hopeful = np.zeros(len(series), np.bool_)
    is_hopeful[distinct[finder.candidates(series.gather(distinct))]] = True
    return np.flatnonzero(is_hopeful[stands_for])


def _fault(indicator: Indicator) -> str:
    if indicator.type not in _FAMILY:
        return f"unknown indicator type '{indicator.type}'"
    if not indicator.value.strip():
        return "empty value"
    if indicator.type in ("ip", "cidr") and not is_network(indicator.value.strip()):
        return "not an IP address or network"
    return ""


def indicator_id(indicator: Indicator) -> str:
    """``indicator:<type>:<value>``."""
    return f"{INDICATOR}:{indicator.type}:{indicator.value.strip()}"


def indicator_info(indicator: Indicator) -> RuleInfo:
    """Weak unless the hash of known bad content."""
    weak = indicator.weak or indicator.type != "sha256"
    value = indicator.value.strip()
    return RuleInfo(
        id=indicator_id(indicator),
        title=f"Known {_NOUNS[indicator.type]} {value}",
        level="low" if weak else "high",
        engine=INDICATOR,
        stage=indicator.stage,
        weak=weak,
        finds=indicator.note,
        references=(indicator.source,) if indicator.source else (),
    )
