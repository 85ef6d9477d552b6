"""What Zeek's logs are called and which Sigma log source each is.

In: a log's path (``#path``, ``_path``, or the file's name). Out: its log source and coverage name.

Sigma's own log source for Zeek is ``product: zeek, service: <path>``. Three logs also are what the
taxonomy describes with a neutral category, and serve its rules: ``dns.log`` is ``dns``,
``http.log`` is ``proxy`` (requests of clients as the wire shows them; ``webserver`` as well, see
``detect.sigma.fields``), ``conn.log`` is ``firewall`` (addresses and ports of both ends).
``network_connection`` is not served: its rules ask which process connected, on which product.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from afterpatch.model.batches import Logsource

CATEGORIES: Final[Mapping[str, str]] = {"conn": "firewall", "dns": "dns", "http": "proxy"}

# Logs that Zeek writes by itself: JSON with no other mark of Zeek is Zeek's only by such a name.
KNOWN: Final = frozenset(
    {
        *("analyzer", "broker", "capture_loss", "cluster", "conn", "dce_rpc", "dhcp", "dnp3"),
        *("dns", "dpd", "files", "ftp", "http", "intel", "irc", "kerberos", "known_certs"),
        *("known_hosts", "known_services", "ldap", "ldap_search", "loaded_scripts", "modbus"),
        *("mysql", "notice", "ntlm", "ntp", "ocsp", "packet_filter", "pe", "quic", "radius"),
        *("rdp", "reporter", "rfb", "sip", "smb_cmd", "smb_files", "smb_mapping", "smtp", "snmp"),
        *("socks", "software", "ssh", "ssl", "stats", "syslog", "telemetry", "traceroute"),
        *("tunnel", "weird", "websocket", "x509"),
    }
)

_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# conn.log, conn.10:00:00-11:00:00.log, conn_20210302_10:00:00-11:00:00-0000.log, conn-red.json
_FILE_NAME: Final = re.compile(r"(?:.*/)?([a-z][a-z0-9_]*?)(?:[._-]\d[^/]*)?\.(?:log|json|jsonl)")


def known_path(text: str) -> str:
    """A path as Zeek would write it, or "" for anything else."""
    return text if _PATH.fullmatch(text) else ""


@lru_cache(maxsize=1024)
def path_of_file(origin: str) -> str:
    """The path that a file's name tells, or ""."""
    match = _FILE_NAME.fullmatch(origin.rsplit("!", 1)[-1])
    return match[1] if match else ""


@lru_cache(maxsize=1024)
def logsource(path: str) -> Logsource:
    """The log source of one of Zeek's logs."""
    return Logsource(CATEGORIES.get(path, ""), "zeek", path)


def coverage_name(path: str) -> str:
    """``zeek:dns``."""
    return f"zeek:{path or 'unnamed'}"
