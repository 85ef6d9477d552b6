"""The first screen: per host, in words, exposed, hit, by whom, blocked, done.

Enters: the assessment document and a rich console. Leaves: text on that console, readable from 80
columns on. Control characters of the evidence are written out, never sent to the terminal.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afterpatch.report.hunt_text import render_beside_verdicts
from afterpatch.report.safe_text import cut, readable
from afterpatch.report.shape import Document, HostEntry, VerdictEntry
from afterpatch.report.steps import first_steps, grouped_steps
from afterpatch.report.story import render_story
from afterpatch.report.terminal import (
    LIMIT_CHARS,
    bullet,
    coverage_bar,
    heading,
    outcome_text,
    paragraph,
    print_trimmed,
)
from afterpatch.report.words import (
    OUTCOMES,
    QUESTION_TITLES,
    counted,
    dated,
    headline,
    outcome,
    short_names,
    unread,
)
from afterpatch.report.words_coverage import uncleared, window_start

__all__ = ["render_story", "render_summary"]

MAX_NEXT: Final = 12
MAX_NOTICES: Final = 8
MAX_CELL_CHARS: Final = 60

Row = tuple[HostEntry, VerdictEntry]


def render_summary(document: Mapping[str, Any], console: Console) -> None:
    """Print the table, one sentence per host, what was left unread, and the next steps."""
    doc = readable(document, LIMIT_CHARS)
    rows = ranked(doc)
    paragraph(console, headline(doc), 0, "bold")
    paragraph(console, _read(doc), 0, "dim")
    if rows:
        console.print()
        print_trimmed(console, _table(doc, rows, console.options.ascii_only))
        _sentences(rows, console)
    if doc["hunt"]:
        render_beside_verdicts(doc["hunt"], console)
    _unread(doc, console)
    _notices(doc, console)
    _next_steps(rows, console)


def ranked(document: Document) -> list[Row]:
    """Every host × campaign, worst first, then by name."""
    rows = [(host, verdict) for host in document["hosts"] for verdict in host["verdicts"]]
    return sorted(
        rows,
        key=lambda row: (OUTCOMES.index(outcome(row[1])), row[0]["host"], row[1]["campaign"]),
    )


def _read(doc: Document) -> str:
    counts = doc["counts"]
    campaigns = ", ".join(f"{one['id']} {one['version']}" for one in doc["tool"]["campaigns"])
    read = f"{counted(counts['records'], 'record')} in {counted(counts['sources'], 'file')}"
    hosts = counted(counts["hosts"], "host")
    return f"{read} from {hosts}, against {campaigns or 'no campaign'}. Times are UTC."


def _table(doc: Document, rows: list[Row], ascii_only: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    names = short_names(host["host"] for host, _ in rows)
    table.add_column("Host", overflow="fold", min_width=min(15, max(map(len, names.values()))))
    for question, title in QUESTION_TITLES.items():
        least = len("compromised,") if question == "hit" else len(title)
        table.add_column(title, overflow="fold", min_width=least)
    table.add_column("Logs seen", no_wrap=True)
    several = len(doc["tool"]["campaigns"]) > 1
    for host, verdict in rows:
        name = cut(names[host["host"]], MAX_CELL_CHARS)
        cells = [Text(f"{name} ({verdict['campaign']})" if several else name)]
        for answer in verdict["answers"]:
            if answer["question"] == "hit":
                cells.append(outcome_text(verdict))
            else:
                cells.append(Text(cut(answer["answer"], MAX_CELL_CHARS)))
        table.add_row(
            *cells, Text(coverage_bar(verdict, window_start(doc, verdict), ascii_only=ascii_only))
        )
    return table


def _sentences(rows: list[Row], console: Console) -> None:
    console.print()
    for host, verdict in rows:
        line = Text.assemble((cut(host["host"], MAX_CELL_CHARS), "bold"), "  ", verdict["answer"])
        line.append(f" Confidence: {verdict['confidence']}.", style="dim")
        if when := dated(verdict):
            line.append(f" {when}")
        bullet(console, line, mark="-", indent=0)
        open_part = uncleared(verdict)
        # The answer of a host with findings does not say what else may have stayed unseen.
        if open_part and outcome(verdict) in ("compromised", "follow-up"):
            paragraph(console, open_part)


def _unread(doc: Document, console: Console) -> None:
    phrases = unread(doc)
    if not phrases:
        heading(console, "Left unread: nothing that was recognised as evidence.")
        return
    heading(console, "Left unread, so nothing is concluded from it")
    for phrase in phrases[:MAX_NOTICES]:
        bullet(console, phrase)
    _more(console, len(phrases) - MAX_NOTICES)


def _notices(doc: Document, console: Console) -> None:
    if not doc["notices"]:
        return
    topics = Counter(notice["topic"] for notice in doc["notices"])
    tally = ", ".join(f"{topic} {number}" for topic, number in sorted(topics.items()))
    heading(console, f"Worth knowing ({tally})")
    for notice in doc["notices"][:MAX_NOTICES]:
        where = f" [{notice['source']}]" if notice["source"] else ""
        bullet(console, f"{notice['topic']}: {notice['text']}{where}")
    _more(console, len(doc["notices"]) - MAX_NOTICES)


def _next_steps(rows: list[Row], console: Console) -> None:
    """Every step once, under the hosts it is for, steps of the worst hosts first."""
    groups = grouped_steps((host["host"], verdict) for host, verdict in rows)
    if not groups:
        return
    heading(console, "Next")
    number = 0
    for group in first_steps(groups, MAX_NEXT):
        shown = ", ".join(cut(host, MAX_CELL_CHARS) for host in group.hosts[:3])
        more = f" and {len(group.hosts) - 3} more" if len(group.hosts) > 3 else ""
        paragraph(console, f"{shown}{more}", 2, "bold")
        for step in group.steps:
            number += 1
            bullet(console, step, mark=f"{number:>2}.", indent=2)
    _more(console, sum(len(group.steps) for group in groups) - number)


def _more(console: Console, hidden: int) -> None:
    if hidden > 0:
        bullet(console, Text(f"and {hidden} more, in assessment.json", style="dim"))
