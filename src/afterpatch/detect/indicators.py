"""Indicators (addresses, networks, domains, hashes, paths, user agents) against columns.

Enters: indicators and batches. Leaves: for each indicator that matched, the rows. Everything is
asked of distinct values. Will not do: hold an indicator for proof: each is a weak signal, except
the hash of content known to be bad (law 4).

ip, cidr     address columns; lists (X-Forwarded-For), ports, brackets, zone ids and ::ffff: mapped
             addresses are understood.
domain       the name or a name below it, standing free in a host or text column.
sha256       ``Sha256`` columns and ``SHA256=…`` in Sysmon's ``Hashes``; content by its own hash.
path         case and kind of slash ignored; drive and leading ``%VARIABLE%`` ignored; the whole
             path, or its end at a component boundary.
user-agent   the whole value; "+" (W3C) and "," (HttpProxy) count as spaces.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import numpy as np

from afterpatch.detect.indicator_values import (
    Addresses,
    Agents,
    Domains,
    Entries,
    Finder,
    Hashes,
    Paths,
    network_of,
)
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.fields import View
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.model.batches import Batch
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import RuleInfo

# Columns by what they hold; spellings of IIS, HttpProxy, ECP, SMTP logs, Windows events, Sysmon.
ADDRESS_COLUMNS: Final = frozenset(
    {
        "c-ip",
        "ClientIpAddress",
        "ClientIP",
        "client-ip",
        "OriginalClientIp",
        "original-client-ip",
        "SourceIp",
        "SourceIP",
        "DestinationIp",
        "DestinationIP",
        "IpAddress",
        "SourceAddress",
        "DestAddress",
        "ClientAddress",
        "RemoteAddress",
        "remote-endpoint",
        "X-Forwarded-For",
        "cs(X-Forwarded-For)",
        "src_ip",
        "dst_ip",
        "SourceNetworkAddress",
        "ClientIPAddress",
        "CallerIpAddress",
        "QueryResults",
    }
)
DOMAIN_COLUMNS: Final = frozenset(
    {
        "cs-host",
        "cs(Host)",
        "UrlHost",
        "cs(Referer)",
        "cs-uri-query",
        "UrlQuery",
        "AnchorMailbox",
        "RoutingHint",
        "BackEndCookie",
        "TargetServer",
        "QueryName",
        "QueryResults",
        "DestinationHostname",
        "SourceHostname",
        "CommandLine",
        "ParentCommandLine",
        "URL",
        "REFERRER",
        "CMD",
        "EventData",
        "ScriptBlockText",
        "Message",
    }
)
PATH_COLUMNS: Final = frozenset(
    {
        "TargetFilename",
        "cs-uri-stem",
        "cs-uri",
        "UrlStem",
        "Image",
        "ParentImage",
        "NewProcessName",
        "ParentProcessName",
        "RelativeTargetName",
        "ObjectName",
        "PhysicalPath",
        "ImageLoaded",
        "FileName",
        "ImagePath",
    }
)
AGENT_COLUMNS: Final = frozenset(
    {
        "cs(User-Agent)",
        "UserAgent",
        "cs-user-agent",
        "c-useragent",
    }
)
HASH_COLUMNS: Final = frozenset(
    {
        "Sha256",
        "SHA256",
        "sha256",
        "Hashes",
        "Hash",
    }
)

# Indicator type -> what finds it. Addresses and networks are one question.
_FAMILY: Final[Mapping[str, str]] = {
    "ip": "address",
    "cidr": "address",
    "domain": "domain",
    "sha256": "sha256",
    "path": "path",
    "user-agent": "user-agent",
}
_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "address": ADDRESS_COLUMNS,
    "domain": DOMAIN_COLUMNS,
    "sha256": HASH_COLUMNS,
    "path": PATH_COLUMNS,
    "user-agent": AGENT_COLUMNS,
}
_FINDERS: Final[Mapping[str, Callable[[Entries], Finder]]] = {
    "address": Addresses,
    "domain": Domains,
    "sha256": Hashes,
    "path": Paths,
    "user-agent": Agents,
}


class IndicatorEngine:
    """All indicators of a run; the first of each id counts.

    ``unsupported`` lists those that cannot be read, as (rule id, reason).
    """

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        unsupported: list[tuple[str, str]] = []
        self._family: dict[str, str] = {}
        entries: dict[str, list[tuple[str, RuleInfo]]] = {}
        infos: dict[str, RuleInfo] = {}
        for indicator in indicators:
            info = indicator_info(indicator)
            fault = _fault(indicator)
            if fault:
                unsupported.append((info.id, fault))
            elif info.id not in infos:
                infos[info.id] = info
                family = self._family[info.id] = _FAMILY[indicator.type]
                entries.setdefault(family, []).append((indicator.value.strip(), info))
        self.infos = tuple(infos.values())
        self.unsupported = tuple(unsupported)
        self._finders = {family: _FINDERS[family](found) for family, found in entries.items()}
        self._hashes = Hashes(entries.get("sha256", ()))

    def infos_for(self, names: Iterable[str]) -> tuple[RuleInfo, ...]:
        """The indicators that look at some of these columns, whether or not they match."""
        present = frozenset(names)
        families = {family for family, columns in _COLUMNS.items() if present & columns}
        return tuple(info for info in self.infos if self._family[info.id] in families)

    def match(self, batch: Batch) -> Iterator[tuple[RuleInfo, Indexes]]:
        """(indicator, matching row numbers, ascending), in the order the indicators came."""
        columns = Columns(batch.frame)
        found: dict[str, list[Indexes]] = {}
        for family, finder in self._finders.items():
            for name in sorted(_COLUMNS[family].intersection(columns.names)):
                column = columns.view(View((name,)))
                if column is not None:
                    for value, info in finder.find(column):
                        found.setdefault(info.id, []).append(column.rows_of(value))
        for info in self.infos:
            if info.id in found:
                yield info, np.unique(np.concatenate(found[info.id]))

    def match_sha256(self, sha256: str) -> RuleInfo | None:
        """The indicator that names this content, if any."""
        return self._hashes.named(sha256)


def _fault(indicator: Indicator) -> str:
    if indicator.type not in _FAMILY:
        return f"unknown indicator type '{indicator.type}'"
    if not indicator.value.strip():
        return "empty value"
    if indicator.type in ("ip", "cidr"):
        try:
            network_of(indicator.value)
        except ValueError:
            return "not an IP address or network"
    return ""


def indicator_info(indicator: Indicator) -> RuleInfo:
    """Rule id ``indicator:<type>:<value>``; weak unless the hash of known bad content."""
    weak = indicator.weak or indicator.type != "sha256"
    value = indicator.value.strip()
    return RuleInfo(
        id=f"indicator:{indicator.type}:{value}",
        title=f"{indicator.type} {value}" + (f": {indicator.note}" if indicator.note else ""),
        level="low" if weak else "high",
        engine="indicator",
        stage=indicator.stage,
        weak=weak,
        finds=indicator.note,
        references=(indicator.source,) if indicator.source else (),
    )
