"""Which columns hold what an indicator may name: a table of facts."""

from collections.abc import Mapping
from typing import Final

from afterpatch.model.network import columns

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
) | columns("src_ip", "dst_ip", "answer")
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
) | columns("query", "answer", "sni", "host", "uri", "referrer")
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
) | columns("user_agent")
HASH_COLUMNS: Final = frozenset(
    {
        "Sha256",
        "SHA256",
        "sha256",
        "Hashes",
        "Hash",
        "fileinfo.sha256",
    }
)

COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "address": ADDRESS_COLUMNS,
    "domain": DOMAIN_COLUMNS,
    "sha256": HASH_COLUMNS,
    "path": PATH_COLUMNS,
    "user-agent": AGENT_COLUMNS,
}
