"""A hunt on a terminal: counts first, examples after, then the account of what was not looked at.

Enters: the document of a hunt, or the ``hunt`` of an assessment, and a rich console. Leaves: text
readable from 80 columns on. The order is the ranking of the document; what is cut is counted.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from rich.console import Console
from rich.text import Text

from afterpatch.model.hunts import LEVELS
from afterpatch.report.safe_text import cut, readable
from afterpatch.report.shape import GapEntry, HitGroupEntry, HuntDocument, HuntEntry
from afterpatch.report.terminal import LIMIT_CHARS, bullet, heading, paragraph
from afterpatch.report.words import clock, counted, gap_reasons, moment

MAX_BESIDE_RULES: Final = 12
MAX_HOSTS: Final = 8  # per rule
MAX_EXAMPLE_RULES: Final = 10
MAX_EXAMPLES: Final = 2  # per rule
MAX_REASONS: Final = 8
MAX_NAME_CHARS: Final = 60
MAX_FIELD_CHARS: Final = 240
LEVEL_STYLES: Final = {
    "critical": "bold magenta",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "informational": "dim",
}
_GENERAL: Final = frozenset({"EventID", "Channel"})
_STATES: Final = ("evaluated", "not applicable", "needs placeholder", "unsupported")

Groups = list[HitGroupEntry]


def render_hunt(document: HuntDocument, console: Console, top: int, account: bool) -> None:
    """The whole hunt; at most ``top`` rules (0 = all); ``account``: also each rule's fate."""
    doc = cast(HuntDocument, readable(cast(Mapping[str, Any], document), LIMIT_CHARS))
    hunt, counts = doc["hunt"], doc["counts"]
    paragraph(console, hunt_headline(hunt), 0, "bold")
    read = f"{counted(counts['records'], 'record')} in {counted(counts['sources'], 'file')}"
    paragraph(console, f"{read} from {counted(counts['hosts'], 'host')}. Times are UTC.", 0, "dim")
    _findings(hunt, console, top)
    _all_examples(hunt, console, top)
    _suppressions(hunt, console)
    _account(hunt, console, account)
    _unread(doc, console)


def render_beside_verdicts(hunt: HuntEntry, console: Console) -> None:
    """The same for the first screen of an assessment, in short; ``hunt`` is already readable."""
    heading(console, "Your own rules (no verdict rests on them)")
    paragraph(console, hunt_headline(hunt), 0)
    _findings(hunt, console, MAX_BESIDE_RULES)
    _suppressions(hunt, console)
    _account(hunt, console, each=False)
    for reason, places, _ in gap_reasons(hunt["gaps"])[:MAX_REASONS]:
        bullet(console, f"{reason}: {counted(places, 'place')}")


def hunt_headline(hunt: HuntEntry) -> str:
    """How much was found, in one sentence."""
    findings = hunt["findings"]
    hosts = f"of {counted(len(hunt['hosts']), 'host')}"
    if not findings:
        return f"No rule matched on any {hosts}."
    worst = {rule[0]["rule_id"]: rule[0]["level"] for rule in by_rule(findings)}
    tally = [(level, list(worst.values()).count(level)) for level in LEVELS]
    levels = ", ".join(f"{count} {level}" for level, count in tally if count)
    where = len({group["host"] for group in findings})
    total = counted(sum(group["count"] for group in findings), "time", "times")
    rules = counted(len(worst), "rule")
    return f"{rules} matched {total}, on {where} {hosts} ({levels or 'no known level'})."


def _findings(hunt: HuntEntry, console: Console, top: int) -> None:
    """Rules in ranked order with their hosts; at most ``top`` (0 = all)."""
    rules = by_rule(hunt["findings"])
    shown = rules[:top] if top else rules
    for groups in shown:
        _rule(groups, len(hunt["hosts"]), console)
    if len(rules) > len(shown):
        rest = sum(group["count"] for groups in rules[len(shown) :] for group in groups)
        more = counted(len(rules) - len(shown), "more rule")
        console.print()
        paragraph(console, f"and {more} with {counted(rest, 'match', 'matches')}", 0, "dim")


def _all_examples(hunt: HuntEntry, console: Console, top: int) -> None:
    rules = by_rule(hunt["findings"])[: min(top, MAX_EXAMPLE_RULES) or MAX_EXAMPLE_RULES]
    if rules:
        heading(console, "Examples, the earliest first")
    for groups in rules:
        _examples(groups, console)


def by_rule(findings: Sequence[HitGroupEntry]) -> list[Groups]:
    """The groups of each rule, in ranked order."""
    rules: dict[str, Groups] = {}
    for group in findings:
        rules.setdefault(group["rule_id"], []).append(group)
    return list(rules.values())


