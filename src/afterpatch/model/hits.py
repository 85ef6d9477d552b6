"""Hits (rule × record) and findings (hits that mean one thing on one host)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from afterpatch.model.places import Place

INDICATOR: Final = "indicator"


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What the rest of the program needs to know of a rule, whatever its engine.

    engine   ``sigma``, ``sigma-correlation``, ``yara``, ``indicator``, ``decoder``.
    stage    the campaign's stage it proves, or "" for a rule the user brought.
    weak     a name, address or user agent alone: never sets a band (law 4).
    misses   what the rule cannot see, in words.
    fields   columns worth showing and grouping by.
    """

    id: str
    title: str
    level: str
    engine: str
    stage: str = ""
    weak: bool = False
    finds: str = ""
    misses: str = ""
    fields: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What ``evaluated`` calls it: its id; of an indicator ``indicator:<type>``.

        Indicators of a type are all asked or none is, and there may be a million.
        """
        return ":".join(self.id.split(":", 2)[:2]) if self.engine == INDICATOR else self.id


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule matched one record.

    fields  the record's values worth keeping (rule's ``fields`` and grouping keys), as strings.
    raw     the record's original text, cut.
    at      if it has none yet: where the source's format finds it.
    """

    rule: str
    time: datetime | None
    place: Place
    fields: Mapping[str, str]
    raw: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Hits that mean one thing on one host.

    id       stable: derived from host, stage and grouping key.
    key      what the hits share: canary, shell path, source address …
    hits     examples, earliest first, at most a documented number; ``count`` is exact.
    """

    id: str
    host: str
    stage: str
    title: str
    first: datetime | None
    last: datetime | None
    count: int
    rules: tuple[str, ...]
    key: Mapping[str, str]
    hits: tuple[Hit, ...]
    weak: bool = False
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
