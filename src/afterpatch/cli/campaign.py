"""``afterpatch campaign``: list, show, lint, test and start campaign packs."""

from pathlib import Path

import click

from afterpatch.campaigns.lint import lint
from afterpatch.campaigns.load import available, folder_of, load
from afterpatch.campaigns.new import create
from afterpatch.campaigns.proof_files import proof_texts
from afterpatch.detect.proofs import prove


@click.group()
def campaign() -> None:
    """Campaign packs: one emergency as data."""


@campaign.command("list")
def list_() -> int:
    """The packs shipped with this version."""
    for name in available():
        pack = load(name)
        click.echo(f"{pack.id}  {pack.version}  {len(pack.rules)} rule files  {pack.title}")
    return 0


@campaign.command()
@click.argument("name")
def show(name: str) -> int:
    """Stages, logs and rules of a pack."""
    pack = load(name)
    click.echo(
        f"{pack.title} ({pack.id} {pack.version})\n\n{pack.summary}\n\nStages, lowest first:"
    )
    for stage in pack.stages:
        click.echo(f"  {stage.id:<16} {stage.band:<12} {stage.means}")
    click.echo("\nLogs:")
    for log in pack.logs:
        click.echo(f"  {log.title:<40} {log.fetch}")
    click.echo("\nRule files:")
    for rule in pack.rules:
        click.echo(f"  {rule.path}")
    return 0


@campaign.command("lint")
@click.argument("name")
def lint_(name: str) -> int:
    """Every error of a pack, with file and line."""
    problems = lint(folder_of(name))
    for problem in problems:
        click.echo(problem)
    click.echo(f"{len(problems)} problems" if problems else "no problems")
    return 2 if problems else 0


@campaign.command()
@click.argument("name")
def test(name: str) -> int:
    """Prove that each rule fires where it must and stays silent where it must."""
    proofs = proof_texts(folder_of(name))
    problems = prove(load(name).rules, proofs)
    for problem in problems:
        click.echo(problem)
    click.echo(f"{len(proofs)} rules with proofs, {len(problems)} problems")
    return 2 if problems else 0


@campaign.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> int:
    """Start a pack: a small valid one to change."""
    create(folder, folder.name)
    click.echo(f"Wrote {folder}; next: afterpatch campaign lint {folder}")
    return 0
