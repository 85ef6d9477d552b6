"""Hits -> findings: hits of one stage on one host that share a key mean one thing.

A hit's keys (canary, shell, source address …) are read by the campaign's own patterns. Hits without
any key are grouped by time: half an hour of silence starts a new finding.
"""

import hashlib
import ipaddress
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import re2

from afterpatch.model.campaigns import Campaign, Key
from afterpatch.model.hits import Finding, Hit, RuleInfo
from afterpatch.model.times import EPOCH, rfc3339

SILENCE = timedelta(minutes=30)
MAX_EXAMPLES = 40
MAX_VALUES = 50
# Keys are text of an attacker's choice: long enough that ids do not collide, even on purpose.
ID_DIGITS = 16
_LEVELS = {"critical": 0, "high": 1, "medium": 2, "low": 3, "informational": 4}


# stage, weak, key name, key value
_Group = tuple[str, bool, str, str]


@dataclass(frozen=True, slots=True)
class KeyedHit:
    """A hit with the campaign's keys read out of it."""

    hit: Hit
    rule: RuleInfo
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyedFinding:
    """A finding with all hits it was made of; the finding itself keeps only examples."""

    finding: Finding
    items: tuple[KeyedHit, ...]


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
                match = pattern.search(_text(hit.fields.get(field, "")))
                value = next(filter(None, match.groups() or (match.group(),)), "") if match else ""
                if value:
                    value = value.lower()
                    found[key.name] = spelled_address(value) if "address" in key.name else value
                    break
        return found


def _text(value: str) -> str:
    """What RE2 can take: "-" is how W3C logs write nothing; lone surrogates are no text."""
    return "" if value == "-" else value.encode("utf-8", "replace").decode()


def spelled_address(value: str) -> str:
    """One spelling per address: ``::ffff:192.0.2.1``, ``[2001:DB8::1]:443`` and so on."""
    bare = value[1:].partition("]")[0] if value.startswith("[") else value.partition("%")[0]
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        ip = ipaddress.ip_address(bare)
    except ValueError:
        return value
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def key_hits(
    hits: Iterable[Hit], rules: Mapping[str, RuleInfo], campaign: Campaign
) -> list[KeyedHit]:
    """Every hit whose rule proves a stage of the campaign, with its keys, in stable order."""
    reader = KeyReader(campaign.keys)
    stages = {stage.id for stage in campaign.stages}
    return [
        KeyedHit(hit, rules[hit.rule], reader.read(hit))
        for hit in sorted(hits, key=hit_order)
        if hit.rule in rules and rules[hit.rule].stage in stages
    ]


def hit_order(hit: Hit) -> tuple[object, ...]:
    """By time, then place; total, so that the order of reading never shows."""
    when, place = _time_key(hit.time), hit.place
    return (*when, place.source, place.record, hit.rule, hit.raw, sorted(hit.fields.items()))


def build_findings(
    host: str, keyed: Sequence[KeyedHit], overflow: Mapping[str, int], campaign: Campaign
) -> list[KeyedFinding]:
    """Findings of one host: highest stage first, then by time. ``keyed`` as from `key_hits`."""
    groups: dict[_Group, list[KeyedHit]] = defaultdict(list)
    begun: dict[tuple[str, bool], tuple[datetime, datetime]] = {}
    for item in keyed:
        kind = (item.rule.stage, item.rule.weak)
        name, value = _primary_key(item.keys, campaign)
        if not name and item.hit.time:
            begin, last = begun.get(kind, (item.hit.time, item.hit.time))
            if item.hit.time - last > SILENCE:
                begin = item.hit.time
            begun[kind] = (begin, item.hit.time)
            value = rfc3339(begin)
        groups[*kind, name, value].append(item)
    extra = _spread_overflow(groups, overflow)
    findings = [
        KeyedFinding(_finding(host, key, items, extra.get(key, 0)), tuple(items))
        for key, items in groups.items()
    ]
    return sorted(findings, key=lambda f: _finding_order(f.finding, campaign))


def _finding_order(finding: Finding, campaign: Campaign) -> tuple[object, ...]:
    rank = -campaign.rank(finding.stage)
    return (finding.weak, rank, *_time_key(finding.first), finding.id)


def _primary_key(keys: Mapping[str, str], campaign: Campaign) -> tuple[str, str]:
    for strength in ("strong", "nearby"):
        for key in campaign.keys:
            if key.strength == strength and key.name in keys:
                return key.name, keys[key.name]
    return "", ""


def _spread_overflow(
    groups: Mapping[_Group, list[KeyedHit]], overflow: Mapping[str, int]
) -> dict[_Group, int]:
    """Matches that were counted but not kept belong to the largest group of their rule."""
    sizes: dict[str, Counter[_Group]] = defaultdict(Counter)
    for key, items in groups.items():
        for item in items:
            sizes[item.rule.id][key] += 1
    extra = Counter[_Group]()
    for rule, count in overflow.items():
        if rule in sizes:
            extra[max(sizes[rule], key=lambda key: (sizes[rule][key], key))] += count
    return extra


def _finding(host: str, key: _Group, items: list[KeyedHit], extra: int) -> Finding:
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
    identity = repr((host, stage, weak, key_name, key_value))
    return Finding(
        id=hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:ID_DIGITS],
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


def _time_key(when: datetime | None) -> tuple[bool, datetime]:
    return (when is None, when or EPOCH)
