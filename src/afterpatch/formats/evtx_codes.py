"""Texts of a block of EVTX: each distinct value is kept, and decoded, once.

In: events by row and values by number. Out: codes, and at the end a column of texts for any codes.
Code ``n >= 0`` is a distinct value, -1 is "absent", and below that are constants of templates.
One table for all fields of all shapes: the same image path or user name stands in many of them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from afterpatch.formats.compiled import Bytes, Ints
from afterpatch.formats.evtx_interning import (
    ABSENT,
    Codes,
    intern,
    place_all,
    renumber,
    room_for,
    unpacked,
    whole_numbers,
)
from afterpatch.formats.evtx_kernel import Walk
from afterpatch.formats.evtx_shapes import Mixture, Recipe
from afterpatch.formats.evtx_values import text_of, texts_of
from afterpatch.formats.windows_table import Column
from afterpatch.model.batches import Distinct

_FIRST_SLOTS: Final = 1 << 12
_ROOM_FOR: Final = 1 << 12  # values at a time


class Texts:
    """The distinct values and constants of one block."""

    def __init__(self, block: Bytes, found: Walk, seed: int) -> None:
        self._block, self._found, self._seed = block, found, seed
        self._entries = room_for(2 * int(found.values.filled[0]) + 16)
        self._slots = np.full(_FIRST_SLOTS, -1, np.int32)
        self._constants: dict[str, int] = {}
        self._known: dict[int, str] = {}

    def constant(self, text: str) -> int:
        """The code of a text of our own."""
        return self._constants.setdefault(text, ABSENT - 1 - len(self._constants))

    def codes(self, rows: Ints, numbers: Sequence[int]) -> Codes:
        """Codes of some values of some events of one shape: one line per number."""
        codes = np.empty((len(numbers), len(rows)), np.int32)
        first = self._found.events.first[rows]
        wanted = np.array(numbers, np.int64)
        before = np.full(len(numbers), ABSENT, np.int64)
        step = max(1, _ROOM_FOR // max(1, len(numbers)))
        for start in range(0, len(rows) if numbers else 0, step):
            some = slice(start, start + step)
            self._make_room(len(first[some]) * len(numbers))
            intern(
                self._block, self._found.values, first[some], wanted, codes[:, some], before,
                self._entries, self._slots, self._seed,
            )  # fmt: skip
        return codes

    def _make_room(self, more: int) -> None:
        """Room for so many more distinct values, and slots, half of them free."""
        count = int(self._entries.filled[0])
        if count + more > len(self._entries.seen):
            known, self._entries = self._entries, room_for(2 * (count + more))
            self._entries.seen[:count] = known.seen[:count]
            self._entries.filled[0] = count
        if 2 * (count + more) > len(self._slots):
            self._slots = np.full(self._slot_count(count + more), -1, np.int32)
            place_all(self._entries, self._slots)

    @staticmethod
    def _slot_count(values: int) -> int:
        return 4 << values.bit_length()

    def whole_numbers(self, rows: Ints, number: int) -> Ints:
        """An integer value of some events of one shape, see :func:`whole_numbers`."""
        found = np.empty(len(rows), np.int64)
        first = self._found.events.first[rows]
        whole_numbers(self._block, self._found.values, first, number, found)
        return found

    def recipe(self, recipe: Recipe, rows: Ints) -> Codes:
        """Codes of what a recipe makes of some events."""
        if isinstance(recipe, Mixture):
            return self._mixed(recipe, rows)
        if isinstance(recipe, int):
            return np.ravel(self.codes(rows, [recipe]))
        return np.full(len(rows), ABSENT if recipe is None else self.constant(recipe), np.int32)

    def _mixed(self, recipe: Mixture, rows: Ints) -> Codes:
        def made_of(*texts: str | None) -> str:
            known = (text or "" for text in texts)
            return recipe.made_of(dict(zip(recipe.needs, known, strict=True)))

        return self.made(list(self.codes(rows, recipe.needs)), made_of)

    def made(self, lines: Sequence[Codes], make: Callable[..., str | None]) -> Codes:
        """Codes of what is made of some texts of an event, once for all events that have them.

        ``lines``: at least one; ``make`` gets the text of each, None where there is none.
        """
        key = np.zeros(len(lines[0]), np.int64)
        for line in lines:
            distinct, place = np.unique(line, return_inverse=True)
            _, key = np.unique(key * len(distinct) + place, return_inverse=True)
        _, firsts, place = np.unique(key, return_index=True, return_inverse=True)
        codes = []
        for first in firsts:
            text = make(*(self.text(int(line[first])) for line in lines))
            codes.append(ABSENT if text is None else self.constant(text))
        return np.array(codes, np.int32)[place]

    def text(self, code: int) -> str | None:
        """One text by its code."""
        if code == ABSENT:
            return None
        if code not in self._known:
            if code < ABSENT:
                self._known.update((number, text) for text, number in self._constants.items())
            else:
                value = self._entries.seen.item(code, 1)
                at, size, kind = value & 0xFFFFFFFF, value >> 32 & 0xFFFF, value >> 48
                self._known[code] = text_of(self._block, at, size, kind)
        return self._known[code]

    def columns(self, codes: Codes) -> Iterator[Column]:
        """A column per line of codes. No further codes may be asked for once one was made."""
        texts = self._every
        marks = np.full(len(texts), -1, np.int32)
        numbers, places = np.empty_like(codes), np.empty_like(codes)
        firsts = np.empty(codes.shape, np.int64)
        counts = np.empty(len(codes), np.int64)
        renumber(codes, marks, numbers, places, firsts, counts)
        # The texts of all columns in one go: asking for any has a price of its own.
        cells = texts[pl.Series(places.ravel())]
        rows = codes.shape[1]
        for line, count in enumerate(counts.tolist()):
            distinct = Distinct(numbers[line], firsts[line, :count])
            yield Column(cells.slice(line * rows, rows), distinct)

    @cached_property
    def _every(self) -> pl.Series:
        """The text of every code at its place; constants and "absent" are counted from the end."""
        count = int(self._entries.filled[0])
        texts = texts_of(self._block, *unpacked(self._entries.seen[:count]))
        return pl.Series([*texts, *reversed(self._constants), None], dtype=pl.String)
