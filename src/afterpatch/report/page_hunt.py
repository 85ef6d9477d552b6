"""What the HTML page shows of the user's own rules: chosen and cut, before any markup.

Enters: the readable ``hunt`` of a document. Leaves: frozen views in ranked order; what is cut is
counted, ``assessment.json`` has the rest.
"""

from dataclasses import dataclass
from typing import Final

from afterpatch.report.hunt_text import by_rule, hunt_headline
from afterpatch.report.shape import ExampleEntry, HitGroupEntry, HuntEntry, RuleFateEntry
from afterpatch.report.words import gap_reasons

MAX_RULES: Final = 200
MAX_HOSTS: Final = 20  # per rule
MAX_EXAMPLES: Final = 3  # per rule
MAX_FATES: Final = 100


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule that matched. ``first``: its first group, which has what all of them share."""

    first: HitGroupEntry
    count: int
    groups: tuple[HitGroupEntry, ...]
    more_hosts: int
    examples: tuple[ExampleEntry, ...]


@dataclass(frozen=True, slots=True)
class HuntView:
    """``refused``: rules that need a placeholder or could not be taken."""

    entry: HuntEntry
    headline: str
    rules: tuple[RuleView, ...]
    more_rules: int
    refused: tuple[RuleFateEntry, ...]
    more_refused: int
    gaps: tuple[tuple[str, int, int], ...]


def hunt_view(hunt: HuntEntry) -> HuntView:
    """The first rules with their first hosts and examples."""
    rules = by_rule(hunt["findings"])
    refused = [
        fate
        for fate in hunt["rules"]["each"]
        if fate["state"] in ("needs placeholder", "unsupported")
    ]
    return HuntView(
        entry=hunt,
        headline=hunt_headline(hunt),
        rules=tuple(map(_rule, rules[:MAX_RULES])),
        more_rules=max(0, len(rules) - MAX_RULES),
        refused=tuple(refused[:MAX_FATES]),
        more_refused=max(0, len(refused) - MAX_FATES),
        gaps=tuple(gap_reasons(hunt["gaps"])[:MAX_FATES]),
    )


def _rule(groups: list[HitGroupEntry]) -> RuleView:
    examples = [example for group in groups for example in group["examples"]]
    return RuleView(
        first=groups[0],
        count=sum(group["count"] for group in groups),
        groups=tuple(groups[:MAX_HOSTS]),
        more_hosts=max(0, len(groups) - MAX_HOSTS),
        examples=tuple(examples[:MAX_EXAMPLES]),
    )
