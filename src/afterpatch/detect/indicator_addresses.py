"""Addresses and networks against a column of addresses.

Enters: (value, entry number) pairs, then columns. Leaves: see :class:`Finder`. Almost every value
in a log is one plain IPv4 address: those are compared whole or as numbers; the rest (IPv6, lists,
ports, brackets) is read one distinct value at a time.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from afterpatch.detect.indicator_values import Entries
from afterpatch.detect.key_set import KeySet
from afterpatch.detect.sigma.column import Column
from afterpatch.detect.sigma.distinct import read_address
from afterpatch.detect.sigma.literals import Indexes

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LIST: Final = re.compile(r"[\s,;+]+")
_OCTET: Final = r"(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])"
_IPV4: Final = rf"^{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}$"
_PLAIN: Final = re.compile(_IPV4, re.ASCII)


class Addresses:
    """Single IPv4 addresses by their text; networks by length and first address."""

    def __init__(self, entries: Entries) -> None:
        self._single: dict[str, list[int]] = {}
        # IP version -> prefix length -> first address as a number -> entries
        self._networks: dict[int, dict[int, dict[int, list[int]]]] = {4: {}, 6: {}}
        plain = pl.Series([value for value, _ in entries], dtype=pl.String).str.contains(_IPV4)
        for (value, entry), is_plain in zip(entries, plain, strict=True):
            if is_plain:
                self._single.setdefault(value, []).append(entry)
            else:
                self._add(network_of(value), entry)
        self._keys = KeySet(self._single)
        self._starts, self._ends = _intervals(self._networks[4])

    def _add(self, network: Network, entry: int) -> None:
        if network.version == 4 and network.prefixlen == 32:
            self._single.setdefault(str(network.network_address), []).append(entry)
            return
        firsts = self._networks[network.version].setdefault(network.prefixlen, {})
        firsts.setdefault(int(network.network_address), []).append(entry)

    @property
    def whole(self) -> bool:
        """See :class:`Finder`."""
        return len(self._starts) == 0

    def candidates(self, texts: pl.Series) -> Indexes:
        """See :class:`Finder`."""
        plain = texts.str.contains(_IPV4)
        others = (~plain).arg_true().to_numpy()
        return np.union1d(np.union1d(self._keys.rows(texts), self._inside(texts, plain)), others)

    def find(self, column: Column) -> Iterator[tuple[int, int]]:
        """See :class:`Finder`."""
        for at, text in enumerate(column.values.to_list()):
            for address in addresses_in(text):
                yield from ((at, entry) for entry in self._of(address))

    def _inside(self, texts: pl.Series, plain: pl.Series) -> Indexes:
        """Where a plain address lies inside some network."""
        at = plain.arg_true().to_numpy().astype(np.int64)
        if not len(self._starts):
            return at[:0]
        numbers = _ipv4_numbers(texts.gather(at))
        position = np.searchsorted(self._starts, numbers, side="right") - 1
        return at[(position >= 0) & (numbers <= self._ends[position])]

    def _of(self, address: Address) -> Iterator[int]:
        yield from self._single.get(str(address), ())
        number, bits = int(address), address.max_prefixlen
        for length, firsts in self._networks[address.version].items():
            yield from firsts.get(number >> (bits - length) << (bits - length), ())


def is_network(text: str) -> bool:
    """Whether a text is an address or a network."""
    if _PLAIN.fullmatch(text):
        return True
    try:
        network_of(text)
    except ValueError:
        return False
    return True


def network_of(text: str) -> Network:
    """An address or network as a network, mapped IPv4 unwrapped. Raises ValueError."""
    network = ipaddress.ip_network(text.strip().partition("%")[0], strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - 96))
    return network


def addresses_in(text: str) -> Iterator[Address]:
    """Addresses in a value: one, or a list; with brackets or a port."""
    for part in _LIST.split(text.strip()):
        address = read_address(part)
        if address is None and part:
            host = part[1:].partition("]")[0] if part[0] == "[" else part.rpartition(":")[0]
            address = read_address(host)
        if address is not None:
            yield address


_Numbers = npt.NDArray[np.int64]


def _intervals(networks: dict[int, dict[int, list[int]]]) -> tuple[_Numbers, _Numbers]:
    """First and last address of the IPv4 networks, merged where one lies inside another."""
    spans = [(first, length) for length, firsts in networks.items() for first in firsts]
    if not spans:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts, lengths = np.array(sorted(spans), np.int64).T
    # Networks nest or are disjoint: one that begins inside an earlier one ends inside it.
    reach = np.maximum.accumulate(starts + (np.int64(1) << (32 - lengths)) - 1)
    outer = np.concatenate(([True], starts[1:] > reach[:-1]))
    return starts[outer], reach[outer]


def _ipv4_numbers(texts: pl.Series) -> _Numbers:
    """Dotted IPv4 texts -> numbers."""
    octets = texts.str.split_exact(".", 3).struct.unnest()
    total = np.zeros(len(texts), np.int64)
    for name in octets.columns:
        total = total * 256 + octets[name].cast(pl.Int64).to_numpy()
    return total
