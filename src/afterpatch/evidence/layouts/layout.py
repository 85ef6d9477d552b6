"""What a collection layout is: how to know it, which hosts are in it, what each file was.

Enters: a folder (or archive) of the evidence tree. Leaves: the hosts found in it. Everything a
collection says about itself is text written by whoever controlled the machine: data, never trusted
further than ``HostClaim.trust`` says.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from afterpatch.evidence.tree import File, Folder
from afterpatch.model.places import HostClaim

MANIFEST: Final = 90
REGISTRY: Final = 80
FILE_NAME: Final = 40
FOLDER_NAME: Final = 20
_MAX_NAME_CHARS: Final = 255  # RFC 1035: longest domain name


class Look(Protocol):
    """What a layout may do besides looking at names."""

    def read(self, file: File) -> bytes:
        """The bytes of a small metadata file; b"" (and a gap) if it is large or unreadable."""
        ...

    def remark(self, topic: str, source: str, text: str) -> None:
        """Leave a notice."""
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """One host in a collection: everything below ``folder`` is from it.

    origin    path below ``folder`` -> path on the machine.
    modified  lower-case origin -> last-modified time of the original, where the collector notes it.
    """

    folder: Folder
    layout: str
    claims: tuple[HostClaim, ...]
    origin: Callable[[str], str]
    modified: Mapping[str, datetime] = field(default_factory=dict)


class Layout(NamedTuple):
    """``find`` returns the hosts directly in a folder, or [] when it is not of this layout."""

    name: str
    find: Callable[[Folder, Look], list[Host]]


def claim(trust: int, name: object, witness: str) -> tuple[HostClaim, ...]:
    """One claim, or none when the name is no usable text."""
    text = name.strip(" \t\r\n\0") if isinstance(name, str) else ""
    return (HostClaim(trust, text[:_MAX_NAME_CHARS], witness),) if text else ()


def ordered(claims: Iterable[HostClaim]) -> tuple[HostClaim, ...]:
    """Best witness first, each claim once."""
    return tuple(sorted(set(claims), reverse=True))


def text_of(data: bytes) -> str:
    """Text of a collector's log: UTF-16 by its mark, else UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")
