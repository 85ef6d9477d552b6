"""What a hunt found, folded together while readings arrive, before hosts have names.

Enters: readings in any order. Leaves: the same readings without their sums, and per host the sums
of its sources. All readings of one root that name the same machines belong to one host (see
``assess.hosts``), so they are one account here: memory grows with hosts and rules, not with files.
Copies of one file count once, as everywhere (``assess.duplicates``); their examples are shown at
the place of the copy that is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from afterpatch.assess.duplicates import content_key, has_content
from afterpatch.model.hits import Hit
from afterpatch.model.hunts import HitSum, Hunted
from afterpatch.model.places import Place
from afterpatch.model.readings import Reading
from afterpatch.pipeline.hunt_tally import HuntTally

_Machine = tuple[str, frozenset[tuple[str, str]]]  # root, what records call the host
_NAMES = ("host.fqdn", "host.name")


@dataclass(slots=True)
class _Copies:
    """Files of equal content: the one whose sums were taken, and the one that is kept."""

    taken: str
    kept: str


class Ledger:
    """``examples``: how many a sum keeps."""

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._accounts: dict[_Machine, HuntTally] = {}
        self._machine: dict[str, _Machine] = {}
        self._copies: dict[tuple[object, ...], _Copies] = {}
        self._moved: dict[str, str] | None = None

    def take(self, reading: Reading) -> Reading:
        """Fold in what was found; the reading without it."""
        self._moved = None
        name = reading.source.item.name
        root = reading.source.item.root
        names = frozenset((f.name, f.value) for f in reading.facts if f.name in _NAMES)
        machine = self._machine[name] = (root, names)
        if not self._is_copy(reading, name, root):
            account = self._accounts.setdefault(machine, HuntTally(self._examples))
            account.add(reading.hunted)
        return replace(reading, hunted=Hunted())

    def of(self, sources: Iterable[str]) -> Hunted:
        """The sums of one host, given the names of its sources."""
        machines = dict.fromkeys(self._machine[name] for name in sources if name in self._machine)
        total = HuntTally(self._examples)
        for machine in machines:
            if machine in self._accounts:
                total.add(self._accounts[machine].total())
        return _moved(total.total(), self._places())

    def _places(self) -> dict[str, str]:
        """Where examples stand now -> where the copy is that is kept; all readings are in."""
        if self._moved is None:
            copies = self._copies.values()
            self._moved = {c.taken: c.kept for c in copies if c.taken != c.kept}
        return self._moved

    def _is_copy(self, reading: Reading, name: str, root: str) -> bool:
        if not has_content(reading):
            return False
        key = (root, *content_key(reading))
        copies = self._copies.setdefault(key, _Copies(name, name))
        copies.kept = min(copies.kept, name)
        return copies.taken != name


def _moved(hunted: Hunted, places: dict[str, str]) -> Hunted:
    """Examples at the place of the copy that is kept."""

    def moved(hit: Hit) -> Hit:
        kept = places.get(hit.place.source, hit.place.source)
        return replace(hit, place=Place(kept, hit.place.record))

    sums = {
        key: HitSum(one.count, one.first, one.last, tuple(map(moved, one.examples)))
        for key, one in hunted.sums.items()
    }
    return replace(hunted, sums=sums, feeding=tuple(map(moved, hunted.feeding)))
