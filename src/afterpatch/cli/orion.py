"""``afterpatch orion``: what an Orion server knows, as inventories for the other commands.

Exit codes: 0 all tables written · 2 usage error, no answer · 3 some table could not be had.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from afterpatch.cli.show import CLEAR, INCONCLUSIVE
from afterpatch.model.places import Gap
from afterpatch.orion.client import Orion
from afterpatch.orion.inventory import QUESTIONS, ask, flows, machines, releases
from afterpatch.report.csv_report import safe_cell
from afterpatch.report.safe_text import visible


@click.group()
def orion() -> None:
    """A SolarWinds Orion server as inventory. Only queries are sent."""


@orion.command()
@click.argument("address")
@click.option("--user", required=True, help="An account that may query (read-only is enough).")
@click.option(
    "--password",
    envvar="AFTERPATCH_ORION_PASSWORD",
    prompt=True,
    hide_input=True,
    help="Better in AFTERPATCH_ORION_PASSWORD, or typed when asked.",
)
@click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust."
)
@click.option("--no-verify-tls", is_flag=True, help="Trust any certificate. Anybody may listen.")
@click.option("--flow-hours", default=0, show_default=True, help="Also flows of the last hours.")
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False))
def inventory(
    address: str,
    user: str,
    password: str,
    ca_file: str | None,
    no_verify_tls: bool,
    flow_hours: int,
    output: Path,
) -> int:
    """Nodes, engines, software and flows of the Orion at ADDRESS (name or name:port)."""
    server = Orion(address, user, password, verify=False if no_verify_tls else ca_file or True)
    if no_verify_tls:
        click.echo("afterpatch: TLS is not verified: the password may go to anybody", err=True)
    output.mkdir(parents=True, exist_ok=True)
    gaps: list[Gap] = []
    kept: dict[str, list[Mapping[str, Any]]] = {"servers": [], "nodes": [], "macs": []}
    for question in (*QUESTIONS, *([flows(flow_hours)] if flow_hours else [])):
        count = 0
        with (output / f"{question.name}.jsonl").open("wb") as file:
            for row in ask(server, question, gaps):
                file.write(orjson.dumps(row) + b"\n")
                count += 1
                if question.name in kept:
                    kept[question.name].append(row)
        click.echo(f"{question.name}: {count}")
    _write_csv(
        output / "orion.csv", ("host", "product", "version", "hotfix"), releases(kept["servers"])
    )
    _write_csv(
        output / "machines.csv", ("host", "ip", "mac"), machines(kept["nodes"], kept["macs"])
    )
    for gap in gaps:
        click.echo(f"afterpatch: not had: {gap.place}: {visible(gap.reason)}", err=True)
    return INCONCLUSIVE if gaps else CLEAR


def _write_csv(path: Path, names: tuple[str, ...], rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([safe_cell(row[name]) for name in names] for row in rows)
