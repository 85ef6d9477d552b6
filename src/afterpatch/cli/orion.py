"""``afterpatch orion``: what a SolarWinds Orion server knows, fetched as evidence."""

import csv
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from afterpatch.collect import orion_tables as tables
from afterpatch.model.errors import UsageError
from afterpatch.report.csv_report import safe_cell
from afterpatch.report.safe_text import visible

PASSWORD_VARIABLE = "AFTERPATCH_ORION_PASSWORD"  # noqa: S105  (a name, not a password)
_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def orion() -> None:
    """Fetch what an Orion server recorded: versions, nodes, software, flows. Reads only."""


@orion.command()
@click.argument("server")
@click.option("--user", required=True, help="An Orion account; one that may only read is enough.")
@click.option(
    "--output", "-o", required=True, type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the server's records.",
)  # fmt: skip
@click.option("--port", type=click.IntRange(1, 65535), help="Default: 17774, then 17778.")
@click.option(
    "--ca", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="PEM file with the certificate to trust; Orion's own is self-signed.",
)  # fmt: skip
@click.option("--no-verify", is_flag=True, help="Trust any certificate. Anybody could answer.")
@click.option("--timeout", type=click.FloatRange(1), default=60, show_default=True, help="Seconds.")
@click.option("--flows-from", type=_DAY, help="Also fetch flows (NTA) from this UTC time on.")
@click.option("--flows-to", type=_DAY, help="Until this UTC time; default now.")
def collect(
    server: str,
    user: str,
    output: Path,
    port: int | None,
    ca: Path | None,
    no_verify: bool,
    timeout: float,
    flows_from: datetime | None,
    flows_to: datetime | None,
) -> int:
    """Fetch SERVER's records into a folder. The password is asked for, or taken from
    AFTERPATCH_ORION_PASSWORD.

    \b
    Exit codes: 0 everything was told, 2 error, 3 some of it was refused or is not in its schema.
    """
    try:
        from afterpatch.collect import orion as records
        from afterpatch.collect.swis import connect
    except ImportError as error:
        raise UsageError("this needs one more package: pip install 'afterpatch[orion]'") from error
    if ca and no_verify:
        raise UsageError("--ca and --no-verify contradict each other")
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt("Password", hide_input=True)
    verify: bool | str = str(ca) if ca else not no_verify
    swis = connect(server, user, password, port, verify, timeout)
    period = None
    if flows_from:
        end = flows_to.replace(tzinfo=UTC) if flows_to else datetime.now(UTC)
        period = records.Period(flows_from.replace(tzinfo=UTC), end)
    manifest = records.collect(swis, server, output, period)
    for entry in manifest["entities"]:
        problem = f"  {entry['problem']}" if entry["problem"] else ""
        lacking = ", ".join(entry["missing_fields"])
        absent = f"  not in its schema: {lacking}" if lacking and not problem else ""
        line = f"{entry['rows']:>9,}  {entry['entity']}{problem}{absent}"
        click.echo(visible(line))
    _write_csv(output / "orion.csv", tables.RELEASES, tables.releases(output))
    _write_csv(output / "machines.csv", tables.MACHINES, tables.machines(output))
    click.echo(f"Wrote {output}")
    return 3 if any(entry["problem"] for entry in manifest["entities"]) else 0


def _write_csv(path: Path, names: tuple[str, ...], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([safe_cell(row[name]) for name in names] for row in rows)
