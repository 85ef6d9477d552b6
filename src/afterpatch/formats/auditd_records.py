"""One line of the Linux audit log: what a record is, which fields it has, what they say.

Enters: the text of a line. Leaves: its time, type, node and fields, or None for what is no record.
A nested ``msg='…'`` gives its fields; values that auditd writes in hexadecimal, because they have
blanks or worse in them, are decoded; the pieces of a long argument (``a1[0]=``) are one.

Sources: Linux Audit documentation, "Audit Record Types" and "Audit Event Fields", which says of
each field whether it may be encoded.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

MAX_PAIRS: Final = 500

_SYSLOG: Final = r"[A-Z][a-z]{2} [ 0-9]\d [\d:]{8} \S{1,255} [\w./-]+(?:\[\d+\])?: "
HEAD: Final = re.compile(
    rf"^(?:{_SYSLOG})?(?:node=(?P<node>\S{{1,255}}) )?"
    r"type=(?P<type>[A-Z][A-Z0-9_]*|UNKNOWN\[\d+\]) "
    r"msg=audit\((?P<seconds>\d{1,11})\.(?P<milli>\d{3}):(?P<serial>\d{1,20})\):"
)
# Only from where a word begins: else a long one is looked through again from each of its letters.
_PAIR: Final = re.compile(
    r"(?<![\w.\[\]-])([A-Za-z_][\w.\[\]-]*)=(\"[^\"]*\"|'[^']*'?|[^\s'\"\x1d]*)"
)
_PIECE: Final = re.compile(r"(a\d+)\[\d+\]")
_HEX: Final = re.compile(r"(?:[0-9A-F]{2})+")
_ARGUMENT: Final = re.compile(r"a\d+(?:\[\d+\])?")
# The only records in which a0 … are texts; elsewhere they are numbers.
ARGUMENTS: Final = "EXECVE"
ENCODED: Final = frozenset(
    {"acct", "cgroup", "cmd", "comm", "cwd", "data", "device", "dir", "exe", "file", "grp", "key",
     "name", "new-chardev", "new-disk", "new-fs", "new-rng", "ocomm", "old-chardev", "old-disk",
     "old-fs", "old-rng", "path", "proctitle", "root_dir", "sw", "vm", "watch"}
)  # fmt: skip


class Record(NamedTuple):
    """``node``: None where the line names none. ``is_cut``: it had more fields than are read."""

    time_us: int
    kind: str
    node: str | None
    fields: dict[str, str]
    is_cut: bool


def record(line: str) -> Record | None:
    """The record on a line."""
    head = HEAD.match(line)
    if head is None:
        return None
    time_us = int(head["seconds"]) * 1_000_000 + int(head["milli"]) * 1_000
    kind, node = head["type"], head["node"]
    fields = {"type": kind, "serial": head["serial"]}
    if node:
        fields["node"] = node
    pairs = list(islice(_pairs(line[head.end() :]), MAX_PAIRS + 1))
    fields.update(_fields(pairs[:MAX_PAIRS], kind))
    return Record(time_us, kind, node, fields, len(pairs) > MAX_PAIRS)


def may_be_encoded(name: str, kind: str) -> bool:
    """Whether a field of a record of this type is decoded where its value is hexadecimal."""
    return name in ENCODED or (kind == ARGUMENTS and _ARGUMENT.fullmatch(name) is not None)


def decoded(hexadecimal: str) -> str:
    """The text behind an encoded value; NUL parts the arguments in ``proctitle``."""
    text = bytes.fromhex(hexadecimal).decode("utf-8", "backslashreplace")
    return text.rstrip("\0").replace("\0", " ")


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """(name, value as written) of a record and of a message nested in it."""
    for match in _PAIR.finditer(text):
        if match[2].startswith("'"):
            nested = _PAIR.finditer(match[2][1:].removesuffix("'"))
            yield from ((inner[1], inner[2]) for inner in nested)
        else:
            yield match[1], match[2]


def _fields(pairs: Sequence[tuple[str, str]], kind: str) -> dict[str, str]:
    """The first of a name counts, as for ausearch; pieces of one argument are put together."""
    found: dict[str, str] = {}
    for name, value in pairs:
        piece = _PIECE.fullmatch(name)
        if piece:
            found[piece[1]] = found.get(piece[1], "") + _value(name, value, kind)
        else:
            found.setdefault(name, _value(name, value, kind))
    return found


def _value(name: str, value: str, kind: str) -> str:
    if value.startswith('"'):
        return value[1:].removesuffix('"')
    if not _HEX.fullmatch(value) or not may_be_encoded(name, kind):
        return value
    return decoded(value)
