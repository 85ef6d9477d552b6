"""The same evidence twice counts once.

A collection with volume shadow copies holds many files again, unchanged or in an older state. Equal
content (SHA-256) on one host is read once; equal records of two states of one file are one hit.
"""

from collections.abc import Sequence

from afterpatch.model.hits import Hit
from afterpatch.model.places import Notice
from afterpatch.model.readings import Reading


def without_copies(readings: Sequence[Reading]) -> tuple[list[Reading], list[Notice]]:
    """The first reading of each content, in order of source name; a notice for every copy.

    Empty files are all alike and say nothing by being so: they are kept without a notice.
    """
    kept: dict[str, Reading] = {}
    unique: list[Reading] = []
    notices = []
    for reading in sorted(readings, key=lambda r: r.source.item.name):
        source = reading.source
        first = kept.get(source.sha256)
        if source.size_bytes and first and _same_place(first, reading):
            text = f"same content as {first.source.item.name}; counted once"
            notices.append(Notice("duplicate", source.item.name, text))
            continue
        kept.setdefault(source.sha256, reading)
        unique.append(reading)
    return unique, notices


def _same_place(one: Reading, other: Reading) -> bool:
    """Copies of one file, or files of a kind where the place on disk means nothing.

    A web file with equal content in two folders is two files: both places matter.
    """
    if one.source.kind != "web-file":
        return True
    return one.source.item.origin.casefold() == other.source.item.origin.casefold()


def distinct_hits(readings: Sequence[Reading]) -> list[Hit]:
    """All hits of one host; a record found again in another state of the same file is dropped."""
    seen: set[tuple[str, str, object, str]] = set()
    hits: list[Hit] = []
    for reading in sorted(readings, key=lambda r: r.source.item.name):
        origin = reading.source.item.origin.casefold()
        fresh = set()
        for hit in reading.hits:
            key = (origin, hit.rule, hit.time, hit.raw)
            if key not in seen:
                hits.append(hit)
                fresh.add(key)
        # Equal lines inside one file are real repetitions; only other files are compared.
        seen |= fresh
    return hits
