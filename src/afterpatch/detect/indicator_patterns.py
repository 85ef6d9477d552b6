"""How an indicator would stand in a raw log line.

Enters: one indicator. Leaves: hyperscan patterns of which one matches every line the indicator can
match, () when the type is never found in text logs, None when no useful pattern exists.
Will not do: decide a match (``indicators`` does, on parsed columns).

IPv6 is looked for in its canonical and its fully written spelling, the two that logs use.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from afterpatch.model.campaigns import Indicator

MIN_CHARS: Final = 3
MAX_PREFIXES: Final = 256
_CUT: Final = re.compile(r"""[^!-~]+|["'+,?\\]+""")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def raw_patterns(
    indicator: Indicator, cut: re.Pattern[str] | None = None
) -> tuple[bytes, ...] | None:
    """Patterns for the raw text; see the module for () and None.

    ``cut``: what no pattern may hold, where a log writes more characters differently than usual.
    """
    cut = cut or _CUT
    match indicator.type:
        case "ip" | "cidr":
            try:
                network = ipaddress.ip_network(indicator.value.strip(), strict=False)
            except ValueError:
                return ()
            return _network_patterns(network)
        case "domain":
            return _literal(indicator.value.strip().strip("."), cut)
        case "path":
            # Slashes differ between spellings; the last component is in all of them.
            last = re.split(r"[\\/]", indicator.value.strip().rstrip("\\/"))[-1]
            return _literal(last, cut)
        case "user-agent":
            return _literal(indicator.value, cut)
    return ()


def _literal(text: str, cut: re.Pattern[str]) -> tuple[bytes, ...] | None:
    fragment = max(cut.split(text), key=len, default="")
    return (re.escape(fragment).encode(),) if len(fragment) >= MIN_CHARS else None


def _network_patterns(network: _Network) -> tuple[bytes, ...] | None:
    if isinstance(network, ipaddress.IPv4Network):
        return _ipv4_patterns(network)
    if network.prefixlen == 128:
        address = network.network_address
        spellings = {str(address), address.exploded}
        if address.ipv4_mapped:
            spellings.add(str(address.ipv4_mapped))
        return tuple(re.escape(text).encode() for text in sorted(spellings))
    return _ipv6_prefixes(network)


def _ipv4_patterns(network: ipaddress.IPv4Network) -> tuple[bytes, ...] | None:
    """Dotted text cut at the octet below the prefix; the same as hex inside ``::ffff:x:y``."""
    octets = -(-network.prefixlen // 8)
    if octets < 2:
        return None
    found = list(network.subnets(new_prefix=octets * 8)) if network.prefixlen else []
    if len(found) > MAX_PREFIXES:
        return None
    texts: set[bytes] = set()
    for subnet in found:
        parts = str(subnet.network_address).split(".")[:octets]
        end = "." if octets < 4 else ""
        texts.add(re.escape(".".join(parts) + end).encode())
        high, low = divmod(int(subnet.network_address), 1 << 16)
        last = f"{low:x}" if octets == 4 else ""
        texts.add(re.escape(f"ffff:{high:x}:{last}").encode())
    return tuple(sorted(texts))


def _ipv6_prefixes(network: ipaddress.IPv6Network) -> tuple[bytes, ...] | None:
    """The groups wholly inside the prefix, up to the first zero one (it may be written ``::``)."""
    groups: list[str] = []
    for group in network.network_address.exploded.split(":")[: network.prefixlen // 16]:
        if group == "0000":
            break
        groups.append(group)
    if not groups or len("".join(_short(groups))) < MIN_CHARS:
        return None
    short, full = ":".join(_short(groups)) + ":", ":".join(groups) + ":"
    return tuple(re.escape(text).encode() for text in sorted({short, full}))


def _short(groups: Iterable[str]) -> list[str]:
    return [group.lstrip("0") or "0" for group in groups]
