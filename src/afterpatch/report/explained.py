"""The explanation of a rule on a terminal: an indented tree of statements, each marked.

Enters: a tree whose nodes have ``text``, ``held``, ``why`` and ``children``. Leaves: lines with
``+`` (true) or ``-`` (false). Of a long list of alternatives the telling ones are shown: those that
held, or the first of those that did not; the rest are counted.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from rich.console import Console
from rich.text import Text

from afterpatch.report.safe_text import cut, visible
from afterpatch.report.terminal import bullet

MAX_CHILDREN: Final = 6
MAX_CHARS: Final = 400


class Statement(Protocol):
    """One statement of the tree."""

    @property
    def text(self) -> str: ...
    @property
    def held(self) -> bool: ...
    @property
    def why(self) -> str: ...
    @property
    def children(self) -> Sequence["Statement"]: ...


def render_explained(
    statement: Statement, console: Console, *, whole: bool, depth: int = 0
) -> None:
    """Print the tree; ``whole``: every alternative."""
    why = f": {cut(statement.why, MAX_CHARS)}" if statement.why else ""
    line = visible(cut(statement.text, MAX_CHARS) + why)
    mark, style = ("+", "green") if statement.held else ("-", "red")
    bullet(console, Text(line, style=style), mark=mark, indent=2 * depth)
    shown = list(statement.children) if whole else _telling(statement)
    for child in shown:
        render_explained(child, console, whole=whole, depth=depth + 1)
    hidden = len(statement.children) - len(shown)
    if hidden:
        text = Text(f"and {hidden} more: see --whole", style="dim")
        bullet(console, text, mark=" ", indent=2 * depth + 2)


def _telling(statement: Statement) -> list[Statement]:
    """The parts that decide: of a true "any of" the true ones, of a false "all of" the false."""
    parts = statement.children
    if len(parts) <= MAX_CHILDREN:
        return list(parts)
    deciding = [part for part in parts if part.held == statement.held]
    return (deciding or list(parts))[:MAX_CHILDREN]
