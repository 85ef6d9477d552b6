"""Where things are in the evidence: items, sources, places, gaps, notices."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class HostClaim:
    """Something says which host this evidence is from.

    ``trust`` is higher for better witnesses: 90 collection manifest, 80 registry hive, 70 event log
    computer, 60 log column, 40 archive file name, 20 folder name.
    """

    trust: int
    name: str
    witness: str


@dataclass(frozen=True, slots=True)
class Item:
    """One file or archive member as found, not yet opened. Cheap to send to another process.

    path      as shown to the user: the given argument's last name, then the path below it, ``/``.
    member    path inside the archive (inner archives joined by ``!``), or None.
    origin    path on the machine it came from, un-escaped, forward slashes, original case
              (``C:/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log``); best guess, never empty.
    root      names the collection: items with one root are held to be from one host.
    locator   how to open it again: file-system path, then one member name per archive level.
    size_bytes  size as declared by the container; not trusted.
    modified  last-modified time of the original file when the collection keeps it, else None.
    """

    path: str
    member: str | None
    origin: str
    root: str
    locator: tuple[str, ...]
    size_bytes: int
    modified: datetime | None = None
    claims: tuple[HostClaim, ...] = ()

    @property
    def name(self) -> str:
        """What to print: ``path`` or ``path!member``."""
        return self.path if self.member is None else f"{self.path}!{self.member}"


@dataclass(frozen=True, slots=True)
class Source:
    """One piece of evidence after it was read.

    kind         the format that read it (``iis-w3c``, ``httpproxy`` …) or ``unknown``.
    decided_by   why that kind: ``header``, ``file name`` …
    """

    item: Item
    sha256: str
    size_bytes: int
    kind: str
    decided_by: str
    records: int = 0
    events: int = 0
    skipped: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A record: source name (``Item.name``) and line or record number from 1; 0 = whole file."""

    source: str
    record: int


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Something not read or not understood. Gaps travel to the verdict.

    place    ``line 17``, ``chunk 3``, ``member a/b.log`` or ``file``.
    records  how many records were lost; 0 when that cannot be known.
    """

    source: str
    place: str
    reason: str
    records: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """Something the reader of a verdict must know that is neither a gap nor a hit.

    topic  ``clock``, ``host-name``, ``duplicate``, ``layout``, ``build`` …
    """

    topic: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """An observation that is no detection: what version ran, what the host is called.

    name   ``exchange.build`` (``15.1.2176.2``), ``exchange.installed`` (setup finished),
           ``host.name``, ``host.fqdn``, ``host.sid``, ``mitigation.eomt`` (``present``/``absent``),
           ``web.virtual-directory`` …
    time   when it was true; None when only "at collection" is known.
    """

    name: str
    value: str
    time: datetime | None
    place: Place
    detail: dict[str, str] = field(default_factory=dict)
