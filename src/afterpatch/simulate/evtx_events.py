"""Windows events as elements of EVTX: with templates as a system writes them, or without.

Enters: :class:`Event`. Leaves: what stands in its record. Will not do: chunks (``evtx`` does).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from afterpatch.simulate.evtx_parts import (
    NULL,
    Instance,
    Node,
    Sub,
    Value,
    filetime,
    number,
    sid,
    text,
)

_NAMESPACE: Final = "http://schemas.microsoft.com/win/2004/08/events/event"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``data`` are its fields by name; a text or a typed value.

    ``tick``: the last of the seven digits that Windows gives ``when``.
    """

    when: datetime
    channel: str
    provider: str
    event_id: int
    computer: str
    data: Mapping[str, "str | Value"] = field(default_factory=dict)
    tick: int = 0


SYSTEM: Final = Node(
    "Event",
    (
        Node(
            "System",
            (
                Node("Provider", (), (("Name", Sub(0)), ("Guid", Sub(1, 0x0F)))),
                Node("EventID", (Sub(3, 0x06),), (("Qualifiers", Sub(2, 0x06)),)),
                Node("Version", (Sub(4, 0x04),)),
                Node("Level", (Sub(5, 0x04),)),
                Node("Task", (Sub(6, 0x06),)),
                Node("Opcode", (Sub(7, 0x04),)),
                Node("Keywords", (Sub(8, 0x15),)),
                Node("TimeCreated", (), (("SystemTime", Sub(9, 0x11)),)),
                Node("EventRecordID", (Sub(10, 0x0A),)),
                Node("Correlation", (), (("ActivityID", Sub(11, 0x0F)),)),
                Node("Execution", (), (("ProcessID", Sub(12, 0x08)), ("ThreadID", Sub(13, 0x08)))),
                Node("Channel", (Sub(14),)),
                Node("Computer", (Sub(15),)),
                Node("Security", (), (("UserID", Sub(16, 0x13)),)),
            ),
        ),
        Sub(17, 0x21),
    ),
    (("xmlns", _NAMESPACE),),
)


def data_template(names: Iterable[str], kinds: Iterable[int]) -> Node:
    """``<EventData><Data Name="…">`` for fields of these types; a name "" is left out."""
    fields = (
        Node("Data", (Sub(place, kind),), (("Name", name),) if name else ())
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True))
    )
    return Node("EventData", tuple(fields))


def instance(event: Event, record: int) -> Instance:
    """An event as Windows writes it: the system's template, and in it the provider's own."""
    values = [text(one) if isinstance(one, str) else one for one in event.data.values()]
    own = data_template(event.data, [kind for kind, _ in values])
    return Instance(
        SYSTEM,
        (
            text(event.provider), NULL, NULL, number(event.event_id, 0x06), number(0, 0x04),
            number(4, 0x04), number(0, 0x06), number(0, 0x04), number(0x8000000000000000, 0x15),
            filetime(event.when, event.tick), number(record, 0x0A), NULL, number(4), number(8),
            text(event.channel), text(event.computer), sid("S-1-5-18"), Instance(own, values),
        ),
    )  # fmt: skip


def inline(event: Event, record: int) -> Node:
    """An event without a template, as a collector of forwarded events writes it."""
    when = event.when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    plain = ((name, one) for name, one in event.data.items() if isinstance(one, str))
    return Node(
        "Event",
        (
            Node(
                "System",
                (
                    Node("Provider", (), (("Name", event.provider),)),
                    Node("EventID", (str(event.event_id),)),
                    Node("TimeCreated", (), (("SystemTime", when),)),
                    Node("EventRecordID", (str(record),)),
                    Node("Channel", (event.channel,)),
                    Node("Computer", (event.computer,)),
                ),
            ),
            Node("EventData", tuple(Node("Data", (one,), (("Name", n),)) for n, one in plain)),
        ),
        (("xmlns", _NAMESPACE),),
    )
