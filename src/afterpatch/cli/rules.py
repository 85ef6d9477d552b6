"""``afterpatch rules``: lint, list and explain Sigma and YARA rules of the user's own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afterpatch.campaigns.own_rules import OwnRules, read_own_rules
from afterpatch.campaigns.placeholders import load_placeholders
from afterpatch.cli.rule_cache import rule_cache
from afterpatch.cli.show import CLEAR, FINDINGS
from afterpatch.detect.rule_catalogue import Listed, Problem, catalogue
from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.explain import explain as explain_rule
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.store import RuleStore, load_rules
from afterpatch.formats.windows_flat import text
from afterpatch.model.batches import Logsource
from afterpatch.model.errors import UsageError
from afterpatch.model.rules import Placeholders
from afterpatch.pipeline.originals import events_at
from afterpatch.report.ascii_json import json_lines, json_text
from afterpatch.report.explained import render_explained
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.terminal import paragraph, print_trimmed
from afterpatch.report.words import counted

MAX_IGNORED = 10  # files named
WIDTH = 80  # columns when the output is not a terminal

_PATHS = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
_PLACEHOLDERS = click.option("--placeholders", metavar="FILE", help="YAML: values for %names%.")


@click.group()
def rules() -> None:
    """Sigma and YARA rules of your own: lint, list, explain."""


@rules.command()
@_PATHS
@_PLACEHOLDERS
@click.option("--format", "form", type=click.Choice(["text", "jsonl"]), default="text")
@click.option("--quiet", is_flag=True, help="Errors only.")
def lint(paths: tuple[str, ...], placeholders: str | None, form: str, quiet: bool) -> int:
    """Every problem with file and line.

    \b
    Exit codes: 0 no error, 1 errors, 2 usage error.
    """
    own = _own(paths)
    names = _placeholders(placeholders)
    unread = [Problem(path, 1, "error", reason) for path, reason in own.unread]
    problems = sorted([*catalogue(own.texts, names, _store()).problems, *unread])
    errors = sum(problem.severity == "error" for problem in problems)
    shown = [problem for problem in problems if problem.severity == "error" or not quiet]
    if form == "jsonl":
        sys.stdout.buffer.write(json_lines(asdict(problem) for problem in shown))
    else:
        for problem in shown:
            place = f"{problem.path}:{problem.line}"
            click.echo(visible(f"{place}: {problem.severity}: {problem.text}"))
        warnings = counted(len(problems) - errors, "warning")
        files = counted(len(own.texts), "file")
        click.echo(f"{files}: {counted(errors, 'error')}, {warnings}")
        _echo_ignored(own)
    return FINDINGS if errors else CLEAR


@rules.command("list")
@_PATHS
@_PLACEHOLDERS
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table")
def list_(paths: tuple[str, ...], placeholders: str | None, form: str) -> int:
    """Id, title, level, log source and status of every rule, and whether it can be evaluated."""
    own = _own(paths)
    names = _placeholders(placeholders)
    listed = catalogue(own.texts, names, _store()).rules
    if form == "jsonl":
        sys.stdout.buffer.write(json_lines(asdict(rule) for rule in listed))
        return CLEAR
    console = _console()
    print_trimmed(console, _table(listed))
    console.print(Text(_totals(listed, own)))
    return CLEAR


@rules.command()
@click.argument("rule")
@click.argument("event")
@click.option(
    "--rules", "-r", "folders", multiple=True, metavar="DIR_OR_FILE",
    help="Where RULE stands, when it is an id or a title.",
)  # fmt: skip
@click.option(
    "--evidence", multiple=True, metavar="PATH",
    help="Evidence that holds the event, when EVENT is a place: SOURCE:RECORD as hunt prints it.",
)  # fmt: skip
@click.option(
    "--logsource", multiple=True, metavar="PART=VALUE",
    help="category, product or service of a plain JSON event; default: what the rule asks for.",
)  # fmt: skip
@_PLACEHOLDERS
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--whole", is_flag=True, help="Every alternative of long lists.")
def explain(
    rule: str,
    event: str,
    folders: tuple[str, ...],
    evidence: tuple[str, ...],
    logsource: tuple[str, ...],
    placeholders: str | None,
    form: str,
    whole: bool,
) -> int:
    """Why RULE fires on EVENT or not, test by test.

    RULE is a file, or an id or title below --rules. EVENT is a file with one JSON object (- for
    standard input), a file of Windows events, or a place in --evidence.

    \b
    Exit codes: 0 it stays silent, 1 it fires, 2 usage error.
    """
    chosen = _rule(rule, folders, placeholders)
    source, fields = _event(event, evidence, chosen, logsource)
    tree = explain_rule(chosen, fields, source)
    if form == "json":
        sys.stdout.buffer.write(json_text(asdict(tree)))
    else:
        console = _console()
        word = "fires" if tree.held else "stays silent"
        paragraph(console, visible(f"{chosen.info.title} ({chosen.info.id}): {word}"), 0, "bold")
        render_explained(tree, console, whole=whole)
    return FINDINGS if tree.held else CLEAR


def _own(paths: Sequence[str]) -> OwnRules:
    own = read_own_rules(paths)
    if not own.texts and not own.unread:
        raise UsageError("no .yml, .yaml, .yar or .yara file there")
    return own


def _echo_ignored(own: OwnRules) -> None:
    """YAML that lies among rules and has no part of one: perhaps a rule that is badly broken."""
    names = [name for name in own.ignored if name.casefold().endswith((".yml", ".yaml"))]
    if names:
        more = f" and {len(names) - MAX_IGNORED} more" if len(names) > MAX_IGNORED else ""
        listed = ", ".join(names[:MAX_IGNORED])
        click.echo(visible(f"taken for no rule, as no part of one is in it: {listed}{more}"))


def _placeholders(path: str | None) -> Placeholders:
    return load_placeholders(path) if path else {}


def _store() -> RuleStore | None:
    folder = rule_cache()
    return RuleStore(folder) if folder else None


def _table(listed: Sequence[Listed]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("Level", width=8, no_wrap=True)
    table.add_column("Title", overflow="fold", ratio=3)
    table.add_column("Log source", overflow="fold", ratio=2)
    table.add_column("Status", overflow="fold", width=12)
    table.add_column("Id", overflow="fold", width=18)
    for rule in listed:
        status = rule.status if rule.state == "loaded" else rule.reason
        level = "info" if rule.level == "informational" else rule.level[:8]
        cells = (level, rule.title, rule.logsource, status, rule.id)
        table.add_row(*(Text(visible(cut(cell, 200))) for cell in cells))
    return table


def _totals(listed: Sequence[Listed], own: OwnRules) -> str:
    states = [rule.state for rule in listed]
    return (
        f"{counted(len(listed), 'rule')}: {states.count('loaded'):,} loaded, "
        f"{states.count('needs placeholder'):,} need a placeholder, "
        f"{states.count('unsupported'):,} unsupported; "
        f"{counted(len(own.unread), 'file')} not readable"
    )


def _rule(name: str, folders: Sequence[str], placeholders: str | None) -> Rule:
    """The Sigma rule that is meant. Raises UsageError when there is none, or several."""
    if not folders and not Path(name).exists():
        raise UsageError(f"{name}: there is no such file; an id or a title needs --rules FOLDER")
    own = read_own_rules(folders or [name])
    names = _placeholders(placeholders)
    sigma = [text for text in own.texts if text.language == "sigma"]
    if not folders:
        parsed = load_rules(sigma, names, _store())
        return _only(parsed.rules, parsed, name, f"give --rules {name} and an id")
    # Of thousands of files those that can matter: the rule itself, and filters.
    near = [text for text in sigma if name in text.text or "\nfilter:" in text.text]
    parsed = load_rules(near, names)
    if not _called(name, parsed):  # a title may be written in another way than it reads
        parsed = replace(load_rules(sigma, names, _store()), unsupported=parsed.unsupported)
    return _only(_called(name, parsed), parsed, name, "give an id")


def _called(name: str, parsed: Parsed) -> list[Rule]:
    exact = [r for r in parsed.rules if name in (r.info.id, r.info.title, r.name)]
    return exact or [r for r in parsed.rules if r.info.title.casefold() == name.casefold()]


def _only(wanted: Sequence[Rule], parsed: Parsed, name: str, advice: str) -> Rule:
    if len(wanted) == 1:
        return wanted[0]
    if wanted:
        ids = ", ".join(rule.info.id for rule in wanted[:10])
        raise UsageError(f"{name} means several rules; {advice}: {ids}")
    for place, reason in parsed.refused:
        if name in (place, place.split("#", 1)[0]) or len(parsed.refused) == 1:
            raise UsageError(f"{name}: not usable: {reason}")
    if any(name in (c.info.id, c.info.title, c.name) for c in parsed.correlations):
        raise UsageError(f"{name} is a correlation: it reads many events; explain its rules")
    raise UsageError(f"there is no Sigma rule {name!r}")


def _event(
    event: str, evidence: Sequence[str], rule: Rule, parts: Sequence[str]
) -> tuple[Logsource, Mapping[str, str | None]]:
    """The event that is meant and its log source. Raises UsageError."""
    if evidence:
        source, _, record = event.rpartition(":")
        if not source or not record.isdigit():
            raise UsageError(f"{event}: a place is SOURCE:RECORD, as hunt prints it")
        found = next(events_at(evidence, source, int(record)), None)
        if found is None:
            raise UsageError(f"no event at {event} below {', '.join(evidence)}")
        return _said(found.logsource, parts), found.fields
    if event != "-" and Path(event).is_file():
        known = list(_up_to_two(event))
        if len(known) > 1:
            raise UsageError(f"{event} holds several events; give --evidence {event} and a place")
        if known:
            return _said(known[0][0], parts), known[0][1]
    own = Logsource(rule.scope.category, rule.scope.product, rule.scope.service)
    return _said(own, parts), _fields(event)


def _up_to_two(path: str) -> list[tuple[Logsource, Mapping[str, str | None]]]:
    found = zip(range(2), events_at([path]), strict=False)
    return [(event.logsource, event.fields) for _, event in found]


def _fields(event: str) -> Mapping[str, str | None]:
    """A plain JSON object: field to value. Values become the text that a log would have."""
    try:
        data = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
    except OSError as error:
        raise UsageError(f"{event}: cannot be read: {error.strerror}") from error
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{event}: {_no_event(data, error)}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{event}: not one JSON object of field to value")
    return {name: text(value) for name, value in document.items()}


def _no_event(data: bytes, error: orjson.JSONDecodeError) -> str:
    """Why bytes that are no log and no JSON document are no event."""
    if not data.strip():
        return "is empty"
    try:
        orjson.loads(data.strip().split(b"\n", 1)[0])
    except orjson.JSONDecodeError:
        lines = "lines of a log need its header, such as #Fields"
        return f"no log that is known ({lines}), and not JSON: {error}"
    return "holds several JSON objects; give one of them"


def _said(logsource: Logsource, parts: Sequence[str]) -> Logsource:
    for part in parts:
        name, _, value = part.partition("=")
        if name not in Logsource._fields or not value:
            raise UsageError(f"--logsource {part}: category=…, product=… or service=…")
        logsource = logsource._replace(**{name: value})
    return logsource


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
