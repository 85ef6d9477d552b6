"""XML from evidence: no DTD, no entities, bounded depth and size.

In: bytes. Out: calls per element (:func:`walk`) or a small tree (:func:`parse`). A document type
declaration of any kind is refused before anything in it is used, so no entity can be declared.
Will not: fetch anything, resolve namespaces (prefixes are cut off), keep comments.

Source: Python documentation, "XML vulnerabilities"; a DTD is what each of them needs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

MAX_BYTES: Final = 64 << 20
MAX_DEPTH: Final = 256
MAX_ELEMENTS: Final = 300_000
MAX_TEXT_CHARS: Final = 1 << 20

Start = Callable[[str, dict[str, str], int], None]
End = Callable[[str, str], None]


class UnreadableXmlError(ValueError):
    """Not well formed, too large, too deep, or it declares a document type."""


@dataclass(slots=True)
class Element:
    """One element: local name, attributes, line in the file, own text, children."""

    name: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def find_all(self, *path: str) -> Iterator["Element"]:
        """Descendants at ``path``, one name per level."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.find_all(*path[1:])

    def __iter__(self) -> Iterator["Element"]:
        """This element and everything below it, in document order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def walk(blocks: Iterable[bytes], start: Start, end: End) -> None:
    """Call ``start(name, attributes, line)`` and ``end(name, own text)`` for each element.

    Raises UnreadableXmlError; calls made before the fault stay made.
    """
    walker = _Walker(start, end)
    size = 0
    try:
        for block in blocks:
            size += len(block)
            if size > MAX_BYTES:
                raise UnreadableXmlError(f"larger than {MAX_BYTES >> 20} MiB")
            walker.parser.Parse(block, False)
        walker.parser.Parse(b"", True)
    except UnreadableXmlError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableXmlError(f"not well-formed XML: {error}") from error


def parse(data: bytes) -> Element:
    """The whole document as a tree. Raises UnreadableXmlError."""
    top = Element("", {}, 0)
    branch = [top]
    count = 0

    def start(name: str, attributes: dict[str, str], line: int) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS:
            raise UnreadableXmlError(f"more than {MAX_ELEMENTS} elements")
        element = Element(name, attributes, line)
        branch[-1].children.append(element)
        branch.append(element)

    def end(_: str, text: str) -> None:
        branch.pop().text = text

    walk([data], start, end)
    return top.children[0]


class _Walker:
    def __init__(self, start: Start, end: End) -> None:
        self._start, self._end = start, end
        self._texts: list[list[str]] = []
        self._chars: list[int] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.EntityDeclHandler = self._refuse
        self.parser.StartElementHandler = self._on_start
        self.parser.EndElementHandler = self._on_end
        self.parser.CharacterDataHandler = self._on_text

    def _refuse(self, *_: object) -> None:
        raise UnreadableXmlError("it declares a document type, which evidence may not")

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._texts) >= MAX_DEPTH:
            raise UnreadableXmlError(f"nested deeper than {MAX_DEPTH}")
        self._texts.append([])
        self._chars.append(0)
        self._start(_local(name), attributes, self.parser.CurrentLineNumber)

    def _on_end(self, name: str) -> None:
        self._chars.pop()
        self._end(_local(name), "".join(self._texts.pop()))

    def _on_text(self, text: str) -> None:
        if self._texts and self._chars[-1] < MAX_TEXT_CHARS:
            self._chars[-1] += len(text)
            self._texts[-1].append(text)


def _local(name: str) -> str:
    return name.rpartition(":")[2]
