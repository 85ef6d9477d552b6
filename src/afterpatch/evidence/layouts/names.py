"""Host names in the names of collections.

Enters: the name of an archive or folder, without archive endings. Leaves: the host part of it.
Sources: default output names of the collectors (KAPE "Using KAPE"; Velociraptor CreateCollector
``Collection-%Hostname%-%TIMESTAMP%``; UAC ``uac-%hostname%-%os%-%timestamp%``; acquire
``<target>_<timestamp>``; DFIR-ORC ``wolf_config``).
"""

import re
from typing import Final

# Patterns are anchored and have one unbounded group: matching is linear.
_PATTERNS: Final = (
    re.compile(r"Collection-(?P<host>.+)-\d{4}-\d\d-\d\dT\d\d[_:-]\d\d[_:-]\d\d.{0,8}"),
    re.compile(r"(?P<host>.+)-C\.[0-9a-f]{16}"),
    re.compile(r"uac-(?P<host>.+)-[a-z]+-\d{14}"),
    re.compile(r"DFIR-ORC_(?:WorkStation|Server|DomainController)_(?P<host>.+)_[^_]+"),
    re.compile(r"\d{4}-\d\d-\d\dT\d{6}_(?:.*_)?(?P<host>[^_]+)"),
    re.compile(r"(?P<host>.+)_\d{14}"),
)
# Words that say what is in a folder or archive, never whose it is.
_GENERIC: Final = frozenset(
    {
        *("log", "logs", "files", "data", "export", "output", "multiple", "triage", "collected"),
        *("iis", "iislogs", "w3svc", "httpproxy", "proxy", "httperr", "http", "err", "inetpub"),
        *("ecp", "ews", "oab", "owa", "logging", "management", "setup", "frontend", "backend"),
        *("evtx", "event", "events", "eventlog", "eventlogs", "winevt", "security", "application"),
        *("system", "sysmon", "windows", "registry", "config", "wwwroot", "webroot", "aspnet"),
        *("uploads", "msexchange", "var", "etc", "access", "nginx", "apache", "apache2", "httpd"),
        *("squid", "squid3", "zeek", "bro", "current", "suricata", "dns", "named", "bind"),
        *("dnsmasq", "unbound"),
    }
)
_SITE: Final = re.compile(r"w3svc\d+", re.ASCII)
_WORDS: Final = re.compile(r"[^\W_]+")
_MAX_NAME_CHARS: Final = 512


def host_in(name: str) -> str:
    """The host named by a collection's name; the whole name when no known pattern fits."""
    for pattern in _PATTERNS if len(name) <= _MAX_NAME_CHARS else ():
        if match := pattern.fullmatch(name):
            return match["host"]
    return name


def is_generic(name: str) -> bool:
    """Whether a name speaks of a kind of log (``iis_logs``, ``W3SVC1``) and of no host."""
    words = _WORDS.findall(name.lower())
    return all(word in _GENERIC or word.isdecimal() or _SITE.fullmatch(word) for word in words)
