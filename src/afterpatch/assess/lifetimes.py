"""From when to when did a web shell live?

A name that answered and later did not was a true shell; its life began between the last time it
was absent (or the write itself) and the first answer, and ended between the last answer and the
first refusal. A name that answers again after a refusal was put there again: a new life. Names
that never answered are other people's scans.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from afterpatch.assess.findings import KeyedHit
from afterpatch.model.campaigns import Campaign, Lifetime
from afterpatch.model.verdicts import ShellLifetime

# A name that comes and goes more often is several files of one name: told as one long life.
MAX_LIVES: Final = 8


class _Sight(NamedTuple):
    """One look at the file. Logs count in seconds; within one file the lines keep the order."""

    time: datetime
    source: str
    record: int

    def before(self, other: "_Sight") -> bool:
        """Surely earlier: equal times of two files say nothing of their order."""
        return self.time < other.time or (self.source == other.source and self < other)


class _Life(NamedTuple):
    absent: _Sight | None
    alive: list[_Sight]
    gone: _Sight | None


def lifetimes(keyed: Sequence[KeyedHit], campaign: Campaign) -> tuple[ShellLifetime, ...]:
    """The lives of every key value that was written or answered, by name, key and time."""
    found: list[ShellLifetime] = []
    for spec in campaign.lifetimes:
        by_key: dict[str, list[KeyedHit]] = defaultdict(list)
        for item in keyed:
            if spec.key in item.keys and item.hit.time:
                by_key[item.keys[spec.key]].append(item)
        for key in sorted(by_key):
            found += _lives(spec, key, by_key[key])
    return tuple(found)


def _lives(spec: Lifetime, key: str, items: Sequence[KeyedHit]) -> list[ShellLifetime]:
    written = set(_sights(items, spec.written_by))
    alive = sorted(written | set(_sights(items, spec.present_by)))
    lives = _split(alive, sorted(_sights(items, spec.absent_by)))
    if len(lives) > MAX_LIVES:
        lives = [_Life(lives[0].absent, alive, lives[-1].gone)]
    return [_told(spec.name, key, life, written) for life in lives]


def _split(alive: Sequence[_Sight], absent: Sequence[_Sight]) -> list[_Life]:
    """Runs of sights with no surely later, surely earlier refusal between them."""
    lives: list[_Life] = []
    at, refused = 0, None
    for sight in alive:
        gone = None
        while at < len(absent) and absent[at].before(sight):
            if lives and gone is None and lives[-1].alive[-1].before(absent[at]):
                gone = absent[at]
            refused = absent[at]
            at += 1
        if not lives or gone:
            if lives:
                lives[-1] = lives[-1]._replace(gone=gone)
            lives.append(_Life(refused, [], None))
        lives[-1].alive.append(sight)
    if lives:
        last = lives[-1].alive[-1]
        gone = next((look for look in absent if last.before(look)), None)
        lives[-1] = lives[-1]._replace(gone=gone)
    return lives


def _told(name: str, key: str, life: _Life, written: set[_Sight]) -> ShellLifetime:
    first, last = life.alive[0], life.alive[-1].time
    before = life.absent.time if life.absent else None
    by_write = any(write.time == first.time for write in written)
    begin = (first.time if by_write else before, first.time)
    return ShellLifetime(name, key, begin, (last, life.gone.time if life.gone else None))


def _sights(items: Sequence[KeyedHit], rules: Iterable[str]) -> list[_Sight]:
    wanted = set(rules)
    return [
        _Sight(item.hit.time, item.hit.place.source, item.hit.place.record)
        for item in items
        if item.hit.time and item.rule.id in wanted
    ]
