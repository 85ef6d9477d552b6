"""Hunt -> its part of a document, and the whole document of a hunt without verdicts.

Enters: ``model.hunts.Hunt``. Leaves: plain values in the documented order (``docs/hunt.md``). It
cuts nothing and ranks nothing.
"""

from collections import Counter

from afterpatch.model.hits import Hit
from afterpatch.model.hunts import HitGroup, Hunt, Suppressed
from afterpatch.report.document_time import time_or_none
from afterpatch.report.entries import gap_entries
from afterpatch.report.shape import (
    ExampleEntry,
    HitGroupEntry,
    HuntEntry,
    HuntRulesEntry,
    SuppressionEntry,
)


def hunt_entry(hunt: Hunt) -> HuntEntry:
    """Findings ranked, suppressions in file order, rules by id."""
    return {
        "level": hunt.level,
        "as_of": hunt.as_of.isoformat() if hunt.as_of else None,
        "hosts": list(hunt.hosts),
        "findings": [_group(group) for group in hunt.groups],
        "below_groups": hunt.below_groups,
        "below_hits": hunt.below_hits,
        "suppressions": [_suppression(one) for one in hunt.suppressed],
        "rules": _rules(hunt),
        "ignored_files": list(hunt.ignored),
        "gaps": gap_entries(hunt.own_gaps),
    }


def _group(group: HitGroup) -> HitGroupEntry:
    rule, total = group.rule, group.total
    return {
        "rule_id": rule.id,
        "title": rule.title,
        "level": rule.level,
        "engine": rule.engine,
        "host": group.host,
        "count": total.count,
        "first": time_or_none(total.first),
        "last": time_or_none(total.last),
        "seen_on": group.host_count,
        "campaigns": list(group.campaigns),
        "tags": list(rule.tags),
        "references": list(rule.references),
        "finds": rule.finds,
        "examples": [_example(hit) for hit in total.examples],
    }


def _example(hit: Hit) -> ExampleEntry:
    return {
        "source": hit.place.source,
        "record": hit.place.record,
        "time": time_or_none(hit.time),
        "excerpt": dict(hit.fields),
        "raw": hit.raw,
    }


def _suppression(one: Suppressed) -> SuppressionEntry:
    entry = one.entry
    return {
        "place": entry.place,
        "rule": entry.rule,
        "host": entry.host,
        "reason": entry.reason,
        "expires": entry.expires.isoformat(),
        "state": one.state,
        "count": one.count,
        "groups": [_group(group) for group in one.groups],
    }


def _rules(hunt: Hunt) -> HuntRulesEntry:
    states = Counter(fate.state for fate in hunt.fates)
    states.update(hunt.quiet_indicators)
    return {
        "loaded": states.total(),
        "evaluated": states["evaluated"],
        "not_applicable": states["not applicable"],
        "needs_placeholder": states["needs placeholder"],
        "unsupported": states["unsupported"],
        "each": [
            {
                "id": fate.id,
                "title": fate.title,
                "level": fate.level,
                "engine": fate.engine,
                "state": fate.state,
                "reason": fate.reason,
                "count": fate.count,
            }
            for fate in hunt.fates
        ],
    }
