"""``afterpatch assess``: evidence in, verdict per host out."""

from datetime import datetime
from pathlib import Path
from typing import Literal

import click

from afterpatch.campaigns.load import load
from afterpatch.cli.hunt_options import hunt_options, hunt_request
from afterpatch.cli.progress import watching
from afterpatch.cli.rule_cache import rule_cache
from afterpatch.cli.show import show
from afterpatch.model.errors import UsageError
from afterpatch.pipeline.run import assess_paths

DEFAULT_CAMPAIGN = "hafnium-exchange-2021"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--campaign", "campaign_id", default=DEFAULT_CAMPAIGN, show_default=True,
    help="Campaign id, or the folder of a pack.",
)  # fmt: skip
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False),
    help="Folder for report.html, assessment.json and timeline.csv.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--host", help="Also tell the whole story of this host.")
@hunt_options
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default one per core.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 whatever was found (for pipelines).")
def assess(
    paths: tuple[str, ...],
    campaign_id: str,
    output: Path | None,
    form: Literal["text", "json"],
    host: str | None,
    rules: tuple[str, ...],
    indicators: tuple[str, ...],
    suppressions: str | None,
    placeholders: str | None,
    as_of: datetime | None,
    workers: int | None,
    exit_zero: bool,
) -> int:
    """Assess collected evidence: folders (one host, or one folder per host), archives, collections.

    What --rules and --indicators find is shown beside the verdicts and never changes one, nor the
    exit code.

    \b
    Exit codes: 0 nothing found and coverage complete, 1 findings, 2 error, 3 inconclusive.
    """
    campaign = load(campaign_id)
    own = None
    if rules or indicators:
        own = hunt_request(rules, indicators, suppressions, placeholders, as_of)
    elif suppressions or placeholders:
        raise UsageError("--suppressions and --placeholders need --rules or --indicators")
    with watching() as watcher:
        assessment = assess_paths(paths, campaign, workers, watcher, own, rule_cache())
    code = show(assessment, campaign, output, form, host)
    return 0 if exit_zero else code
