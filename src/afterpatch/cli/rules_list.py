"""``afterpatch rules list``: what rules there are, and which can be evaluated."""

import sys
from collections.abc import Sequence
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from afterpatch.campaigns.own_rules import OwnRules
from afterpatch.cli.rules_input import (
    PATHS,
    PLACEHOLDERS,
    new_console,
    own_rules,
    placeholder_values,
    rule_store,
)
from afterpatch.cli.show import CLEAR
from afterpatch.detect.rule_catalogue import Listed, catalogue
from afterpatch.report.ascii_json import json_lines
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.terminal import print_trimmed
from afterpatch.report.words import counted


@click.command("list")
@PATHS
@PLACEHOLDERS
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table")
def list_(paths: tuple[str, ...], placeholders: str | None, form: str) -> int:
    """Id, title, level, log source and status of every rule, and whether it can be evaluated."""
    own = own_rules(paths)
    names = placeholder_values(placeholders)
    listed = catalogue(own.texts, names, rule_store()).rules
    if form == "jsonl":
        sys.stdout.buffer.write(json_lines(asdict(rule) for rule in listed))
        return CLEAR
    console = new_console()
    print_trimmed(console, _table(listed))
    console.print(Text(_totals(listed, own)))
    return CLEAR


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
