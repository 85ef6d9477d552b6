"""``afterpatch simulate``: labelled evidence for drills, tests and benchmarks."""

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--network",
    is_flag=True,
    help="Instead: Zeek logs of an office with hidden channels, for `afterpatch network`.",
)
@click.option(
    "--sunburst",
    is_flag=True,
    help="Instead: an Orion server with SUNBURST in an office's logs, for `afterpatch sunburst`.",
)
def simulate(folder: Path, network: bool, sunburst: bool) -> int:
    """Write the simulated incident of `afterpatch demo` into FOLDER, with labels.json beside it."""
    if sunburst:
        from afterpatch.simulate.sunburst import write_sunburst_demo

        write_sunburst_demo(folder)
        click.echo(f"Wrote {folder} with labels.json")
        return 0
    if network:
        from afterpatch.simulate.network_demo import write_network_demo

        write_network_demo(folder)
        click.echo(f"Wrote {folder} with labels.json")
        return 0
    from afterpatch.simulate.demo import demo_scenario
    from afterpatch.simulate.write import write

    labels = folder.with_name(f"{folder.name}.labels.json")
    write(demo_scenario(), folder, labels)
    click.echo(f"Wrote {folder} and {labels}")
    return 0
