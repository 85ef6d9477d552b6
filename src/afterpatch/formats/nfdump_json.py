"""NetFlow and IPFIX records as nfdump writes them in JSON (``-o json``, ``-o json-log``).

Enters: a list or lines of flow objects. Leaves: batches with nfdump's own names (``src4_addr``,
``in_bytes`` …). nfdump prints local time without a zone: it is taken as UTC and a notice says so.

Source: nfdump(1), "OUTPUT FORMATS"; nfdump's ``output_json.c`` for the names.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.format import Format
from afterpatch.formats.json_log import JsonShape, Kind, read_json_log
from afterpatch.formats.text_blocks import head_text
from afterpatch.formats.windows_flat import Document
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.model.batches import Logsource, Piece, Wanted
from afterpatch.model.places import Item

LOGSOURCE: Final = Logsource("firewall", "nfdump", "flow")
LOG: Final = "flow:nfdump"

_ADDRESSES: Final = ("src4_addr", "src6_addr", "dst4_addr", "dst6_addr")
_FIRST: Final = ("first", "t_first", "firstSeen")
_KEYS: Final = re.compile(r'"(?:src|dst)[46]_addr"')
_OPENS: Final = re.compile(r"\ufeff?\s*[\[{]")


def _kind(document: Document, item: Item) -> Kind | None:
    del item
    is_flow = any(name in document for name in _ADDRESSES)
    return Kind(LOGSOURCE, LOG) if is_flow else None


def _when(document: Document) -> tuple[int | None, bool]:
    return parse_event_time(next((document[name] for name in _FIRST if name in document), None))


SHAPE: Final = JsonShape(
    kind=_kind, when=_when, skip=lambda document: document.get("type") in ("STAT", "EVENT")
)


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    return "content" if _OPENS.match(text) and _KEYS.search(text) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   nfdump's names. Units: time UTC (see above); bytes and packets as text.
    Gaps:    objects that are no flow, text that is no JSON, a cut file, a time that is none.
             Content never raises.
    """
    return read_json_log(stream, item, wanted, SHAPE, LOGSOURCE)


FORMAT: Final = Format(
    "nfdump-json",
    _recognise,
    read,
    prefilter="logsource",
    logsource=LOGSOURCE,
    spelling="escaped",
)
