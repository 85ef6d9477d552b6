"""A hunt as an ATT&CK Navigator layer: which techniques the rules that matched speak of.

The score of a technique is the worst level of its rules (informational 20 … critical 100); hosts,
matches and rules stand in its comment and metadata. Rules without a technique tag cannot be shown
and are counted in the description.

Source: mitre-attack/attack-navigator, layers/spec/v4.5/layerformat.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from afterpatch.model.hunts import LEVELS
from afterpatch.report.ascii_json import json_text
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.shape import HitGroupEntry, HuntDocument
from afterpatch.report.words import counted

SCORES: Final[Mapping[str, int]] = {
    level: 20 * (len(LEVELS) - position) for position, level in enumerate(LEVELS)
}
UNKNOWN_LEVEL_SCORE: Final = SCORES["medium"]
MAX_RULES_NAMED: Final = 20
MAX_CHARS: Final = 500
_TECHNIQUE: Final = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


def navigator_layer(document: HuntDocument) -> bytes:
    """The layer; empty of techniques when no rule that matched names one."""
    by_technique: dict[str, list[HitGroupEntry]] = {}
    for group in document["hunt"]["findings"]:
        for technique in sorted(techniques(group["tags"])):
            by_technique.setdefault(technique, []).append(group)
    return json_text(
        {
            "name": "Afterpatch hunt",
            "versions": {"navigator": "4.9.0", "layer": "4.5"},
            "domain": "enterprise-attack",
            "description": _description(document),
            "sorting": 3,
            "layout": {"layout": "side", "showID": True, "expandedSubtechniques": "annotated"},
            "techniques": [_technique(name, by_technique[name]) for name in sorted(by_technique)],
            "gradient": {"colors": ["#ffffff", "#ffe766", "#ff6666"], "minValue": 0,
                         "maxValue": 100},
            "metadata": [{"name": "tool", "value": f"afterpatch {document['tool']['version']}"}],
        }
    )  # fmt: skip


def techniques(tags: Sequence[str]) -> frozenset[str]:
    """ATT&CK ids among a rule's tags: ``attack.t1505.003`` -> ``T1505.003``."""
    found = (_TECHNIQUE.fullmatch(tag) for tag in tags)
    return frozenset(match[1].upper() for match in found if match)


def _technique(name: str, groups: Sequence[HitGroupEntry]) -> dict[str, Any]:
    rules = list(dict.fromkeys(_text(f"{g['title']} ({g['level']})") for g in groups))
    hosts = {group["host"] for group in groups}
    matches = sum(group["count"] for group in groups)
    more = len(rules) - MAX_RULES_NAMED
    named = "; ".join(rules[:MAX_RULES_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return {
        "techniqueID": name,
        "score": max(SCORES.get(group["level"], UNKNOWN_LEVEL_SCORE) for group in groups),
        "comment": f"{counted(matches, 'match', 'matches')} on {counted(len(hosts), 'host')}: "
        + named,
        "metadata": [
            {"name": "matches", "value": str(matches)},
            {"name": "hosts", "value": _text(", ".join(sorted(hosts)))},
            {"name": "rules", "value": str(len(rules))},
        ],
    }


def _description(document: HuntDocument) -> str:
    hunt = document["hunt"]
    bare = {g["rule_id"] for g in hunt["findings"] if not techniques(g["tags"])}
    return (
        f"{counted(len({g['rule_id'] for g in hunt['findings']}), 'rule')} matched on "
        f"{counted(len({g['host'] for g in hunt['findings']}), 'host')} of {len(hunt['hosts'])}; "
        f"{counted(len(bare), 'rule')} without a technique not shown. Score: worst level of the "
        f"rules, informational {SCORES['informational']} to critical {SCORES['critical']}."
    )


def _text(text: str) -> str:
    return visible(cut(text, MAX_CHARS))
