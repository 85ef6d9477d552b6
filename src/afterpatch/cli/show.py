"""Shared by the verbs that end in a verdict: print it, write it, choose the exit code."""

import sys
from pathlib import Path
from typing import Any, Literal

import click

from afterpatch.model.campaigns import Campaign
from afterpatch.model.verdicts import Assessment
from afterpatch.report.document import document
from afterpatch.report.json_report import json_bytes
from afterpatch.report.safe_text import visible
from afterpatch.report.write import write_reports

CLEAR, FINDINGS, INCONCLUSIVE = 0, 1, 3


def show(
    assessment: Assessment,
    campaign: Campaign,
    output: Path | None,
    form: Literal["text", "json"],
    host: str | None,
) -> int:
    """Print the assessment in the asked form, write the reports if asked; the exit code."""
    doc = document(assessment, [campaign])
    # First of all: who reads the summary may close it early, which ends this process.
    written = write_reports(doc, output) if output else []
    if form == "json":
        # The document is UTF-8 whatever the terminal's locale says.
        sys.stdout.buffer.write(json_bytes(doc))
    else:
        _print(doc, host)
    for path in written:
        click.echo(f"Wrote {visible(str(path))}", err=form == "json")
    return exit_code(doc)


def _print(doc: dict[str, Any], host: str | None) -> None:
    # Here, because what draws on terminals is slow to import, and JSON needs none of it.
    from rich.console import Console

    from afterpatch.report.text import render_story, render_summary

    console = Console(highlight=False)
    render_summary(doc, console)
    if host:
        render_story(doc, host, console)


def exit_code(doc: dict[str, Any]) -> int:
    """DESIGN: findings beat gaps, gaps beat silence."""
    verdicts = [verdict for host in doc["hosts"] for verdict in host["verdicts"]]
    if any(verdict["band"] != "none" for verdict in verdicts):
        return FINDINGS
    if verdicts and all(verdict["cleared"] for verdict in verdicts) and not doc["gaps"]:
        return CLEAR
    return INCONCLUSIVE
