"""Which raw lines may matter to some rule: one multi-pattern scan before anything is parsed.

Enters: rules and indicators of one family of text logs. Leaves: a :class:`TextPrefilter` (a
``model.batches.Wanted``), or the rules that forbid one, with the reason. Will not do: decide that
a rule matches; it may select too many lines, never too few.

A rule matches only lines holding some literal it cannot do without. What a column holds is not
always what the line holds, so literals are cut at every character a log may write differently:

    space and "+"       W3C writes spaces in values as "+"
    quotes              CSV doubles ", ECP server logs double '
    comma               HttpProxy turns commas in the user agent into spaces
    "?"                 the joined view of stem and query: two columns, another separator
    control, non-ASCII  escaped, or in whatever encoding the log has
    "\\", "/", "<>&"    where the log escapes: JSON, Zeek
    "\\"                doubled, or as its code, where quotes are escaped: access logs
    "/", ":"            not there, where parts of a URL have columns of their own: W3C proxies

and the rarest remaining piece is what is looked for (``raw_pieces``), ASCII letters in either case
(``ast.fold`` never turns anything else into ASCII). A record is one line. Where a log writes names
as lengths and labels, a dot may stand as such a length.

A rule without any such piece may still be one about a single short column ("the flag is not 0",
"the user agent is x"). Where the reader of the log can test a column by itself, it is asked to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

from afterpatch.detect.indicator_patterns import raw_patterns
from afterpatch.detect.raw_pieces import INDICATOR_CUTS, ORDINARY_COST, Piece, keyed_piece, piece_of
from afterpatch.detect.sigma.ast import (
    ANY_FIELD,
    And,
    FieldTest,
    Node,
    Not,
    Or,
    Rule,
    wildcard_parts,
)
from afterpatch.detect.sigma.fields import View, views
from afterpatch.detect.sigma.regexes import required_sets
from afterpatch.detect.sigma.store import RuleStore
from afterpatch.detect.text_prefilter import TextPrefilter
from afterpatch.model.batches import Cell, Declared, Logsource, Spelling
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import INDICATOR

MAX_PAIRS: Final = 64
# Compiling more takes longer than parsing every line of any log seen so far (50,000: 10 s).
MAX_PATTERNS: Final = 10_000
MAX_CELL_CHARS: Final = 64
# Shorter texts are asked of the column by themselves, even where an edge would do.
_SHORT_CHARS: Final = 2
_CELL_COST: Final = 2.0**-6
# Readers invent these: an action, a flag spelled out, the letters of flags without their blanks.
_INVENTED: Final = ("query", "reply", "true", "false")
# Columns say these all the time; a piece of the line can at least be joined with another.
_ORDINARY_VALUES: Final = frozenset(
    [
        "get",
        "post",
        "head",
        "options",
        "connect",
        "200",
        "301",
        "302",
        "304",
        "401",
        "403",
        "404",
        "500",
        "tcp",
        "udp",
        "80",
        "443",
        "a",
        "aaaa",
    ]
)
_NUMERIC: Final = re.compile(r"\A[0-9eE+.-]*[0-9][0-9eE+.-]*\Z")
_NOT_IN_CELLS: Final = frozenset('"\\,')  # logs spell these otherwise
_FLAG_LETTERS: Final = frozenset("atdrz")


CellOp = Literal["equals", "startswith", "endswith"]


@dataclass(frozen=True, slots=True)
class Built:
    """``prefilter`` is None when ``forced_by`` (rule id, reason) is not empty: parse every line."""

    prefilter: TextPrefilter | None
    forced_by: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """Every matching line holds, for some member of ``alternatives``, all its pieces, or one of the
    ``cells`` holds there. ``cost``: how common that is.
    """

    cost: float
    alternatives: frozenset[frozenset[Piece]] = frozenset()
    cells: frozenset[Cell] = frozenset()


class _Spelled(NamedTuple):
    """A text that a column must hold, perhaps at its start or end."""

    text: str
    opens: bool = False
    closes: bool = False


# The need of a test that no line can meet: it asks for nothing.
_NEVER: Final = _Need(0.0)


def build_prefilter(
    rules: Iterable[Rule],
    indicators: Iterable[Indicator],
    spelling: Spelling = "plain",
    declared: Declared | None = None,
    store: RuleStore | None = None,
) -> Built:
    """The prefilter that selects every line any of these could match.

    ``declared``: what is known of the log; None = nothing.
    ``store`` remembers automata.
    """
    log = _Log(spelling, declared or Declared(Logsource()))
    patterns: set[bytes] = set()
    pairs: set[tuple[bytes, bytes]] = set()
    cells: set[Cell] = set()
    forced: list[tuple[str, str]] = []
    for rule in rules:
        need = log.need(rule.condition, negated=False)
        if need is None:
            forced.append((rule.info.id, "no text that every matching line must hold"))
        else:
            cells |= need.cells
            for pieces in need.alternatives:
                first, *others = (piece.pattern.encode() for piece in sorted(pieces, key=_rarity))
                pairs.update((first, other) for other in others)
                patterns.update(() if others else (first,))
    for indicator in indicators:
        if len(patterns) > MAX_PATTERNS:  # there may be a million of them
            break
        wanted = raw_patterns(indicator, INDICATOR_CUTS.get(spelling))
        if wanted is None:
            name = f"{INDICATOR}:{indicator.type}:{indicator.value}"
            forced.append((name, "too short or too wide to look for in raw text"))
        else:
            patterns.update(wanted)
    if len(patterns) + len(pairs) > MAX_PATTERNS:
        forced.append(("*", f"more than {MAX_PATTERNS} texts to look for: too many for one scan"))
    built = None if forced else TextPrefilter(patterns, pairs, cells, store)
    return Built(built, tuple(forced))


@dataclass(frozen=True, slots=True)
class _Log:
    """What is known of the log the lines are from."""

    spelling: Spelling
    declared: Declared

    def need(self, node: Node, *, negated: bool) -> _Need | None:
        """What a line must hold for the tree to be true (false when ``negated``)."""
        match node:
            case FieldTest():
                return self._unlike(node) if negated else self._test(node)
            case Not(item):
                return self.need(item, negated=not negated)
            case And(items) | Or(items):
                needs = [self.need(item, negated=negated) for item in items]
                return _all_of(needs) if isinstance(node, And) != negated else _any_of(needs)

    def _test(self, test: FieldTest) -> _Need | None:
        columns = self._columns(test)
        known = self.declared.columns
        if test.field != ANY_FIELD and test.op not in ("null", "exists"):
            if known is not None and known.isdisjoint(columns):
                return _NEVER
            if not self.declared.invented.isdisjoint(columns):
                return None
        texts = _texts(test)
        if not texts:
            return None
        spelled = (self._any_text(one, columns, test) for one in texts)
        return _all_of([_any_of(list(group)) for group in spelled])

    def _any_text(
        self, texts: Iterable[_Spelled], columns: frozenset[str], test: FieldTest
    ) -> Iterable[_Need | None]:
        """What one of these texts in the tested field asks for, text by text."""
        spelling = self.spelling
        if spelling == "parted" and self.declared.columns is not None and test.field != ANY_FIELD:
            spelling = spelling if columns & self.declared.derived else "plain"
        for text in texts:
            if test.field == ANY_FIELD and self.declared.invented and _may_be_invented(text.text):
                yield None
                continue
            piece = piece_of(text.text, spelling, opens=text.opens, closes=text.closes)
            if spelling == "keyed" and text.opens and self._is_keyed(test, columns):
                piece = keyed_piece(columns, text.text, closes=text.closes) or piece
            is_rare = piece is not None and piece.cost < ORDINARY_COST
            short = len(text.text) <= _SHORT_CHARS
            usual = text.text.lower() in _ORDINARY_VALUES
            cell = None if usual or (is_rare and not short) else self._cell(test, text, columns)
            yield cell or (_Need(piece.cost, frozenset({frozenset({piece})})) if piece else None)

    def _is_keyed(self, test: FieldTest, columns: frozenset[str]) -> bool:
        """Whether the tested text starts right behind the name of one of the columns."""
        return test.field != ANY_FIELD and columns.isdisjoint(self.declared.derived)

    def _columns(self, test: FieldTest) -> frozenset[str]:
        """Every column that some view of the tested field looks at."""
        shown = views(test.field, test.op, self.declared.logsource)
        found = (name for view in shown for name in (*view.columns, *view.query, *view.host))
        return frozenset(found)

    def _cell(self, test: FieldTest, text: _Spelled, columns: frozenset[str]) -> _Need | None:
        """What is too common in a line, or no text at all, asked of the columns themselves."""
        if len(text.text) > MAX_CELL_CHARS or not (text.opens or text.closes):
            return None
        if not text.text and test.op != "equals":
            return None
        tested = self._tested(test, columns, text.text, negated=False)
        if tested is None:
            return None
        op: CellOp = "startswith" if not text.closes else "equals" if text.opens else "endswith"
        cells = frozenset(Cell(column, op, text.text.lower()) for column in tested)
        return _Need(_CELL_COST, cells=cells)

    def _unlike(self, test: FieldTest) -> _Need | None:
        """What the opposite of a test asks for: a column that is not so."""
        if test.op != "equals" or not test.value.isalnum() or len(test.value) > MAX_CELL_CHARS:
            return None
        tested = self._tested(test, self._columns(test), test.value, negated=True)
        if tested is None or len(tested) != 1:
            return None
        (column,) = tested
        cell = Cell(column, "equals", test.value.lower(), negated=True)
        return _Need(ORDINARY_COST, cells=frozenset({cell}))

    def _tested(
        self, test: FieldTest, columns: frozenset[str], text: str, *, negated: bool
    ) -> frozenset[str] | None:
        """The columns of a test, if the reader can ask each of them for this text."""
        log = self.declared
        if not log.tested or test.field == ANY_FIELD or test.option:
            return None
        shown = views(test.field, test.op, log.logsource)
        if not text.isascii() or not text.isprintable() or set(text) & _NOT_IN_CELLS:
            return None
        # A reader gives lists as JSON as they are; where a header tells lists, they are derived.
        if any(replace(view, members=False) != View(view.columns) for view in shown):
            return None
        # How JSON writes a number is not how a column shows it.
        if log.tested == "any" and _NUMERIC.search(text) and not negated:
            return None
        if not columns.isdisjoint(log.derived | log.invented):
            return None
        return columns if log.columns is None else columns & log.columns


def _texts(test: FieldTest) -> list[frozenset[_Spelled]]:
    """Sets of texts: the tested value holds at least one of each set."""
    match test.op:
        case "equals" | "contains" | "startswith" | "endswith":
            opens, closes = test.op in ("equals", "startswith"), test.op in ("equals", "endswith")
            return [frozenset({_Spelled(test.value, opens, closes)})]
        case "wildcard":
            parts = wildcard_parts(test.value)
            last = len(parts) - 1
            return [
                frozenset({_Spelled(part[1:], at == 0, at == last)})
                for at, part in enumerate(parts)
                if part[0] == "="
            ]
        case "regex":
            found = required_sets(test.value, test.option)
            return [frozenset(map(_Spelled, texts)) for texts in found]
    return []


def _may_be_invented(text: str) -> bool:
    text = text.lower()
    return any(text in word for word in _INVENTED) or _FLAG_LETTERS.issuperset(text)


def _any_of(needs: list[_Need | None]) -> _Need | None:
    known = [need for need in needs if need is not None]
    if len(known) < len(needs):
        return None
    return _Need(
        sum(need.cost for need in known),
        frozenset(one for need in known for one in need.alternatives),
        frozenset(cell for need in known for cell in need.cells),
    )


def _all_of(needs: list[_Need | None]) -> _Need | None:
    """The rarest need; when that is still ordinary text, the two rarest together on one line."""
    known = sorted(
        (need for need in needs if need is not None),
        key=lambda need: (need.cost, sorted(map(sorted, need.alternatives)), sorted(need.cells)),
    )
    if len(known) < 2 or known[0].cost < ORDINARY_COST:
        return known[0] if known else None
    for second in known[1:]:
        pair = _joined(known[0], second)
        if pair is not None:
            return pair
    return known[0]


def _joined(first: _Need, second: _Need) -> _Need | None:
    """Both needs on one line; None when pieces might share characters or pairs explode."""
    if first.cells or second.cells:
        return None
    if len(first.alternatives) * len(second.alternatives) > MAX_PAIRS:
        return None
    pairs = {one | two for one in first.alternatives for two in second.alternatives}
    if any(len(pair) != 2 or _may_overlap(*pair) for pair in pairs):
        return None
    return _Need(first.cost * second.cost / ORDINARY_COST / 10, frozenset(pairs))


def _may_overlap(first: Piece, second: Piece) -> bool:
    """Whether occurrences of both could share characters, so that neither follows the other."""
    one, two = first.text, second.text
    if one in two or two in one or not (first.is_joinable and second.is_joinable):
        return True
    sizes = range(1, min(len(one), len(two)))
    return any(one[-n:] == two[:n] or two[-n:] == one[:n] for n in sizes)


def _rarity(piece: Piece) -> tuple[float, int, str]:
    return piece.cost, -len(piece.text), piece.pattern
