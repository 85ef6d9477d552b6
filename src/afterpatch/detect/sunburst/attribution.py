"""Which machine of an inventory is behind a host ID.

Enters: host IDs (16 hex digits; 14 from a ``userId``) and machines. Leaves: :class:`Owner`.
The malware hashes the hardware address of the first network card that is up, the AD domain and the
MachineGuid (``GetOrCreateUserID``). Which card was first is not known, so every card is tried.

An ID has 64 bits: over a million combinations the chance of a false match is one in 10^13; over
the 56 bits of a ``userId``, one in 10^11 per ID.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import md5

from afterpatch.detect.sunburst.http import LEAKED_DIGITS
from afterpatch.model.machines import Machine


@dataclass(frozen=True, slots=True)
class Owner:
    """``machine`` made ``host_id`` with this card and this spelling of the domain."""

    host_id: str
    machine: Machine
    mac: str
    domain: str


@dataclass(frozen=True, slots=True)
class Attribution:
    """``owners`` by ID and machine; ``nobody``: IDs no machine of the inventory makes.

    ``incomplete``: names of machines that cannot be tried, with what is missing.
    """

    owners: tuple[Owner, ...]
    nobody: tuple[str, ...]
    incomplete: tuple[tuple[str, str], ...]


def host_id_of(mac: str, domain: str, guid: str) -> str:
    """The ID of a machine: MD5, its halves XORed."""
    digest = md5(f"{mac}{domain}{guid}".encode("ascii", "replace"), usedforsecurity=False).digest()
    return (
        (int.from_bytes(digest[:8], "big") ^ int.from_bytes(digest[8:], "big"))
        .to_bytes(8, "big")
        .hex()
    )


def attribute(
    host_ids: Iterable[str], machines: Iterable[Machine], domains: Iterable[str] = ()
) -> Attribution:
    """Try every machine. ``domains``: names read from labels, for machines without a domain."""
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for host_id in host_ids:
        wanted[host_id[:LEAKED_DIGITS]].add(host_id)
    owners: set[Owner] = set()
    incomplete: set[tuple[str, str]] = set()
    known = sorted(set(domains))
    for machine in machines:
        missing = _missing(machine, known)
        if missing:
            incomplete.add((machine.name, missing))
        for made, mac, domain in _made(machine, known):
            for host_id in wanted.get(made[:LEAKED_DIGITS], ()):
                if made.startswith(host_id):
                    owners.add(Owner(host_id, machine, mac, domain))
    found = {owner.host_id for owner in owners}
    everyone = {host_id for ids in wanted.values() for host_id in ids}
    return Attribution(
        tuple(sorted(owners, key=lambda o: (o.host_id, o.machine.name, o.mac, o.domain))),
        tuple(sorted(everyone - found)),
        tuple(sorted(incomplete)),
    )


def _missing(machine: Machine, domains: Iterable[str]) -> str:
    parts = (
        ("MAC", machine.macs),
        ("MachineGuid", machine.guid),
        ("domain", machine.domain or domains),
    )
    return ", ".join(name for name, value in parts if not value)


def _made(machine: Machine, domains: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(ID, MAC, domain) of every card; inventories may spell domain and GUID in another case."""
    own = (machine.domain,) if machine.domain else tuple(domains)
    guids = _cases(machine.guid) if machine.guid else ()
    for domain in dict.fromkeys(case for name in own for case in _cases(name)):
        for guid in guids:
            for mac in machine.macs:
                yield host_id_of(mac, domain, guid), mac, domain


def _cases(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((text, text.lower(), text.upper())))
