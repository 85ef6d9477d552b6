"""What the sightings of one host show: how far it went, what did not count, what to doubt.

Enters: :class:`Event`, a trusted label with its answer. Leaves: stages and why, notes, doubts, and
when the host is due to ask again. Will not do: put sightings together per host (``hosts`` does).
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from afterpatch.detect.sunburst.answers import STAGE2_DELAY, delay_min, meaning_of, method
from afterpatch.detect.sunburst.labels import LAST, Label
from afterpatch.detect.sunburst.names import join

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
NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    label: Label
    answer: str | None
    seen: datetime | None

    @property
    def time(self) -> datetime:
        """When the query was made, as well as is known."""
        return self.seen or self.label.time or NEVER

    @property
    def replayed(self) -> bool:
        """Asked again long after the malware made the label."""
        made = self.label.time
        return made is not None and self.seen is not None and self.seen - made > REPLAY_AFTER


def signs_of(event: Event) -> Iterable[tuple[Stage, str]]:
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


def strongest_first(sign: tuple[Stage, str]) -> tuple[int, str]:
    return -STAGES.index(sign[0]), sign[1]


def notes_of(events: Iterable[Event]) -> tuple[str, ...]:
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


def doubts_of(events: Sequence[Event], labels: Set[Label]) -> Iterable[str]:
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


def _is_ahead(event: Event) -> bool:
    made = event.label.time
    return made is not None and event.seen is not None and made - event.seen > CLOCK_AHEAD


def _looks_random(label: Label) -> bool:
    text = join([(label.sequence or 0, label.chunk or "")]).domain or ""
    return len(text) >= _DIGITS_CHARS and sum(map(str.isdigit, text)) >= _DIGITS * len(text)


def next_query(events: Sequence[Event]) -> tuple[datetime, datetime] | None:
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
