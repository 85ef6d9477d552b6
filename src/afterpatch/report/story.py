"""The whole story of one host on a terminal: what, when, why, and what is not known.

Enters: the assessment document, a host's name, a rich console. Leaves: text on that console.
Raises UsageError when no such host is in the document.
"""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from afterpatch.model.errors import UsageError
from afterpatch.report.safe_text import cut, readable
from afterpatch.report.shape import (
    CoverageEntry,
    Document,
    FindingEntry,
    HostEntry,
    IntrusionEntry,
    PlaceEntry,
    Time,
    VerdictEntry,
)
from afterpatch.report.terminal import (
    LIMIT_CHARS,
    OUTCOME_STYLES,
    bullet,
    coverage_bar,
    heading,
    paragraph,
    print_trimmed,
    verbatim,
)
from afterpatch.report.words import (
    ORDER_SENTENCES,
    OUTCOME_TITLES,
    QUESTION_TITLES,
    STATE_TITLES,
    bounds,
    by_value,
    clock,
    counted,
    dated,
    decides,
    intervals,
    listed,
    lived,
    moment,
    outcome,
)
from afterpatch.report.words_coverage import uncleared, window_start

MAX_RAW_CHARS: Final = 400
MAX_FIELD_CHARS: Final = 160
MAX_VALUES: Final = 6


def render_story(document: Mapping[str, Any], host: str, console: Console) -> None:
    """Print everything the document says of one host, named by its name or an alias."""
    name = find_host(document, host)
    doc = readable(document, LIMIT_CHARS)
    entry = doc["hosts"][name]
    console.rule(Text(cut(entry["host"], 60), style="bold"), align="left")
    also = f" Also called {', '.join(entry['aliases'])}." if entry["aliases"] else ""
    paragraph(console, f"Named by {entry['named_by']}.{also} Times are UTC.", 0, "dim")
    titles = {rule["id"]: rule["title"] for rule in doc["rules"]}
    for verdict in entry["verdicts"]:
        _verdict(verdict, titles, window_start(doc, verdict), console)
        _intrusions(verdict, doc, console)
        _list(console, "Next", verdict["next"], numbered=True)
    _gaps(entry, doc, console)


def find_host(document: Mapping[str, Any], host: str) -> int:
    """Position of the host with this name, alias or short name; case does not matter."""
    wanted = host.casefold()
    hosts = document["hosts"]
    for full in (True, False):
        for position, entry in enumerate(hosts):
            names = [entry["host"], *entry["aliases"]]
            if wanted in {(n if full else n.split(".", 1)[0]).casefold() for n in names}:
                return position
    known = ", ".join(entry["host"] for entry in hosts) or "none"
    raise UsageError(f"no host {host!r} in this assessment; hosts: {cut(known, 500)}")


def _verdict(
    verdict: VerdictEntry, titles: Mapping[str, str], start: Time | None, console: Console
) -> None:
    found = outcome(verdict)
    console.print()
    title = Text(OUTCOME_TITLES[found], style=OUTCOME_STYLES[found])
    console.print(title.append(f"  ({verdict['campaign']})", style="dim"))
    told = f"{verdict['answer']} Confidence: {verdict['confidence']}. {dated(verdict)}"
    paragraph(console, told.rstrip(), 0)
    console.print()
    for answer in verdict["answers"]:
        line = Text(f"{QUESTION_TITLES[answer['question']]:<8}", style="bold")
        line.append(f" {answer['answer']}", style="")
        detail = f": {answer['detail']}" if answer["detail"] else ""
        line.append(f"{detail} ({answer['confidence']} confidence)", style="not bold")
        bullet(console, line)
    _timeline(verdict, console)
    _because(verdict, titles, console)
    _list(console, "Why not higher", verdict["why_not_higher"])
    _coverage(verdict, start, console)
    _lifetimes(verdict, console)
    _exposure(verdict, console)


def _timeline(verdict: VerdictEntry, console: Console) -> None:
    heading(console, "What happened")
    if not verdict["because"]:
        paragraph(console, "No evidence found in what could be read.")
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", max_width=18)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True, justify="right")
    weak = [finding for finding in verdict["because"] if finding["weak"]]
    for finding in verdict["because"]:
        if finding["weak"]:
            continue
        table.add_row(
            Text(f"  {moment(finding['first'])}"),
            Text(finding["stage"] or "no stage"),
            Text(finding["title"]),
            Text(f"×{finding['count']:,}"),
        )
    if table.row_count:
        print_trimmed(console, table)
    titles = listed(sorted({finding["title"] for finding in weak}))
    if weak:
        paragraph(console, f"{counted(len(weak), 'weak signal')}, no proof alone: {titles}.")


def _because(verdict: VerdictEntry, titles: Mapping[str, str], console: Console) -> None:
    strong = [finding for finding in verdict["because"] if not finding["weak"]]
    if not strong:
        return
    heading(console, "Because")
    for finding in sorted(strong, key=lambda one: not decides(one, verdict)):
        console.print(Text(f"  {finding['finding']}  {finding['title']}", style="bold"))
        paragraph(console, _when(finding), 4)
        rules = ", ".join(titles.get(rule) or rule for rule in finding["rules"])
        paragraph(console, f"Rule: {rules}", 4)
        if finding["key"]:
            shared = ", ".join(f"{name} {value}" for name, value in finding["key"].items())
            paragraph(console, f"Shared: {shared}", 4)
        for place in finding["places"][:1]:
            excerpt(console, place, 4)


