"""``afterpatch simulate``: labelled evidence for drills, tests and benchmarks."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def simulate(folder: Path) -> int:
    """Write the simulated incident of `afterpatch demo` into FOLDER, with labels.json beside it."""
    from afterpatch.simulate.demo import demo_scenario
    from afterpatch.simulate.write import write

    labels = folder.with_name(f"{folder.name}.labels.json")
    write(demo_scenario(), folder, labels)
    click.echo(f"Wrote {folder} and {labels}")
    return 0
