"""Passive DNS as JSON: one object per name, type and answer, as lines, a list, or ``results``.

Enters: records in the Common Output Format (``rrname``, ``rrtype``, ``rdata``, ``time_first``,
``time_last``, ``count``), bare, wrapped in ``obj`` as DNSDB streams them, or with the usual other
names (``qname``, ``type``, ``value``, ``date``). Leaves: batches with the names of the file.
The time of a record is its first sighting; ``time_last`` stays a column. A collection of passive
DNS is nobody's whole traffic: it gives no coverage.

Source: draft-dulaunoy-dnsop-passive-dns-cof; DNSDB API, "Streaming Format".
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.json_log import JsonShape, Kind, read_json_log
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.text_blocks import head_text
from afterpatch.formats.windows_flat import Document
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("dns", "", "passive-dns")

_NAMES: Final = ("rrname", "qname")
_TIMES: Final = ("time_first", "zone_time_first", "date", "first_seen", "time_last")
_KEYS: Final = (('"rrname"', '"rrtype"'), ('"qname"', '"value"'))
# The text before the list, also where the file was cut out of a larger answer.
_BEFORE_LIST: Final = re.compile(
    rb'\A\s*+(?:\{\s*+)?(?:"\w++"\s*+:\s*+[\w."-]++\s*+,\s*+)*+"(?:results|records|data|items)"\s*+:\s*+(?=\[)'
)
_OPENS: Final = re.compile(r"\s*[\[{]")
# DNSDB frames its stream with objects like {"cond":"begin"}.
_FRAMES: Final = frozenset({"cond", "msg"})


def _inner(document: Document) -> Document:
    wrapped = document.get("obj")
    return wrapped if isinstance(wrapped, dict) else document


def _with_query(document: Document) -> Document:
    """The record, with its name as rules write names: without the dot of the root."""
    fields = _inner(document)
    name = next((fields[key] for key in _NAMES if isinstance(fields.get(key), str)), "")
    bare = name.removesuffix(".")
    return {**fields, "query": bare} if bare and bare != name and "query" not in fields else fields


def _kind(document: Document, item: Item) -> Kind | None:
    del item
    fields = _inner(document)
    if any(isinstance(fields.get(name), str) for name in _NAMES):
        return Kind(LOGSOURCE, "passive-dns")
    return None


def _when(document: Document) -> tuple[int | None, bool]:
    fields = _inner(document)
    return parse_event_time(next((fields[name] for name in _TIMES if fields.get(name)), None))


SHAPE: Final = JsonShape(
    kind=_kind, when=_when, inner=_with_query, skip=lambda document: document.keys() <= _FRAMES
)


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    if not _OPENS.match(text) and not _BEFORE_LIST.match(head):
        return ""
    return "content" if any(all(key in text for key in keys) for keys in _KEYS) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   native names; the members of a list of answers one per line; ``query`` is the name
             without its last dot, where it has one.
    Units:   time UTC, of the first sighting.
    Gaps:    objects that are no record, text that is no JSON, a cut file, a time that is none.
             Content never raises.
    """
    peeked = Peeked(stream)
    before = _BEFORE_LIST.match(peeked.head)
    if before:
        peeked.read(before.end())
    for piece in read_json_log(peeked, item, wanted, SHAPE, LOGSOURCE):
        yield replace(piece, observed={})


FORMAT: Final = Format(
    "passive-dns",
    _recognise,
    read,
    prefilter="logsource",
    logsource=LOGSOURCE,
    spelling="escaped",
)
