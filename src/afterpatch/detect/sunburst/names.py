"""Chunks of one host -> its AD domain, and how sure that is.

Enters: (sequence, chunk) pairs in any order, with loss and repetition. Leaves: :class:`Name`.

Nothing in the protocol says how many chunks there are. Chunk *k* and the last chunk may be
neighbours or have lost others between them, and a lone last chunk may be a whole short name or the
tail of a long one. So a name is ``certain`` only when the caller vouches that the log lacks no
query; from samples such as passive DNS it is ``ambiguous`` at best.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from afterpatch.detect.sunburst.alphabets import from_base32, from_substitution
from afterpatch.detect.sunburst.labels import LAST

GAP: Final = "…"
_BASE32_MARK: Final = "00"  # an escape is never "0", so no substituted text starts like this


@dataclass(frozen=True, slots=True)
class Name:
    """``domain`` has ``…`` where chunks are missing; it is None when nothing can be read."""

    domain: str | None
    confidence: Literal["certain", "ambiguous", "partial"]
    because: str


def join(chunks: Iterable[tuple[int, str]], *, complete: bool = False) -> Name:
    """The domain of one host; ``complete``: the caller knows that no query is missing."""
    spellings: dict[int, set[str]] = {}
    for sequence, chunk in chunks:
        spellings.setdefault(sequence, set()).add(chunk)
    if not spellings:
        return Name(None, "partial", "no name chunk seen")
    parts, disputed = _one_spelling(spellings)
    if disputed:
        numbers = ", ".join(map(str, sorted(disputed)))
        return Name(_pieces(parts), "partial", f"different texts for chunk {numbers}")
    missing = _missing(parts)
    if missing:
        return Name(_pieces(parts), "partial", missing)
    try:
        domain = _whole(parts)
    except ValueError as error:
        return Name(_pieces(parts), "partial", f"the chunks do not join: {error}")
    return _judged(domain, len(parts), complete)


def _judged(domain: str, chunks: int, complete: bool) -> Name:
    if not _plausible(domain):
        return Name(domain, "ambiguous", "the text is not a domain name")
    if chunks == 1:
        because = "a lone last chunk: a whole short name, or the tail of a longer one"
        return Name(domain, "ambiguous", because)
    if not complete:
        because = "chunks before the last may be missing; the log is a sample"
        return Name(domain, "ambiguous", because)
    return Name(domain, "certain", f"all {chunks} chunks, from a complete log")


def _one_spelling(spellings: Mapping[int, set[str]]) -> tuple[dict[int, str], set[int]]:
    """One text per chunk, and the chunks with several meanings (left out).

    Escapes are random, so spellings are compared decoded; a base32 text has one spelling only.
    """
    plain = not any(
        spelling.startswith(_BASE32_MARK) for spelling in spellings.get(0, spellings.get(LAST, ()))
    )
    parts: dict[int, str] = {}
    disputed = set()
    for sequence, texts in spellings.items():
        meanings = {_meaning(text) if plain else (text, False) for text in texts}
        if len(meanings) == 1:
            parts[sequence] = min(texts)
        else:
            disputed.add(sequence)
    return parts, disputed


def _meaning(chunk: str) -> tuple[str, bool]:
    """What a substituted chunk says, and whether it carries the marker."""
    try:
        return from_substitution(_unmarked(chunk)), chunk.endswith("0")
    except ValueError:
        return chunk, False


def _missing(parts: Mapping[int, str]) -> str | None:
    """Why the chunks cannot be the whole name, if they cannot."""
    if LAST not in parts:
        return "the last chunk is missing"
    order = sorted(parts)
    for expected, sequence in enumerate(order[:-1]):
        if sequence != expected:
            return f"chunk {expected} is missing"
    for sequence, after in pairwise(order):
        # A marker says that the next chunk starts with the "0" it stands for.
        if parts[sequence].endswith("0") and not parts[after].startswith("0"):
            return f"a chunk after chunk {sequence} is missing"
    return None


def _unmarked(chunk: str) -> str:
    """Without the marker ``0`` that ``GetPreviousString`` appends to a chunk ending in ``0``."""
    return chunk.removesuffix("0")


def _whole(parts: Mapping[int, str]) -> str:
    head = "".join(_unmarked(parts[sequence]) for sequence in sorted(parts)[:-1])
    text = head + parts[LAST]
    if not text.startswith(_BASE32_MARK):
        return from_substitution(text)
    # The code marks a last chunk that ends in "0" as well. A base32 text ends in "0" (11001)
    # only if its last byte ends there, so at most one of the two readings is valid.
    try:
        return _utf8(text)
    except ValueError:
        if not text.endswith("00"):
            raise
        return _utf8(_unmarked(text))


def _utf8(text: str) -> str:
    return from_base32(text.removeprefix(_BASE32_MARK), strict=True).decode("utf-8")


def _pieces(parts: Mapping[int, str]) -> str | None:
    """What can be read of an incomplete name, ``…`` for what is missing or unreadable."""
    base32 = parts.get(0, parts.get(LAST, "")).startswith(_BASE32_MARK)
    text, expected = "", 0
    for sequence in sorted(parts):
        if sequence != expected:
            text += GAP
        text += _base32_piece(parts, sequence) if base32 else _piece(parts[sequence])
        expected = sequence + 1
    if LAST not in parts:
        text += GAP
    return text if text.strip(GAP) else None


def _piece(chunk: str) -> str:
    try:
        return from_substitution(_unmarked(chunk))
    except ValueError:
        return GAP


def _base32_piece(parts: Mapping[int, str], sequence: int) -> str:
    """Only the first chunk starts at a byte for sure; a cut last character is dropped."""
    if sequence != 0:
        return GAP
    try:
        data = from_base32(_unmarked(parts[0]).removeprefix(_BASE32_MARK))
    except ValueError:
        return GAP
    return data.decode("utf-8", "ignore")


def _plausible(domain: str) -> bool:
    """Non-empty parts between dots, no control characters or spaces."""
    return all(domain.split(".")) and domain.isprintable() and " " not in domain
