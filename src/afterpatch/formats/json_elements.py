"""Bytes that hold many JSON objects -> one text per object, memory bounded.

In: a byte stream in UTF-8, UTF-8 with BOM or UTF-16 (PowerShell's ``>``). Out: :class:`Element`
values in file order: one per line (JSON lines), or one per object of an array or of a run of
pretty-printed objects. Will not: decode the objects; every line or object comes out, bad or good.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal, NamedTuple

import numpy as np

from afterpatch.formats.bit_index import Mask, Offsets
from afterpatch.formats.json_brackets import find_brackets

READ_BYTES: Final = 1 << 20
MAX_ELEMENT_BYTES: Final = 16 << 20

_OPEN_ENDS: Final = (b"{", b",", b"[")
_BETWEEN: Final = re.compile(rb"[\s,]*")
_RECORD_HEADING: Final = re.compile(rb"Record \d{1,19}\s*")  # evtx_dump -o json writes these


class Element(NamedTuple):
    """``fault`` is "" for a candidate object; ``text`` may be empty for a fault or a blank line."""

    number: int
    text: bytes
    fault: str = ""


def elements(stream: BinaryIO) -> Iterator[Element]:
    """Elements of the stream, numbered from 1 (lines, or objects). Content never raises."""
    blocks = _utf8_blocks(stream)
    head = b""
    for block in blocks:
        head += block
        if len(head) >= READ_BYTES // 2:
            break
    rest = _chain(head, blocks)
    shape = _shape(head)
    return _lines(rest) if shape == "lines" else _objects(rest, is_array=shape == "array")


def is_lines(head: bytes) -> bool:
    """Whether a source that starts so is surely UTF-8 with one object per line."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head[:2]:
        return False
    return b"\n" in head and _shape(head.removeprefix(codecs.BOM_UTF8)) == "lines"


def _shape(head: bytes) -> Literal["lines", "array", "run"]:
    body = head.lstrip()
    if body.startswith(b"["):
        return "array"
    heading = _RECORD_HEADING.match(body)
    if heading:
        return "run"
    first_line, _, others = body.partition(b"\n")
    is_opened_only = first_line.startswith(b"{") and first_line.rstrip().endswith(_OPEN_ENDS)
    # A second line that opens an object means lines, the first of them cut.
    return "run" if is_opened_only and not others.startswith(b"{") else "lines"


def _utf8_blocks(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.read(READ_BYTES)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        while first:
            yield decoder.decode(first).encode("utf-8", "replace")
            first = stream.read(READ_BYTES)
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")
        return
    yield first.removeprefix(codecs.BOM_UTF8)
    while block := stream.read(READ_BYTES):
        yield block


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _lines(blocks: Iterator[bytes]) -> Iterator[Element]:
    number = 0
    pending: list[bytes] = []
    size = 0
    for block in blocks:
        first, *others = block.split(b"\n")
        pending.append(first if size <= MAX_ELEMENT_BYTES else b"")  # too long: keep no more of it
        size += len(first)
        for following in others:
            number += 1
            yield _line(number, pending, size)
            pending, size = [following], len(following)
    if size:
        yield _line(number + 1, pending, size)


def _line(number: int, parts: list[bytes], size: int) -> Element:
    if size > MAX_ELEMENT_BYTES:
        return Element(number, b"", f"line of {size} bytes is too long")
    return Element(number, b"".join(parts).strip())


def _objects(blocks: Iterator[bytes], *, is_array: bool) -> Iterator[Element]:
    """Split at the outermost braces, minding strings; a cut file ends in a faulty element."""
    scanner = _Scanner(depth_of_element=1 if is_array else 0)
    number = 0
    for block in blocks:
        for text, fault in scanner.feed(block):
            number += 1
            yield Element(number, text, fault)
        if scanner.is_lost:
            break
    if scanner.is_lost:
        yield Element(number + 1, b"", "an object has no end; the rest of the file was not read")
        return
    fault = scanner.end()
    if fault:
        yield Element(number + 1, b"", fault)


class _Scanner:
    """Finds where the elements begin and end; keeps at most one element in memory."""

    def __init__(self, depth_of_element: int) -> None:
        self._outer = depth_of_element
        self._depth = 0
        self._in_string = False
        self._buffer = b""
        self._at = 0  # scanned up to here
        self._start = 0  # where the unfinished element, or the text before it, begins

    @property
    def is_lost(self) -> bool:
        return len(self._buffer) - self._start > MAX_ELEMENT_BYTES

    def feed(self, block: bytes) -> Iterator[tuple[bytes, str]]:
        self._buffer = self._buffer[self._start :] + block
        found = find_brackets(self._buffer, self._at - self._start, self._in_string)
        self._start = 0
        self._at, self._in_string = found.end, found.in_string
        before, outer = self._depths(found.opens), self._outer
        at_edge = np.where(
            found.opens, (before == outer) | (before == outer - 1), before <= outer + 1
        )
        edges = found.places[at_edge], found.opens[at_edge], before[at_edge]
        for where, opens, depth in zip(*(one.tolist() for one in edges), strict=True):
            yield from self._step(where, opens, depth)

    def _depths(self, opens: Mask) -> Offsets:
        """The depth before each bracket; it never falls below 0."""
        level = self._depth + np.cumsum(np.where(opens, 1, -1))
        after = level - np.minimum(np.minimum.accumulate(level), 0)
        depths = np.concatenate(([self._depth], after))
        self._depth = int(depths[-1])
        before: Offsets = depths[:-1]
        return before

    def _step(self, where: int, opens: bool, depth: int) -> Iterator[tuple[bytes, str]]:
        """A bracket at the edge of an element, or between elements; the depth before it."""
        if opens and depth < self._outer:  # the array itself
            self._start = where + 1
        elif opens:
            yield from self._stray(where)
        else:
            if depth == self._outer + 1:
                yield self._buffer[self._start : where + 1], ""
            else:
                yield from self._stray(where)
            self._start = where + 1

    def _stray(self, where: int) -> Iterator[tuple[bytes, str]]:
        """Text between elements: separators and headings are fine, anything else is a fault."""
        between = self._buffer[self._start : where]
        if between != b"," and _BETWEEN.fullmatch(_RECORD_HEADING.sub(b"", between)) is None:
            yield b"", "text that is no JSON object"
        self._start = where

    def end(self) -> str:
        """Why the file is not complete, or ""."""
        if self._in_string or self._depth > 0:
            return "the file ends inside an object or before the array is closed"
        between = _RECORD_HEADING.sub(b"", self._buffer[self._start :])
        if _BETWEEN.fullmatch(between) is None:
            return "text that is no JSON object"
        return ""