def _when(finding: FindingEntry) -> str:
    records = counted(finding["count"], "record")
    if finding["first"] == finding["last"]:
        return f"{records}, {moment(finding['first'])}"
    return f"{records}, first {moment(finding['first'])}, last {moment(finding['last'])}"


def excerpt(console: Console, place: PlaceEntry, indent: int) -> None:
    """One record: where it is, its telling fields, its original text."""
    at = f"record {place['record']:,}" if place["record"] else "whole file"
    paragraph(console, f"{place['source']}, {at}", indent, "dim")
    for names, value in by_value(place["excerpt"]):
        paragraph(console, f"{names}: {cut(value, MAX_FIELD_CHARS)}", indent + 2)
    if place["raw"]:
        verbatim(console, cut(place["raw"], MAX_RAW_CHARS), indent + 2)


def _coverage(verdict: VerdictEntry, start: Time | None, console: Console) -> None:
    bar = coverage_bar(verdict, start, ascii_only=console.options.ascii_only)
    heading(console, f"What the logs could show  {bar}")
    for log in verdict["coverage"]:
        bullet(console, _log_line(log))
    if not verdict["coverage"]:
        paragraph(console, "No log of this campaign was read.")
    open_part = uncleared(verdict)
    if open_part:
        paragraph(console, Text(open_part, style="bold"))


def _log_line(log: CoverageEntry) -> Text:
    line = Text(log["title"] or log["log"], style="bold")
    if not log["needed"]:
        line.append(" (helps, not needed)", style="not bold dim")
    most = 4 if log["needed"] else 1
    seen = intervals(log["observed"], most) if log["observed"] else "never"
    missing = intervals(log["missing"], most) if log["missing"] else "nothing"
    records = counted(log["records"], "record")
    return line.append(f": {records}; seen {seen}; missing {missing}", style="not bold")


def _lifetimes(verdict: VerdictEntry, console: Console) -> None:
    if not verdict["lifetimes"]:
        return
    heading(console, "What came and went")
    for life in verdict["lifetimes"]:
        bullet(console, f"{life['name']} {life['key']}: {lived(life)}")


def _exposure(verdict: VerdictEntry, console: Console) -> None:
    exposure = verdict["exposure"]
    heading(console, f"Exposure of {exposure['product'].capitalize() or 'the product'}")
    for span in exposure["timeline"]:
        state = STATE_TITLES[span["state"]]
        build = f", build {span['build']}" if span["build"] else ""
        why = f" ({span['evidence']})" if span["evidence"] else ""
        bullet(console, f"{clock(span['from'])} to {clock(span['to'])}: {state}{build}{why}")
    if not exposure["timeline"]:
        paragraph(console, "No build is known at any time.")
    if exposure["patched_at"]:
        paragraph(console, f"Fixed {bounds(*exposure['patched_at'])}.")
    paragraph(console, ORDER_SENTENCES[exposure["order"]])
    for doubt in exposure["doubts"]:
        bullet(console, f"Doubt: {doubt}")


def _intrusions(verdict: VerdictEntry, doc: Document, console: Console) -> None:
    mine = [one for one in doc["intrusions"] if one["id"] in verdict["intrusions"]]
    for intrusion in mine:
        heading(console, f"Intrusion {intrusion['id']}")
        _intrusion(intrusion, console)


def _intrusion(intrusion: IntrusionEntry, console: Console) -> None:
    hosts = ", ".join(intrusion["hosts"])
    paragraph(console, f"{moment(intrusion['first'])} to {moment(intrusion['last'])}, on {hosts}.")
    for name, values in intrusion["infrastructure"].items():
        more = f" and {len(values) - MAX_VALUES} more" if len(values) > MAX_VALUES else ""
        bullet(console, f"{name}: {', '.join(values[:MAX_VALUES])}{more}")
    paragraph(console, "Who? Hypotheses, not findings:")
    for one in intrusion["hypotheses"]:
        bullet(console, Text(f"{one['actor']} (score {one['score']})", style="bold"), indent=4)
        for reason in one["for"]:
            bullet(console, f"for: {reason}", mark="+", indent=6)
        for reason in one["against"]:
            bullet(console, f"against: {reason}", mark="-", indent=6)


def _gaps(entry: HostEntry, doc: Document, console: Console) -> None:
    mine = {source["name"] for source in doc["sources"] if source["host"] == entry["host"]}
    gaps = [gap for gap in doc["gaps"] if gap["source"] in mine]
    shown = [
        f"{gap['source']}, {gap['place']}: {gap['reason']}"
        + (f" ({counted(gap['records'], 'record')})" if gap["records"] else "")
        for gap in gaps[:20]
    ]
    if len(gaps) > len(shown):
        shown.append(f"and {len(gaps) - len(shown)} more, in assessment.json")
    _list(console, "Left unread on this host", shown)


def _list(console: Console, title: str, lines: list[str], *, numbered: bool = False) -> None:
    if not lines:
        return
    heading(console, title)
    for number, line in enumerate(lines, start=1):
        bullet(console, line, mark=f"{number}." if numbered else "-")
