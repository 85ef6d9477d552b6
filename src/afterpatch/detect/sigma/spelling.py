"""A rule document in words that pySigma reads as the specification means them.

Enters: a YAML mapping. Leaves: a changed copy. Will not do: judge whether it is a rule.
"""

from typing import Any, Final

from afterpatch.detect.sigma.parse_correlation import COMPARISONS, RANGE
from afterpatch.detect.sigma.placeholders import filled
from afterpatch.model.rules import Placeholders

_NUMERIC: Final = frozenset(
    ["lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year", "exists"]
)
_NONE: Final[frozenset[str]] = frozenset()


def spelled(document: dict[str, Any], placeholders: Placeholders) -> dict[str, Any]:
    """Numbers as texts, also as id; known placeholders filled in; ranges of correlations set aside.

    Raises ValueError for placeholders that multiply beyond reason.
    """
    changed = dict(document)
    if type(changed.get("id")) is int:
        changed["id"] = str(changed["id"])
    for section in ("detection", "filter"):
        if section in changed:
            changed[section] = _detection(changed[section], _NONE, placeholders)
    correlation = changed.get("correlation")
    if not isinstance(correlation, dict):
        return changed
    condition = correlation.get("condition")
    if isinstance(condition, dict):
        # "To define a range, use the conjunction in the mapping"; pySigma takes one comparison.
        _, *more = [name for name in condition if name in COMPARISONS] or [""]
        first = {name: value for name, value in condition.items() if name not in more}
        changed["correlation"] = correlation | {"condition": first}
        changed[RANGE] = {name: condition[name] for name in more}
    return changed


def _detection(value: Any, modifiers: frozenset[str], placeholders: Placeholders) -> Any:
    if isinstance(value, list):
        found: list[Any] = []
        for each in value:
            one = _detection(each, modifiers, placeholders)
            many = "expand" in modifiers and isinstance(one, list)
            found.extend(one if many else [one])
        return found
    if isinstance(value, dict):
        return {
            name: _detection(each, frozenset(str(name).split("|")[1:]), placeholders)
            for name, each in value.items()
        }
    if isinstance(value, str):
        if "expand" not in modifiers:
            return value
        return filled(value, placeholders, literal="re" in modifiers)
    if value is None or not modifiers.isdisjoint(_NUMERIC) or not (modifiers or type(value) is int):
        return value
    return str(value)  # "all values are treated as strings"
