"""One JSON document of a Windows event, in any of the shapes tools write -> one flat event.

In: a decoded JSON object. Out: :class:`FlatEvent` or None when it is no Windows event. Shapes:
the event's own XML as JSON (evtx_dump, the ``evtx`` package, xmltodict), winlogbeat and its
Elasticsearch exports, ``Get-WinEvent | ConvertTo-Json``, EvtxECmd, and flat documents (OTRF/Mordor,
NXLog). Will not: guess fields out of localised message text, except for Sysmon, whose message is
its fields line by line.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count, takewhile
from typing import Any, Final, NamedTuple

import orjson

from afterpatch.formats.windows_flat import (
    Document,
    FlatEvent,
    bare,
    data_fields,
    flat_event,
    named_fields,
    text,
)

# System columns that some rules name; the event's own data wins over a namesake.
_SYSTEM_EXTRAS: Final = ("Version", "Level", "Task", "Opcode", "Keywords")


def flatten(document: Document) -> FlatEvent | None:
    """Any known shape -> flat event; None when the document is no Windows event."""
    inner = document.get("_source")
    if isinstance(inner, dict):
        document = inner
    for looks_so, read in _SHAPES:
        if looks_so(document):
            return read(document)
    return None


class EventParts(NamedTuple):
    """The parts of a Windows event, as JSON values."""

    record: Any
    when: Any
    channel: Any
    provider: Any
    event_id: Any
    computer: Any
    fields: dict[str, str | None]


def from_event_xml(document: Document) -> FlatEvent | None:
    """``{"Event": {"System": …, "EventData"|"UserData": …}}``: the event's XML as JSON."""
    parts = event_parts(document)
    return None if parts is None else flat_event(**parts._asdict())


def event_parts(document: Document) -> EventParts | None:
    """As :func:`from_event_xml`, with the values as they are written."""
    event = document.get("Event")
    system = event.get("System") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(system, dict):
        return None
    attributes = _SystemAttributes(system)
    fields: dict[str, str | None] = {
        name: text(system[name]) for name in _SYSTEM_EXTRAS if name in system
    }
    fields.update(_event_data(event))
    return EventParts(
        record=system.get("EventRecordID"),
        when=attributes.of("TimeCreated", "SystemTime"),
        channel=system.get("Channel"),
        provider=attributes.of("Provider", "Name"),
        event_id=bare(system.get("EventID")),
        computer=system.get("Computer"),
        fields=fields,
    )


class _SystemAttributes:
    """XML attributes as the various converters spell them."""

    def __init__(self, system: Document) -> None:
        self.system = system

    def of(self, element: str, attribute: str) -> Any:
        separate = self.system.get(f"{element}_attributes")  # evtx_dump --separate-json-attributes
        inline = self.system.get(element)
        places = [separate, inline]
        if isinstance(inline, dict):
            places.append(inline.get("#attributes"))
        for place in places:
            if isinstance(place, dict):
                for name in (attribute, f"@{attribute}"):
                    if name in place:
                        return place[name]
        flat = self.system.get(f"{element}_{attribute}")
        return flat if flat is not None else inline if isinstance(inline, str) else None


def _event_data(event: Document) -> dict[str, str | None]:
    fields: dict[str, str | None] = {}
    for section, content in sorted(event.items()):
        if section in ("System", "#attributes") or not isinstance(content, dict):
            continue
        if section == "UserData":  # one element with the fields below it
            for _, inner in sorted(content.items()):
                if isinstance(inner, dict):
                    fields.update(named_fields(inner))
        else:
            fields.update(named_fields(content))
    return fields


def _from_winlogbeat(document: Document) -> FlatEvent | None:
    nested = document.get("winlog")
    winlog = nested if isinstance(nested, dict) else _undotted(document, "winlog.")
    fields: dict[str, str | None] = {}
    for section in ("user_data", "event_data"):
        content = winlog.get(section)
        fields.update(named_fields(content if isinstance(content, dict) else {}))
        fields.update(named_fields(_undotted(winlog, f"{section}.")))
    message = document.get("message")
    if message is not None:
        fields["Message"] = text(message)
    # Winlogbeat numbers data without names. Events of a manifest, which have a provider's GUID, may
    # have fields that are named so.
    if "Data" not in fields and not winlog.get("provider_guid"):
        fields.update(data_fields(list(_numbered(fields))))
    return flat_event(
        record=winlog.get("record_id"),
        when=document.get("@timestamp"),
        channel=winlog.get("channel"),
        provider=winlog.get("provider_name"),
        event_id=winlog.get("event_id"),
        computer=winlog.get("computer_name"),
        fields=fields,
    )


