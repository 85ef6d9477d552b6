"""A Windows event without nesting, and how JSON values become its columns.

In: decoded JSON values. Out: :class:`FlatEvent`. Will not: know which tool wrote the JSON.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson

from afterpatch.formats.windows_times import parse_event_time

Document = Mapping[str, Any]

MAX_FIELDS: Final = 1_000  # the widest manifest-based events have a few hundred


class FlatEvent(NamedTuple):
    """An event without nesting.

    ``record`` is the event's own record id; ``zoned`` is False when its time text had no zone and
    was taken as UTC; ``cut`` counts fields beyond ``MAX_FIELDS`` that were left out.
    """

    record: int | None
    time_us: int | None
    zoned: bool
    channel: str
    provider: str
    event_id: str
    computer: str
    fields: dict[str, str | None]
    cut: int = 0


def flat_event(
    *,
    record: Any,
    when: Any,
    channel: Any,
    provider: Any,
    event_id: Any,
    computer: Any,
    fields: dict[str, str | None],
) -> FlatEvent | None:
    """The parts as a tool wrote them -> a flat event; None without an event id."""
    number = text(event_id)
    if not number:
        return None
    time_us, zoned = parse_event_time(when)
    cut = max(0, len(fields) - MAX_FIELDS)
    if cut:
        fields = dict(sorted(fields.items())[:MAX_FIELDS])
    return FlatEvent(
        record=_whole(record),
        time_us=time_us,
        zoned=zoned,
        channel=text(channel) or "",
        provider=text(provider) or "",
        event_id=number,
        computer=text(computer) or "",
        fields=fields,
        cut=cut,
    )


def _whole(value: Any) -> int | None:
    digits = text(bare(value)) or ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def bare(value: Any) -> Any:
    """``{"#text": 4624, "#attributes": …}`` -> ``4624``."""
    return value.get("#text") if isinstance(value, dict) and "#text" in value else value


def text(value: Any) -> str | None:
    """A JSON value as a rule sees it: numbers and booleans as written, null as null.

    Lists of plain values are joined by newlines; anything deeper stays JSON with sorted keys.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and not any(isinstance(part, dict | list) for part in value):
        return "\n".join(_texts(value))
    inner = bare(value)
    if not isinstance(inner, dict | list):
        return text(inner)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except (TypeError, ValueError, RecursionError):  # nested beyond what orjson writes (254)
        return "(nested too deeply; see the raw record)"


def _texts(values: list[Any]) -> Iterator[str]:
    return (part for part in map(text, values) if part is not None)


def named_fields(content: Document) -> dict[str, str | None]:
    """Elements of an event's data by name; attributes (``#…``, ``@…``) are left out."""
    fields = data_fields(content["Data"]) if "Data" in content else {}
    for name, value in content.items():
        if name != "Data" and name[:1] not in ("#", "@"):
            fields[name] = text(value)
    return fields


def data_fields(value: Any) -> dict[str, str | None]:
    """``Data`` elements: named ones become columns; unnamed ones ``Data`` and ``param1`` …"""
    if isinstance(value, dict) and _NAMES.isdisjoint(value):
        value = bare(value)
    items = value if isinstance(value, list) else [value]
    fields: dict[str, str | None] = {}
    unnamed: list[str | None] = []
    for item in items:
        name = item.get("@Name", item.get("Name")) if isinstance(item, dict) else None
        if isinstance(name, str) and isinstance(item, dict):
            fields[name] = text(next((item[key] for key in _VALUE_KEYS if key in item), None))
        else:
            unnamed.append(text(bare(item)))
    if unnamed:
        given = [part for part in unnamed if part is not None]
        fields["Data"] = "\n".join(given) if given else None
        fields.update((f"param{place}", part) for place, part in enumerate(unnamed, start=1))
    return fields


_NAMES: Final = frozenset({"@Name", "Name"})
_VALUE_KEYS: Final = ("#text", "Value", "text", "content")
