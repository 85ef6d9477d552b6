"""Zeek logs as Zeek writes them by default: a header of ``#`` lines, then columns apart by tabs.

Enters: any log of Zeek (or Bro): the header names path, columns, types, and the texts for "unset"
and "empty"; it may come again, with other columns, in the middle of a file. Leaves: batches with
the native column names. Unset is null, ``(empty)`` an empty string, the members of a set or vector
stand on lines of their own, ``T`` and ``F`` are ``true`` and ``false``: the values are those of the
same log as JSON. Backslashes, which Zeek writes twice (older versions: once), and commas in sets
(``\\x2c``) are decoded; other ``\\xNN`` stay, since rules look for that form.

Sources: Zeek documentation, "Zeek Log Formats and Inspection"; ``LogAscii`` options.
"""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import polars as pl

from afterpatch.formats.format import Format
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.table_log import (
    EPOCH_TEMPLATE,
    Clock,
    Head,
    Syntax,
    Table,
    find_column,
    unique_names,
)
from afterpatch.formats.table_reader import Plan, read_table_log
from afterpatch.formats.text_blocks import BLOCK_BYTES, head_comments, head_text
from afterpatch.formats.zeek_logs import coverage_name, known_path, logsource, path_of_file
from afterpatch.model.batches import RAW, RESERVED, Declared, Piece, Wanted
from afterpatch.model.places import Item

_DIRECTIVES: Final = ("path", "types", "set_separator", "empty_field", "unset_field")
_SEPARATOR: Final = re.compile(r"^#separator[ \t]+(\S+)[ \t]*\r?$", re.MULTILINE)
_HEX: Final = re.compile(r"\\x([0-9A-Fa-f]{2})")
_FIELDS: Final = re.compile(r"^#fields[^\w\s-]?[\t ]?\S", re.MULTILINE)
_TYPES: Final = re.compile(r"^#types\b", re.MULTILINE)
_EMPTY: Final = "(empty)"
_LIST_TYPES: Final = ("set[", "vector[")
_ESCAPED: Final = ["\\\\", "\\x5c", "\\x5C", "\\x2c", "\\x2C"]
_DECODED: Final = ["\\", "\\", "\\", ",", ","]
# What a text made of Zeek's escapes consists of; a backslash beside them is meant as it is.
_ESCAPES: Final = r"\\\\|\\x[0-9A-Fa-f]{2}"
_BOOLEANS: Final = {"T": "true", "F": "false"}


def _separator(head: str) -> str:
    """``#separator \\x09`` -> a tab; the header of old files may lack it."""
    match = _SEPARATOR.search(head)
    text = _HEX.sub(lambda byte: chr(int(byte[1], 16)), match[1]) if match else "\t"
    return text if len(text) == 1 and text.isascii() else "\t"


def _syntax(head: str) -> Syntax:
    separator = _separator(head)
    directive = re.compile(rf"#([a-z_]+)[ {re.escape(separator)}](.*)")
    return Syntax(separator, quoted=False, directive=directive, kept=_DIRECTIVES, fewest=1)


def _path(head: Head, item: Item) -> str:
    return known_path(dict(head.others).get("path", "")) or path_of_file(item.origin)


def _first_head(text: str, syntax: Syntax) -> Head:
    """What the first block of header lines says."""
    head = Head()
    for line in text.split("\n"):
        after = head.after(line.removesuffix("\r"), syntax)
        if after is None and head.fields:
            break
        head = after or head
    return head


def declared(head: bytes, item: Item) -> Declared | None:
    """What its first header says a file holds; None where the head has none."""
    text = head_text(head)
    syntax = _syntax(text)
    first = _first_head(text, syntax)
    # A prefilter relies on what keeps columns apart, and on Zeek's own words for no value.
    usual = {"unset_field": "-", "empty_field": _EMPTY}
    others = {name: text for name, text in first.others if name in usual}
    if not first.fields or syntax.separator != "\t" or usual | others != usual:
        return None
    return _declared(first, item, syntax)


def _declared(head: Head, item: Item, syntax: Syntax) -> Declared:
    names = unique_names(head.fields)
    kinds = _kinds(head, names, syntax)
    return Declared(
        logsource(_path(head, item)),
        frozenset(names),
        derived=frozenset(name for name in names if kinds.get(name, "").startswith(_LIST_TYPES)),
        invented=frozenset(name for name in names if kinds.get(name) == "bool"),
        tested="named",
    )


def _kinds(head: Head, names: tuple[str, ...], syntax: Syntax) -> dict[str, str]:
    types = syntax.names(dict(head.others).get("types", ""))
    return dict(zip(names, types, strict=True)) if len(types) == len(names) else {}


def _planner(head: bytes, item: Item) -> tuple[Syntax, Plan]:
    first = declared(head, item)
    syntax = _syntax(head_text(head))

    def plan(head: Head, item: Item) -> Table:
        path = _path(head, item)
        names = unique_names(head.fields)
        time = find_column(names, "ts")
        clock = Clock(timeless=True) if time is None else Clock((time,), EPOCH_TEMPLATE)
        return Table(
            names=names,
            logsource=logsource(path),
            log=coverage_name(path),
            clock=clock,
            extend=_values(head, names, syntax),
            unfiltered=_declared(head, item, syntax) != first,
            empty=dict(head.others).get("empty_field", _EMPTY),
        )

    return syntax, plan


def _values(
    head: Head, names: tuple[str, ...], syntax: Syntax
) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Texts as logged -> values."""
    told = dict(head.others)
    unset, empty = told.get("unset_field", "-"), told.get("empty_field", _EMPTY)
    kinds = _kinds(head, names, syntax)
    lists = {name for name, kind in kinds.items() if kind.startswith(_LIST_TYPES)}
    between = told.get("set_separator", ",") or ","

    def extend(frame: pl.DataFrame) -> pl.DataFrame:
        escaped = frame.get_column(RAW).str.contains("\\", literal=True).any()
        changed = []
        for name in frame.columns:
            if name in RESERVED:
                continue
            value = pl.col(name)
            text = value.str.replace_all(between, "\n", literal=True) if name in lists else value
            if escaped:
                text = _unescaped(text)
            if kinds.get(name) == "bool":
                text = text.replace(_BOOLEANS)
            given = pl.when(value == empty).then(pl.lit("")).otherwise(text)
            changed.append(pl.when(value != unset).then(given).alias(name))
        return frame.with_columns(changed)

    return extend


def _unescaped(text: pl.Expr) -> pl.Expr:
    as_is = text.str.replace_all(_ESCAPES, "").str.contains("\\", literal=True)
    return pl.when(as_is).then(text).otherwise(text.str.replace_many(_ESCAPED, _DECODED))


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    comments = head_comments(head)
    if text.startswith("#separator ") or (_FIELDS.search(comments) and _TYPES.search(comments)):
        return "header"
    return ""


def read(
    stream: BinaryIO, item: Item, wanted: Wanted | None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   native columns (``id.orig_h``, ``query`` …), unset as null.
    Units:   time UTC, from ``ts``; durations in seconds, sizes in bytes, as text.
    Gaps:    wrong column count, data before ``#fields``, NUL bytes, a time that is none, a last
             line without line end. Content never raises.
    """
    peeked = Peeked(stream)
    syntax, plan = _planner(peeked.head, item)
    return read_table_log(peeked, item, wanted, syntax, plan, block_bytes)


FORMAT: Final = Format(
    "zeek", _recognise, read, prefilter="logsource", declared=declared, spelling="escaped"
)
