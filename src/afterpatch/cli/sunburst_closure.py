"""``afterpatch sunburst closure``: the hosts that CISA ED 21-01 has treated as compromised."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from afterpatch.cli.show import CLEAR, FINDINGS, INCONCLUSIVE
from afterpatch.cli.sunburst_input import note
from afterpatch.collect.orion_records import read_records
from afterpatch.exposure.orion_closure import Closure, Reached
from afterpatch.exposure.orion_closure import closure as closure_of
from afterpatch.pipeline.orion_logons import Logons, read_logons
from afterpatch.report.atomic import write_atomically
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.sunburst import closure_csv
from afterpatch.report.words import counted

MAX_PRINTED = 50
_CELL_CHARS = 300
_RAN = {
    "yes": "ran an affected build",
    "unknown": "not decidable",
    "no": "never ran an affected build",
}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path, dir_okay=False), help="All hosts as CSV."
)
@click.option(
    "--logons",
    "evidence",
    multiple=True,
    type=click.Path(exists=True),
    help="Security event logs of any hosts: who logged on with what Orion had.",
)
def closure(folder: Path, csv_path: Path | None, evidence: Sequence[str]) -> int:
    """Every host that an affected Orion monitored or that trusted it.

    FOLDER is what `afterpatch orion collect` wrote.

    \b
    Exit codes: 0 no such host, 1 hosts listed, 2 error, 3 only hosts that cannot be decided, or
    none and something is not known.
    """
    records = read_records(folder)
    logons = read_logons(evidence) if evidence else Logons((), 0, ())
    found = closure_of(records, logons.rows)
    for problem in (*records.problems, *records.limits, *logons.notes):
        note(problem)
    if evidence and not logons.logs:
        note("no event log among --logons, so no log-on was looked at")
    if csv_path:
        write_atomically(csv_path, closure_csv([_row(host) for host in found.hosts]).encode())
    _print(found)
    ran = Counter(host.ran for host in found.hosts)
    if ran["yes"]:
        return FINDINGS
    return INCONCLUSIVE if ran["unknown"] or records.problems or not found.stations else CLEAR


def _row(host: Reached) -> dict[str, str]:
    return {
        "host": host.host,
        "ip": host.ip,
        "node_id": host.node,
        "affected_build_reached_it": host.ran,
        "trusted_it": "yes" if host.trusted else "",
        "why": host.why,
    }


def _print(found: Closure) -> None:
    for station in found.stations:
        roles = " and ".join(station.roles)
        _say(f"{station.name} ({roles}): {_RAN[station.ran]}; {station.because}")
    if not found.stations:
        _say("no Orion server and no polling engine in these records")
    ran = Counter(host.ran for host in found.hosts)
    _say("")
    _say(f"{counted(ran['yes'], 'host')} to treat as compromised")
    _say(f"{counted(ran['unknown'], 'host')} not decidable")
    _say(f"{counted(found.outside, 'host')} outside: only servers never affected reached them")
    trusted = sum(host.trusted for host in found.hosts)
    _say(
        f"{counted(trusted, 'host')} among them shared a credential, an agent or an account with it"
    )
    for host in found.hosts[:MAX_PRINTED]:
        sign = "!" if host.ran == "yes" else "?"
        _say(f"{sign} {host.host or 'no name'}  {host.ip or 'no address'}  {host.why}")
    if len(found.hosts) > MAX_PRINTED:
        _say(f"and {len(found.hosts) - MAX_PRINTED:,} more; --csv lists all")


def _say(text: str) -> None:
    click.echo(visible(cut(text, _CELL_CHARS)))
