"""Exported registry text (``.reg``) -> Exchange build, host name, machine id, disabled services.

In: "Windows Registry Editor Version 5.00" (UTF-16) or REGEDIT4 text. Out: facts only. The
``MsiProduct…`` and ``MsiBuild…`` values are the cumulative update's; a security update leaves them.
So they give a three-part build, and a four-part one only where ``OwaVersion`` is beyond them: only
then is it sure that OwaVersion followed the update. ``mitigation.um``: whether both services of
Unified Messaging are disabled, as ExchangeMitigations.ps1 does. Will not: keep other values.

Source: Microsoft Learn, ".reg file syntax"; microsoft/CSS-Exchange (EOMT.ps1 reads OwaVersion).
"""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

from afterpatch.formats.builds import exchange_build
from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_reader import lines
from afterpatch.formats.text_blocks import head_text
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Fact, Item, Place

_HEADINGS: Final = ("Windows Registry Editor Version", "REGEDIT4")
_VALUE: Final = re.compile(
    r'"((?:[^"\\]|\\.){1,255})"=(?:"((?:[^"\\]|\\.)*)"|dword:([0-9a-fA-F]{8}))'
)
_ESCAPE: Final = re.compile(r"\\(.)")

_SETUP: Final = r"\software\microsoft\exchangeserver\v15\setup"
_NAMES: Final = (
    r"\control\computername\computername",
    r"\control\computername\activecomputername",
)
_TCPIP: Final = r"\services\tcpip\parameters"
_UM_SERVICES: Final = (r"\services\msexchangeum", r"\services\msexchangeumcr")
_DISABLED: Final = "4"  # SERVICE_DISABLED, Win32 service start types
_CRYPTOGRAPHY: Final = r"\software\microsoft\cryptography"
_MSI_PARTS: Final = ("msiproductmajor", "msiproductminor", "msibuildmajor", "msibuildminor")

Values = Mapping[str, tuple[str, int]]  # lower-case value name -> (value, line)


def recognise(head: bytes, item: Item) -> str:
    """ "header" by the first line."""
    del item
    return "header" if head_text(head)[:512].lstrip().startswith(_HEADINGS) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece of facts; lines are skipped records, since none of them is an event."""
    del wanted
    keys: dict[str, dict[str, tuple[str, int]]] = {}
    gaps = GapRuns(item.name)
    key = ""
    records = lost = 0
    for number, line in lines(stream):
        records += 1
        if line is None:
            lost += 1
            gaps.add(number, "line too long")
        elif line.startswith("["):
            key = line.strip().strip("[]").casefold()
        elif _is_of_use(key):
            value = _VALUE.fullmatch(line.strip())
            if value:
                name, text, dword = value.groups()
                read_value = str(int(dword, 16)) if dword else _ESCAPE.sub(r"\1", text)
                keys.setdefault(key, {})[name.casefold()] = (read_value, number)
    facts = tuple(
        fact for key, values in sorted(keys.items()) for fact in _facts(key, values, item)
    )
    facts = (*facts, *_um_fact(keys, item))
    yield Piece(records=records, skipped=records - lost, gaps=gaps.close(), facts=facts)


def _is_of_use(key: str) -> bool:
    return key.endswith((_SETUP, _TCPIP, _CRYPTOGRAPHY, *_NAMES, *_UM_SERVICES))


def _um_fact(keys: Mapping[str, Values], item: Item) -> Iterator[Fact]:
    """One service that still starts is enough to leave the way open."""
    starts = [
        values["start"]
        for key, values in sorted(keys.items())
        if key.endswith(_UM_SERVICES) and "start" in values
    ]
    if starts:
        disabled = all(start == _DISABLED for start, _ in starts)
        value = "present" if disabled else "absent"
        detail = {"from": "registry"}
        yield Fact("mitigation.um", value, None, Place(item.name, starts[0][1]), detail)


def _facts(key: str, values: Values, item: Item) -> Iterator[Fact]:
    def fact(name: str, value: str, line: int, **detail: str) -> Fact:
        return Fact(name, value, None, Place(item.name, line), {"from": "registry", **detail})

    if key.endswith(_SETUP):
        yield from _build_facts(values, item)
    elif key.endswith(_CRYPTOGRAPHY) and "machineguid" in values:
        yield fact("host.machine-guid", *values["machineguid"])
    elif key.endswith(_NAMES) and "computername" in values:
        yield fact("host.name", *values["computername"])
    elif key.endswith(_TCPIP):
        host, line = values.get("nv hostname", values.get("hostname", ("", 0)))
        domain, _ = values.get("nv domain", values.get("domain", ("", 0)))
        if host and domain:
            yield fact("host.fqdn", f"{host}.{domain}", line)


def _build_facts(values: Values, item: Item) -> Iterator[Fact]:
    msi = ""
    line = 0
    if all(part in values for part in _MSI_PARTS):
        msi = exchange_build(".".join(values[part][0] for part in _MSI_PARTS))
        line = values[_MSI_PARTS[0]][1]
    owa, owa_line = values.get("owaversion", ("", 0))
    owa = exchange_build(owa)
    detail = {"from": "registry", "msi": msi, "owa-version": owa}
    if "msiinstallpath" in values:
        detail["install-path"] = values["msiinstallpath"][0]
    if owa and msi and _numbers(owa) > _numbers(msi):
        detail["limits"] = "OwaVersion is beyond the installed cumulative update"
        yield Fact("exchange.build", owa, None, Place(item.name, owa_line), detail)
    elif msi or owa:
        detail["limits"] = "shows the cumulative update; a security update may be in on top"
        build = ".".join((msi or owa).split(".")[:3])
        yield Fact("exchange.build", build, None, Place(item.name, line or owa_line), detail)


def _numbers(build: str) -> tuple[int, ...]:
    return tuple(int(part) for part in build.split("."))


FORMAT: Final = Format(kind="registry-export", recognise=recognise, read=read)
