"""Whose doing is a row of a resolver's or proxy's log? The client's that it names, not its owner's.

Enters: hosts as their evidence lies, what a campaign's logs are ``about``, inventories. Leaves:
the same hosts without what their logs tell of others, and a host for each machine told of. A
machine is what a ``machine`` key says (SUNBURST's host ID) or, where a row has no such key, the
address that asked. One address with several such keys is a forwarder and no machine itself.

A host that is only told of has the logs that tell of it as its evidence: they are its coverage.
Weak hits make no machine; they follow one that strong hits made, else they stay with the log.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from afterpatch.assess.findings import KeyReader, spelled_address
from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.names import short
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.places import Notice
from afterpatch.model.readings import Reading

# An inventory may say which machine an address is.
ADDRESS_FACT: Final = "host.address"
_NOWHERE: Final = ("", "-", "127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104  (read, not bound)


@dataclass(frozen=True, slots=True)
class _Told:
    """One hit about a client: where it lies, who asked, and which machine that is, if it says."""

    owner: int
    reading: int
    hit: Hit
    address: str
    machine: str
    weak: bool


@dataclass(slots=True)
class _Machine:
    """What is told of one machine. ``key``: its ID, or "" when only its address is known."""

    key: str
    told: list[_Told] = field(default_factory=list)

    def address(self, shared: Mapping[str, set[str]]) -> str:
        """The address to name it by: one of its own before a forwarder's, then the busiest."""
        seen = Counter(one.address for one in self.told if one.address)
        return min(seen, key=lambda a: (len(shared.get(a, ())), -seen[a], a), default="")


def place_clients(
    hosts: Sequence[HostEvidence],
    inventories: Sequence[Reading],
    campaign: Campaign,
    rules: Mapping[str, RuleInfo],
) -> tuple[list[HostEvidence], list[Notice]]:
    """Hosts with every hit at the machine it tells of, and what the reader must know of it."""
    about = _About(campaign, rules)
    told = [one for place, host in enumerate(hosts) for one in about.told(place, host)]
    machines, shared = _machines(told)
    if not machines:
        return list(hosts), []
    moved = {id(one.hit) for machine in machines for one in machine.told}
    names = _names_of_addresses(inventories)
    found = [_without(host, moved) for host in hosts]
    for machine in machines:
        name = _name(machine, shared, names)
        home = _home(found, name)
        if home is None:
            found.append(_host(machine, name, hosts, about))
        else:
            found[home] = _with(found[home], machine, hosts)
    return found, [*_forwarders(shared, hosts, told), *_cut(hosts, about)]


class _About:
    """Which hits of a campaign are about a client, by the columns its logs name."""

    def __init__(self, campaign: Campaign, rules: Mapping[str, RuleInfo]) -> None:
        self._logs = [log for log in campaign.logs if log.about]
        self._rules = rules
        keys = [key for key in campaign.keys if key.machine]
        self._keys = KeyReader(keys)
        self._names = [key.name for key in keys]

    def columns(self, reading: Reading, stage: str) -> tuple[str, ...]:
        """Columns that name the client of a row of this source that shows ``stage``."""
        here = (log for log in self._logs if log.id in reading.observed and stage in log.sees)
        return tuple(dict.fromkeys(column for log in here for column in log.about))

    def tells(self, reading: Reading) -> bool:
        """Whether the source is a log about clients."""
        return any(log.id in reading.observed for log in self._logs)

    def told(self, owner: int, host: HostEvidence) -> Iterator[_Told]:
        """Every hit of a host's evidence that is about a client which the row names."""
        for place, reading in enumerate(host.readings):
            if not self.tells(reading):
                continue
            for hit in reading.hits:
                rule = self._rules.get(hit.rule)
                columns = self.columns(reading, rule.stage) if rule else ()
                values = (spelled_address(hit.fields.get(column, "")) for column in columns)
                address = next((value for value in values if value not in _NOWHERE), "")
                if rule and address:
                    keys = self._keys.read(hit)
                    machine = next((keys[name] for name in self._names if name in keys), "")
                    yield _Told(owner, place, hit, address, machine, rule.weak)

    def overflowed(self, reading: Reading) -> Iterator[tuple[str, int]]:
        """Rules about clients of which some matches were only counted."""
        for rule, count in sorted(reading.overflow.items()):
            if rule in self._rules and self.columns(reading, self._rules[rule].stage):
                yield rule, count


def _machines(told: Sequence[_Told]) -> tuple[list[_Machine], dict[str, set[str]]]:
    """Machines in order of key and address; the machine keys that each address carries."""
    shared: dict[str, set[str]] = defaultdict(set)
    for one in told:
        if one.machine and not one.weak:
            shared[one.address].add(one.machine)
    found: dict[tuple[str, str], _Machine] = {}
    for one in sorted(told, key=lambda one: one.weak):
        ids = shared.get(one.address, set())
        key = one.machine or (next(iter(ids)) if len(ids) == 1 else "")
        place = (key, "" if key else one.address)
        if place in found or not one.weak:
            found.setdefault(place, _Machine(key)).told.append(one)
    return [found[place] for place in sorted(found)], shared


