"""``afterpatch hunt``: any rules over any evidence; matches per rule and host, no verdict."""

import sys
from datetime import datetime
from pathlib import Path

import click

from afterpatch.cli.hunt_options import hunt_options, hunt_request
from afterpatch.cli.progress import watching
from afterpatch.cli.rule_cache import rule_cache
from afterpatch.cli.show import CLEAR, FINDINGS, INCONCLUSIVE
from afterpatch.model.hunts import LEVELS
from afterpatch.pipeline.run import hunt_paths
from afterpatch.report.hunt_document import hunt_document
from afterpatch.report.hunt_outputs import OUTPUTS, write_hunt
from afterpatch.report.safe_text import visible
from afterpatch.report.shape import HuntDocument
from afterpatch.report.words import counted

WIDTH = 80  # columns when the output is not a terminal


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@hunt_options
@click.option(
    "--format", "form", type=click.Choice(["table", *OUTPUTS]), default="table", show_default=True
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder for {', '.join(output.file for output in OUTPUTS.values())}.",
)  # fmt: skip
@click.option(
    "--level", type=click.Choice(LEVELS[::-1]), default=LEVELS[-1], show_default=True,
    help="List rules from this level on; matches below are counted.",
)  # fmt: skip
@click.option(
    "--examples", type=click.IntRange(1, 10_000), default=5, show_default=True,
    help="Records kept per rule and host; counts are exact whatever is kept.",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(0), default=50, show_default=True,
    help="Rules in the table; 0 = all.",
)  # fmt: skip
@click.option("--account", is_flag=True, help="Also list what became of every rule.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default one per core.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever was found (for pipelines).")
def hunt(
    paths: tuple[str, ...],
    rules: tuple[str, ...],
    indicators: tuple[str, ...],
    suppressions: str | None,
    placeholders: str | None,
    as_of: datetime | None,
    form: str,
    output: Path | None,
    level: str,
    examples: int,
    top: int,
    account: bool,
    workers: int | None,
    exit_zero: bool,
) -> int:
    """Hunt with Sigma and YARA rules and indicators over any evidence that assess takes.

    \b
    Exit codes: 0 nothing found and all of it read, 1 findings, 2 error, 3 inconclusive.
    """
    request = hunt_request(
        rules, indicators, suppressions, placeholders, as_of, level=level, examples=examples
    )
    with watching() as watcher:
        found = hunt_paths(paths, request, workers, watcher, rule_cache())
    document = hunt_document(found)
    # First of all: who reads the table may close it early, which ends this process.
    written = write_hunt(document, output) if output else []
    if form == "table":
        # Only a table needs a terminal's library, and that is slow to import.
        from rich.console import Console

        from afterpatch.report.hunt_text import render_hunt

        console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
        render_hunt(document, console, top, account)
    else:
        sys.stdout.buffer.write(OUTPUTS[form].render(document))
        click.echo(f"afterpatch: {summary(document)}", err=True)
    for path in written:
        click.echo(f"Wrote {visible(str(path))}", err=form != "table")
    return 0 if exit_zero else exit_code(document)


def summary(document: HuntDocument) -> str:
    """The account in one line, for the forms that have no room for it."""
    own, counts = document["hunt"], document["counts"]
    rules = own["rules"]
    suppressed = sum(entry["count"] for entry in own["suppressions"])
    return (
        f"{counted(rules['loaded'], 'rule')}: {rules['evaluated']:,} evaluated, "
        f"{rules['not_applicable']:,} not applicable, {rules['needs_placeholder']:,} need a "
        f"placeholder, {rules['unsupported']:,} unsupported; "
        f"{suppressed:,} matches suppressed, {own['below_hits']:,} below the level; "
        f"{counted(counts['events'], 'event')}, {counted(counts['gaps'], 'gap')}, "
        f"{counted(counts['unrecognised'], 'file')} not recognised"
    )


def exit_code(document: HuntDocument) -> int:
    """Findings beat gaps, gaps beat silence. A rule that could not be asked is a gap, too."""
    rules, counts = document["hunt"]["rules"], document["counts"]
    if document["hunt"]["findings"]:
        return FINDINGS
    whole = not document["gaps"] and counts["events"] and rules["evaluated"]
    return CLEAR if whole and not rules["unsupported"] else INCONCLUSIVE
