"""The elements of an EVTX event, and the JSON that the ``evtx`` package would make of them.

In: a structure (see :mod:`afterpatch.formats.evtx_structures`) and the types of an event's values.
Out: elements with leaves in the places of values, or their JSON. One is made per shape, never per
event. Will not: know any value.

The JSON follows the package's conventions, so that the plain and the columnar reader see the same
fields: attributes are ``#attributes``, text beside elements is ``#text``, repeated names get
``_1``, ``_2`` …, named ``Data`` elements become keys, and an element whose value is an array with
several items is repeated ([MS-EVEN6] 3.1.4.7.5).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from afterpatch.formats import evtx_tokens as token

MARKS: Final = "\ue000\ue001\ue002"  # private use: cannot stand in a name or text we understand
_NUMBERS: Final = frozenset({*token.INTEGERS, token.BOOL})  # written without quotes
_MAX_UNIQUE_NAMES: Final = 64  # the package numbers no more than these


class NotUnderstoodError(Exception):
    """This shape is left to the plain reader."""


class Leaf(NamedTuple):
    """Text within an element: a constant, or the mark of a value.

    is_empty   counts as no content.
    is_number  a JSON number or boolean if it stands alone.
    """

    text: str
    is_empty: bool = False
    is_number: bool = False


class Array(NamedTuple):
    """Two or more items: what it stands in is repeated for each."""

    items: tuple[Leaf | None, ...]  # None = an empty text, which is left out


class Hole(NamedTuple):
    """A substitution in a structure."""

    number: int
    is_optional: bool


@dataclass(slots=True)
class Element:
    """An element; ``parts`` are elements, leaves and, before they are filled in, holes."""

    name: str
    attributes: "list[tuple[str, list[Part]]]" = field(default_factory=list)
    parts: "list[Part]" = field(default_factory=list)


Part: TypeAlias = Element | Leaf | Array | Hole
Filling: TypeAlias = Sequence[Element | Leaf | Array | None]  # None = nothing at all


def mark(number: int, kind: int) -> Leaf:
    """A leaf that stands for value ``number`` of an event, which is of type ``kind``."""
    is_number = kind in _NUMBERS
    return Leaf(f"{MARKS[2 * is_number]}{number}{MARKS[1]}", is_number=is_number)


@lru_cache(maxsize=256)
def parse(structure: bytes) -> Element:
    """The bytes of a structure -> its element. Raises NotUnderstoodError."""
    root = Element("")
    path = [root]
    target: list[Part] = root.parts
    for kind, value in _items(structure):
        if kind == token.ELEMENT:
            element = Element(_decoded(value))
            path[-1].parts.append(element)
            path.append(element)
        elif kind == token.ATTRIBUTE:
            target = []
            path[-1].attributes.append((_decoded(value), target))
        elif kind == token.START_DONE:
            target = path[-1].parts
        elif kind in (token.CLOSE, token.CLOSE_EMPTY):
            path.pop()
            target = path[-1].parts
        elif kind == token.VALUE:
            target.append(Leaf(_decoded(value), is_empty=not value))
        elif kind == token.ENTITY:
            target.append(Leaf(f"&{_decoded(value)};"))
        else:
            target.append(Hole(int.from_bytes(value, "little"), kind == token.OPTIONAL))
    (event,) = root.parts
    assert isinstance(event, Element)
    return event


def _items(structure: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(structure):
        kind = structure[at]
        if kind in (token.START_DONE, token.CLOSE, token.CLOSE_EMPTY):
            yield kind, b""
            at += 1
        elif kind in (token.SUBSTITUTION, token.OPTIONAL):
            yield kind, structure[at + 1 : at + 3]
            at += 3
        else:
            end = at + 3 + int.from_bytes(structure[at + 1 : at + 3], "little")
            yield kind, structure[at + 3 : end]
            at = end


def _decoded(text: bytes) -> str:
    found = text.decode("utf-16-le", "replace")
    if not _UNUSABLE.isdisjoint(found):
        raise NotUnderstoodError("a text holds what stands for values here")
    return found


_UNUSABLE: Final = frozenset(MARKS + "\ufffd")


def filled(element: Element, filling: Filling) -> Element:
    """A copy with every hole filled. Holes beyond the filling are left out."""
    attributes: list[tuple[str, list[Part]]] = []
    for name, parts in element.attributes:
        value = list(_filled_parts(parts, filling))
        if value:
            attributes.append((name, value))
    return Element(element.name, attributes, list(_filled_parts(element.parts, filling)))


def _filled_parts(parts: Iterable[Part], filling: Filling) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, Hole):
            value = filling[part.number] if part.number < len(filling) else None
            is_left_out = isinstance(value, Leaf) and value.is_empty and part.is_optional
            if value is not None and not is_left_out:
                yield value
        elif isinstance(part, Element):
            yield from _repeated(filled(part, filling))
        else:
            yield part


def _repeated(element: Element) -> Iterator[Element]:
    """The element, once per item of the arrays in it."""
    for at, part in enumerate(element.parts):
        if isinstance(part, Array):
            for item in part.items:
                parts = [*element.parts[:at], *_kept(item), *element.parts[at + 1 :]]
                yield from _repeated(replace(element, parts=parts))
            return
    if any(isinstance(part, Array) for _, parts in element.attributes for part in parts):
        raise NotUnderstoodError("an array in an attribute")
    yield element


def _kept(item: Leaf | None) -> tuple[Leaf, ...]:
    return () if item is None else (item,)


def document(event: Element) -> dict[str, Any]:
    """The JSON document of an event whose holes are filled."""
    if any(isinstance(part, Array) for part in event.parts):
        raise NotUnderstoodError("an array in the outermost element")
    return {event.name: _value(event, in_container=False)}


def _value(element: Element, *, in_container: bool) -> Any:
    has_elements = any(isinstance(part, Element) for part in element.parts)
    has_attributes = any(_has_text(parts) for _, parts in element.attributes)
    if has_elements or has_attributes:
        return _body(element, in_container=in_container)
    return _content(element.parts) if _has_text(element.parts) else None


def _has_text(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, Leaf) and not part.is_empty for part in parts)


def _content(parts: Sequence[Part]) -> str:
    return "".join(part.text for part in _leaves(parts, lone=len(parts) == 1))


def _leaves(parts: Iterable[Part], *, lone: bool) -> Iterator[Leaf]:
    """The leaves; a number that does not stand alone is text like any other."""
    for part in parts:
        if isinstance(part, Leaf):
            yield part if lone else part._replace(text=part.text.replace(MARKS[2], MARKS[0]))


def _body(element: Element, *, in_container: bool) -> dict[str, Any]:
    body: dict[str, Any] = {}
    attributes = {name: _content(parts) for name, parts in element.attributes if _has_text(parts)}
    if attributes:
        body["#attributes"] = attributes
    children = [part for part in element.parts if isinstance(part, Element)]
    if _has_text(element.parts):
        texts = [part for part in element.parts if isinstance(part, Leaf) and not part.is_empty]
        body["#text"] = _content(texts)
    if in_container:
        body.update(_data(child for child in children if child.name == "Data"))
        children = [child for child in children if child.name != "Data"]
    seen: Counter[str] = Counter()
    for child in children:
        times = seen[child.name]
        if times or len(seen) < _MAX_UNIQUE_NAMES:
            seen[child.name] += 1
        name = f"{child.name}_{times}" if times else child.name
        body[name] = _value(child, in_container=child.name in ("EventData", "UserData"))
    return body


def _data(elements: Iterable[Element]) -> dict[str, Any]:
    """``Data`` elements: by name if any has one, else all in a list."""
    found = list(elements)
    names = [_name_of(element) for element in found]
    if any(names):
        named = zip(names, found, strict=True)
        return {name: _data_value(element) for name, element in named if name}
    if not found:
        return {}
    values = [_data_value(element) for element in found]
    return {"Data": {"#text": values[0] if len(values) == 1 else values}}


def _name_of(element: Element) -> str:
    for name, parts in element.attributes:
        if name == "Name":
            text = _content(parts) if _has_text(parts) else ""
            if not _UNUSABLE.isdisjoint(text):
                raise NotUnderstoodError("a name that differs from event to event")
            return text
    return ""


def _data_value(element: Element) -> Any:
    if any(isinstance(part, Element) for part in element.parts):
        return _body(replace(element, attributes=[]), in_container=False)
    return _content(element.parts) if _has_text(element.parts) else ""
