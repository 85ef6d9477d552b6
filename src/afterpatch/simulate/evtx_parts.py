"""What events in EVTX are made of: elements, templates with places for values, typed values.

Enters: plain Python values. Leaves: the same as Binary XML writes them. Will not do: events, chunks
(``evtx`` does).

Source of the layout: [MS-EVEN6] 2.2.12, J. Metz "Windows XML Event Log (EVTX) format" (libevtx).
"""

import struct
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sub:
    """The place of substitution ``number`` of a template."""

    number: int
    kind: int = 0x01
    is_optional: bool = True


@dataclass(frozen=True, slots=True)
class Node:
    """An XML element. Content: texts, substitutions, elements."""

    name: str
    content: "tuple[str | Sub | Node, ...]" = ()
    attributes: tuple[tuple[str, "str | Sub"], ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """A template with values: (type, bytes), or another instance (type 0x21)."""

    template: Node
    values: "Sequence[Value | Instance]"


Value: TypeAlias = tuple[int, bytes]
Body: TypeAlias = Instance | Node


def text(value: str) -> Value:
    """A string as event providers write it."""
    return 0x01, value.encode("utf-16-le")


def texts(values: Iterable[str]) -> Value:
    """An array of strings, as classic events write their data."""
    return 0x81, b"".join(value.encode("utf-16-le") + b"\0\0" for value in values)


def number(value: int, kind: int = 0x08) -> Value:
    """An integer; ``kind`` is its type: 0x04 … 0x0a, 0x14 and 0x15 for hexadecimal."""
    formats = {0x03: "b", 0x04: "B", 0x05: "h", 0x06: "H", 0x07: "i", 0x08: "I", 0x09: "q"}
    formats |= {0x0A: "Q", 0x14: "I", 0x15: "Q"}
    return kind, struct.pack("<" + formats[kind], value)


def filetime(when: datetime, tick: int = 0) -> Value:
    """A moment, in units of 100 ns; ``tick`` more of them than ``when`` can say."""
    return 0x11, struct.pack("<Q", (when - _EPOCH) // timedelta(microseconds=1) * 10 + tick)


def guid(value: str) -> Value:
    """A GUID."""
    return 0x0F, uuid.UUID(value).bytes_le


def sid(value: str) -> Value:
    """A security identifier, ``S-1-5-18``."""
    revision, authority, *rest = map(int, value.split("-")[1:])
    head = struct.pack("<BB", revision, len(rest)) + authority.to_bytes(6, "big")
    return 0x13, head + struct.pack(f"<{len(rest)}I", *rest)


NULL: Final[Value] = (0x00, b"")
