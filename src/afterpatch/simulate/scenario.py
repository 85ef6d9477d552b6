"""What happens on which server, and what of it survives: the plan of a simulated incident.

Enters: nothing. Leaves: frozen plans, the same for the same seed. Writes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

# The campaign's ladder, lowest first, and the band of each rung (hafnium-exchange-2021).
STAGES: Final[tuple[str, ...]] = (
    "scanned",
    "attempted",
    "data-accessed",
    "session-forged",
    "write-fired",
    "file-written",
    "shell-used",
    "follow-up",
)
FIRST_COMPROMISED: Final = "data-accessed"

Layout = Literal["folder", "zip", "cylr", "kape", "velociraptor"]
PatchKind = Literal["su", "cu"]

PROTOCOLS: Final[tuple[str, ...]] = (
    "Ecp",
    "Owa",
    "Ews",
    "Mapi",
    "Eas",
    "Autodiscover",
    "Oab",
    "PowerShell",
    "RpcHttp",
)


def rank(stage: str) -> int:
    """Position on the ladder from 1; 0 for "" (nothing)."""
    return STAGES.index(stage) + 1 if stage else 0


def band(stage: str) -> str:
    """The band a stage belongs to: none, attempted, compromised, follow-up."""
    if rank(stage) == 0:
        return "none"
    if rank(stage) < rank(FIRST_COMPROMISED):
        return "attempted"
    return "follow-up" if stage == "follow-up" else "compromised"


def utc(text: str) -> datetime:
    """``2021-03-03`` or ``2021-03-03T06:49:42`` -> aware UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing somebody does to a server. ``kind`` is a name in ``acts.ACTS``.

    actor   who did it, for the labels: acts with one actor are one intrusion.
    agent   user agent as the client sent it (logs change it in their own ways).
    params  what the kind understands; see docs/simulate.md.
    """

    kind: str
    at: datetime
    ip: str = "203.0.113.77"
    agent: str = "python-requests/2.25.1"
    actor: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Volume:
    """Background rows a day, and how thinly the least-used protocols are spread.

    rows        front-end requests per day, over all protocols and HealthMailbox probes.
    every_hours an hour file of Ecp and Owa at least this often (1 = every hour).
    protocols   which HttpProxy folders get background traffic.
    """

    rows: int = 200
    every_hours: int = 1
    protocols: tuple[str, ...] = PROTOCOLS


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One Exchange server: its life, what is done to it, and which evidence is left.

    days        first day, and the day after the last (``[from, to)``, UTC).
    builds      four-part, as in ``15.1.2106.2``; ``build_after`` runs from ``patched_at`` on.
    patch_kind  a cumulative update writes ExchangeSetup.log, a security update does not.
    rolled      log name -> what was older than this time is gone.
    missing     log names (or ``httpproxy:*``, ``windows:*``) that were not collected.
    holes       log name -> time spans without records.
    truncated   logs whose last file ends in the middle of a record.
    skew_hours  Windows events as JSON: ``TimeCreated`` is off by this, ``UtcTime`` is right.
    """

    name: str
    fqdn: str
    product_build_before: str
    days: tuple[datetime, datetime]
    build_after: str | None = None
    patched_at: datetime | None = None
    patch_kind: PatchKind = "su"
    events: tuple[Act, ...] = ()
    rolled: Mapping[str, datetime] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    holes: Mapping[str, tuple[tuple[datetime, datetime], ...]] = field(default_factory=dict)
    truncated: frozenset[str] = frozenset()
    skew_hours: int = 0
    layout: Layout = "folder"
    volume: Volume = field(default_factory=Volume)
    address: str = "10.20.1.11"
    public_name: str = "mail.contoso.com"
    seed: str = "0"

    def build_at(self, when: datetime) -> str:
        """The four-part build that runs at this time."""
        if self.build_after and self.patched_at and when >= self.patched_at:
            return self.build_after
        return self.product_build_before

    def keeps(self, log: str, when: datetime) -> bool:
        """Whether a record of this log and time is in the evidence."""
        family = log.split(":", 1)[0] + ":*"
        if log in self.missing or family in self.missing:
            return False
        for name in (log, family):
            if name in self.rolled and when < self.rolled[name]:
                return False
            if any(start <= when < end for start, end in self.holes.get(name, ())):
                return False
        return self.days[0] <= when < self.days[1]

    @property
    def domain(self) -> str:
        """``contoso.local`` of ``ex01.contoso.local``."""
        return self.fqdn.split(".", 1)[1]

    @property
    def netbios(self) -> str:
        """``CONTOSO``: the domain as Windows account names spell it."""
        return self.domain.split(".", 1)[0].upper()


@dataclass(frozen=True, slots=True)
class Scenario:
    """Several servers of one incident."""

    name: str
    servers: tuple[ServerPlan, ...]
    seed: str = "0"


def hours(plan: ServerPlan) -> Iterator[datetime]:
    """Every full hour of the plan's days."""
    first, last = plan.days
    count = int((last - first) / timedelta(hours=1))
    return (first + timedelta(hours=i) for i in range(count))
