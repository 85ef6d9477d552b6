"""A campaign: everything about one emergency that is data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

Band = Literal["none", "attempted", "compromised", "follow-up"]
BANDS: Final[tuple[Band, ...]] = ("none", "attempted", "compromised", "follow-up")

KeyStrength = Literal["strong", "nearby", "context"]

# not-fixed: an affected build in the end; fix-unknown: no evidence says which; not-cleared: some of
# the window stays open.
AdviceWhen = Literal["always", "not-fixed", "fix-unknown", "not-cleared"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung of the campaign's ladder, lowest first. ``means`` is one plain sentence."""

    id: str
    band: Band
    title: str
    means: str


@dataclass(frozen=True, slots=True)
class NeededLog:
    """A kind of log the campaign looks at.

    id             coverage name: ``httpproxy:Ecp``, ``iis-front``, ``windows:Security`` …
    silence_hours  silence up to this long still counts as observed; 0 = a ring buffer, seen from
                   its first to its last event.
    fetch          where it lies on the server.
    sees           stages it can show, in words for the reader.
    about          columns that name the machine a record that shows one of these is about, best
                   first; none when it is the machine whose log it is.
    """

    id: str
    title: str
    silence_hours: int
    fetch: str
    sees: tuple[str, ...]
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """How to read a grouping key out of a hit's fields.

    strength  ``strong``: sharing it makes one intrusion; ``nearby``: only within ``hours`` of each
              other; ``context``: shown, never groups.
    visitor   it tells who came from outside; a record without such a key was made by the host
              itself (event log, file).
    machine   its value is one machine's and no other's, whatever address that machine has.
    """

    name: str
    fields: tuple[str, ...]
    pattern: str
    strength: KeyStrength
    hours: int = 0
    visitor: bool = False
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A present/absent pair: "the shell lived from … to …"."""

    name: str
    key: str
    written_by: tuple[str, ...]
    present_by: tuple[str, ...]
    absent_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Argument:
    """A reason for or against an actor.

    when  ``rule:ID``, ``stage:ID``, ``network:CLASS``, ``before:TIME`` or ``after:TIME``.
    """

    when: str
    weight: int
    because: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A named actor and what would speak for and against it."""

    id: str
    name: str
    summary: str
    references: tuple[str, ...]
    speaks_for: tuple[Argument, ...]
    speaks_against: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule file of the pack, unparsed: ``language`` is ``sigma`` or ``yara``."""

    path: str
    language: Literal["sigma", "yara"]
    text: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One line of ``indicators.csv``. ``type``: ip, cidr, domain, sha256, path or user-agent."""

    type: str
    value: str
    stage: str
    weak: bool
    source: str
    note: str = ""
    first_seen: str = ""
    last_seen: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """An address range and what kind of network it is (context, never proof)."""

    cidr: str
    owner: str
    network_class: str


@dataclass(frozen=True, slots=True)
class Advice:
    """One imperative sentence, and for whom: see :data:`AdviceWhen`."""

    text: str
    when: AdviceWhen = "always"


@dataclass(frozen=True, slots=True)
class TriageRule:
    """``when``: ``stage:ID``, ``days-missing``, ``stopped``, ``ceased`` or ``always``.

    because  may hold ``{days}``, ``{first}``, ``{last}`` (missing days) and ``{ceased}``.
    """

    when: str
    category: str
    because: str


@dataclass(frozen=True, slots=True)
class Triage:
    """An authority's categories: the first rule that holds for a host gives its category.

    first_day, last_day  between which every day must be logged.
    means                category -> in words, worst first.
    """

    directive: str
    first_day: date
    last_day: date
    rules: tuple[TriageRule, ...]
    means: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Campaign:
    """A loaded, validated pack.

    sha256   covers every file of the pack.
    decoder  name of the one that reads what no rule can, or "": see ``model.decoders``.
    """

    id: str
    version: str
    title: str
    summary: str
    references: tuple[str, ...]
    cves: tuple[str, ...]
    product: str
    fix: str
    window_start: datetime
    stages: tuple[Stage, ...]
    logs: tuple[NeededLog, ...]
    clearing: tuple[tuple[str, ...], ...]
    keys: tuple[Key, ...]
    lifetimes: tuple[Lifetime, ...]
    actors: tuple[Actor, ...]
    advice: Mapping[Band, tuple[Advice, ...]]
    rules: tuple[RuleText, ...]
    indicators: tuple[Indicator, ...]
    networks: tuple[Network, ...]
    sha256: str
    decoder: str = ""
    triage: Triage | None = None

    def rank(self, stage: str) -> int:
        """Position of a stage on the ladder from 1; 0 for "" (nothing). Raises KeyError."""
        if not stage:
            return 0
        for position, rung in enumerate(self.stages, start=1):
            if rung.id == stage:
                return position
        raise KeyError(stage)

    def band(self, stage: str) -> Band:
        """The band a stage belongs to; ``none`` for ""."""
        return self.stages[self.rank(stage) - 1].band if stage else "none"
