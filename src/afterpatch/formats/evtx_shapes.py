"""A shape of EVTX events -> which column of an event comes from which of its values.

In: the bytes of a shape and of its structures (:mod:`afterpatch.formats.evtx_kernel`). Out: a
:class:`Shape`, made once however many events have it. The fields are named by the very code that
names those of the plain reader: it is given one document with marks in the places of values, and
where a mark comes out, that value goes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.evtx_elements import (
    MARKS,
    Array,
    Element,
    Leaf,
    NotUnderstoodError,
    document,
    filled,
    mark,
    parse,
)
from afterpatch.formats.windows_flat import MAX_FIELDS, text
from afterpatch.formats.windows_shapes import event_parts

_MARK: Final = re.compile(f"[{MARKS[0]}{MARKS[2]}]([0-9]+){MARKS[1]}")


@dataclass(frozen=True, slots=True)
class Mixture:
    """A text made of several values, or of values and constants.

    needs     the numbers of the values in it.
    template  a text with marks, or the JSON document (dict or list) whose text it is.
    """

    needs: tuple[int, ...]
    template: Any

    def made_of(self, values: Mapping[int, str]) -> str:
        """The text, given that of every value by its number."""
        if isinstance(self.template, str):
            return _MARK.sub(lambda found: values[int(found[1])], self.template)
        return text(_replaced(self.template, values)) or ""


Recipe: TypeAlias = str | int | Mixture | None


@dataclass(frozen=True, slots=True)
class Shape:
    """Where the parts of an event come from.

    A text is a constant, a number one of the event's values, None says that there is none.
    """

    record: Recipe
    when: Recipe
    channel: Recipe
    provider: Recipe
    event_id: Recipe
    computer: Recipe
    fields: Mapping[str, Recipe]

    @property
    def is_mixed(self) -> bool:
        """Whether some field's text is put together from several values."""
        return any(isinstance(recipe, Mixture) for recipe in self.fields.values())


def shape_of(shape: bytes, structures: Sequence[bytes]) -> Shape:
    """Read a shape. Raises NotUnderstoodError for what the plain reader must take."""
    event = _Fragments(shape, structures).event()
    parts = event_parts(document(event))
    if parts is None:
        raise NotUnderstoodError("no event")
    if len(parts.fields) > MAX_FIELDS:
        raise NotUnderstoodError("very wide")
    recipes = {name: _recipe(value) for name, value in parts._asdict().items() if name != "fields"}
    if recipes["event_id"] in (None, ""):
        raise NotUnderstoodError("no event id")
    return Shape(**recipes, fields={name: _recipe(value) for name, value in parts.fields.items()})


class _Fragments:
    """Reads the fragments of a shape; the first is the event, the others are within it."""

    def __init__(self, shape: bytes, structures: Sequence[bytes]) -> None:
        self._structures = structures
        self._fragments: list[tuple[Element, bytes]] = []
        self._next = 1
        self._values = 0
        at = 0
        while at < len(shape):
            number, size = (int.from_bytes(shape[at + i : at + i + 4], "little") for i in (0, 4))
            self._fragments.append((parse(structures[number]), shape[at + 8 : at + size]))
            at += size

    def event(self) -> Element:
        """The event with marks in the places of its values."""
        # Values are numbered fragment by fragment, so fill all before any is put into another.
        fillings = [self._filling(kinds) for _, kinds in self._fragments]
        whole: list[Element] = []
        for (element, _), filling in reversed(list(zip(self._fragments, fillings, strict=True))):
            inner = [
                whole[len(self._fragments) - 1 - part] if isinstance(part, int) else part
                for part in filling
            ]
            whole.append(filled(element, inner))
        return whole[-1]

    def _filling(self, kinds: bytes) -> list[Leaf | Array | int | None]:
        """Marks for one fragment's values; a number stands for the fragment of that number."""
        found: list[Leaf | Array | int | None] = []
        at = 0
        while at < len(kinds):
            kind = kinds[at]
            at += 1
            if kind & token.ARRAY:
                items = kinds[at + 1 : at + 1 + kinds[at]]
                at += 1 + len(items)
                found.append(self._array(items))
            elif kind == token.BINXML:
                found.append(self._next)
                self._next += 1
            elif kind & token.EMPTY:
                found.append(
                    None if kind == token.BINXML | token.EMPTY else Leaf("", is_empty=True)
                )
            else:
                found.append(self._mark(kind))
        return found

    def _array(self, items: bytes) -> Leaf | Array:
        leaves = [self._mark(item & ~token.EMPTY) for item in items]  # empty ones are counted too
        if not leaves:
            return Leaf("", is_empty=True)
        if len(leaves) == 1:
            return leaves[0]._replace(text=leaves[0].text.replace(MARKS[2], MARKS[0]))
        pairs = zip(items, leaves, strict=True)
        return Array(tuple(None if item & token.EMPTY else leaf for item, leaf in pairs))

    def _mark(self, kind: int) -> Leaf:
        self._values += 1
        return mark(self._values - 1, kind)


def _recipe(value: Any) -> Recipe:
    written = text(value)
    if written is None:
        return None
    needs = tuple(dict.fromkeys(int(found) for found in _MARK.findall(written)))
    if not needs:
        return written
    return needs[0] if _MARK.fullmatch(written) else Mixture(needs, _template(written))


def _template(written: str) -> Any:
    """The document behind the text of one, else the text."""
    if written.startswith(("{", "[")):
        try:
            found = orjson.loads(written)
        except orjson.JSONDecodeError:
            return written
        return found if isinstance(found, dict | list) else written
    return written


def _replaced(value: Any, values: Mapping[int, str]) -> Any:
    """A document with real values in the places of marks."""
    if isinstance(value, dict):
        return {name: _replaced(inner, values) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    if value.startswith(MARKS[2]):
        return orjson.loads(values[int(value[1:-1])])
    return _MARK.sub(lambda found: values[int(found[1])], value)
