"""From when to when did a web shell live?

A name that answered and later did not was a true shell; its life began between the last time it
was absent (or the write itself) and the first answer, and ended between the last answer and the
first refusal. Names that never answered are other people's scans.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from afterpatch.assess.findings import KeyedHit
from afterpatch.model.campaigns import Campaign, Lifetime
from afterpatch.model.verdicts import ShellLifetime


def lifetimes(keyed: Sequence[KeyedHit], campaign: Campaign) -> tuple[ShellLifetime, ...]:
    """One lifetime per key value that was written or answered, in order of name and key."""
    found = []
    for spec in campaign.lifetimes:
        by_key: dict[str, list[KeyedHit]] = defaultdict(list)
        for item in keyed:
            if spec.key in item.keys and item.hit.time:
                by_key[item.keys[spec.key]].append(item)
        for key in sorted(by_key):
            life = _lifetime(spec, key, by_key[key])
            if life:
                found.append(life)
    return tuple(found)


def _lifetime(spec: Lifetime, key: str, items: Sequence[KeyedHit]) -> ShellLifetime | None:
    written = _times(items, spec.written_by)
    present = _times(items, spec.present_by)
    absent = _times(items, spec.absent_by)
    alive = sorted(written + present)
    if not alive:
        return None
    if written and (not present or written[0] <= present[0]):
        begin: tuple[datetime | None, datetime | None] = (written[0], written[0])
    else:
        begin = (max((t for t in absent if t < alive[0]), default=None), alive[0])
    gone = min((t for t in absent if t > alive[-1]), default=None)
    return ShellLifetime(spec.name, key, begin, (alive[-1], gone))


def _times(items: Sequence[KeyedHit], rules: Sequence[str]) -> list[datetime]:
    wanted = set(rules)
    return sorted(i.hit.time for i in items if i.hit.time and i.rule.id in wanted)