def _numbered(fields: Mapping[str, str | None]) -> Iterator[str | None]:
    """The values of ``param1``, ``param2`` … as far as there are such."""
    return (
        fields[name] for name in takewhile(fields.__contains__, map("param{}".format, count(1)))
    )


def _undotted(document: Document, prefix: str) -> dict[str, Any]:
    return {
        name[len(prefix) :]: value for name, value in document.items() if name.startswith(prefix)
    }


def _from_get_winevent(document: Document) -> FlatEvent | None:
    fields: dict[str, str | None] = {
        name: text(document[name]) for name in (*_SYSTEM_EXTRAS, "Message") if name in document
    }
    fields.update(_event_properties(document.get("Properties")))
    provider = text(document.get("ProviderName"))
    if provider == "Microsoft-Windows-Sysmon":
        fields.update(_sysmon_message(fields.get("Message") or ""))
    return flat_event(
        record=document.get("RecordId"),
        when=document.get("TimeCreated"),
        channel=document.get("LogName"),
        provider=provider,
        event_id=document.get("Id"),
        computer=document.get("MachineName"),
        fields=fields,
    )


def _event_properties(properties: Any) -> dict[str, str | None]:
    """``Properties`` have no names; they are the event's data in order."""
    if not isinstance(properties, list) or not properties:
        return {}
    return data_fields([p.get("Value") if isinstance(p, dict) else p for p in properties])


def _sysmon_message(message: str) -> dict[str, str | None]:
    pairs = (line.partition(": ") for line in message.splitlines()[1:])
    return {name: value for name, colon, value in pairs if colon and name.isalnum()}


def _from_evtxecmd(document: Document) -> FlatEvent | None:
    fields: dict[str, str | None] = {}
    try:
        payload = orjson.loads(text(document.get("Payload")) or "null")
    except orjson.JSONDecodeError:
        payload = None
    if isinstance(payload, dict):
        fields.update(_event_data(payload))
    else:
        fields["Payload"] = text(document.get("Payload"))
    return flat_event(
        record=document.get("EventRecordId"),
        when=document.get("TimeCreated"),
        channel=document.get("Channel"),
        provider=document.get("Provider"),
        event_id=document.get("EventId"),
        computer=document.get("Computer"),
        fields=fields,
    )


_FLAT_SYSTEM: Final[Mapping[str, tuple[str, ...]]] = {
    "record": ("EventRecordID", "RecordNumber"),
    # NXLog's EventReceivedTime and Logstash's @timestamp may be arrival times: last resort.
    "when": ("TimeCreated", "EventTime", "UtcTimeCreated", "@timestamp", "EventReceivedTime"),
    "channel": ("Channel",),
    "provider": ("Provider_Name", "SourceName", "ProviderName"),
    "event_id": ("EventID",),
    "computer": ("Computer", "Hostname", "ComputerName", "host.name"),
}
_FLAT_CONSUMED: Final = frozenset(name for names in _FLAT_SYSTEM.values() for name in names)


def _from_flat(document: Document) -> FlatEvent | None:
    def first(part: str) -> Any:
        names = _FLAT_SYSTEM[part]
        return next((document[n] for n in names if document.get(n) is not None), None)

    fields = {name: text(value) for name, value in document.items() if name not in _FLAT_CONSUMED}
    return flat_event(
        record=first("record"),
        when=first("when"),
        channel=first("channel"),
        provider=first("provider"),
        event_id=bare(first("event_id")),
        computer=first("computer"),
        fields=fields,
    )


_FLAT_NEEDS: Final = frozenset({"Channel", "SourceName", "Provider_Name", "ProviderName"})

_SHAPES: Final[
    tuple[tuple[Callable[[Document], bool], Callable[[Document], FlatEvent | None]], ...]
] = (
    (lambda d: isinstance(d.get("Event"), dict), from_event_xml),
    (lambda d: isinstance(d.get("winlog"), dict) or "winlog.channel" in d, _from_winlogbeat),
    (lambda d: "Id" in d and "LogName" in d, _from_get_winevent),
    (lambda d: "EventId" in d and "Payload" in d, _from_evtxecmd),
    (lambda d: "EventID" in d and not _FLAT_NEEDS.isdisjoint(d), _from_flat),
)
