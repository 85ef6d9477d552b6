"""What to do next, every step once, under the hosts it is for.

Enters: hosts with their verdicts, worst first. Leaves: groups in that order; it cuts nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from afterpatch.report.shape import VerdictEntry


@dataclass(frozen=True, slots=True)
class StepGroup:
    """Steps that the same hosts need."""

    hosts: tuple[str, ...]
    steps: tuple[str, ...]


def grouped_steps(rows: Iterable[tuple[str, VerdictEntry]]) -> list[StepGroup]:
    """Groups by the hosts that share a step, in the order in which the steps first come up."""
    hosts: dict[str, dict[str, None]] = {}
    for host, verdict in rows:
        for step in verdict["next"]:
            hosts.setdefault(step, {})[host] = None
    groups: dict[tuple[str, ...], list[str]] = {}
    for step, who in hosts.items():
        groups.setdefault(tuple(who), []).append(step)
    return [StepGroup(who, tuple(steps)) for who, steps in groups.items()]


def first_steps(groups: Iterable[StepGroup], limit: int) -> list[StepGroup]:
    """The groups cut after ``limit`` steps in all."""
    kept: list[StepGroup] = []
    for group in groups:
        room = limit - sum(len(one.steps) for one in kept)
        if room <= 0:
            break
        kept.append(StepGroup(group.hosts, group.steps[:room]))
    return kept
