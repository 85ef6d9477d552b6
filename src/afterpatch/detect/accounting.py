"""What became of every rule of a run: nothing is dropped without a word.

Enters: the loaded rules, what was refused, and the kinds that met evidence (the union over all
readings of a run). Leaves: one status per rule. Will not do: count hits.
"""

from collections.abc import Collection, Iterable, Iterator

from afterpatch.detect.sigma.ast import Correlation, Rule, Scope
from afterpatch.detect.sigma.served import formats_for
from afterpatch.model.hits import RuleInfo
from afterpatch.model.rules import RuleStatus


def sigma_statuses(rules: Iterable[Rule], evaluated: Collection[str]) -> Iterator[RuleStatus]:
    """Sigma rules: a rule of a log no format reads is told from one whose log was not there."""
    for rule in rules:
        if rule.info.id in evaluated:
            yield RuleStatus(rule.info.id, "evaluated")
        else:
            yield RuleStatus(rule.info.id, "not applicable", not_met(rule.scope))


def correlation_statuses(
    correlations: Iterable[Correlation], evaluated: Collection[str]
) -> Iterator[RuleStatus]:
    """Correlations: evaluated when a rule that feeds them was."""
    known = tuple(correlations)
    reached = fed_by(known, evaluated)
    for correlation in known:
        identity = correlation.info.id
        if identity in reached:
            yield RuleStatus(identity, "evaluated")
        else:
            yield RuleStatus(identity, "not applicable", "none of the rules it reads was evaluated")


def fed_by(correlations: Iterable[Correlation], rules: Iterable[str]) -> frozenset[str]:
    """The rules, and every correlation that reads one of them, be it through other correlations."""
    reached = set(rules)
    left = list(correlations)
    while fed := [one for one in left if not reached.isdisjoint(one.rules)]:
        reached.update(one.info.id for one in fed)
        left = [one for one in left if one.info.id not in reached]
    return frozenset(reached)


def content_statuses(infos: Iterable[RuleInfo], evaluated: Collection[str]) -> Iterator[RuleStatus]:
    """YARA rules, indicators, what a decoder reads."""
    for info in infos:
        if info.kind in evaluated:
            yield RuleStatus(info.id, "evaluated")
        else:
            yield RuleStatus(info.id, "not applicable", "no evidence of the kind it looks at")


def refused_statuses(
    unsupported: Iterable[tuple[str, str]],
    needs_placeholder: Iterable[tuple[str, tuple[str, ...]]],
) -> Iterator[RuleStatus]:
    """Rules that were not evaluated whatever the evidence."""
    for rule, names in needs_placeholder:
        listed = ", ".join(f"%{name}%" for name in names)
        yield RuleStatus(rule, "needs placeholder", f"needs values for {listed}")
    for rule, reason in unsupported:
        yield RuleStatus(rule, "unsupported", reason)


def not_met(scope: Scope) -> str:
    """Why rules of this scope met no record."""
    parts = {"category": scope.category, "product": scope.product, "service": scope.service}
    wanted = ", ".join(f"{name} {part}" for name, part in parts.items() if part)
    if not formats_for(scope):
        return f"no format read here has events of {wanted}"
    return f"the evidence has no events of {wanted}"
