"""``afterpatch sunburst``: read SUNBURST's DNS names, label by label or host by host.

Exit codes: 0 nothing found · 1 findings · 2 usage error · 3 nothing found and something unread.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afterpatch.cli.show import CLEAR, FINDINGS, INCONCLUSIVE
from afterpatch.cli.sunburst_closure import closure
from afterpatch.cli.sunburst_input import (
    FILES,
    REDACTED,
    VICTIMS,
    exit_code,
    inventory,
    note,
    print_jsonl,
    read,
    stamp,
)
from afterpatch.cli.sunburst_report import report
from afterpatch.detect.sunburst.attribution import Owner
from afterpatch.detect.sunburst.attribution import attribute as attribution
from afterpatch.detect.sunburst.hosts import Host, scope
from afterpatch.detect.sunburst.labels import Label, decode
from afterpatch.detect.sunburst.names import join
from afterpatch.pipeline.sunburst import survey
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.words import counted

_HOST_ID: Final = re.compile(r"[0-9a-fA-F]{14}(?:[0-9a-fA-F]{2})?")
WIDTH: Final = 80  # columns when the output is not a terminal
FIELD_CHARS: Final = 400
# Labels and IDs stay in one piece, to be copied; the last column takes what is left.
_CELLS: Final = {"label": 32, "kind": 7, "host": 16, "stage": 10, "name": 22, "machine": 60}

_FORMAT: Final = click.option(
    "--format", "form", type=click.Choice(["text", "jsonl"]), default="text", show_default=True
)


@click.group()
def sunburst() -> None:
    """SUNBURST's DNS names and answers: which hosts, which domains, how far it went."""


sunburst.add_command(report)
sunburst.add_command(closure)


@sunburst.command("decode")
@FILES
@_FORMAT
@VICTIMS
def decode_(files: Sequence[str], form: str, show_victims: bool) -> int:
    """What each label says (FILE or - for standard input)."""
    observed = read(files)
    names = dict.fromkeys(sighting.name for sighting in observed.sightings)
    rows = [_label_row(decode(name), show_victims) for name in names]
    if form == "jsonl":
        print_jsonl(rows)
    else:
        _print_labels(rows)
    return exit_code(any(row["kind"] != "invalid" for row in rows), observed)


@sunburst.command()
@FILES
@_FORMAT
@VICTIMS
@click.option(
    "--complete-log",
    is_flag=True,
    help="The files hold every query of these hosts (your own resolver's log, no missing day). "
    "Only then can a name be certain.",
)
def hosts(files: Sequence[str], form: str, show_victims: bool, complete_log: bool) -> int:
    """Infected hosts from names and passive DNS: domain, stage, and why."""
    observed = read(files)
    found = scope(observed.sightings, observed.requests, complete=complete_log)
    rows = [_host_row(host, show_victims) for host in found.hosts]
    if form == "jsonl":
        print_jsonl(rows)
    else:
        _print_hosts(rows)
    for request in found.unjoined:
        server = f" to {request.server}" if request.server else ""
        note(f"looks like SUNBURST's request, but no host's: {request.uri}{server}")
    for label in found.flagged:
        note(f"left out: {label.label}: {label.reason}")
    return exit_code(bool(rows), observed)


@sunburst.command()
@click.option(
    "--inventory",
    "inventories",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False),
    help="CSV or JSON with machines: name, domain, MachineGuid, MAC addresses. May be repeated.",
)
@click.argument("hosts", nargs=-1, required=True)
@_FORMAT
@VICTIMS
def attribute(
    inventories: Sequence[str], hosts: Sequence[str], form: str, show_victims: bool
) -> int:
    """Which machine is behind each host ID: HOSTS are IDs, or files as for `hosts`."""
    machines, gaps = inventory(inventories)
    given = [text.lower() for text in hosts if _is_id(text)]
    found = survey([text for text in hosts if not _is_id(text)], sys.stdin.buffer)
    known = scope(found.sightings, found.requests).hosts
    domains = {h.name.domain for h in known if h.name.domain and h.name.confidence != "partial"}
    result = attribution({*given, *(host.host_id for host in known)}, machines, sorted(domains))
    for text in (*found.notes, *gaps):
        note(text)
    rows = [_owner_row(owner, show_victims) for owner in result.owners]
    rows += [{"host_id": host_id, "machine": None} for host_id in result.nobody]
    if form == "jsonl":
        print_jsonl(rows)
    else:
        _print_owners(rows)
    for name, missing in result.incomplete:
        note(f"{name}: cannot be tried without {missing}")
    if result.owners:
        return FINDINGS
    return INCONCLUSIVE if found.unread or gaps or result.incomplete else CLEAR


