"""JSON objects -> columns of texts, a column at a time.

Enters: decoded objects, one per row. Leaves: one series of texts per name: nested objects become
dotted names, the members of a list stand one per line, and where they are objects there is a value
per line under each of their names (what those hold nested stays JSON). Numbers and booleans are as
JSON writes them. No code runs per cell where a column holds values of one plain type. Whatever the
objects hold, there are at most ``MAX_FIELDS`` columns: more raise :class:`TooWide`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from afterpatch.formats.windows_flat import text
from afterpatch.model.batches import RESERVED

MAX_FIELDS: Final = 1_000  # the widest events of known tools have a few hundred
MAX_DEPTH: Final = 16

Document = Mapping[str, Any]
_NOTHING: Final[Document] = {}


class TooWide(Exception):  # noqa: N818  (an answer, not a fault)
    """The objects together have more fields than a table may have columns."""


def columns_of(documents: Sequence[Document]) -> list[pl.Series]:
    """The objects as columns, sorted by name. Raises TooWide."""
    found: dict[str, pl.Series] = {}
    _add(documents, "", found, MAX_DEPTH)
    return [found[name].alias(_free(name, found.keys())) for name in sorted(found)]


def first_fields(document: Document) -> Document:
    """One object that is too wide, cut down to what fits: its first plain values."""
    plain = ((k, v) for k, v in document.items() if not isinstance(v, dict | list))
    return dict(list(plain)[:MAX_FIELDS])


def _free(name: str, taken: Collection[str]) -> str:
    """A name that is neither reserved nor another column's."""
    if name not in RESERVED:
        return name
    while name in RESERVED or name in taken:
        name += "_"
    return name


def _add(
    documents: Sequence[Document], prefix: str, found: dict[str, pl.Series], depth: int
) -> None:
    for key, given in _turned(documents):
        values, kinds = given, set(map(type, given))
        kinds.discard(type(None))
        name = prefix + key
        if dict in kinds and depth:
            inner = [value if type(value) is dict else _NOTHING for value in values]
            _add(inner, f"{name}.", found, depth - 1)
            values = [None if type(value) is dict else value for value in values]
        members = _member_kinds(values) if list in kinds else set()
        if dict in members and depth:
            values = _lists(values, f"{name}.", found, depth)
        # Objects nested deeper than that stay JSON.
        if kinds - ({dict} if depth else set()) or not kinds:
            column = _series(values, kinds, members)
            found[name] = _both(found[name], column) if name in found else column
        if len(found) > MAX_FIELDS:
            raise TooWide


def _both(one: pl.Series, other: pl.Series) -> pl.Series:
    """One column of two that have its name (``{"a.b": …}``, ``{"a": {"b": …}}``), as of a list."""
    either = one.zip_with(one.is_not_null(), other)
    return (one + "\n" + other).zip_with(one.is_not_null() & other.is_not_null(), either)


def _turned(documents: Sequence[Document]) -> Iterator[tuple[str, Sequence[Any]]]:
    """(key, its value in every object); objects of one shape are turned around as a whole."""
    first = list(documents[0]) if documents else []
    if all(len(one) == len(first) for one in documents) and all(
        list(d) == first for d in documents
    ):
        if len(first) > MAX_FIELDS:
            raise TooWide
        yield from zip(first, zip(*(one.values() for one in documents), strict=True), strict=True)
        return
    for key in _names(documents):
        yield key, [document.get(key) for document in documents]


def _member_kinds(values: Sequence[Any]) -> set[type]:
    return {kind for value in values if type(value) is list for kind in map(type, value)}


def _names(documents: Sequence[Document]) -> list[str]:
    """Every key, in the order of first appearance. Raises TooWide."""
    names: dict[str, None] = {}
    for document in documents:
        if not document.keys() <= names.keys():
            names.update(dict.fromkeys(document))
            if len(names) > MAX_FIELDS:
                raise TooWide
    return list(names)


def _series(values: Sequence[Any], kinds: set[type], members: set[type]) -> pl.Series:
    if kinds <= {str}:
        return pl.Series(values, dtype=pl.String)
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean).cast(pl.String)
    if kinds == {int}:
        try:
            return pl.Series(values, dtype=pl.Int64).cast(pl.String)
        except (OverflowError, TypeError):
            pass  # beyond 64 bits: as text, one by one
    if kinds == {float}:
        texts = [None if value is None else str(value) for value in values]
    elif kinds == {list} and members <= {str}:
        texts = [None if value is None else "\n".join(value) for value in values]
    elif kinds == {list} and members <= {int, float}:
        texts = [None if value is None else "\n".join(map(str, value)) for value in values]
    else:
        texts = [text(value) for value in values]
    return pl.Series(texts, dtype=pl.String)


def _lists(
    values: Sequence[Any], prefix: str, found: dict[str, pl.Series], depth: int
) -> list[Any]:
    """Lists of objects become columns of their own; the values without those lists."""
    inner: list[Document] = []
    rest: list[Any] = []
    for value in values:
        members = value if type(value) is list else ()
        objects = [member for member in members if type(member) is dict]
        inner.append(_gathered(objects) if objects else _NOTHING)
        rest.append(None if objects else value)
    _add(inner, prefix, found, depth - 1)
    return rest


def _gathered(objects: Sequence[Document]) -> Document:
    """``[{a: 1, b: 2}, {a: 3}]`` -> ``{a: "1\\n3", b: "2"}``; what is nested deeper stays JSON."""
    found: dict[str, list[str]] = {}
    for one in objects:
        for key, value in one.items():
            told = value if type(value) is str else text(value)
            if told is not None and (key in found or len(found) <= MAX_FIELDS):
                found.setdefault(key, []).append(told)
    return {key: "\n".join(texts) for key, texts in found.items()}
