"""``afterpatch demo``: a simulated incident, assessed; a first verdict with no evidence at all."""

import shutil
from pathlib import Path

import click

from afterpatch.campaigns.load import load
from afterpatch.cli.assess import DEFAULT_CAMPAIGN
from afterpatch.cli.progress import watching
from afterpatch.cli.rule_cache import rule_cache
from afterpatch.cli.show import show
from afterpatch.model.errors import UsageError
from afterpatch.pipeline.run import assess_paths
from afterpatch.simulate.demo import demo_scenario
from afterpatch.simulate.write import write

EVIDENCE, REPORT, LABELS, MARKER = "evidence", "report", "labels.json", ".afterpatch-demo"


@click.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False),
    default=Path("afterpatch-demo"), show_default=True, help="Folder for evidence and report.",
)  # fmt: skip
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default one per core.")
def demo(output: Path, workers: int | None) -> int:
    """Simulate an incident on several Exchange servers, assess it, show the verdicts."""
    evidence = _fresh(output)
    click.echo(f"Simulating evidence in {evidence} …", err=True)
    write(demo_scenario(), evidence, output / LABELS)
    campaign = load(DEFAULT_CAMPAIGN)
    with watching() as watcher:
        assessment = assess_paths([str(evidence)], campaign, workers, watcher, cache=rule_cache())
    show(assessment, campaign, output / REPORT, "text", None)
    click.echo(f"\nNext: afterpatch explain EX01 --report {output / REPORT}")
    return 0


def _fresh(output: Path) -> Path:
    """An empty evidence folder; only a folder that an earlier demo made is ever replaced."""
    marker = output / MARKER
    if output.exists() and any(output.iterdir()) and not marker.is_file():
        raise UsageError(f"{output} exists and was not made by afterpatch demo; choose --output")
    output.mkdir(parents=True, exist_ok=True)
    marker.touch()
    evidence = output / EVIDENCE
    if evidence.exists():
        shutil.rmtree(evidence)
    evidence.mkdir()
    return evidence
