"""The Linux audit log (auditd): ``type=EXECVE msg=audit(1364481363.243:24287): argc=2 a0="ls"``.

Enters: lines as auditd writes them, raw or enriched, with ``node=`` or a syslog head in front.
Leaves: one event per record (line), because that is what rules are written for: ``type``, the
record's own fields, those of a nested ``msg='…'``, and ``serial``, which the records of one event
share. Values that auditd writes in hexadecimal, because they have blanks or worse in them, are
decoded; the pieces of a long argument (``a1[0]=``) are one. ``@record`` is the line number.

Sources: auditd.conf(5), ``log_format``; Linux Audit documentation, "Audit Record Types" and
"Audit Event Fields", which says of each field whether it may be encoded.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.json_columns import TooWide, columns_of
from afterpatch.formats.line_reader import lines
from afterpatch.formats.text_blocks import head_text
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
from afterpatch.model.places import Fact, Item, Place
from afterpatch.model.times import HOUR_US, from_us

LOGSOURCE: Final = Logsource("", "linux", "auditd")
LOG: Final = "linux:auditd"
BLOCK_RECORDS: Final = 4_096
MAX_PAIRS: Final = 500
MAX_NODES: Final = 100
UNKNOWN: Final = "not a record of the audit log"
TOO_MANY: Final = f"more than {MAX_PAIRS} fields: only the first were read"

_SYSLOG: Final = r"[A-Z][a-z]{2} [ 0-9]\d [\d:]{8} \S{1,255} [\w./-]+(?:\[\d+\])?: "
_RECORD: Final = re.compile(
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
# Fields that may be encoded; a0 … only in EXECVE, elsewhere they are numbers.
_ENCODED: Final = frozenset(
    {"acct", "cgroup", "cmd", "comm", "cwd", "data", "device", "dir", "exe", "file", "grp", "key",
     "name", "new-chardev", "new-disk", "new-fs", "new-rng", "ocomm", "old-chardev", "old-disk",
     "old-fs", "old-rng", "path", "proctitle", "root_dir", "sw", "vm", "watch"}
)  # fmt: skip


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    if "msg=audit(" not in text:
        return ""
    return "content" if any(map(_RECORD.match, text.split("\n", 20)[:20])) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Yield one piece per block; every record is in a batch, ``wanted`` is not asked.

    Units:   time UTC, as the kernel stamped it.
    Gaps:    lines that are no record, or too long to hold. Content never raises.
    """
    del wanted  # a text may be there in hexadecimal only
    reader = _Reader(item)
    for number, line in lines(stream, "utf-8"):
        reader.add(number, line)
        if reader.met >= BLOCK_RECORDS:
            yield reader.piece()
    yield reader.piece(last=True)


class _Reader:
    """Counts and gaps of one source."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self._gaps = GapRuns(item.name)
        self._nodes: dict[str, None] = {}
        self._start()

    def _start(self) -> None:
        self.met = self._skipped = 0
        self._facts: list[Fact] = []
        self._rows: defaultdict[str, list[tuple[int, int, str, dict[str, str]]]] = defaultdict(list)

    def add(self, number: int, line: str | None) -> None:
        """One line; None = too long."""
        self.met += 1
        if line is None:
            self._gaps.add(number, "line is too long")
            return
        head = _RECORD.match(line)
        if head is None:
            if line.strip():
                self._gaps.add(number, UNKNOWN)
            else:
                self._skipped += 1
            return
        time_us = int(head["seconds"]) * 1_000_000 + int(head["milli"]) * 1_000
        fields = {"type": head["type"], "serial": head["serial"]}
        node = head["node"]
        if node:
            fields["node"] = node
            self._name(node, time_us, number)
        pairs = list(islice(_pairs(line[head.end() :]), MAX_PAIRS + 1))
        if len(pairs) > MAX_PAIRS:
            self._gaps.add(number, TOO_MANY, records=0)
        fields.update(_fields(pairs[:MAX_PAIRS], head["type"]))
        self._rows[head["type"]].append((time_us, number, line[:MAX_RAW_CHARS], fields))

    def _name(self, node: str, time_us: int, number: int) -> None:
        if node not in self._nodes and len(self._nodes) < MAX_NODES:
            self._nodes[node] = None
            kind = "host.fqdn" if "." in node else "host.name"
            place = Place(self._item.name, number)
            self._facts.append(Fact(kind, node, from_us(time_us), place, {"from": "audit log"}))

    def piece(self, *, last: bool = False) -> Piece:
        """What came since the last piece."""
        gaps = self._gaps.take() + (self._gaps.close() if last else ())
        times = [row[0] for rows in self._rows.values() for row in rows]
        hours = dict(sorted(Counter(time_us // HOUR_US for time_us in times).items()))
        piece = Piece(
            records=len(times) + self._skipped + sum(gap.records for gap in gaps),
            events=len(times),
            skipped=self._skipped,
            batches=tuple(
                Batch(LOGSOURCE, frame)
                for _, rows in sorted(self._rows.items())
                for frame in _frames(rows)
            ),
            gaps=gaps,
            facts=tuple(self._facts),
            observed={LOG: hours} if hours else {},
            first_us=min(times, default=None),
            last_us=max(times, default=None),
        )
        self._start()
        return piece


def _frames(rows: list[tuple[int, int, str, dict[str, str]]]) -> Iterator[pl.DataFrame]:
    """Records of one type as a table, or several where they have too little in common."""
    try:
        columns = columns_of([fields for *_, fields in rows])
    except TooWide:
        half = len(rows) // 2
        yield from _frames(rows[:half])
        yield from _frames(rows[half:])
        return
    yield pl.DataFrame(
        [
            pl.Series(TIME, [row[0] for row in rows], dtype=pl.Int64),
            pl.Series(RECORD, [row[1] for row in rows], dtype=pl.Int64),
            pl.Series(RAW, [row[2] for row in rows], dtype=pl.String),
            *columns,
        ]
    )


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
    may_be_encoded = name in _ENCODED or (kind == "EXECVE" and _ARGUMENT.fullmatch(name))
    if not may_be_encoded or not _HEX.fullmatch(value):
        return value
    text = bytes.fromhex(value).decode("utf-8", "backslashreplace")
    return text.rstrip("\0").replace("\0", " ")  # the arguments in ``proctitle``


FORMAT: Final = Format("linux-audit", _recognise, read, logsource=LOGSOURCE)
