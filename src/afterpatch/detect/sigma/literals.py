"""Many literals looked for in many texts at once: one automaton (Hyperscan), one pass.

Enters: folded literals, then blocks of folded texts. Leaves: which texts hold which literal, and
which literals were not asked for because they are in too many texts: reporting matches, not
scanning, is the cost. May report a text too many (a match across two texts), never one too few.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from afterpatch.detect.sigma.automata import Database, automaton
from afterpatch.detect.sigma.store import RuleStore

Indexes: TypeAlias = npt.NDArray[np.int64]

MIN_BYTES: Final = 2  # one byte is found so often that asking for it is slower
COMMON_SHARE: Final = 0.02
WORTH_KEEPING: Final = 200


@dataclass(frozen=True, slots=True)
class Block:
    """Texts end to end: ``ends[i]`` is the offset just behind text i and its separator."""

    data: bytes
    ends: Indexes

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Block":
        """The texts in UTF-8, a line end after each."""
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return cls(b"\n".join(encoded), np.cumsum(lengths + 1))


class Scanner:
    """Looks for its literals in blocks. The automaton is built, or taken from ``store``, on first
    use."""

    def __init__(self, literals: Iterable[str], store: RuleStore | None = None) -> None:
        self.asked = frozenset(x for x in literals if len(x.encode()) >= MIN_BYTES)
        self.literals = tuple(sorted(self.asked))
        # Few literals are compiled sooner than read.
        self._store = store if len(self.literals) >= WORTH_KEEPING else None
        self._database: Database | None = None

    def find(self, block: Block) -> Mapping[str, Indexes]:
        """Literal -> indexes of the texts that (may) hold it, ascending; only those found."""
        ids, texts = self._pairs(block)
        if len(ids) == 0:
            return {}
        pairs = np.sort(ids * np.int64(len(block.ends)) + texts)
        pairs = pairs[np.diff(pairs, prepend=-1) != 0]
        ids, texts = np.divmod(pairs, len(block.ends))
        starts = np.flatnonzero(np.diff(ids, prepend=-1))
        pieces = np.split(texts, starts[1:])
        return {self.literals[i]: piece for i, piece in zip(ids[starts], pieces, strict=True)}

    def _pairs(self, block: Block) -> tuple[Indexes, Indexes]:
        """(literal's number, text's index) of every match."""
        ids: list[int] = []
        ends: list[int] = []
        if self.literals and block.data:
            keep_id, keep_end = ids.append, ends.append

            def on_match(number: int, _from: int, to: int, _flags: int, _context: object) -> None:
                keep_id(number)
                keep_end(to)

            self._built().scan(block.data, match_event_handler=on_match)
        offsets = np.array(ends, np.int64)
        return np.array(ids, np.int64), np.searchsorted(block.ends, offsets).astype(np.int64)

    def _built(self) -> Database:
        if self._database is None:
            expressions = [quoted(literal) for literal in self.literals]
            self._database = automaton(expressions, store=self._store)
        return self._database


def quoted(literal: str) -> bytes:
    r"""``\x61\x62`` for ``ab``: no character means anything but itself."""
    return b"\\x" + literal.encode().hex(" ").replace(" ", "\\x").encode()
