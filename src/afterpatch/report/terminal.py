"""Pieces that the terminal views share: colours, headings, hanging paragraphs.

Everything is built as rich ``Text``, never as markup, so brackets in evidence stay brackets. Colour
only adds: every state is also a word. Whether there is colour at all is rich's decision (terminal,
``NO_COLOR``).
"""

from typing import Final

from rich.cells import chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afterpatch.report.shape import Time, VerdictEntry
from afterpatch.report.words import OUTCOME_SHORT, outcome
from afterpatch.report.words_coverage import percent, seen_share

LIMIT_CHARS: Final = 1_200  # of one string on a terminal; the document has all of it
OUTCOME_STYLES: Final = {
    "follow-up": "bold magenta",
    "compromised": "bold red",
    "attempted": "yellow",
    "not-cleared": "cyan",
    "cleared": "green",
}
BAR_CELLS: Final = 8


def heading(console: Console, text: str) -> None:
    """A section title with air above it."""
    console.print()
    console.print(Text(text, style="bold"))


def paragraph(console: Console, text: str | Text, indent: int = 2, style: str = "") -> None:
    """Wrapped text with every line indented."""
    _hang(console, text if isinstance(text, Text) else Text(text, style=style), "", indent)


def bullet(console: Console, text: str | Text, mark: str = "-", indent: int = 2) -> None:
    """``- text`` with the following lines hanging under the text."""
    _hang(console, text if isinstance(text, Text) else Text(text), f"{mark} ", indent)


def verbatim(console: Console, text: str, indent: int) -> None:
    """Evidence behind a bar, cut at the edge of the screen and not at words."""
    lead = " " * indent + "| "
    for line in chop_cells(text, max(console.width - len(lead), 20)) or [""]:
        console.print(Text(lead, style="dim").append(line, style="not dim"), no_wrap=True)


def print_trimmed(console: Console, table: Table) -> None:
    """A table without the blanks that fill its last column: they wrap in narrower terminals."""
    for line in console.render_lines(table, pad=False):
        text = Text.assemble(*((one.text, one.style or "") for one in line if not one.control))
        text.rstrip()
        console.print(text, no_wrap=True, crop=False)


def _hang(console: Console, body: Text, lead: str, indent: int) -> None:
    width = max(console.width - indent - len(lead), 20)
    for number, line in enumerate(body.wrap(console, width) or [Text()]):
        line.rstrip()
        shown = lead if number == 0 else " " * len(lead)
        console.print(Text(" " * indent + shown).append_text(line), no_wrap=True, crop=False)


def outcome_text(verdict: VerdictEntry) -> Text:
    """The outcome as one short word, coloured."""
    found = outcome(verdict)
    return Text(OUTCOME_SHORT[found], style=OUTCOME_STYLES[found])


def coverage_bar(verdict: VerdictEntry, start: Time | None, *, ascii_only: bool = False) -> str:
    """``████▒···  56%``: the window left to right, seen fully, in part, not at all.

    A blank is time in which nothing was recorded and nothing is missed.
    """
    shares = seen_share(verdict, BAR_CELLS, start)
    if not shares:
        return "nothing read"
    full, part, none = "#=." if ascii_only else "█▒·"

    def cell(share: float | None) -> str:
        if share is None:
            return " "
        return full if share > 0.995 else none if share < 0.005 else part

    return f"{''.join(map(cell, shares))} {percent(shares):>3}%"
