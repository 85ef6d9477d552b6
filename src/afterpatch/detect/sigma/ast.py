"""The parsed form of Sigma rules: frozen trees over tests of one field.

Enters: nothing; ``parse`` builds these, the evaluators read them. Leaves: plain values.
Will not do: evaluation, or knowledge of any log format (``fields`` has that).

Semantics every evaluator must follow (Sigma specification 2.x; where it is silent, as written):

- An absent field fails every test except ``null`` and ``exists: false``, so a ``not`` over it
  holds. JSON null counts as absent. ``''`` matches a field that is present and empty, only.
- Every value is a string; text compares by :func:`fold` unless ``cased``. Numbers in rules are
  their decimal text; only ``compare`` reads numbers, and text that is no number fails it.
- ``regex`` is RE2 syntax, searches anywhere, case-sensitive unless ``i``.
- A keyword (``field`` = :data:`ANY_FIELD`) holds if any column's value holds it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from afterpatch.model.hits import RuleInfo

ANY_FIELD: Final = ""
DASHES: Final = "-/\u2013\u2014\u2015"  # what ``windash`` takes for one another
ANY_DASH: Final = "\u2014"  # stands for all of them in the value of a test that does

Op = Literal[
    "equals",
    "contains",
    "startswith",
    "endswith",
    "wildcard",
    "regex",
    "cidr",
    "compare",
    "timepart",
    "fieldref",
    "null",
    "exists",
]
TEXT_OPS: Final[frozenset[Op]] = frozenset(
    {"equals", "contains", "startswith", "endswith", "wildcard", "regex"}
)


@dataclass(frozen=True, slots=True)
class FieldTest:
    """One test of one field.

    value   equals/contains/startswith/endswith: plain text. wildcard: text with ``*`` and ``?``
            wild and ``\\`` before a literal ``*``, ``?`` or ``\\``. regex: the pattern. cidr: the
            network. compare, timepart: a decimal number. fieldref: the other field's name.
            exists: ``true`` or ``false``.
    option  equals, contains, startswith, endswith, wildcard: ``dashes`` if each of :data:`DASHES`
            is as good as any other; the value then has :data:`ANY_DASH` for every one of them.
            regex: flags out of ``ims``, sorted. compare: lt, lte, gt, gte. timepart: minute, hour,
            day, week, month, year. fieldref: equals, contains, startswith, endswith.
    """

    field: str
    op: Op
    value: str = ""
    option: str = ""
    cased: bool = False


@dataclass(frozen=True, slots=True)
class And:
    """All of; true when empty."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of; false when empty."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where ``item`` does not."""

    item: "Node"


Node: TypeAlias = FieldTest | And | Or | Not


@dataclass(frozen=True, slots=True)
class Scope:
    """A rule's log source: the parts it names; "" = not named."""

    category: str = ""
    product: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One Sigma rule. ``name`` is what correlations may call it besides its id."""

    info: RuleInfo
    scope: Scope
    condition: Node
    name: str = ""


CorrelationKind = Literal[
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
    "temporal",
    "temporal_ordered",
]
Comparison = Literal["lt", "lte", "gt", "gte", "eq", "neq"]


@dataclass(frozen=True, slots=True)
class Correlation:
    """One Sigma correlation rule over other rules' matches.

    rules        ids of the rules it reads, in the author's order.
    aliases      alias -> rule id -> that rule's field; used by ``group_by`` and ``fields``.
    also         further comparisons that must hold as well: the other end of a range.
    fields       the fields a ``value_*`` kind reads.
    percentile   0..100, for ``value_percentile``.
    expression   temporal kinds with a boolean condition: a tree whose tests are ``exists`` on a
                 rule id; None = ``comparison`` over the number of distinct rules seen.
    generate     whether the rules it reads also report on their own.
    """

    info: RuleInfo
    kind: CorrelationKind
    rules: tuple[str, ...]
    timespan_us: int
    group_by: tuple[str, ...] = ()
    comparison: Comparison = "gte"
    threshold: float = 1
    fields: tuple[str, ...] = ()
    percentile: float = 50
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    expression: Node | None = None
    generate: bool = False
    name: str = ""
    also: tuple[tuple[Comparison, float], ...] = ()


def fold(text: str) -> str:
    """Lower-case for comparison: character by character, never from non-ASCII into ASCII.

    Python's ``lower`` has three traits unfit for matching, so they are cut out: final sigma
    depends on its neighbours, and the Kelvin sign and dotted capital I become ASCII letters (a
    prefilter on raw bytes could not see that). ``fold(a + b) == fold(a) + fold(b)``.
    """
    if text.isascii():
        return text.lower()
    return "".join(_fold_character(character) for character in text)


def _fold_character(character: str) -> str:
    lowered = character.lower()
    if lowered == "\u03c2":  # final sigma
        return "\u03c3"
    if len(lowered) != 1 or (lowered.isascii() and not character.isascii()):
        return character
    return lowered


def tests(node: Node) -> Iterator[FieldTest]:
    """Every test in the tree, left to right, repeats included."""
    match node:
        case FieldTest():
            yield node
        case Not(item):
            yield from tests(item)
        case And(items) | Or(items):
            for item in items:
                yield from tests(item)


def wildcard_parts(pattern: str) -> tuple[str, ...]:
    """A ``wildcard`` value -> literal runs and the marks ``*`` and ``?``.

    Literal runs are prefixed by ``=`` so that they differ from the marks:
    ``a*\\*`` -> ``("=a", "*", "=*")``.
    """
    parts: list[str] = []
    literal = ""
    characters = iter(pattern)
    for character in characters:
        if character in "*?":
            if literal:
                parts.append("=" + literal)
                literal = ""
            parts.append(character)
        else:
            literal += next(characters, "") if character == "\\" else character
    if literal:
        parts.append("=" + literal)
    return tuple(parts)
