"""The evidence behind a claim, as it lies in the files now.

Enters: the assessment document, a host, maybe one finding, and the original records that the caller
re-read from the evidence. Leaves: claim, rules, exact records with their hash status, and what
would change the verdict. It opens no evidence itself, and says so where a record was not re-read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from afterpatch.model.errors import UsageError
from afterpatch.report.safe_text import cut, readable, visible
from afterpatch.report.shape import (
    Document,
    FindingEntry,
    HostEntry,
    PlaceEntry,
    RuleEntry,
    VerdictEntry,
)
from afterpatch.report.story import find_host
from afterpatch.report.terminal import bullet, heading, paragraph, verbatim
from afterpatch.report.words import counted, decides, intervals, listed, moment
from afterpatch.report.words_coverage import missing_logs

MAX_LINE_CHARS: Final = 16_384
MAX_PLACES: Final = 3  # of one claim, unless it was asked for
STORED: Final = "not re-read from the evidence; this is the text kept in the assessment"
CHANGED: Final = "THE EVIDENCE CHANGED: its hash is not the one the assessment recorded"


@dataclass(frozen=True, slots=True)
class ExplainLine:
    """A record read again. ``verified``: its source still has the recorded SHA-256.

    ``texts``: of all records with that number. A collector's log has the numbers of many computers.
    """

    texts: tuple[str, ...]
    verified: bool


Lines = Mapping[tuple[str, int], ExplainLine]


def render_explain(
    document: Mapping[str, Any],
    host: str,
    finding: str | None,
    lines: Lines,
    console: Console,
) -> None:
    """Print the claim on ``host`` (or its one ``finding``) with the exact records behind it.

    lines  (source name, record) -> the record as it is in the evidence now.
    Raises UsageError for a host or finding that the document does not have.
    """
    position = find_host(document, host)
    shown = {(visible(cut(name, MAX_LINE_CHARS)), at): line for (name, at), line in lines.items()}
    doc = readable(document, MAX_LINE_CHARS)
    entry = doc["hosts"][position]
    if finding is not None:
        _refuse_unknown(document["hosts"][position], finding)
        finding = visible(cut(finding, MAX_LINE_CHARS))
    for verdict in entry["verdicts"]:
        chosen = [one for one in verdict["because"] if finding in (None, one["finding"])]
        if chosen or finding is None:
            _verdict(doc, entry, verdict, chosen, shown, console)


def _refuse_unknown(entry: Mapping[str, Any], finding: str) -> None:
    known = [one["finding"] for verdict in entry["verdicts"] for one in verdict["because"]]
    if finding not in known:
        listed = cut(", ".join(known) or "none", 500)
        raise UsageError(f"{entry['host']} has no finding {finding!r}; findings: {listed}")


def _verdict(
    doc: Document,
    entry: HostEntry,
    verdict: VerdictEntry,
    findings: list[FindingEntry],
    lines: Lines,
    console: Console,
) -> None:
    console.print()
    console.print(Text(f"{entry['host']}  {verdict['campaign']}", style="bold"))
    paragraph(console, f"{verdict['answer']} Confidence: {verdict['confidence']}.", 0)
    rules = {rule["id"]: rule for rule in doc["rules"]}
    strong = [one for one in findings if not one["weak"]]
    only = len(findings) == 1
    printed: set[tuple[str, int, str]] = set()
    for one in sorted(strong, key=lambda one: not decides(one, verdict)):
        _finding(one, rules, lines, console, printed=printed, most=None if only else MAX_PLACES)
    for one in findings:
        if one["weak"]:
            _finding(one, rules, lines, console, printed=printed, most=None if only else 1)
    if not findings:
        paragraph(console, "No record speaks for a hit; the claim rests on what was read.", 0)
    _what_would_change(verdict, console)


def _finding(
    finding: FindingEntry,
    rules: Mapping[str, RuleEntry],
    lines: Lines,
    console: Console,
    *,
    printed: set[tuple[str, int, str]],
    most: int | None,
) -> None:
    console.print()
    paragraph(console, f"Claim {finding['finding']}: {finding['title']}", 0, "bold")
    stage = finding["stage"] or "no stage of the campaign"
    weak = "; a weak signal, which never sets a verdict alone" if finding["weak"] else ""
    paragraph(
        console,
        f"Shows {stage}{weak}. {counted(finding['count'], 'record')}, "
        f"first {moment(finding['first'])}, last {moment(finding['last'])} UTC.",
    )
    for rule in finding["rules"]:
        _rule(rule, rules.get(rule), console)
    kept = len(finding["places"])
    if kept < finding["count"]:
        paragraph(console, f"{kept:,} of {counted(finding['count'], 'record')} kept as examples:")
    for place in finding["places"][:most]:
        _place(place, lines, printed, console)
    hidden = 0 if most is None else kept - most
    if hidden > 0:
        console.print()
        left = counted(hidden, "more record", "more records")
        paragraph(console, f"and {left}: name the claim in the command to see all.")


def _rule(name: str, rule: RuleEntry | None, console: Console) -> None:
    if rule is None:
        paragraph(console, f"Rule {name}")
        return
    paragraph(console, f"Rule {rule['title']} ({rule['engine']} {name})")
    for title, text in (("Finds", rule["finds"]), ("Misses", rule["misses"])):
        if text:
            paragraph(console, f"{title}: {text}", 4)
    for reference in rule["references"]:
        paragraph(console, f"Source: {reference}", 4)


def _place(
    place: PlaceEntry, lines: Lines, printed: set[tuple[str, int, str]], console: Console
) -> None:
    key = (place["source"], place["record"], place["raw"])
    line = lines.get(key[:2])
    console.print()
    at = f"record {place['record']:,}" if place["record"] else "whole file"
    member = f", member {place['member']}" if place["member"] is not None else ""
    paragraph(console, Text(f"{place['path']}{member}, {at}", style="bold"))
    if key in printed:
        paragraph(console, "the same record as printed above", 4, "dim")
        return
    printed.add(key)
    recorded = place["sha256"] or "not recorded"
    paragraph(console, f"sha256 {recorded}", 4)
    if line is None:
        paragraph(console, STORED, 4, "yellow")
    elif line.verified:
        paragraph(console, "read again; hash as recorded", 4, "green")
    else:
        paragraph(console, CHANGED, 4, "bold red")
    verbatim(console, _text(place, line, console) if line else place["raw"], 4)


def _text(place: PlaceEntry, line: ExplainLine, console: Console) -> str:
    """Of several records with one number, the one whose text the assessment kept."""
    texts = [visible(cut(text, MAX_LINE_CHARS)) for text in line.texts]
    kept = place["raw"].removesuffix(" …")
    same = [text for text in texts if kept and text.startswith(kept)]
    if len(texts) > 1 and not same:
        note = f"the first of {len(texts)} records with this number; its own text was not kept"
        paragraph(console, note, 4, "yellow")
    return (same or texts)[0]


def _what_would_change(verdict: VerdictEntry, console: Console) -> None:
    heading(console, "What would change this verdict")
    deciding = [one["finding"] for one in verdict["because"] if decides(one, verdict)]
    if deciding:
        claims = f"claim {deciding[0]}" if len(deciding) == 1 else f"claims {listed(deciding)}"
        bullet(console, f"Lower, if {claims} should turn out to be harmless.")
    for reason in verdict["why_not_higher"]:
        bullet(console, f"Not higher because: {reason}")
    if not verdict["cannot_be_cleared"]:
        text = "The needed logs cover the window." if verdict["cleared"] else "No interval is open."
        bullet(console, text)
        return
    bullet(console, f"Cannot be cleared for {intervals(verdict['cannot_be_cleared'], 12)}.")
    for log in missing_logs(verdict):
        where = f", from {log['fetch']}" if log["fetch"] else ""
        bullet(
            console,
            f"Fetch {log['title'] or log['log']}{where}: missing {intervals(log['missing'], 12)}.",
        )
