"""Texts that a keyword cannot do without, looked for in the bytes of event logs (UTF-16).

Enters: tests of keywords, then bytes. Leaves: the needles that are certainly not in any value of an
event whose texts lie in those bytes. Will not do: say that one is there.

A value may be an account's name and domain put together, and values that are no text are written as
numbers, GUIDs or times. So a needle is a part of a keyword that no such joint can run through, with
a letter in it that no such value is written with.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, cast

import hyperscan
import numpy as np

from afterpatch.detect.sigma.ast import FieldTest
from afterpatch.detect.sigma.distinct import required_texts
from afterpatch.detect.sigma.literals import quoted

MIN_CHARS: Final = 3
# The joint of ``DOMAIN\user``, line ends, and what is not ASCII: its case is not simple.
_JOINTS: Final = re.compile(r"[^\x20-\x7e]|\\")
# No number, GUID, SID, time, true, false, NaN or inf has any of these, whatever its case.
_OF_TEXT: Final = re.compile(r"[^0-9a-filnrstuxz .:+-]")


@lru_cache(maxsize=1 << 14)
def needles_of(test: FieldTest) -> frozenset[str] | None:
    """Texts of which one must lie whole in the bytes wherever the test holds; None = not known."""
    required = required_texts(test)
    if not required:
        return None
    needles = {_needle(text) for text in required}
    return None if "" in needles else frozenset(needles)


def _needle(folded: str) -> str:
    parts = [part for part in _JOINTS.split(folded) if _OF_TEXT.search(part)]
    longest = max(parts, key=len, default="")
    return longest if len(longest) >= MIN_CHARS else ""


class Needles:
    """Looks for needles (lower-case ASCII) in bytes."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._needles = tuple(sorted(set(needles)))
        self._database: hyperscan.Database | None = None
        self._room = np.empty(0, np.uint8)

    def absent(self, block: bytes | memoryview) -> frozenset[str]:
        """Those that are nowhere in the bytes, in neither case."""
        found: set[int] = set()
        for start in (0, 1) if self._needles else ():
            text = cast(bytes, self._narrowed(block, start))  # a buffer will do
            self._built().scan(text, match_event_handler=lambda number, *_: found.add(number))
        return frozenset(self._needles) - {self._needles[number] for number in found}

    def _narrowed(self, block: bytes | memoryview, start: int) -> memoryview:
        """The low bytes of the 16-bit units at even or at odd places: text in UTF-16 may begin at
        either. So narrowed it is searched eight times as fast. Good until the next call."""
        end = len(block) - (len(block) - start) % 2
        units = np.frombuffer(block, np.uint8)[start:end].view("<u2")
        if len(self._room) < len(units):
            self._room = np.empty(len(units), np.uint8)  # kept, because fresh memory is slow
        text = self._room[: len(units)]
        np.copyto(text, units, casting="unsafe")
        return text.data

    def _built(self) -> hyperscan.Database:
        if self._database is None:
            self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
            self._database.compile(
                expressions=[quoted(needle) for needle in self._needles],
                ids=list(range(len(self._needles))),
                flags=[hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH]
                * len(self._needles),
            )
        return self._database