def _rule(groups: Groups, host_total: int, console: Console) -> None:
    first = groups[0]
    total = sum(group["count"] for group in groups)
    console.print()
    title = Text(f"{first['level'].upper()}  ", style=LEVEL_STYLES.get(first["level"], ""))
    title.append(cut(first["title"], 200), style="bold")
    paragraph(console, title, 0)
    where = f"on {first['seen_on']} of {counted(host_total, 'host')}"
    identity = "" if first["engine"] == "indicator" else first["rule_id"]
    line = f"{counted(total, 'match', 'matches')} {where}  {identity}".rstrip()
    paragraph(console, line, 2, "dim")
    if first["campaigns"]:
        paragraph(console, f"campaign {', '.join(first['campaigns'])}", 2, "dim")
    for group in groups[:MAX_HOSTS]:
        _host(group, console)
    if len(groups) > MAX_HOSTS:
        rest = sum(group["count"] for group in groups[MAX_HOSTS:])
        more = counted(len(groups) - MAX_HOSTS, "more host")
        bullet(console, Text(f"{more}: {counted(rest, 'match', 'matches')}", style="dim"))


def _host(group: HitGroupEntry, console: Console) -> None:
    """Count, host and span in columns as long as the name leaves room for them."""
    name = cut(group["host"], MAX_NAME_CHARS)
    line = Text(f"{group['count']:>9,}  ", style="bold").append(f"{name:<28}  ", style="not bold")
    span = clock(group["first"])
    if clock(group["last"]) != span:
        span += f" to {clock(group['last'])}"
    if console.width >= len(line) + len(span) + 2:
        paragraph(console, line.append(span, style="not bold"))
        return
    line.rstrip()
    paragraph(console, line)
    paragraph(console, span, 13)


def _examples(groups: Groups, console: Console) -> None:
    paragraph(console, Text(cut(groups[0]["title"], 200), style="bold"), 0)
    examples = [example for group in groups for example in group["examples"]]
    for example in examples[:MAX_EXAMPLES]:
        at = f"record {example['record']}" if example["record"] else "whole file"
        bullet(console, f"{moment(example['time'])}  {example['source']}, {at}")
        for name, value in example["excerpt"].items():
            paragraph(console, f"{name}: {cut(value, MAX_FIELD_CHARS)}", 4)
        # Only a Sigma rule names fields of its own; elsewhere the text shows what matched.
        if groups[0]["engine"] != "sigma" or example["excerpt"].keys() <= _GENERAL:
            paragraph(console, cut(example["raw"], MAX_FIELD_CHARS), 4)


def _suppressions(hunt: HuntEntry, console: Console) -> None:
    if not hunt["suppressions"]:
        return
    total = sum(one["count"] for one in hunt["suppressions"])
    heading(console, f"Suppressed: {counted(total, 'match', 'matches')} (as of {hunt['as_of']})")
    for one in hunt["suppressions"]:
        host = f" on {one['host']}" if one["host"] else ""
        text = f"{one['state']}: {one['rule']}{host}: {counted(one['count'], 'match', 'matches')}"
        style = "" if one["state"] == "applied" else "yellow"
        why = f"; {one['reason']} (until {one['expires']}, {one['place']})"
        bullet(console, Text(text + why, style=style))


def _account(hunt: HuntEntry, console: Console, each: bool) -> None:
    """What became of the rules; why some were not evaluated; matches below the asked level."""
    rules = hunt["rules"]
    heading(console, f"Rules: {rules['loaded']:,} loaded")
    for number, what in (
        (rules["evaluated"], "evaluated"),
        (rules["not_applicable"], "not applicable to this evidence"),
        (rules["needs_placeholder"], "need a placeholder (--placeholders)"),
        (rules["unsupported"], "unsupported"),
    ):
        paragraph(console, f"{number:>9,}  {what}")
    if hunt["below_groups"]:
        below = counted(hunt["below_hits"], "match", "matches")
        bullet(console, f"below level {hunt['level']}, not listed: {below}")
    if hunt["ignored_files"]:
        bullet(console, f"{counted(len(hunt['ignored_files']), 'file')} beside them hold no rules")
    states = _STATES if each else _STATES[3:]
    listed = [fate for fate in rules["each"] if fate["state"] in states]
    for fate in listed if each else listed[:MAX_REASONS]:
        title = f" {fate['title']}" if fate["title"] else ""
        reason = f": {fate['reason']}" if fate["reason"] else f": {fate['count']:,} matched"
        bullet(console, Text(f"{fate['state']}: {fate['id']}{title}{reason}"))
    if len(listed) > MAX_REASONS and not each:
        bullet(console, Text(f"and {len(listed) - MAX_REASONS} more: see --account", style="dim"))


def _unread(doc: HuntDocument, console: Console) -> None:
    gaps: list[GapEntry] = doc["gaps"]
    unknown = doc["counts"]["unrecognised"]
    if not gaps and not unknown:
        heading(console, "Left unread: nothing.")
        return
    heading(console, "Left unread, so nothing is concluded from it")
    if unknown:
        bullet(console, f"{counted(unknown, 'file')} of no known log format")
    reasons = gap_reasons(gaps)
    for reason, places, records in reasons[:MAX_REASONS]:
        lost = f"{counted(records, 'record')} unread" if records else "amount not known"
        bullet(console, f"{reason}: {counted(places, 'place')}, {lost}")
    if len(reasons) > MAX_REASONS:
        bullet(console, Text(f"and {len(reasons) - MAX_REASONS} more reasons", style="dim"))
