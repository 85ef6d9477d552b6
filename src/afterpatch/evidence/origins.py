"""Where a collected file lay on the machine it is from.

Enters: paths inside a collection, as collectors escape them. Leaves: paths as the machine had
them, forward slashes, original case. Text in, text out: nothing here is ever opened.
"""

import re
from typing import Final
from urllib.parse import unquote

_DRIVE: Final = re.compile(r"([A-Za-z])[:_$]?", re.ASCII)
_SNAPSHOT: Final = re.compile(r"vss[-_]?\d+", re.IGNORECASE | re.ASCII)
_VOLUME: Final = re.compile(r"\\\\[.?]\\([A-Za-z]:)?.*", re.ASCII | re.DOTALL)
_SITE: Final = re.compile(r"w3svc\d+", re.IGNORECASE | re.ASCII)
# Top folders that mark the start of the original path in a plain copy of a server's folders.
_ANCHORS: Final = frozenset(
    {
        *("inetpub", "windows", "program files", "program files (x86)", "programdata"),
        *("exchange server", "logging", "httpproxy", "logfiles", "httperr", "winevt", "frontend"),
    }
)
# Folders that only exist inside a collected server: what holds one of them is a host.
HOST_ANCHORS: Final = _ANCHORS | {"ecp", "v15", "v14", "exchsrvr", "system32", "wwwroot"}


def is_drive(name: str) -> bool:
    """``C``, ``C:``, ``C_`` or ``C$``: how collectors write a drive as a folder."""
    return _DRIVE.fullmatch(name) is not None


def is_snapshot(name: str) -> bool:
    """``VSS1``: KAPE's folder for a volume shadow copy."""
    return _SNAPSHOT.fullmatch(name) is not None


def is_host_anchor(name: str) -> bool:
    """Whether a folder of this name belongs to a server's file system."""
    lowered = name.lower()
    return lowered in HOST_ANCHORS or bool(_SITE.fullmatch(name)) or is_drive(name)


def from_drive(path: str) -> str:
    """``C/Windows/x`` and ``VSS1/C/Windows/x`` -> ``C:/Windows/x``; others unchanged."""
    first, _, rest = path.partition("/")
    if is_snapshot(first) and rest:
        inner = from_drive(rest)
        return inner if inner != rest else f"C:/{rest}"
    return f"{first[0].upper()}:/{rest}" if rest and is_drive(first) else path


def from_anchor(path: str, holder: str) -> str:
    """Path in a plain copy: from the drive or first known folder on; ``holder`` is what it is in.

    ``copy of C/inetpub/logs/x.log`` -> ``inetpub/logs/x.log``; ``x.log`` held by ``W3SVC1`` ->
    ``W3SVC1/x.log``; with nothing known in it, the path as it is.
    """
    driven = from_drive(path)
    if driven != path:
        return driven
    parts = [holder, *path.split("/")]
    for index, part in enumerate(parts[:-1]):
        if part.lower() in _ANCHORS or _SITE.fullmatch(part):
            return _with_drive(parts, index)
    return path


def _with_drive(parts: list[str], index: int) -> str:
    tail = "/".join(parts[index:])
    before = parts[index - 1] if index else ""
    return f"{before[0].upper()}:/{tail}" if is_drive(before) else tail


def from_velociraptor(path: str) -> str:
    """Path below ``uploads/ACCESSOR``: %-escapes undone; devices and shadow copies -> a drive.

    ``%5C%5C.%5CC%3A/Windows`` -> ``C:/Windows``; a shadow copy has no letter: C: is assumed.
    """
    first, _, rest = path.partition("/")
    volume = unquote(first)
    rest = "/".join(unquote(part) for part in rest.split("/"))
    if match := _VOLUME.fullmatch(volume):
        return f"{match[1] or 'C:'}/{rest}"
    if is_drive(volume) and volume.endswith(":"):
        return f"{volume}/{rest}"
    return f"/{volume}/{rest}" if rest else f"/{volume}"
