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

and the longest remaining run of three or more characters is what is looked for, ASCII letters in
either case (``ast.fold`` never turns anything else into ASCII). A record is one line. Where a log
writes names as lengths and labels, a dot may stand as such a length.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from afterpatch.detect.indicator_patterns import raw_patterns
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
from afterpatch.detect.sigma.automata import Database, automaton
from afterpatch.detect.sigma.regexes import required_literals
from afterpatch.detect.sigma.store import RuleStore
from afterpatch.model.batches import Spelling
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import INDICATOR

MIN_LITERAL_CHARS: Final = 3
MAX_PAIRS: Final = 64
# Compiling more takes longer than parsing every line of any log seen so far (50,000: 10 s).
MAX_PATTERNS: Final = 10_000
_CUTS: Final[Mapping[Spelling, re.Pattern[str]]] = {
    "plain": re.compile(r"""[^!-~]+|["'+,?]+"""),
    "escaped": re.compile(r"""[^!-~]+|["'+,?\\/<>&]+"""),
    "backslashed": re.compile(r"""[^!-~]+|["'+,?\\]+"""),
    "parted": re.compile(r"""[^!-~]+|["'+,?/:]+"""),
    "labels": re.compile(r"""[^!-~]+|["'+,?\\/]+"""),
}
_INDICATOR_CUTS: Final[Mapping[Spelling, re.Pattern[str]]] = {
    "escaped": _CUTS["escaped"],
    "labels": re.compile(r"""[^!-~]+|["'+,?.\\/]+"""),
}
_LABEL_EDGE: Final = rb"(?:\.|\(\d\d?\))"
# Text of ordinary traffic: a literal found in it is on too many lines to be worth a callback each.
_ORDINARY: Final = (
    "https://localhost/owa/auth/logon.aspx",
    "https://localhost/ecp/default.aspx",
    "/autodiscover/autodiscover.xml",
    "/mapi/emsmdb/",
    "/mapi/nspi/",
    "/ews/exchange.asmx",
    "/rpc/rpcproxy.dll",
    "/oab/",
    "/powershell/",
    "/microsoft-server-activesync/default.eas",
    "/scripts/premium/main.js.css.png.gif.svg.ico",
    "mozilla/5.0(windowsnt10.0;win64;x64)applewebkit/537.36(khtml,likegecko)chrome/safari/",
    "clientaccess;&correlationid=<empty>;&caferequestid=&cafereqid=",
    "post get head 200 302 401 404 443 444 80 - 2021- 127.0.0.1 ::1 fe80:: true false negotiate",
)


@dataclass(frozen=True, slots=True)
class Built:
    """``prefilter`` is None when ``forced_by`` (rule id, reason) is not empty: parse every line."""

    prefilter: "TextPrefilter | None"
    forced_by: tuple[tuple[str, str], ...]


class TextPrefilter:
    """Case-insensitive scan of raw text for any of the patterns (hyperscan syntax, bytes).

    Patterns never cross a line end. The database is made, or taken from ``store``, here; make one
    per process.
    """

    def __init__(self, patterns: Iterable[bytes], store: RuleStore | None = None) -> None:
        self.patterns = tuple(sorted(set(patterns)))
        self._database: Database | None = None
        if self.patterns:
            self._database = automaton(self.patterns, caseless=True, store=store)

    def offsets(self, block: bytes | bytearray | memoryview) -> npt.NDArray[np.int64]:
        """Sorted distinct offsets into ``block``, each on the last byte of some pattern's match."""
        ends: list[int] = []
        if self._database is not None and len(block):
            keep = ends.append

            def on_match(_id: int, _from: int, to: int, _flags: int, _context: object) -> None:
                keep(to)

            text: Any = block  # any buffer will do; the stubs ask for bytes
            self._database.scan(text, match_event_handler=on_match)
        return np.unique(np.array(ends, np.int64)) - 1


@dataclass(frozen=True, slots=True)
class _Need:
    """Every matching line holds, for some member, all its literals; cost = how common that is."""

    cost: float
    alternatives: frozenset[frozenset[str]]


@dataclass(frozen=True, slots=True)
class _Log:
    """What is known of the log the lines are from."""

    spelling: Spelling
    absent: Callable[[str], bool]


# The need of a test that no line can meet: it asks for nothing.
_NEVER: Final = _Need(0.0, frozenset())


