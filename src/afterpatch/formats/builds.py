"""Exchange version numbers as tools write them -> ``15.1.2176.2``.

In: text such as ``Version 15.1 (Build 2176.2)``, ``15.01.2176.002`` or ``15.1.2176``. Out: the
number in one spelling, with three parts where the text cannot tell a security update: the display
version of Get-ExchangeServer stays at the cumulative update's own number when a security update
goes in. Will not: decide what a build means.

Source: Microsoft Learn, "Exchange Server build numbers and release dates" (use ExSetup.exe's file
version; Get-ExchangeServer does not show security updates).
"""

import re
from typing import Final

EXCHANGE_MAJORS: Final = frozenset({8, 14, 15})  # Exchange 2007, 2010, 2013 and later
# The serialNumber attribute in Active Directory stores build 2176 as 32176.
_DIRECTORY_OFFSET: Final = 30_000

_DISPLAY: Final = re.compile(r"(?:Version )?(\d{1,3})\.(\d{1,3}) \(Build (\d{1,6})(?:\.\d{1,6})?\)")
_DOTTED: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,6})(?:\.(\d{1,6}))?")


def exchange_build(text: str) -> str:
    """The build in ``text``, three or four parts, or "" when it names no Exchange version."""
    text = text.strip()
    match = _DISPLAY.fullmatch(text) or _DOTTED.fullmatch(text)
    if match is None:
        return ""
    parts = [int(part) for part in match.groups() if part is not None]
    if parts[2] > _DIRECTORY_OFFSET:
        parts[2] -= _DIRECTORY_OFFSET
    return ".".join(map(str, parts)) if parts[0] in EXCHANGE_MAJORS and parts[2] else ""


_ORION: Final = re.compile(
    r"(?:orion(?: platform)? )?(20[12]\d\.\d{1,2}(?:\.\d{1,5}){0,2})"
    r"(?:[ ,]*(?:hot ?fix|hf) ?(\d{1,2})|[ ,]*rc ?(\d))?",
    re.IGNORECASE,
)


def orion_release(text: str) -> str:
    """``2020.2 HF1``, ``2020.2.5300.12432``; "" for anything else."""
    found = _ORION.fullmatch(text.strip())
    if not found:
        return ""
    hotfix = f" HF{int(found[2])}" if found[2] else ""
    return found[1] + hotfix + (f" RC{found[3]}" if found[3] else "")
