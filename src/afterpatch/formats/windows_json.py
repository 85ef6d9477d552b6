"""Windows events exported as JSON: lines, arrays or pretty-printed runs -> events.

In: UTF-8 or UTF-16 text in any shape of :mod:`afterpatch.formats.windows_shapes`. Out: pieces of
Windows events, ``@record`` = line number (JSON lines) or number of the object, ``@raw`` = its text.
A line or object that is no event is a gap. Will not: trust the clock of the export, see
:mod:`afterpatch.formats.windows_events`.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import orjson

from afterpatch.formats.format import Format
from afterpatch.formats.json_elements import Element, elements
from afterpatch.formats.windows_events import EventCollector
from afterpatch.formats.windows_shapes import flatten
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Item

# Each set of keys is enough to tell that the head of a file holds Windows events.
_TELLING: Final[tuple[tuple[str, ...], ...]] = (
    ('"Event"', '"System"'),
    ('"winlog"',),
    ('"winlog.channel"',),
    ('"LogName"', '"Id"'),
    ('"EventId"', '"Payload"'),
    ('"EventID"', '"Channel"'),
    ('"EventID"', '"SourceName"'),
    ('"EventID"', '"Provider_Name"'),
    ('"EventID"', '"ProviderName"'),
)
_OPENS: Final = re.compile(r"\ufeff?\s*(?:\[\s*)?(?:Record \d{1,19}\s*)?\{")


def recognise(head: bytes, item: Item) -> str:
    """ "content" when the head opens a JSON object or array and names the keys of an event."""
    del item
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = head.decode(encoding, "replace")
    if not _OPENS.match(text):
        return ""
    return "content" if any(all(key in text for key in keys) for keys in _TELLING) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Every event of the export in file order; gaps name the line or object."""
    del wanted  # the shapes differ too much for one raw-text prefilter
    collector = EventCollector(item.name)
    replaced = 0
    for element in elements(stream):
        if element.fault:
            collector.lose(f"record {element.number}", element.fault)
        elif not element.text:
            collector.skip()
        else:
            replaced += _take(element, collector)
        if collector.full:
            yield collector.piece()
    if replaced:
        collector.note(
            "encoding", f"{replaced} records are not valid UTF-8; unreadable bytes were replaced"
        )
    yield collector.last_piece()


def _take(element: Element, collector: EventCollector) -> bool:
    """Hand one object to the collector; whether bytes had to be replaced to read it."""
    place = f"record {element.number}"
    text = element.text.decode("utf-8", "replace")
    is_replaced = "\ufffd" in text and text.encode() != element.text
    try:
        document: Any = orjson.loads(text if is_replaced else element.text)
    except orjson.JSONDecodeError as error:
        collector.lose(place, f"not valid JSON: {error.msg}")
        return False
    event = flatten(document) if isinstance(document, dict) else None
    if event is None:
        collector.lose(place, "JSON, but not a Windows event")
        return False
    collector.add(event, element.number, text)
    return is_replaced


FORMAT: Final = Format(
    "windows-json", recognise, read, marks=tuple(dict.fromkeys(keys[0] for keys in _TELLING))
)
