"""The same evidence twice counts once.

A collection with volume shadow copies holds many files again, unchanged or in an older state. Equal
content (SHA-256) on one host is read once; equal records of two states of one file are one hit.
"""

from collections.abc import Sequence

from afterpatch.model.hits import Hit
from afterpatch.model.places import Notice
from afterpatch.model.readings import Reading

# The text of a record may be cut differently in two states of a file; its beginning never is.
_COMPARED_CHARS = 200
# Kinds whose place on disk is part of what they say.
_PLACED_KINDS = frozenset({"web-file", "iis-config", "directory-listing"})
# Kinds whose records have numbers of their own, the same in every state of the file.
_NUMBERED_KINDS = frozenset({"evtx"})


def without_copies(readings: Sequence[Reading]) -> tuple[list[Reading], list[Notice]]:
    """The first reading of each content, in order of source name; a notice for every copy.

    Empty files are all alike and say nothing by being so: they are kept without a notice. Files
    that could not be read have no content to compare: each of them is its own loss.
    """
    kept: dict[tuple[object, ...], Reading] = {}
    unique: list[Reading] = []
    notices = []
    for reading in sorted(readings, key=lambda r: (r.source.item.name, r.source.item.locator)):
        source = reading.source
        first = kept.setdefault(content_key(reading), reading)
        if has_content(reading) and first is not reading:
            text = f"same content as {first.source.item.name}; counted once"
            notices.append(Notice("duplicate", source.item.name, text))
            continue
        unique.append(reading)
    return unique, notices


def has_content(reading: Reading) -> bool:
    """Whether there is something of which another file could be a copy."""
    return bool(reading.source.size_bytes and reading.source.sha256)


def content_key(reading: Reading) -> tuple[object, ...]:
    """Equal for copies: the same bytes, read as the same thing.

    A web file with equal content in two folders is two files: both places matter. A log found
    where its kind could not be told does not replace the one that was read.
    """
    source = reading.source
    place = source.item.origin.casefold() if source.kind in _PLACED_KINDS else ""
    return source.sha256, source.kind, tuple(sorted(reading.observed)), place


def distinct_hits(readings: Sequence[Reading]) -> list[Hit]:
    """All hits of one host; a record found again in another state of the same file is dropped."""
    seen: set[tuple[object, ...]] = set()
    hits: list[Hit] = []
    for reading in sorted(readings, key=lambda r: (r.source.item.name, r.source.item.locator)):
        origin = reading.source.item.origin.casefold()
        fresh = set()
        for hit in reading.hits:
            fields = tuple(sorted(hit.fields.items()))
            is_numbered = reading.source.kind in _NUMBERED_KINDS
            record = str(hit.place.record) if is_numbered else hit.raw[:_COMPARED_CHARS]
            key = (origin, hit.rule, hit.time, record, fields)
            if key not in seen:
                hits.append(hit)
                fresh.add(key)
        # Equal lines inside one file are real repetitions; only other files are compared.
        seen |= fresh
    return hits
