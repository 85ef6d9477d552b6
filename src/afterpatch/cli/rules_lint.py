"""``afterpatch rules lint``: every problem of Sigma and YARA rules, with file and line."""

import sys
from dataclasses import asdict
from typing import Final

import click

from afterpatch.campaigns.own_rules import OwnRules
from afterpatch.cli.rules_input import (
    PATHS,
    PLACEHOLDERS,
    own_rules,
    placeholder_values,
    rule_store,
)
from afterpatch.cli.show import CLEAR, FINDINGS
from afterpatch.detect.rule_catalogue import Problem, catalogue
from afterpatch.report.ascii_json import json_lines
from afterpatch.report.safe_text import visible
from afterpatch.report.words import counted

MAX_IGNORED: Final = 10  # files named


@click.command()
@PATHS
@PLACEHOLDERS
@click.option("--format", "form", type=click.Choice(["text", "jsonl"]), default="text")
@click.option("--quiet", is_flag=True, help="Errors only.")
def lint(paths: tuple[str, ...], placeholders: str | None, form: str, quiet: bool) -> int:
    """Every problem with file and line.

    \b
    Exit codes: 0 no error, 1 errors, 2 usage error.
    """
    own = own_rules(paths)
    names = placeholder_values(placeholders)
    unread = [Problem(path, 1, "error", reason) for path, reason in own.unread]
    problems = sorted([*catalogue(own.texts, names, rule_store()).problems, *unread])
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


def _echo_ignored(own: OwnRules) -> None:
    """YAML that lies among rules and has no part of one: perhaps a rule that is badly broken."""
    names = [name for name in own.ignored if name.casefold().endswith((".yml", ".yaml"))]
    if names:
        more = f" and {len(names) - MAX_IGNORED} more" if len(names) > MAX_IGNORED else ""
        listed = ", ".join(names[:MAX_IGNORED])
        click.echo(visible(f"taken for no rule, as no part of one is in it: {listed}{more}"))
