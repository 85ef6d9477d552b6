"""IIS configuration (applicationHost.config, a site's web.config) -> virtual directories, facts.

In: one XML file. Out: one row per virtual directory, a ``web.virtual-directory`` fact for each, and
``mitigation.eomt``: whether the two URL Rewrite rules of Microsoft's Exchange On-premises
Mitigation Tool (the same as ExchangeMitigations.ps1 writes) are there and switched on;
``mitigation.ecp-pool`` and ``mitigation.oab-pool``: whether an application pool that
ExchangeMitigations.ps1 stops is kept from starting. Will not: say "absent" of a file where the
rules would not be: the tools write them for "Default Web Site", that is into
``inetpub/wwwroot/web.config``; of them applicationHost.config can only say "present".

Source: microsoft/CSS-Exchange, Security/src/EOMT.ps1 and ExchangeMitigations.ps1.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

import polars as pl

from afterpatch.formats.format import Format
from afterpatch.formats.safe_xml import Element, UnreadableXmlError, parse
from afterpatch.model.batches import (
    MAX_RAW_CHARS,
    RAW,
    RECORD,
    TIME,
    Batch,
    Logsource,
    Piece,
    Wanted,
)
from afterpatch.model.places import Fact, Gap, Item, Place

MAX_BYTES: Final = 32 << 20
LOGSOURCE: Final = Logsource("", "windows", "iis-config")

# Cookie conditions of the two rules, as literals that any hand-edited pattern still contains.
_COOKIE: Final = "{HTTP_COOKIE}"
_EOMT_MARKS: Final = ("x-anonresource-backend", "x-beresource=")
_POOLS: Final = {
    "msexchangeecpapppool": "mitigation.ecp-pool",
    "msexchangeoabapppool": "mitigation.oab-pool",
}
_DEFAULT_SITE_CONFIG: Final = "/inetpub/wwwroot/web.config"


class _Directory(NamedTuple):
    line: int
    site: str
    application: str
    path: str
    physical_path: str


def recognise(head: bytes, item: Item) -> str:
    """applicationHost.config, the Default Web Site's web.config, or any file with EOMT's rules."""
    name = item.origin.casefold()
    text = head.replace(b"\0", b"").lower()
    if b"<configuration" not in text:
        return ""
    if name.endswith(("/applicationhost.config", _DEFAULT_SITE_CONFIG)):
        return "file name"
    if b"<system.applicationhost" in text or b'name="system.applicationhost"' in text:
        return "content"
    is_config = name.endswith(".config")
    return "content" if is_config and any(m.encode() in text for m in _EOMT_MARKS) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece: rows and facts of the whole file, or a gap when it is no readable XML."""
    del wanted
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        yield Piece(gaps=(Gap(item.name, "file", f"larger than {MAX_BYTES >> 20} MiB"),))
        return
    try:
        root = parse(data)
    except UnreadableXmlError as error:
        yield Piece(gaps=(Gap(item.name, "file", str(error)),))
        return
    directories = list(_directories(root))
    facts = [_directory_fact(directory, item) for directory in directories]
    facts.extend(_eomt_fact(root, item))
    facts.extend(_pool_facts(root, item))
    yield Piece(
        records=len(directories),
        events=len(directories),
        batches=(Batch(LOGSOURCE, _frame(directories, data)),) if directories else (),
        facts=tuple(facts),
    )


def _directories(root: Element) -> Iterator[_Directory]:
    for site in root.find_all("system.applicationHost", "sites", "site"):
        for application in site.find_all("application"):
            for directory in application.find_all("virtualDirectory"):
                yield _Directory(
                    directory.line,
                    site.attributes.get("name", ""),
                    application.attributes.get("path", ""),
                    directory.attributes.get("path", ""),
                    directory.attributes.get("physicalPath", ""),
                )


def _frame(directories: list[_Directory], data: bytes) -> pl.DataFrame:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    lines = data.decode(encoding, "replace").split("\n")
    raw = [
        lines[d.line - 1].strip()[:MAX_RAW_CHARS] if d.line <= len(lines) else ""
        for d in directories
    ]
    return pl.DataFrame(
        [
            pl.Series(TIME, [None] * len(directories), dtype=pl.Int64),
            pl.Series(RECORD, [d.line for d in directories], dtype=pl.Int64),
            pl.Series(RAW, raw, dtype=pl.String),
            pl.Series("Site", [d.site for d in directories], dtype=pl.String),
            pl.Series("Application", [d.application for d in directories], dtype=pl.String),
            pl.Series("VirtualDirectory", [d.path for d in directories], dtype=pl.String),
            pl.Series("PhysicalPath", [d.physical_path for d in directories], dtype=pl.String),
        ]
    )


def _directory_fact(directory: _Directory, item: Item) -> Fact:
    path = f"{directory.application.rstrip('/')}{directory.path}"
    detail = {"site": directory.site, "physical-path": directory.physical_path}
    place = Place(item.name, directory.line)
    return Fact("web.virtual-directory", f"{directory.site}{path}", item.modified, place, detail)


def _eomt_fact(root: Element, item: Item) -> Iterator[Fact]:
    found: dict[str, tuple[str, int]] = {}
    for rule in root:
        if rule.name == "rule" and _is_switched_on(rule):
            for mark in _marks(rule):
                found.setdefault(mark, (rule.attributes.get("name", ""), rule.line))
    is_present = all(mark in found for mark in _EOMT_MARKS)
    if not is_present and not item.origin.casefold().endswith(_DEFAULT_SITE_CONFIG):
        return
    detail = {"rules": ", ".join(name for name, _ in found.values()) or "none"}
    line = min((line for _, line in found.values()), default=0)
    value = "present" if is_present else "absent"
    # The file has said so since its last change; later than that is not known.
    yield Fact("mitigation.eomt", value, item.modified, Place(item.name, line), detail)


def _pool_facts(root: Element, item: Item) -> Iterator[Fact]:
    """A pool starts by itself unless ``autoStart`` is false (IIS configuration reference)."""
    for pool in root.find_all("system.applicationHost", "applicationPools", "add"):
        name = _POOLS.get(pool.attributes.get("name", "").casefold())
        if name:
            stopped = pool.attributes.get("autoStart", "true").casefold() == "false"
            value = "present" if stopped else "absent"
            yield Fact(name, value, item.modified, Place(item.name, pool.line))


def _is_switched_on(rule: Element) -> bool:
    if rule.attributes.get("enabled", "true").casefold() == "false":
        return False
    actions = {action.attributes.get("type", "") for action in rule.find_all("action")}
    return "AbortRequest" in actions


def _marks(rule: Element) -> Iterator[str]:
    for condition in rule.find_all("conditions", "add"):
        attributes = condition.attributes
        is_negated = attributes.get("negate", "false").casefold() == "true"
        if attributes.get("input", "").upper() != _COOKIE or is_negated:
            continue
        pattern = attributes.get("pattern", "").casefold()
        yield from (mark for mark in _EOMT_MARKS if mark in pattern)


# A web.config can itself hold a web shell, so its bytes are scanned as well.
FORMAT: Final = Format("iis-config", recognise, read, marks=("<configuration",), content=True)