def build_prefilter(
    rules: Iterable[Rule],
    indicators: Iterable[Indicator],
    spelling: Spelling = "plain",
    absent: Callable[[str], bool] = lambda field: False,
    store: RuleStore | None = None,
) -> Built:
    """The prefilter that selects every line any of these could match.

    ``absent`` tells the fields that no line of the log has. ``store`` remembers automata.
    """
    log = _Log(spelling, absent)
    patterns: set[bytes] = set()
    forced: list[tuple[str, str]] = []
    for rule in rules:
        need = _need(rule.condition, log, negated=False)
        if need is None:
            forced.append((rule.info.id, "no text that every matching line must hold"))
        else:
            for literals in need.alternatives:
                patterns.update(_orders(literals, spelling))
    for indicator in indicators:
        if len(patterns) > MAX_PATTERNS:  # there may be a million of them
            break
        wanted = raw_patterns(indicator, _INDICATOR_CUTS.get(spelling))
        if wanted is None:
            name = f"{INDICATOR}:{indicator.type}:{indicator.value}"
            forced.append((name, "too short or too wide to look for in raw text"))
        else:
            patterns.update(wanted)
    if len(patterns) > MAX_PATTERNS:
        forced.append(("*", f"more than {MAX_PATTERNS} texts to look for: too many for one scan"))
    return Built(None if forced else TextPrefilter(patterns, store), tuple(forced))


def longest_fragment(text: str, spelling: Spelling = "plain") -> str:
    """The longest run that stands in the raw line exactly as in the column, or ""."""
    fragment = max(_CUTS[spelling].split(text), key=len, default="")
    return fragment if len(fragment) >= MIN_LITERAL_CHARS else ""


def _need(node: Node, log: _Log, *, negated: bool) -> _Need | None:
    """What a line must hold for the tree to be true (false when ``negated``)."""
    match node:
        case FieldTest():
            return None if negated else _test_need(node, log)
        case Not(item):
            return _need(item, log, negated=not negated)
        case And(items) | Or(items):
            needs = [_need(item, log, negated=negated) for item in items]
            return _all_of(needs) if isinstance(node, And) != negated else _any_of(needs)


def _test_need(test: FieldTest, log: _Log) -> _Need | None:
    spelling = log.spelling
    if test.field != ANY_FIELD and test.op not in ("null", "exists") and log.absent(test.field):
        return _NEVER
    match test.op:
        case "equals" | "contains" | "startswith" | "endswith":
            return _literal_need({test.value}, spelling)
        case "wildcard":
            parts = [part[1:] for part in wildcard_parts(test.value) if part[0] == "="]
            fragments = [longest_fragment(part, spelling) for part in parts]
            return _literal_need({max(fragments, key=len, default="")}, spelling)
        case "regex":
            return _literal_need(required_literals(test.value, test.option) or {""}, spelling)
    return None


def _literal_need(texts: Iterable[str], spelling: Spelling) -> _Need | None:
    fragments = {longest_fragment(text, spelling).lower() for text in texts}
    if "" in fragments:
        return None
    return _Need(sum(map(_cost, fragments)), frozenset(frozenset({f}) for f in fragments))


def _any_of(needs: list[_Need | None]) -> _Need | None:
    known = [need for need in needs if need is not None]
    if len(known) < len(needs):
        return None
    alternatives = frozenset(a for need in known for a in need.alternatives)
    return _Need(sum(need.cost for need in known), alternatives)


def _all_of(needs: list[_Need | None]) -> _Need | None:
    """The rarest need; when that is still ordinary text, the two rarest together on one line."""
    known = sorted(
        (need for need in needs if need is not None),
        key=lambda need: (need.cost, sorted(map(sorted, need.alternatives))),
    )
    if len(known) < 2 or known[0].cost < _ORDINARY_COST:
        return known[0] if known else None
    for second in known[1:]:
        pair = _joined(known[0], second)
        if pair is not None:
            return pair
    return known[0]


def _joined(first: _Need, second: _Need) -> _Need | None:
    """Both needs on one line; None when literals might share characters or pairs explode."""
    if len(first.alternatives) * len(second.alternatives) > MAX_PAIRS:
        return None
    pairs = {one | two for one in first.alternatives for two in second.alternatives}
    if any(len(pair) != 2 or _may_overlap(*sorted(pair)) for pair in pairs):
        return None
    return _Need(first.cost * second.cost / _ORDINARY_COST / 10, frozenset(pairs))


def _may_overlap(one: str, two: str) -> bool:
    """Whether occurrences of both could share characters, so that neither follows the other."""
    if one in two or two in one:
        return True
    sizes = range(1, min(len(one), len(two)))
    return any(one[-n:] == two[:n] or two[-n:] == one[:n] for n in sizes)


def _cost(literal: str) -> float:
    if any(literal in ordinary for ordinary in _ORDINARY):
        return _ORDINARY_COST
    return 2.0 ** -min(len(literal), 12)


_ORDINARY_COST: Final = 1.0


def _orders(literals: frozenset[str], spelling: Spelling) -> list[bytes]:
    """Hyperscan patterns for all literals on one line, whichever comes first."""
    quoted = [_quoted(literal, spelling) for literal in sorted(literals)]
    if len(quoted) == 1:
        return quoted
    one, two = quoted
    return [one + rb"[^\n]*" + two, two + rb"[^\n]*" + one]


def _quoted(literal: str, spelling: Spelling) -> bytes:
    edge = _LABEL_EDGE if spelling == "labels" else rb"\."
    return edge.join(re.escape(part).encode() for part in literal.split("."))
