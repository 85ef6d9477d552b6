"""User-given regular expressions: compiled safely, and the literals they cannot do without.

Enters: a pattern in RE2 syntax and Sigma's flags. Leaves: a matcher that cannot backtrack, and
required literals for scans. Will not do: rewriting patterns.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import re2

_COUNT: Final = re.compile(r"\{(\d{1,4})(,\d{0,4})?\}")
_INLINE_IGNORECASE: Final = re.compile(r"\(\?[a-zA-Z]*i")
_LONG_ESCAPE: Final = re.compile(
    r"\\(?:x\{[^}]*\}|x..|[pP]\{[^}]*\}|[pP].|[0-7]{1,3}|.)", re.DOTALL
)


def compile_regex(pattern: str, flags: str) -> Any:
    """The pattern as an RE2 object with ``search``. Raises ValueError saying what RE2 rejects."""
    try:
        return re2.compile(f"(?{flags}){pattern}" if flags else pattern, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else "rejected"
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"outside RE2 syntax: {text}") from error


def searcher(pattern: str, flags: str) -> Callable[[str], bool]:
    """Whether the pattern is found in a text. RE2's set of patterns answers yes or no at a third of
    the price of a match object. Raises ValueError as :func:`compile_regex`."""
    compile_regex(pattern, flags)
    patterns = re2.Set.SearchSet(_options())
    patterns.Add(f"(?{flags}){pattern}" if flags else pattern)
    patterns.Compile()
    match = patterns.Match
    return lambda text: bool(match(text.encode()))  # a Set encodes texts at a higher price


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def required_literals(pattern: str, flags: str) -> frozenset[str] | None:
    """Texts of which every match contains at least one; None when there are none.

    Conservative: syntax it does not know counts as "anything". Under ``i`` the letters k and s are
    left out because RE2 lets the Kelvin sign and the long s match them.
    """
    sets = required_sets(pattern, flags)
    return max(sets, key=_selectivity, default=None)


def required_sets(pattern: str, flags: str) -> list[frozenset[str]]:
    """Sets of texts: every match contains at least one text of each set; see above."""
    ignorecase = "i" in flags or _INLINE_IGNORECASE.search(pattern) is not None
    if "\\Q" in pattern:
        return []
    walker = _Walker(pattern, ignorecase)
    best, end = walker.alternation(0, 0)
    if best is None or end != len(pattern):
        return []
    return walker.outermost[0] if len(walker.outermost) == 1 else [best]


def _selectivity(texts: frozenset[str]) -> tuple[int, int]:
    return min(map(len, texts)), -len(texts)


class _Walker:
    """One pass over a pattern; positions are indexes into it."""

    MAX_DEPTH = 50

    def __init__(self, pattern: str, ignorecase: bool) -> None:
        self.pattern = pattern
        self.ignorecase = ignorecase
        self.outermost: list[list[frozenset[str]]] = []  # per branch of the whole pattern

    def alternation(self, at: int, depth: int) -> tuple[frozenset[str] | None, int]:
        """Branches joined by ``|`` up to a closing parenthesis or the end."""
        found: frozenset[str] | None = frozenset()
        while True:
            branch, at = self._branch(at, depth)
            found = None if found is None or branch is None else found | branch
            if at >= len(self.pattern) or self.pattern[at] != "|":
                return found, at
            at += 1

    def _branch(self, at: int, depth: int) -> tuple[frozenset[str] | None, int]:
        found: list[frozenset[str]] = []
        run = ""
        while at < len(self.pattern) and self.pattern[at] not in "|)":
            literal, inner, at = self._atom(at, depth)
            minimum, exact, at = self._quantifier(at)
            if literal and minimum and exact:
                run += literal
                continue
            if run or (literal and minimum):
                found.append(frozenset({run + (literal if minimum else "")}))
            run = ""
            if inner and minimum:
                found.append(inner)
        if run:
            found.append(frozenset({run}))
        if not depth:
            self.outermost.append(found)
        return max(found, key=_selectivity, default=None), at

    def _atom(self, at: int, depth: int) -> tuple[str, frozenset[str] | None, int]:
        """(literal character or "", required literals of a group, position after the atom)."""
        character = self.pattern[at]
        if character == "(":
            return "", *self._group(at, depth)
        if character == "[":
            return "", None, self._class_end(at)
        if character == "\\":
            escape = _LONG_ESCAPE.match(self.pattern, at)
            if escape is None:
                return "", None, at + 1
            text = escape[0][1:]
            plain = len(text) == 1 and text.isascii() and not text.isalnum()
            return (text if plain else ""), None, escape.end()
        if character in ".^$*+?" or self._folds_beyond_ascii(character):
            return "", None, at + 1
        return character, None, at + 1

    def _folds_beyond_ascii(self, character: str) -> bool:
        return self.ignorecase and (character in "kKsS" or not character.isascii())

    def _group(self, at: int, depth: int) -> tuple[frozenset[str] | None, int]:
        at += 1
        if self.pattern.startswith("?", at):
            while at < len(self.pattern) and self.pattern[at] not in ":>)":
                at += 1
            if at < len(self.pattern) and self.pattern[at] != ")":
                at += 1
        if depth > self.MAX_DEPTH:
            return None, len(self.pattern) + 1
        inner, at = self.alternation(at, depth + 1)
        return inner, at + 1

    def _class_end(self, at: int) -> int:
        at += 2 if self.pattern.startswith("[^", at) else 1
        at += 1 if self.pattern.startswith("]", at) else 0
        while at < len(self.pattern) and self.pattern[at] != "]":
            if self.pattern.startswith("[:", at):
                closing = self.pattern.find(":]", at + 2)
                at = closing + 1 if closing > 0 else at
            at += 2 if self.pattern[at] == "\\" else 1
        return at + 1

    def _quantifier(self, at: int) -> tuple[bool, bool, int]:
        """(at least one, exactly one, position after), several stacked marks taken together."""
        minimum = exact = True
        while at < len(self.pattern):
            count = _COUNT.match(self.pattern, at)
            if self.pattern[at] in "*?+":
                minimum = minimum and self.pattern[at] == "+"
                at += 1
            elif count:
                minimum = minimum and int(count[1]) > 0
                at = count.end()
            else:
                break
            exact = False
        return minimum, exact, at