def _is_id(text: str) -> bool:
    return _HOST_ID.fullmatch(text) is not None and not Path(text).exists()


def _owner_row(owner: Owner, show_victims: bool) -> dict[str, Any]:
    return {
        "host_id": owner.host_id,
        "machine": owner.machine.name if show_victims else owner.machine.name.split(".")[0],
        "domain": owner.domain if show_victims else REDACTED,
        "mac": owner.mac,
    }


def _print_owners(rows: Sequence[Mapping[str, Any]]) -> None:
    table = _table("host", "machine")
    for row in rows:
        table.add_row(
            *map(_cell, (row["host_id"], row["machine"] or "no machine of the inventory"))
        )
    _console().print(table)
    named = {row["host_id"] for row in rows if row["machine"]}
    _console().print(Text(f"{len(named)} of {len({row['host_id'] for row in rows})} hosts named"))


def _label_row(label: Label, show_victims: bool) -> dict[str, Any]:
    domain = None
    if label.sequence is not None and label.chunk is not None:
        domain = join([(label.sequence, label.chunk)]).domain
    return {
        "label": label.label,
        "kind": label.kind,
        "host_id": label.host_id,
        "sequence": label.sequence,
        "chunk": label.chunk,
        "text": domain if show_victims or domain is None else REDACTED,
        "time": stamp(label.time),
        "products": None if label.products is None else dict(label.products),
        "stage2": label.stage2,
        "region_ok": label.region_ok,
        "reason": label.reason,
    }


def _host_row(host: Host, show_victims: bool) -> dict[str, Any]:
    domain = host.name.domain
    return {
        "host_id": host.host_id,
        "domain": domain if show_victims or domain is None else REDACTED,
        "confidence": host.name.confidence,
        "stage": host.stage,
        "stopped": host.stopped,
        "doubts": list(host.doubts),
        "because": [*host.because, f"name: {host.name.because}"],
        "labels": host.labels,
        "first": stamp(host.first),
        "last": stamp(host.last),
        "next_query": [stamp(time) for time in host.next_query] if host.next_query else None,
        "second_stage": list(host.second_stage),
    }


def _print_labels(rows: Sequence[Mapping[str, Any]]) -> None:
    table = _table("label", "kind", "host", "says")
    for row in rows:
        table.add_row(*map(_cell, (row["label"], row["kind"], row["host_id"], _says(row))))
    _console().print(table)
    _console().print(Text(f"{len(rows)} labels"))


def _says(row: Mapping[str, Any]) -> str:
    """One label in words; the reason why it is doubtful comes first."""
    products = row["products"] or {}
    words = [
        row["reason"],
        row["sequence"] is not None and f"chunk {row['sequence']}: {row['text']}",
        row["time"],
        row["stage2"] and "stage-2 bit",
        *(f"{product} {state}" for product, state in products.items()),
    ]
    return "; ".join(word for word in words if word)


def _print_hosts(rows: Sequence[Mapping[str, Any]]) -> None:
    table = _table("host", "stage", "name", "because")
    for row in rows:
        name = f"{row['domain'] or 'unknown'} ({row['confidence']})"
        table.add_row(*map(_cell, (row["host_id"], _stage(row), name, _why(row))))
    _console().print(table)
    _console().print(Text(counted(len(rows), "host")))


def _stage(row: Mapping[str, Any]) -> str:
    """The stage, and the operator's end to a host that had got further."""
    ended = row["stopped"] and row["stage"] != "terminated"
    return f"{row['stage']}, then terminated" if ended else row["stage"]


def _why(row: Mapping[str, Any]) -> str:
    """The first reason, how many more there are, the name's, and the forecast."""
    first, *others, name = row["because"]
    words = [*row["doubts"], first + (f" (+{len(others)} more)" if others else ""), name]
    if row["next_query"]:
        words.append("next query due {} to {}".format(*row["next_query"]))
    return "; ".join(words)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    *fixed, last = titles
    for title in fixed:
        table.add_column(title, overflow="fold", width=_CELLS[title])
    table.add_column(last, overflow="fold")
    return table


def _cell(value: str | None) -> Text:
    return Text(visible(cut(value or "", FIELD_CHARS)))


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
