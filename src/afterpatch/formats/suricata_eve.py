"""Suricata's event log (``eve.json``): alerts, DNS, HTTP, TLS, flows, files and the rest.

Enters: one JSON object per line. Leaves: a batch per ``event_type``, native names with dots
(``dns.rrname``, ``flow.bytes_toserver``, ``alert.signature``). DNS events of version 1 (one per
answer), 2 (``answers``, ``grouped``) and 3 (``queries``) keep their own names; the Sigma names are
aliases of all three (``detect.sigma.fields``). ``stats`` events are the engine's own counters and
are skipped.

Source: Suricata User Guide, "EVE JSON Format".
"""

import re
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.json_log import JsonShape, Kind, read_json_log
from afterpatch.formats.text_blocks import head_text
from afterpatch.formats.windows_flat import Document
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

CATEGORIES: Final[Mapping[str, str]] = {
    "dns": "dns",
    "flow": "firewall",
    "http": "proxy",
    "netflow": "firewall",
}
_EVENT_TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_HEAD: Final = re.compile(r'\A\ufeff?\s*+(?:\[\s*+)?\{[^\n]*"event_type"\s*+:\s*+"')
_TIME: Final = re.compile(r'"timestamp"\s*:\s*"[0-9]{4}-')


def _kind(document: Document, item: Item) -> Kind | None:
    del item
    event_type = document.get("event_type")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        return None
    return Kind(logsource(event_type), f"suricata:{event_type}")


def logsource(event_type: str) -> Logsource:
    """The log source of events of one type."""
    return Logsource(CATEGORIES.get(event_type, ""), "suricata", event_type)


SHAPE: Final = JsonShape(
    kind=_kind,
    when=lambda document: parse_event_time(document.get("timestamp")),
    skip=lambda document: document.get("event_type") == "stats",
)


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    return "content" if _HEAD.search(text) and _TIME.search(text) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Yield one piece per block; every event is in a batch, ``wanted`` is not asked.

    Shape:   native names, dotted; list members one per line. Units: time UTC; ``flow.age`` seconds,
             ``flow.bytes_*`` bytes, as text.
    Gaps:    lines that are no JSON object or no event, a cut file, a time that is none. Content
             never raises.
    """
    del wanted  # many log sources in one file: no one prefilter fits
    return read_json_log(stream, item, None, SHAPE)


FORMAT: Final = Format("suricata-eve", _recognise, read, marks=('"event_type"',))
