"""The rules of a run: what their placeholders stand for, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Name -> the values that ``%name%`` stands for in a Sigma rule.
Placeholders = Mapping[str, tuple[str, ...]]

RuleState = Literal["evaluated", "not applicable", "needs placeholder", "unsupported"]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """What became of one loaded rule.

    rule          its id, or the path of a file that is no rule.
    state         evaluated: tested on at least one record. not applicable: no record it is about
                  was met. needs placeholder: the user must say what a name stands for.
                  unsupported: it cannot be evaluated.
    reason        why, in words; "" when evaluated.
    """

    rule: str
    state: RuleState
    reason: str = ""