def _name(machine: _Machine, shared: Mapping[str, set[str]], names: Mapping[str, str]) -> str:
    address = machine.address(shared)
    if machine.key and len(shared.get(address, ())) > 1:
        return f"{machine.key} behind {names.get(address, address)}"
    return names.get(address, address)


def _names_of_addresses(inventories: Sequence[Reading]) -> dict[str, str]:
    """Address -> the one name that inventories give it, however they write it."""
    found: dict[str, set[str]] = defaultdict(set)
    for reading in inventories:
        for fact in reading.facts:
            address = fact.value if fact.name == ADDRESS_FACT else fact.detail.get("ip", "")
            if address and fact.detail.get("host"):
                found[spelled_address(address)].add(fact.detail["host"])
    return {
        address: min(names)
        for address, names in found.items()
        if len({name.casefold() for name in names}) == 1
    }


def _home(hosts: Sequence[HostEvidence], name: str) -> int | None:
    """The host that has this name already, if it is one."""
    wanted = name.casefold()
    same = [
        place
        for place, host in enumerate(hosts)
        if wanted in {known.casefold() for known in (host.name, *host.aliases, *host.full_names)}
        or (name and "." not in name and short(host.name) == wanted)
    ]
    return same[0] if len(same) == 1 else None


def _without(host: HostEvidence, moved: set[int]) -> HostEvidence:
    return replace(host, readings=tuple(_only(r, moved, inside=False) for r in host.readings))


def _only(reading: Reading, hits: set[int], *, inside: bool) -> Reading:
    """The reading with the hits that are among ``hits``, or with the others."""
    kept = tuple(hit for hit in reading.hits if (id(hit) in hits) == inside)
    return reading if len(kept) == len(reading.hits) else replace(reading, hits=kept)


def _host(
    machine: _Machine, name: str, hosts: Sequence[HostEvidence], about: _About
) -> HostEvidence:
    """A machine known only from others' logs."""
    owners = [hosts[place] for place in sorted({one.owner for one in machine.told})]
    mine = {id(one.hit) for one in machine.told}
    readings = [
        replace(_only(reading, mine, inside=True), facts=(), overflow={})
        for owner in owners
        for reading in owner.readings
        if about.tells(reading)
    ]
    sources = {reading.source.item.name for reading in readings}
    aliases = {one.address for one in machine.told} | {machine.key}
    return HostEvidence(
        name=name,
        aliases=tuple(sorted(aliases - {name, ""})),
        named_by=f"the client in the log of {', '.join(owner.name for owner in owners)}",
        roots=tuple(sorted({root for owner in owners for root in owner.roots})),
        readings=tuple(readings),
        gaps=tuple(sorted({g for owner in owners for g in owner.gaps if g.source in sources})),
    )


def _with(host: HostEvidence, machine: _Machine, hosts: Sequence[HostEvidence]) -> HostEvidence:
    """A host with evidence of its own, and what others' logs tell of it."""
    mine = {id(one.hit) for one in machine.told}
    places = sorted({(one.owner, one.reading) for one in machine.told})
    told = [_only(hosts[owner].readings[place], mine, inside=True) for owner, place in places]
    own = {reading.source.item.name for reading in host.readings}
    merged = tuple(
        next(
            (
                replace(reading, hits=(*reading.hits, *one.hits))
                for one in told
                if one.source.item.name == reading.source.item.name
            ),
            reading,
        )
        for reading in host.readings
    )
    others = (
        replace(one, facts=(), overflow={}) for one in told if one.source.item.name not in own
    )
    aliases = ({one.address for one in machine.told} | {machine.key, *host.aliases}) - {host.name}
    return replace(host, readings=(*merged, *others), aliases=tuple(sorted(aliases - {""})))


def _forwarders(
    shared: Mapping[str, set[str]], hosts: Sequence[HostEvidence], told: Sequence[_Told]
) -> Iterator[Notice]:
    """Addresses that stand for several machines."""
    for address, ids in sorted(shared.items()):
        if len(ids) > 1:
            owner = next(hosts[one.owner] for one in told if one.address == address)
            text = (
                f"{address} asked for {len(ids)} machines: it forwards for others and is not "
                "judged by their queries; `afterpatch sunburst attribute` names machines by ID"
            )
            yield Notice("client", owner.roots[0] if owner.roots else owner.name, text)


def _cut(hosts: Sequence[HostEvidence], about: _About) -> Iterator[Notice]:
    """Clients may hide behind what was only counted."""
    for host in hosts:
        for reading in host.readings:
            for rule, count in about.overflowed(reading):
                text = (
                    f"{count:,} more matches of {rule} were only counted; they may name "
                    "further clients, which are then not listed"
                )
                yield Notice("client", reading.source.item.name, text)
