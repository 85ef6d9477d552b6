"""Bytes that hold many JSON objects -> one text per object, memory bounded.

In: a byte stream in UTF-8, UTF-8 with BOM or UTF-16 (PowerShell's ``>``). Out: :class:`Element`
values in file order: one per line (JSON lines), or one per object of an array or of a run of
pretty-printed objects. Will not: decode the objects; every line or object comes out, bad or good.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal, NamedTuple

READ_BYTES: Final = 1 << 20
MAX_ELEMENT_BYTES: Final = 16 << 20

_OUTSIDE: Final = re.compile(rb'["{}\[\]]')
_INSIDE: Final = re.compile(rb'["\\]')
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
        self._at -= self._start
        self._start = 0
        while self._at < len(self._buffer):
            pattern = _INSIDE if self._in_string else _OUTSIDE
            mark = pattern.search(self._buffer, self._at)
            if mark is None:
                self._at = len(self._buffer)
                break
            self._at = mark.end()
            if self._in_string:
                self._step_in_string(mark[0])
            else:
                yield from self._step_outside(mark[0], mark.start())

    def _step_in_string(self, mark: bytes) -> None:
        if mark == b"\\":
            self._at += 1  # may point past the buffer: the escaped character comes next
        else:
            self._in_string = False

    def _step_outside(self, mark: bytes, where: int) -> Iterator[tuple[bytes, str]]:
        if mark == b'"':
            self._in_string = True
        elif mark in b"{[":
            if self._depth == self._outer:
                yield from self._stray(where)
            self._depth += 1
            if self._depth == self._outer:  # the array itself
                self._start = self._at
        else:
            self._depth -= 1
            if self._depth == self._outer:
                yield self._buffer[self._start : self._at], ""
                self._start = self._at
            elif self._depth < self._outer:
                yield from self._stray(where)
                self._depth = max(self._depth, 0)
                self._start = self._at

    def _stray(self, where: int) -> Iterator[tuple[bytes, str]]:
        """Text between elements: separators and headings are fine, anything else is a fault."""
        between = _RECORD_HEADING.sub(b"", self._buffer[self._start : where])
        if _BETWEEN.fullmatch(between) is None:
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
