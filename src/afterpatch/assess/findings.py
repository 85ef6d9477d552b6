"""Hits -> findings: hits of one stage on one host that share a key mean one thing.

A hit's keys (canary, shell, source address …) are read by the campaign's own patterns. Hits without
any key are grouped by time: half an hour of silence starts a new finding.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import re2

from afterpatch.model.campaigns import Campaign, Key
from afterpatch.model.hits import Finding, Hit, RuleInfo

SILENCE = timedelta(minutes=30)
MAX_EXAMPLES = 40
MAX_VALUES = 50
_LEVELS = {"critical": 0, "high": 1, "medium": 2, "low": 3, "informational": 4}


@dataclass(frozen=True, slots=True)
class KeyedHit:
    """A hit with the campaign's keys read out of it."""

    hit: Hit
    rule: RuleInfo
    keys: Mapping[str, str]


class KeyReader:
    """Reads a campaign's grouping keys out of a hit's fields (RE2: linear time on hostile text)."""

    def __init__(self, keys: Sequence[Key]) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        self._keys = [(key, re2.compile(key.pattern, options)) for key in keys]

    def read(self, hit: Hit) -> dict[str, str]:
        """Key name -> value, lower-cased; only the keys that the hit carries."""
        found = {}
        for key, pattern in self._keys:
            for field in key.fields:
                match = pattern.search(hit.fields.get(field, ""))
                if match:
                    groups = [group for group in match.groups() if group]
                    found[key.name] = (groups[0] if groups else match.group()).lower()
                    break
        return found


def key_hits(
    hits: Iterable[Hit], rules: Mapping[str, RuleInfo], campaign: Campaign
) -> list[KeyedHit]:
    """Every hit whose rule proves a stage of the campaign, with its keys, in stable order."""
    reader = KeyReader(campaign.keys)
    keyed = [
        KeyedHit(hit, rules[hit.rule], reader.read(hit))
        for hit in hits
        if hit.rule in rules and rules[hit.rule].stage
    ]
    return sorted(keyed, key=_order)


def build_findings(
    host: str, keyed: Sequence[KeyedHit], overflow: Mapping[str, int], campaign: Campaign
) -> list[Finding]:
    """Findings of one host: highest stage first, then by time."""
    groups: dict[tuple[str, bool, str, str], list[KeyedHit]] = defaultdict(list)
    session, last = 0, None
    for item in keyed:
        name, value = _primary_key(item.keys, campaign)
        if not name:
            if last and item.hit.time and item.hit.time - last > SILENCE:
                session += 1
            last = item.hit.time or last
            value = str(session)
        groups[item.rule.stage, item.rule.weak, name, value].append(item)
    extra = _spread_overflow(groups, overflow)
    findings = [
        _finding(host, key, items, extra.get(key, 0)) for key, items in sorted(groups.items())
    ]
    return sorted(
        findings, key=lambda f: (f.weak, -campaign.rank(f.stage), _time_key(f.first), f.id)
    )


def _primary_key(keys: Mapping[str, str], campaign: Campaign) -> tuple[str, str]:
    for strength in ("strong", "nearby"):
        for key in campaign.keys:
            if key.strength == strength and key.name in keys:
                return key.name, keys[key.name]
    return "", ""


def _spread_overflow(
    groups: Mapping[tuple[str, bool, str, str], list[KeyedHit]], overflow: Mapping[str, int]
) -> dict[tuple[str, bool, str, str], int]:
    """Matches that were counted but not kept belong to the largest group of their rule."""
    extra: dict[tuple[str, bool, str, str], int] = defaultdict(int)
    for rule, count in overflow.items():
        sizes = [
            (sum(item.rule.id == rule for item in items), key) for key, items in groups.items()
        ]
        if sizes and max(sizes)[0]:
            extra[max(sizes)[1]] += count
    return extra


def _finding(
    host: str, key: tuple[str, bool, str, str], items: list[KeyedHit], extra: int
) -> Finding:
    stage, weak, key_name, key_value = key
    times = [item.hit.time for item in items if item.hit.time]
    rules = {item.rule.id: item.rule for item in items}
    leading = min(
        rules.values(), key=lambda rule: (_LEVELS.get(rule.level, 9), rule.title, rule.id)
    )
    values: dict[str, set[str]] = defaultdict(set)
    for item in items:
        for name, value in item.keys.items():
            values[name].add(value)
    identity = "\0".join((host, stage, "weak" if weak else "", key_name, key_value))
    return Finding(
        id=hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:10],
        host=host,
        stage=stage,
        title=leading.title,
        first=min(times, default=None),
        last=max(times, default=None),
        count=len(items) + extra,
        rules=tuple(sorted(rules)),
        key={key_name: key_value} if key_name else {},
        hits=_examples([item.hit for item in items]),
        weak=weak,
        values={name: tuple(sorted(seen)[:MAX_VALUES]) for name, seen in sorted(values.items())},
    )


def _examples(hits: list[Hit]) -> tuple[Hit, ...]:
    """The earliest and latest hits, with at least one of every rule among them."""
    if len(hits) <= MAX_EXAMPLES:
        return tuple(hits)
    chosen = {id(hit): hit for hit in (*hits[: MAX_EXAMPLES // 2], *hits[-MAX_EXAMPLES // 4 :])}
    seen = {hit.rule for hit in chosen.values()}
    for hit in hits:
        if hit.rule not in seen:
            seen.add(hit.rule)
            chosen[id(hit)] = hit
    return tuple(hit for hit in hits if id(hit) in chosen)


def _time_key(when: datetime | None) -> tuple[bool, float]:
    return (when is None, when.timestamp() if when else 0.0)


def _order(item: KeyedHit) -> tuple[tuple[bool, float], str, int, str]:
    place = item.hit.place
    return (_time_key(item.hit.time), place.source, place.record, item.rule.id)
