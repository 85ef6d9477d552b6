"""JSON objects -> columns of texts, a column at a time.

Enters: decoded objects, one per row. Leaves: one series of texts per name: nested objects become
dotted names, the members of a list stand one per line, and where they are objects there is a value
per line under each of their names. Numbers and booleans are as JSON writes them. No code runs per
cell where a column holds values of one plain type. Whatever the objects hold, there are at most
``MAX_FIELDS`` columns: more raise :class:`TooWide`.
"""

from collections.abc import Mapping, Sequence
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
    return [found[name].alias(_free(name)) for name in sorted(found)]


def first_fields(document: Document) -> Document:
    """One object that is too wide, cut down to what fits: its first plain values."""
    plain = ((k, v) for k, v in document.items() if not isinstance(v, dict | list))
    return dict(list(plain)[:MAX_FIELDS])


def _free(name: str) -> str:
    return f"{name}_" if name in RESERVED else name


def _add(
    documents: Sequence[Document], prefix: str, found: dict[str, pl.Series], depth: int
) -> None:
    for key in _names(documents):
        values = [document.get(key) for document in documents]
        kinds = set(map(type, values))
        kinds.discard(type(None))
        name = prefix + key
        if dict in kinds and depth:
            inner = [value if type(value) is dict else _NOTHING for value in values]
            _add(inner, f"{name}.", found, depth - 1)
            values = [None if type(value) is dict else value for value in values]
        if list in kinds and depth:
            values = _lists(values, f"{name}.", found, depth)
        if name not in found and (kinds - {dict} or not kinds):
            found[name] = _series(values, kinds)
        if len(found) > MAX_FIELDS:
            raise TooWide


def _names(documents: Sequence[Document]) -> list[str]:
    """Every key, in the order of first appearance. Raises TooWide."""
    names: dict[str, None] = {}
    for document in documents:
        if not document.keys() <= names.keys():
            names.update(dict.fromkeys(document))
            if len(names) > MAX_FIELDS:
                raise TooWide
    return list(names)


def _series(values: Sequence[Any], kinds: set[type]) -> pl.Series:
    if kinds <= {str}:
        return pl.Series(values, dtype=pl.String)
    if kinds == {bool}:
        truth = pl.Series(values, dtype=pl.Boolean)
        return truth.cast(pl.String)
    if kinds == {int}:
        try:
            return pl.Series(values, dtype=pl.Int64).cast(pl.String)
        except (OverflowError, TypeError):
            pass  # beyond 64 bits: as text, one by one
    if kinds == {float}:
        return pl.Series(
            [None if value is None else str(value) for value in values], dtype=pl.String
        )
    if kinds == {list}:
        return pl.Series([_joined(value) for value in values], dtype=pl.String)
    return pl.Series([text(value) for value in values], dtype=pl.String)


def _joined(value: list[Any] | None) -> str | None:
    if value is None:
        return None
    try:
        return "\n".join(value)
    except TypeError:  # not texts alone
        return text(value)


def _lists(
    values: Sequence[Any], prefix: str, found: dict[str, pl.Series], depth: int
) -> list[Any]:
    """Lists of objects become columns of their own; the values without those lists."""
    inner: list[Document] = []
    rest: list[Any] = []
    for value in values:
        members = value if type(value) is list else ()
        objects = [member for member in members if type(member) is dict]
        inner.append(_turned(objects, depth) if objects else _NOTHING)
        rest.append(None if objects else value)
    if any(inner):
        _add(inner, prefix, found, depth - 1)
    return rest


def _turned(objects: Sequence[Document], depth: int) -> Document:
    """``[{a: 1, b: 2}, {a: 3}]`` -> ``{a: "1\\n3", b: "2"}``."""
    columns: dict[str, pl.Series] = {}
    _add(objects, "", columns, depth - 1)
    return {name: "\n".join(series.drop_nulls()) for name, series in columns.items()}
