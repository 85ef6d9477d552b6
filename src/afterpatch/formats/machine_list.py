"""Inventories that list machines (CSV, JSON) -> machines, put together by name.

In: CSV with a host column and any of domain, MachineGuid and hardware addresses (several in one
cell, or one row per card); JSON of the same, as a list, as lines, or as SWIS answers it
(``{"results": [...]}``). Active Directory exports give the domain by ``dNSHostName`` or the ``DC=``
parts of ``distinguishedName``. Out: :class:`Listing`. A row that names no host is a gap; what a row
does not have, another row or file may.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import orjson

from afterpatch.formats.csv_rows import rows
from afterpatch.formats.line_reader import lines
from afterpatch.formats.peeked import Peeked
from afterpatch.model.machines import Machine
from afterpatch.model.places import Gap

MAX_JSON_BYTES: Final = 256 << 20
_NAME: Final = (
    *("fqdn", "dnshostname", "dns_host_name", "dnsname", "dns", "sysname", "hostname", "host name"),
    *("host", "computername", "computer name", "computer", "machinename", "machine", "servername"),
    *("server", "nodename", "caption", "cn", "name", "node"),
)
_DOMAIN: Final = (
    "domain",
    "addomain",
    "ad domain",
    "ad_domain",
    "dnsdomain",
    "domainname",
    "domain name",
)
_PATH: Final = ("distinguishedname", "dn")
_GUID: Final = ("machineguid", "machine guid", "machine_guid", "cryptography machineguid")
_MAC: Final = re.compile(r"mac(?:[ _]?address(?:es)?)?s?\d*|physical ?address|hardware ?address")
_ADDRESS: Final = re.compile(
    r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}"
    r"|[0-9A-Fa-f]{12})(?![0-9A-Fa-f])"
)
_GUID_TEXT: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]")
_COMPONENT: Final = re.compile(r"(?:^|,)\s*DC=([^,]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """``parts``: what each row says, not yet put together. See :func:`merge`."""

    parts: tuple[Machine, ...]
    gaps: tuple[Gap, ...]


def read_machines(stream: BinaryIO, name: str) -> Listing:
    """One inventory file. Content never raises."""
    peeked = Peeked(stream)
    if not _JSON.match(peeked.head):
        return _listing(_csv_rows(peeked), name)
    data = _whole(peeked)
    if data is None:
        return Listing((), (Gap(name, "file", f"JSON larger than {MAX_JSON_BYTES >> 20} MiB"),))
    return _listing(_json_rows(data), name)


def _whole(stream: BinaryIO) -> bytes | None:
    """All bytes, None when there are too many."""
    parts: list[bytes] = []
    left = MAX_JSON_BYTES
    while part := stream.read(min(left, 1 << 20) + 1):
        parts.append(part)
        left -= len(part)
        if left < 0:
            return None
    return b"".join(parts).removeprefix(b"\xef\xbb\xbf")


def merge(parts: Iterable[Machine]) -> tuple[Machine, ...]:
    """One machine per name; short and full names of one machine go together when unmistakable."""
    full: defaultdict[str, set[str]] = defaultdict(set)
    known = sorted(set(parts), key=lambda part: (part.name, part.domain, part.guid, part.macs))
    for part in known:
        if "." in part.name:
            full[part.name.split(".")[0].casefold()].add(part.name.casefold())
    groups: defaultdict[str, list[Machine]] = defaultdict(list)
    for part in known:
        key = part.name.casefold()
        same = full.get(key, set())
        groups[next(iter(same)) if len(same) == 1 else key].append(part)
    return tuple(_merged(groups[key]) for key in sorted(groups))


def _merged(parts: list[Machine]) -> Machine:
    name = max((part.name for part in parts), key=lambda text: (len(text), text))
    domains = [part.domain for part in parts if part.domain]
    guids = [part.guid for part in parts if part.guid]
    macs = tuple(sorted({mac for part in parts for mac in part.macs}))
    domain = domains[0] if domains else name.partition(".")[2]
    return Machine(name, domain, guids[0] if guids else "", macs)


def _listing(found: Iterable[tuple[int, Mapping[str, str] | None]], name: str) -> Listing:
    parts: list[Machine] = []
    gaps: list[Gap] = []
    for number, row in found:
        machine = _machine(row) if row else None
        if machine:
            parts.append(machine)
        elif row is None or row:
            gaps.append(Gap(name, f"line {number}", "row names no machine or cannot be read", 1))
    return Listing(tuple(parts), tuple(gaps))


def _machine(row: Mapping[str, str]) -> Machine | None:
    name = _first(row, _NAME)
    if not name:
        return None
    guid = _GUID_TEXT.search(_first(row, _GUID))
    cells = (value for key, value in row.items() if _MAC.fullmatch(key))
    macs = {re.sub("[^0-9A-F]", "", m.upper()) for cell in cells for m in _ADDRESS.findall(cell)}
    domain = _first(row, _DOMAIN)
    if "." not in domain:  # a NetBIOS name is not what is hashed
        domain = ".".join(_COMPONENT.findall(_first(row, _PATH)))
    return Machine(name.rstrip("."), domain, guid[0] if guid else "", tuple(sorted(macs)))


def _first(row: Mapping[str, str], names: Iterable[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _csv_rows(stream: BinaryIO) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    for number, row, _ in rows(lines(stream)):
        yield number, row


def _json_rows(data: bytes) -> Iterator[tuple[int, Mapping[str, str] | None]]:
    try:
        documents: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        documents = [_loads(line) for line in data.splitlines() if line.strip()]
    if isinstance(documents, dict):
        inner = next((documents[key] for key in ("results", "value") if key in documents), None)
        documents = inner if isinstance(inner, list) else [documents]
    for number, document in enumerate(documents, start=1):
        yield number, _flat(document) if isinstance(document, dict) else None


def _loads(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _flat(document: Mapping[str, Any]) -> Mapping[str, str]:
    return {key.strip().casefold(): _text(value) for key, value in document.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value))
    if isinstance(value, dict):
        return " ".join(map(_text, value.values()))
    return "" if value is None else str(value).strip()
