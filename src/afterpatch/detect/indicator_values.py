"""One kind of indicator against a column of text.

Enters: (value, entry number) pairs of one indicator type, then columns. Leaves: which rows may
match, then which distinct values of those do. The first question is asked of whole columns and
costs the same for ten entries as for a million; only what survives it is looked at by itself.
Will not do: choose columns or turn values into rows.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, TypeAlias

import numpy as np
import polars as pl

from afterpatch.detect.key_set import KeySet
from afterpatch.detect.sigma.column import Column
from afterpatch.detect.sigma.distinct import fold_series
from afterpatch.detect.sigma.literals import Indexes

Entries: TypeAlias = Sequence[tuple[str, int]]

_SHA256: Final = r"[0-9a-f]{64,}"
_NAME: Final = r"[0-9a-z_-]+(?:\.[0-9a-z_-]+)+"
_VARIABLE: Final = r"^(?:[a-z]:|%[^%/]*%|\$env:\w+|\$\{env:[^}]*\})"
_is_name: Final = re.compile(_NAME).fullmatch
_SLASHES: Final = re.compile("/+")
_DRIVE_OR_VARIABLE: Final = re.compile(_VARIABLE)
# What is behind the last component, then what is before it: quicker than one pattern for both.
_BEHIND: Final = r"""[/\\\s\x1c-\x1f"]+$"""
_BEFORE: Final = r"(?s)^.*[/\\]"
# A scan for so many texts at once is cheaper than taking every name out of every value.
_FEW: Final = 2_000


class Finder(Protocol):
    """What an indicator type brings: built from its entries, asked once per column.

    whole  whether entries are compared as they stand, so that asking every row costs less than
           finding the distinct values first.
    """

    @property
    def whole(self) -> bool: ...

    def candidates(self, texts: pl.Series) -> Indexes:
        """Positions that may match, ascending: too many at worst, never too few."""
        ...

    def find(self, column: Column) -> Iterator[tuple[int, int]]:
        """(index of a distinct value, entry number) for each match, in no particular order."""
        ...


def _numbers_by(keys: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for key, number in keys:
        found.setdefault(key, []).append(number)
    return found


def _exploded(lists: pl.Series, keys: KeySet) -> tuple[Indexes, list[str]]:
    """(row, text) of the texts in a column of lists that may be keys."""
    flat = pl.DataFrame({"text": lists}).with_row_index("row").explode("text").drop_nulls("text")
    at = keys.rows(flat["text"])
    return flat["row"].to_numpy()[at].astype(np.int64), flat["text"].gather(at).to_list()


class Hashes:
    """SHA-256 digests anywhere in a value (Sysmon writes ``SHA1=…,SHA256=…``)."""

    whole = False

    def __init__(self, entries: Entries) -> None:
        self._numbers = _numbers_by((value.lower(), number) for value, number in entries)
        self._keys = KeySet(self._numbers)

    def candidates(self, texts: pl.Series) -> Indexes:
        """See :class:`Finder`."""
        if texts.str.len_bytes().eq(64).all():
            return self._keys.rows(texts.str.to_lowercase())
        digests = texts.str.to_lowercase().str.extract_all(_SHA256)
        return np.unique(_exploded(digests, self._keys)[0])

    def find(self, column: Column) -> Iterator[tuple[int, int]]:
        """See :class:`Finder`."""
        digests = column.values.str.to_lowercase().str.extract_all(_SHA256)
        for at, digest in set(zip(*_exploded(digests, self._keys), strict=True)):
            yield from ((int(at), number) for number in self.named(digest))

    def named(self, sha256: str) -> Sequence[int]:
        """The entries for a digest."""
        return self._numbers.get(sha256.lower(), ())


class Domains:
    """Host names standing free in a value: the name itself or one below it.

    Names are taken out of the values and looked up with each of their parents. Names that this
    would miss (one label only, or letters outside ASCII) are few, and searched for one by one.
    """

    whole = False

    def __init__(self, entries: Entries) -> None:
        self._numbers = _numbers_by((value.lower().strip("."), number) for value, number in entries)
        self._odd = {
            name: re.compile(rf"(?<![0-9a-z_-]){re.escape(name)}(?![0-9a-z_-])(?!\.[0-9a-z_-])")
            for name in self._numbers
            if _is_name(name) is None
        }
        self._keys = KeySet(self._numbers)

    def candidates(self, texts: pl.Series) -> Indexes:
        """See :class:`Finder`."""
        folded = fold_series(texts)
        literals = self._numbers if len(self._numbers) <= _FEW else self._odd
        found = {at for at, _ in self._names(folded)} if literals is self._odd else set()
        if literals:
            found.update(folded.str.contains_any(list(literals)).arg_true().to_list())
        return np.array(sorted(found), np.int64)

    def find(self, column: Column) -> Iterator[tuple[int, int]]:
        """See :class:`Finder`."""
        found: set[tuple[int, int]] = set()
        for at, name in self._names(column.folded):
            found.update((at, number) for number in self._numbers.get(name, ()))
        for name, free in self._odd.items():
            for at in column.folded.str.contains(name, literal=True).arg_true().to_list():
                if free.search(column.folded[at]):
                    found.update((at, number) for number in self._numbers[name])
        yield from found

    def _names(self, folded: pl.Series) -> Iterator[tuple[int, str]]:
        """(position, name or parent of a name) of those that may be looked for."""
        names = pl.DataFrame({"name": folded.str.extract_all(_NAME)}).with_row_index("at")
        flat = names.explode("name").drop_nulls("name")
        while flat.height:
            hopeful = flat[self._keys.rows(flat["name"])]
            yield from hopeful.iter_rows()
            parent = pl.col("name").str.extract(r"\.(.+)$")
            flat = flat.select("at", parent).drop_nulls("name")


class Paths:
    """Looked up by last component, then compared backwards."""

    whole = False

    def __init__(self, entries: Entries) -> None:
        self._by_name: dict[str, list[tuple[str, int]]] = {}
        for value, number in entries:
            path = plain_path(value)
            self._by_name.setdefault(path.rpartition("/")[2], []).append((path, number))
        self._keys = KeySet(self._by_name)

    def candidates(self, texts: pl.Series) -> Indexes:
        """See :class:`Finder`."""
        names = fold_series(texts).str.replace(_BEHIND, "").str.replace(_BEFORE, "")
        bare = names.str.replace(_VARIABLE, "")  # "c:name": the path has no other component
        return np.union1d(self._keys.rows(names), self._keys.rows(bare))

    def find(self, column: Column) -> Iterator[tuple[int, int]]:
        """See :class:`Finder`."""
        for at, text in enumerate(column.values.to_list()):
            path = plain_path(text)
            for wanted, number in self._by_name.get(path.rpartition("/")[2], ()):
                if path == wanted or path.endswith("/" + wanted):
                    yield at, number


def plain_path(text: str) -> str:
    """Lower-case, forward slashes, without drive, leading variable, or outer slashes."""
    path = _SLASHES.sub("/", text.strip().strip('"').lower().replace("\\", "/"))
    return _DRIVE_OR_VARIABLE.sub("", path).strip("/")


class Agents:
    """Whole user agents, separators evened out."""

    whole = False

    def __init__(self, entries: Entries) -> None:
        self._numbers = _numbers_by((_plain_agent(value), number) for value, number in entries)
        self._keys = KeySet(self._numbers)

    def candidates(self, texts: pl.Series) -> Indexes:
        """See :class:`Finder`."""
        return self._keys.rows(texts.str.replace_all(r"[+,]", " "))

    def find(self, column: Column) -> Iterator[tuple[int, int]]:
        """See :class:`Finder`."""
        for at, text in enumerate(column.values.to_list()):
            yield from ((at, number) for number in self._numbers.get(_plain_agent(text), ()))


def _plain_agent(text: str) -> str:
    return text.replace("+", " ").replace(",", " ")
