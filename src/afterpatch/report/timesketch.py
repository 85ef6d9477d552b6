"""A hunt for Timesketch: one event per example, JSON lines.

Timesketch needs ``message``, ``datetime`` (ISO 8601) and ``timestamp_desc``, wants ``timestamp`` as
whole microseconds, and shows any other attribute. An attribute must keep one type over the whole
timeline, so values of the evidence are always text here. A match without a time stands at the epoch
and says so: Timesketch refuses lines without a time.

Source: google/timesketch, docs/guides/user/import-from-json-csv.md.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from afterpatch.model.times import parse_utc, to_us
from afterpatch.report.ascii_json import json_lines
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.shape import ExampleEntry, HitGroupEntry, HuntDocument

MAX_MESSAGE_CHARS: Final = 1_000
MAX_VALUE_CHARS: Final = 8_000
EPOCH_TEXT: Final = "1970-01-01T00:00:00+00:00"
# Names that Timesketch or this module give a meaning to; a field of the evidence never takes them.
_RESERVED: Final = frozenset(
    {"message", "datetime", "timestamp", "timestamp_desc", "tag", "label", "comment", "data_type"}
    | {"host", "rule", "rule_id", "level", "engine", "source", "record", "raw", "match_count"}
)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


def timesketch_jsonl(document: HuntDocument) -> bytes:
    """Every example of every finding, in ranked order."""
    return json_lines(
        _event(group, example)
        for group in document["hunt"]["findings"]
        for example in group["examples"]
    )


def _event(group: HitGroupEntry, example: ExampleEntry) -> dict[str, Any]:
    when = parse_utc(example["time"]) if example["time"] else None
    what = f"{group['engine']} rule match"
    return dict(_fields(example)) | {
        "message": _message(group, example),
        "datetime": when.isoformat() if when else EPOCH_TEXT,
        "timestamp": to_us(when) if when else 0,
        "timestamp_desc": what if when else f"{what}, time unknown",
        "data_type": "afterpatch:hunt:match",
        "tag": [group["level"], *(tag for tag in group["tags"] if tag.startswith("attack."))],
        "host": group["host"],
        "rule": group["title"],
        "rule_id": group["rule_id"],
        "level": group["level"],
        "engine": group["engine"],
        "source": example["source"],
        "record": example["record"],
        "raw": cut(example["raw"], MAX_VALUE_CHARS),
        "match_count": group["count"],
    }


def _fields(example: ExampleEntry) -> Iterator[tuple[str, str]]:
    """A dot in a name would make OpenSearch nest it, and clash with a field of the outer name."""
    for name, value in example["excerpt"].items():
        plain = _UNSAFE.sub("_", name)
        yield f"field_{plain}" if plain in _RESERVED else plain, cut(value, MAX_VALUE_CHARS)


def _message(group: HitGroupEntry, example: ExampleEntry) -> str:
    fields = ", ".join(f"{name}: {value}" for name, value in example["excerpt"].items())
    text = f"[{group['level']}] {group['title']} on {group['host']}: {fields or example['raw']}"
    return visible(cut(text, MAX_MESSAGE_CHARS))
