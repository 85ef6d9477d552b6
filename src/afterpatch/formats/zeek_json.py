"""Zeek logs as JSON: one object per line, from Zeek itself, json-streaming-logs or Corelight.

Enters: lines of any of Zeek's logs; which one says ``_path``, else the file's name. Leaves: batches
with the native column names, the same as from Zeek's own tab-separated form.

Sources: Zeek documentation, "Zeek Log Formats and Inspection"; json-streaming-logs.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, Final

import orjson

from afterpatch.formats.format import Format
from afterpatch.formats.json_lines import FlatShape
from afterpatch.formats.json_log import JsonShape, Kind, read_json_log
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.text_blocks import head_text
from afterpatch.formats.windows_flat import Document
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.formats.zeek_logs import KNOWN, coverage_name, known_path, logsource, path_of_file
from afterpatch.model.batches import Declared, Piece, Wanted
from afterpatch.model.places import Item

_OPENS: Final = re.compile(r"\ufeff?\s*+(?:\[\s*+)?\{")
_TELLING: Final = re.compile(
    r'"(?:_path"\s*:\s*"[a-z]|_write_ts"|uid"\s*:\s*"C[A-Za-z0-9]{8,}|fuid"\s*:\s*"F[A-Za-z0-9]{8,}'
    r'|id\.orig_h")'
)
_TIME: Final = re.compile(r'"ts"\s*:\s*(?:[0-9]|"[0-9]{4}-)')


def _kind(document: Document, item: Item) -> Kind | None:
    named = document.get("_path")
    path = known_path(named) if isinstance(named, str) else path_of_file(item.origin)
    return _kind_of(path) if path or "ts" in document else None


@lru_cache(maxsize=1024)
def _kind_of(path: str) -> Kind:
    return Kind(logsource(path), coverage_name(path))


def _when(document: Document) -> tuple[int | None, bool]:
    stamp = document.get("ts")
    if type(stamp) is float and 0 < stamp < 1e10:  # nearly always
        return round(stamp * 1_000_000), True
    return parse_event_time(document.get("ts", document.get("_write_ts")))


SHAPE: Final = JsonShape(kind=_kind, when=_when, flat=FlatShape("ts", "_path"))


def declared(head: bytes, item: Item) -> Declared | None:
    """The log source of the first object; None where the head has none that is whole."""
    for line in head_text(head).lstrip("\ufeff[ \t\r\n").split("\n")[:2]:
        try:
            document = orjson.loads(line.strip().rstrip(",]"))
        except orjson.JSONDecodeError:
            continue
        kind = _kind(document, item) if isinstance(document, dict) else None
        return Declared(kind.logsource, tested="any") if kind else None
    return None


def _recognise(head: bytes, item: Item) -> str:
    text = head_text(head)
    if not _OPENS.match(text) or not _TIME.search(text):
        return ""
    if _TELLING.search(text):
        return "content"
    return "file name" if path_of_file(item.origin) in KNOWN else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None) -> Iterator[Piece]:
    """Yield one piece per block.

    Shape:   native columns (``id.orig_h``, ``query`` …); list members one per line.
    Units:   time UTC, from ``ts`` in seconds or ISO 8601.
    Gaps:    lines that are no JSON object, a cut file, a time that is none. Content never raises.
    """
    peeked = Peeked(stream)
    first = declared(peeked.head, item)
    return read_json_log(peeked, item, wanted, SHAPE, first.logsource if first else None)


FORMAT: Final = Format(
    "zeek-json",
    _recognise,
    read,
    prefilter="logsource",
    declared=declared,
    spelling="escaped",
)
