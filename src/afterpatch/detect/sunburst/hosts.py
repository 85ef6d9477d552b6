"""Names and answers -> one account per infected machine.

Enters: :class:`Sighting` in any order. Leaves: :class:`Scope`, hosts by ID. The stage is the
highest one shown by a query (the stage-2 bit) or an answer; "terminated" is the operator's choice
and does not mean clean. Absence of a host proves nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from afterpatch.detect.sunburst.answers import is_second_stage
from afterpatch.detect.sunburst.http import LEAKED_DIGITS
from afterpatch.detect.sunburst.labels import Label, decode
from afterpatch.detect.sunburst.names import Name, join
from afterpatch.detect.sunburst.requests import Request
from afterpatch.detect.sunburst.signs import (
    NEVER,
    Event,
    Stage,
    doubts_of,
    next_query,
    notes_of,
    signs_of,
    strongest_first,
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A name somewhere in a log: asked at ``time`` (UTC), answered with ``answer``, if known."""

    name: str
    answer: str | None = None
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One machine. ``next_query`` is [from, before) after its latest answered query.

    ``stopped``: the operator ended it, whatever stage it had reached (``terminated`` says only
    that). ``doubts``: why its labels may be planted or mistyped; a label nothing supports is kept,
    and said to be that.
    """

    host_id: str
    name: Name
    stage: Stage
    because: tuple[str, ...]
    labels: int
    first: datetime | None
    last: datetime | None
    next_query: tuple[datetime, datetime] | None
    second_stage: tuple[str, ...]
    stopped: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """All hosts, and the labels and requests no host was charged with."""

    hosts: tuple[Host, ...]
    flagged: tuple[Label, ...]
    unjoined: tuple[Request, ...] = ()


def scope(
    sightings: Iterable[Sighting], requests: Iterable[Request] = (), *, complete: bool = False
) -> Scope:
    """Put sightings together per host; ``complete``: see :func:`names.join`.

    A request is charged to the host that asked in DNS under the same ID. A sure one whose ID no
    query shows makes a host of its own; one that is not sure proves nothing and is ``unjoined``.
    """
    events: defaultdict[str, set[Event]] = defaultdict(set)
    flagged: dict[str, Label] = {}
    labels: dict[str, Label] = {}
    for sighting in sightings:
        label = labels.get(sighting.name) or decode(sighting.name)
        labels[sighting.name] = label
        if label.trusted and label.host_id:
            events[label.host_id].add(Event(label, sighting.answer, sighting.time))
        else:
            flagged[sighting.name] = label
    made, unjoined = _joined(requests, events)
    hosts = tuple(
        _host(key, _ordered(events.get(key, ())), made.get(key, []), complete)
        for key in sorted({*events, *made})
    )
    return Scope(hosts, tuple(flagged[name] for name in sorted(flagged)), tuple(unjoined))


def _joined(
    requests: Iterable[Request], known: Collection[str]
) -> tuple[dict[str, list[Request]], list[Request]]:
    """Requests by host ID, and those that are nobody's."""
    whole = {key[:LEAKED_DIGITS]: key for key in sorted(known)}
    made: defaultdict[str, list[Request]] = defaultdict(list)
    unjoined: list[Request] = []
    for request in sorted(set(requests), key=_request_order):
        own = request.host_id or ""
        key = own if own in known else whole.get(own)
        if key is None and own and request.sure:
            key = own
        (made[key] if key else unjoined).append(request)
    return dict(made), unjoined


def _request_order(request: Request) -> tuple[datetime, str, str, str]:
    return (
        request.time or NEVER,
        request.host_id or "",
        request.uri,
        f"{request.server} {request.source} {request.family} {request.sure}",
    )


def _ordered(events: Iterable[Event]) -> list[Event]:
    return sorted(events, key=lambda event: (event.time, event.label.label, event.answer or ""))


def _host(
    host_id: str, events: Sequence[Event], requests: Sequence[Request], complete: bool
) -> Host:
    labels = {event.label for event in events}
    chunks = ((label.sequence, label.chunk) for label in labels if label.kind == "name")
    name = join(((s, c) for s, c in chunks if s is not None and c is not None), complete=complete)
    shown = {sign for event in events for sign in signs_of(event)}
    shown |= {("http-c2", text) for text in _request_texts(requests)}
    signs = sorted(shown, key=strongest_first)
    stage = signs[0][0]
    stops = [text for shown, text in signs if shown == "terminated"]
    also = stops if stage != "terminated" else []
    times = [event.time for event in events if event.time != NEVER and not event.replayed]
    times = sorted([*times, *(request.time for request in requests if request.time)])
    return Host(
        host_id,
        name,
        stage,
        (
            *(text for shown, text in signs if shown == stage),
            *(f"{text}: stopped by the operator" for text in also),
            *notes_of(events),
        ),
        len(labels),
        times[0] if times else None,
        times[-1] if times else None,
        next_query(events),
        tuple(sorted(_second_stage(events, requests))),
        stopped=bool(stops),
        doubts=tuple(doubts_of(events, labels)),
    )


def _second_stage(events: Iterable[Event], requests: Iterable[Request]) -> set[str]:
    names = {*(event.answer for event in events), *(request.server for request in requests)}
    return {name for name in names if name and is_second_stage(name)}


def _request_texts(requests: Iterable[Request]) -> Iterable[str]:
    """One per server and way to carry the ID, however many requests there are."""
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for request in requests:
        carried = "userId" if len(request.host_id or "") == LEAKED_DIGITS else "If-None-Match"
        groups[request.server or "an unknown server", carried].append(request.uri or "a body")
    for (server, carried), uris in groups.items():
        more = f" and {len(uris) - 1} more" if len(uris) > 1 else ""
        yield f"request {uris[0]}{more} to {server}: the host ID is in {carried}"
