"""``afterpatch rules explain``: why one rule fires on one event or not."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.cli.rules_event import event_meant
from afterpatch.cli.rules_input import (
    PLACEHOLDERS,
    new_console,
    placeholder_values,
    rule_store,
)
from afterpatch.cli.show import CLEAR, FINDINGS
from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.explain import explain as explain_rule
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.store import load_rules
from afterpatch.model.errors import UsageError
from afterpatch.report.ascii_json import json_text
from afterpatch.report.explained import render_explained
from afterpatch.report.safe_text import visible
from afterpatch.report.terminal import paragraph


@click.command()
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
@PLACEHOLDERS
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
    source, fields = event_meant(event, evidence, chosen, logsource)
    tree = explain_rule(chosen, fields, source)
    if form == "json":
        sys.stdout.buffer.write(json_text(asdict(tree)))
    else:
        console = new_console()
        word = "fires" if tree.held else "stays silent"
        paragraph(console, visible(f"{chosen.info.title} ({chosen.info.id}): {word}"), 0, "bold")
        render_explained(tree, console, whole=whole)
    return FINDINGS if tree.held else CLEAR


def _rule(name: str, folders: Sequence[str], placeholders: str | None) -> Rule:
    """The Sigma rule that is meant. Raises UsageError when there is none, or several."""
    if not folders and not Path(name).exists():
        raise UsageError(f"{name}: there is no such file; an id or a title needs --rules FOLDER")
    own = read_own_rules(folders or [name])
    names = placeholder_values(placeholders)
    sigma = [text for text in own.texts if text.language == "sigma"]
    if not folders:
        parsed = load_rules(sigma, names, rule_store())
        return _only(parsed.rules, parsed, name, f"give --rules {name} and an id")
    # Of thousands of files those that can matter: the rule itself, and filters.
    near = [text for text in sigma if name in text.text or "\nfilter:" in text.text]
    parsed = load_rules(near, names)
    if not _called(name, parsed):  # a title may be written in another way than it reads
        parsed = replace(load_rules(sigma, names, rule_store()), unsupported=parsed.unsupported)
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
