"""Readings -> the fleet: which hosts there are, what was counted once, what was left unread.

Enters: the readings of a run in any order. Leaves: :class:`Fleet`, the ground that verdicts and
hunts stand on. Pure.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from afterpatch.assess.duplicates import without_copies
from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.merging import group_hosts
from afterpatch.model.places import Gap, Notice, Source
from afterpatch.model.readings import Reading

INVENTORIES = ("inventory-csv", "machine-csv")


@dataclass(frozen=True, slots=True)
class Fleet:
    """``kept``: readings without copies. ``inventories`` speak of hosts and belong to none."""

    hosts: tuple[HostEvidence, ...]
    inventories: tuple[Reading, ...]
    kept: tuple[Reading, ...]
    gaps: tuple[Gap, ...]
    notices: tuple[Notice, ...]

    def of_no_host(self) -> dict[str, list[Reading]]:
        """Root -> its readings that speak for no machine: inventories, stray unknown files."""
        placed = {r.source.item.name for host in self.hosts for r in host.readings}
        others = {r.source.item.name: r for r in (*self.inventories, *self.kept)}
        by_root: dict[str, list[Reading]] = defaultdict(list)
        for name in sorted(others.keys() - placed):
            by_root[others[name].source.item.root].append(others[name])
        return dict(sorted(by_root.items()))

    def sources(self) -> list[tuple[str, Source]]:
        """(host or "", source) of everything that is counted, by name."""
        listed = [(host.name, r.source) for host in self.hosts for r in host.readings]
        listed += [("", reading.source) for reading in self.inventories]
        return sorted(listed, key=lambda entry: entry[1].item.name)


def fleet_of(readings: Sequence[Reading], gaps: Sequence[Gap], notices: Sequence[Notice]) -> Fleet:
    """Order of ``readings`` does not change the result."""
    ordered = sorted(readings, key=lambda r: r.source.item.name)
    kept, said = _per_root(ordered)
    all_gaps = sorted({*gaps, *(gap for reading in kept for gap in reading.gaps)})
    inventories = [r for r in ordered if r.source.kind in INVENTORIES]
    hosts, host_notices = group_hosts([r for r in kept if r not in inventories], all_gaps)
    told = {*notices, *said, *host_notices, *(n for r in kept for n in r.notices)}
    return Fleet(
        tuple(hosts), tuple(inventories), tuple(kept), tuple(all_gaps), tuple(sorted(told))
    )


def _per_root(readings: Sequence[Reading]) -> tuple[list[Reading], list[Notice]]:
    """Copies are only looked for inside one collection: two hosts may hold equal files."""
    by_root: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_root[reading.source.item.root].append(reading)
    kept: list[Reading] = []
    notices: list[Notice] = []
    for root in sorted(by_root):
        unique, said = without_copies(by_root[root])
        kept += unique
        notices += said
    return kept, notices
