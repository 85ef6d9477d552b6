"""Names and answers -> one account per infected machine.

Enters: :class:`Sighting` in any order. Leaves: :class:`Scope`, hosts by ID. The stage is the
highest one shown by a query (the stage-2 bit) or an answer; "terminated" is the operator's choice
and does not mean clean. Absence of a host proves nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from afterpatch.detect.sunburst.answers import (
    STAGE2_DELAY,
    delay_min,
    is_second_stage,
    meaning_of,
    method,
)
from afterpatch.detect.sunburst.http import LEAKED_DIGITS
from afterpatch.detect.sunburst.labels import LAST, Label, decode
from afterpatch.detect.sunburst.names import Name, join
from afterpatch.detect.sunburst.requests import Request

Stage: TypeAlias = Literal["beaconed", "terminated", "targeted", "http-c2"]
STAGES: Final[tuple[Stage, ...]] = ("beaconed", "terminated", "targeted", "http-c2")
# Passive DNS lags up to 42 h behind the time in the label (measured on the public set); what comes
# much later is somebody else asking for a known name, often after the zone was seized.
REPLAY_AFTER: Final = timedelta(hours=48)
KILL_SWITCH: Final = "20.140.0.1"
# FireEye named the zone on this day; from then on anybody could ask for made-up names.
DISCLOSED: Final = datetime(2020, 12, 13, tzinfo=UTC)
CLOCK_AHEAD: Final = timedelta(hours=24)  # a victim's clock may be wrong, but not by a day
# Random text has a digit in 9 of 35 characters. Of the 145 hosts of the public set known by one
# label, 3 have as many digits as this.
_DIGITS: Final = 0.25
_DIGITS_CHARS: Final = 8  # of shorter text nothing can be said
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


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


@dataclass(frozen=True, slots=True)
class _Event:
    label: Label
    answer: str | None
    seen: datetime | None

    @property
    def time(self) -> datetime:
        """When the query was made, as well as is known."""
        return self.seen or self.label.time or _NEVER

    @property
    def replayed(self) -> bool:
        """Asked again long after the malware made the label."""
        made = self.label.time
        return made is not None and self.seen is not None and self.seen - made > REPLAY_AFTER


def scope(
    sightings: Iterable[Sighting], requests: Iterable[Request] = (), *, complete: bool = False
) -> Scope:
    """Put sightings together per host; ``complete``: see :func:`names.join`.

    A request is charged to the host that asked in DNS under the same ID. A sure one whose ID no
    query shows makes a host of its own; one that is not sure proves nothing and is ``unjoined``.
    """
    events: defaultdict[str, set[_Event]] = defaultdict(set)
    flagged: dict[str, Label] = {}
    labels: dict[str, Label] = {}
    for sighting in sightings:
        label = labels.get(sighting.name) or decode(sighting.name)
        labels[sighting.name] = label
        if label.trusted and label.host_id:
            events[label.host_id].add(_Event(label, sighting.answer, sighting.time))
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
        request.time or _NEVER,
        request.host_id or "",
        request.uri,
        f"{request.server} {request.source} {request.family} {request.sure}",
    )


def _ordered(events: Iterable[_Event]) -> list[_Event]:
    return sorted(events, key=lambda event: (event.time, event.label.label, event.answer or ""))


def _host(
    host_id: str, events: Sequence[_Event], requests: Sequence[Request], complete: bool
) -> Host:
    labels = {event.label for event in events}
    chunks = ((label.sequence, label.chunk) for label in labels if label.kind == "name")
    name = join(((s, c) for s, c in chunks if s is not None and c is not None), complete=complete)
    shown = {sign for event in events for sign in _signs(event)}
    shown |= {("http-c2", text) for text in _request_texts(requests)}
    signs = sorted(shown, key=_strongest_first)
    stage = signs[0][0]
    stops = [text for shown, text in signs if shown == "terminated"]
    also = stops if stage != "terminated" else []
    times = [event.time for event in events if event.time != _NEVER and not event.replayed]
    times = sorted([*times, *(request.time for request in requests if request.time)])
    return Host(
        host_id,
        name,
        stage,
        (
            *(text for shown, text in signs if shown == stage),
            *(f"{text}: stopped by the operator" for text in also),
            *_notes(events),
        ),
        len(labels),
        times[0] if times else None,
        times[-1] if times else None,
        _next_query(events),
        tuple(sorted(_second_stage(events, requests))),
        stopped=bool(stops),
        doubts=tuple(_doubts(events, labels)),
    )


def _doubts(events: Sequence[_Event], labels: Set[Label]) -> Iterable[str]:
    """What speaks against this host; a second label with the same ID is no accident."""
    ahead = sorted({e.label.label for e in events if _is_ahead(e)})
    if ahead:
        yield f"the time in {ahead[0]} lies days after it was asked for: planted, or a wrong clock"
    if len(labels) != 1:
        return
    (label,) = labels
    if label.kind == "name":
        if label.sequence not in (0, LAST):
            yield "a lone label, and it is no first or last chunk"
        if _looks_random(label):
            yield "a lone label, and its text looks random"
        seen = [event.seen for event in events if event.seen]
        if seen and min(seen) >= DISCLOSED:
            yield "a lone label, first seen after the zone was made public"


def _is_ahead(event: _Event) -> bool:
    made = event.label.time
    return made is not None and event.seen is not None and made - event.seen > CLOCK_AHEAD


def _looks_random(label: Label) -> bool:
    text = join([(label.sequence or 0, label.chunk or "")]).domain or ""
    return len(text) >= _DIGITS_CHARS and sum(map(str.isdigit, text)) >= _DIGITS * len(text)


def _second_stage(events: Iterable[_Event], requests: Iterable[Request]) -> set[str]:
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


def signs_of(
    label: Label, answer: str | None, seen: datetime | None
) -> Iterable[tuple[Stage, str]]:
    """(stage, why) for everything one trusted label shows, with one answer."""
    return _signs(_Event(label, answer, seen))


def _strongest_first(sign: tuple[Stage, str]) -> tuple[int, str]:
    return -STAGES.index(sign[0]), sign[1]


def _signs(event: _Event) -> Iterable[tuple[Stage, str]]:
    """(stage, why) for everything one sighting shows."""
    label = event.label
    yield "beaconed", "decodable query"
    if label.stage2:
        yield "targeted", f"query {label.label} carries the stage-2 bit"
    if event.answer is None or event.replayed:
        return
    meaning = meaning_of(event.answer)
    text = f"query {label.label} was answered {event.answer} ({meaning.family})"
    if meaning.effect == "stage2":
        yield "targeted", f"{text}: HTTP by {method(event.answer)} if it goes on"
    elif meaning.effect == "cname" and label.stage2:
        yield "http-c2", text
    elif meaning.effect == "stop":
        yield "terminated", text + (": kill switch" if event.answer == KILL_SWITCH else "")


def _notes(events: Iterable[_Event]) -> tuple[str, ...]:
    """What was seen and did not count, and why."""
    notes = set()
    for event in events:
        if event.answer is None:
            continue
        if event.replayed:
            notes.add(f"answer {event.answer} came days after the query was made: not counted")
        elif meaning_of(event.answer).effect == "cname" and not event.label.stage2:
            notes.add(f"CNAME {event.answer} before stage 2: the malware takes it for an error")
    return tuple(sorted(notes))


def _next_query(events: Sequence[_Event]) -> tuple[datetime, datetime] | None:
    """Due after the latest query, if its answer and its time are known and it lets go on."""
    counted = [event for event in events if not event.replayed]
    latest = counted[-1] if counted else None
    if latest is None or latest.answer is None or latest.seen is None:
        return None
    delay = delay_min(latest.answer)
    if delay and meaning_of(latest.answer).effect == "stage2" and latest.label.kind == "ping":
        delay = STAGE2_DELAY  # Update: only in state "append", which sends pings
    if delay is None or latest.seen > datetime.max.replace(tzinfo=UTC) - timedelta(days=31):
        return None
    return latest.seen + timedelta(minutes=delay[0]), latest.seen + timedelta(minutes=delay[1])
