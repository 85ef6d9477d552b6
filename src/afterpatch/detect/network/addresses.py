"""Which addresses are one's own, and sets of networks that a column can be asked about."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import polars as pl

# Private use, shared, loopback, link-local, multicast, broadcast, unspecified (IANA special-purpose
# address registries). Documentation ranges are not among them: they stand for the outside.
INTERNAL: Final = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "0.0.0.0/32",
    "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Networks:
    """A set of networks. Each address is looked at once, then remembered."""

    networks: tuple[_Network, ...]
    _known: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Networks":
        """From CIDR texts or single addresses; raises ValueError naming a wrong one."""
        return cls(tuple(ipaddress.ip_network(text.strip(), strict=False) for text in texts))

    def mask(self, addresses: pl.Series) -> pl.Series:
        """Boolean per address: inside one of the networks. Null and non-addresses are not."""
        if len(self._known) > _MAX_KNOWN:
            self._known.clear()
        distinct = addresses.unique()
        inside = [text is not None and self._ask(text) for text in distinct]
        table = pl.DataFrame({"address": distinct, "inside": inside})
        joined = pl.DataFrame({"address": addresses}).join(
            table, on="address", how="left", maintain_order="left", nulls_equal=True
        )
        return joined["inside"]

    def _ask(self, text: str) -> bool:
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._inside(text)
        return known

    def _inside(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self.networks)


_MAX_KNOWN: Final = 200_000
