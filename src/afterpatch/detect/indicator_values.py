"""One kind of indicator against the distinct values of one column.

Enters: (value, rule) pairs of one indicator type, then columns. Leaves: (index of a distinct value,
rule) for every match. Will not do: choose columns or turn values into rows.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.sigma.columns import Column
from afterpatch.detect.sigma.distinct import read_address
from afterpatch.model.hits import RuleInfo

Entries: TypeAlias = Sequence[tuple[str, RuleInfo]]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_SHA256: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_LIST: Final = re.compile(r"[\s,;+]+")
_VARIABLE: Final = re.compile(r"^(?:[a-z]:|%[^%/]*%|\$env:\w+|\$\{env:[^}]*\})")
_OCTET: Final = r"(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])"
_IPV4: Final = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"


class Finder(Protocol):
    """What an indicator type brings: built from its entries, asked once per column."""

    def find(self, column: Column) -> Iterator[tuple[int, RuleInfo]]:
        """(index of a distinct value, rule) for each match, in no particular order."""
        ...


def network_of(text: str) -> Network:
    """An address or network as a network, mapped IPv4 unwrapped. Raises ValueError."""
    network = ipaddress.ip_network(text.strip().partition("%")[0], strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - 96))
    return network


def _hopeful(column: Column, literals: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(index, value) of the distinct values that contain some of the folded literals."""
    found = column.folded.str.contains_any(sorted(literals)).arg_true()
    return zip(found.to_list(), column.values.gather(found).to_list(), strict=True)


class Hashes:
    """SHA-256 digests anywhere in a value (Sysmon writes ``SHA1=…,SHA256=…``)."""

    def __init__(self, entries: Entries) -> None:
        self._infos = {value.lower(): info for value, info in entries}

    def find(self, column: Column) -> Iterator[tuple[int, RuleInfo]]:
        """See :class:`Finder`."""
        for at, text in _hopeful(column, self._infos):
            for digest in sorted(set(_SHA256.findall(text))):
                info = self.named(digest)
                if info is not None:
                    yield at, info

    def named(self, sha256: str) -> RuleInfo | None:
        """The indicator for a digest, if there is one."""
        return self._infos.get(sha256.lower())


class Addresses:
    """IPv4 through sorted, merged intervals; IPv6 (rare) through its networks one by one."""

    def __init__(self, entries: Entries) -> None:
        self._infos: dict[Network, list[RuleInfo]] = {}
        for value, info in entries:
            self._infos.setdefault(network_of(value), []).append(info)
        four = [n for n in self._infos if isinstance(n, ipaddress.IPv4Network)]
        self._six = [n for n in self._infos if isinstance(n, ipaddress.IPv6Network)]
        self._lengths = sorted({network.prefixlen for network in four})
        merged = list(ipaddress.collapse_addresses(four))
        self._starts = np.array([int(n.network_address) for n in merged], np.int64)
        self._ends = np.array([int(n.broadcast_address) for n in merged], np.int64)

    def find(self, column: Column) -> Iterator[tuple[int, RuleInfo]]:
        """See :class:`Finder`."""
        plain = column.values.str.contains(_IPV4)
        at = plain.arg_true().to_numpy()
        numbers = _ipv4_numbers(column.values.filter(plain))
        for chosen in np.flatnonzero(self._inside(numbers)):
            address = ipaddress.IPv4Address(int(numbers[chosen]))
            yield from ((int(at[chosen]), info) for info in self._of_ipv4(address))
        others = (~plain).arg_true()
        texts = column.values.gather(others).to_list()
        for position, text in zip(others.to_list(), texts, strict=True):
            for address_ in addresses_in(text):
                yield from ((position, info) for info in self._of(address_))

    def _inside(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        if len(self._starts) == 0:
            return np.zeros(len(numbers), np.bool_)
        position = np.searchsorted(self._starts, numbers, side="right") - 1
        inside: npt.NDArray[np.bool_] = (position >= 0) & (numbers <= self._ends[position])
        return inside

    def _of(self, address: Address) -> Iterator[RuleInfo]:
        if isinstance(address, ipaddress.IPv4Address):
            if self._inside(np.array([int(address)], np.int64))[0]:
                yield from self._of_ipv4(address)
            return
        for network in self._six:
            if address in network:
                yield from self._infos[network]

    def _of_ipv4(self, address: ipaddress.IPv4Address) -> Iterator[RuleInfo]:
        for length in self._lengths:
            network = ipaddress.IPv4Network((int(address), length), strict=False)
            yield from self._infos.get(network, ())


def _ipv4_numbers(texts: pl.Series) -> npt.NDArray[np.int64]:
    """Dotted IPv4 texts -> numbers."""
    total = np.zeros(len(texts), np.int64)
    parts = texts.str.split(".")
    for octet in range(4):
        total = total * 256 + parts.list.get(octet).cast(pl.Int64).to_numpy()
    return total


def addresses_in(text: str) -> Iterator[Address]:
    """Addresses in a value: one, or a list; with brackets or a port."""
    for part in _LIST.split(text.strip()):
        address = read_address(part)
        if address is None and part:
            host = part[1:].partition("]")[0] if part[0] == "[" else part.rpartition(":")[0]
            address = read_address(host)
        if address is not None:
            yield address


class Domains:
    """Host names standing free in a value: the name itself or one below it."""

    def __init__(self, entries: Entries) -> None:
        self._infos = {value.lower().strip("."): info for value, info in entries}
        self._free = {
            domain: re.compile(rf"(?<![0-9a-z_-]){re.escape(domain)}(?![0-9a-z_-])(?!\.[0-9a-z_-])")
            for domain in self._infos
        }

    def find(self, column: Column) -> Iterator[tuple[int, RuleInfo]]:
        """See :class:`Finder`."""
        for at, text in _hopeful(column, self._infos):
            folded = text.lower()
            for domain, info in self._infos.items():
                if domain in folded and self._free[domain].search(folded):
                    yield at, info


class Paths:
    """Looked up by last component, then compared backwards."""

    def __init__(self, entries: Entries) -> None:
        self._by_name: dict[str, list[tuple[str, RuleInfo]]] = {}
        for value, info in entries:
            path = plain_path(value)
            self._by_name.setdefault(path.rpartition("/")[2], []).append((path, info))

    def find(self, column: Column) -> Iterator[tuple[int, RuleInfo]]:
        """See :class:`Finder`."""
        for at, text in _hopeful(column, self._by_name):
            path = plain_path(text)
            for wanted, info in self._by_name.get(path.rpartition("/")[2], ()):
                if path == wanted or path.endswith("/" + wanted):
                    yield at, info


def plain_path(text: str) -> str:
    """Lower-case, forward slashes, without drive, leading variable, or outer slashes."""
    path = re.sub(r"/+", "/", text.strip().strip('"').lower().replace("\\", "/"))
    return _VARIABLE.sub("", path).strip("/")


class Agents:
    """Whole user agents, separators evened out."""

    def __init__(self, entries: Entries) -> None:
        self._infos = {_plain_agent(value): info for value, info in entries}

    def find(self, column: Column) -> Iterator[tuple[int, RuleInfo]]:
        """See :class:`Finder`."""
        plain = column.values.str.replace_all(r"[+,]", " ")
        wanted = pl.Series(list(self._infos), dtype=pl.String)
        for at in plain.is_in(wanted.implode()).arg_true().to_list():
            yield at, self._infos[plain[at]]


def _plain_agent(text: str) -> str:
    return text.replace("+", " ").replace(",", " ")
