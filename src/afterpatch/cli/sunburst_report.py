"""``afterpatch sunburst report``: the funnel and ED 21-01 categories, as text, page and tables."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from afterpatch.campaigns.load import load
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
from afterpatch.detect.sunburst.attribution import attribute
from afterpatch.detect.sunburst.categories import Funnel, Judged, funnel, judge, missing_days
from afterpatch.detect.sunburst.hosts import Scope, scope
from afterpatch.model.campaigns import Triage
from afterpatch.model.errors import CampaignError
from afterpatch.report.atomic import write_atomically
from afterpatch.report.html import render_sunburst
from afterpatch.report.sunburst import category_csv, funnel_text
from afterpatch.report.sunburst_page import build_page, reasons
from afterpatch.report.sunburst_workbook import category_workbook
from afterpatch.report.words import counted

# A label in a reason carries a piece of the name; a page is passed on, so it goes with the name.
_LABEL: Final = re.compile(r"(?:query|(?<=the time in)) [0-9a-z]{16,32}\b")
_CAMPAIGN: Final = "sunburst-orion-2020"
_PATH: Final = click.Path(path_type=Path, dir_okay=False)


@click.command()
@FILES
@VICTIMS
@click.option(
    "--inventory", "inventories", multiple=True, type=click.Path(exists=True, dir_okay=False)
)
@click.option("--csv", "csv_path", type=_PATH, help="Also the category report as CSV.")
@click.option("--xlsx", "xlsx_path", type=_PATH, help="Also the category report as a workbook.")
@click.option("--html", "html_path", type=_PATH, help="Also one self-contained page.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def report(
    files: Sequence[str],
    show_victims: bool,
    inventories: Sequence[str],
    csv_path: Path | None,
    xlsx_path: Path | None,
    html_path: Path | None,
    form: str,
) -> int:
    """The funnel, and the ED 21-01 category of each host."""
    observed = read(files)
    triage = _triage()
    missing = missing_days(observed.days, triage)
    found = scope(observed.sightings, observed.requests, complete=not missing)
    machines, gaps = inventory(inventories)
    for gap in gaps:
        note(gap)
    domains = {
        h.name.domain for h in found.hosts if h.name.domain and h.name.confidence != "partial"
    }
    owners = attribute([host.host_id for host in found.hosts], machines, sorted(domains)).owners
    names = {owner.host_id: owner.machine.name for owner in owners}
    judged = [judge(host, missing, triage) for host in found.hosts]
    rows = [_category_row(row, names, len(missing), show_victims) for row in judged]
    counts = funnel(judged)
    if csv_path:
        write_atomically(csv_path, category_csv(rows).encode())
    if xlsx_path:
        days = [str(day) for day in missing]
        write_atomically(xlsx_path, category_workbook(rows, _funnel_rows(counts), days))
    if html_path:
        told = [
            {**row, **_story_cells(of, show_victims)} for row, of in zip(rows, judged, strict=True)
        ]
        notes = [*observed.notes, *gaps, *_left_out(found)]
        page = build_page(told, counts, missing, notes, triage, redacted=not show_victims)
        write_atomically(html_path, render_sunburst(page).encode("utf-8", errors="replace"))
    if form == "json":
        print_jsonl([{"funnel": asdict(counts), "days_missing": len(missing), "hosts": rows}])
    else:
        click.echo(funnel_text(_funnel_rows(counts)), nl=False)
        if missing:
            window = f"{missing[0]} to {missing[-1]}"
            click.echo(f"{len(missing)} days without a record of look-ups, {window}.")
    return exit_code(bool(rows), observed)


def _triage() -> Triage:
    triage = load(_CAMPAIGN).triage
    if triage is None:
        raise CampaignError([f"{_CAMPAIGN}: the campaign has no categories"])
    return triage


def _funnel_rows(counts: Funnel) -> list[tuple[str, int | None, str]]:
    return [
        ("exposed", None, "ask the inventory: afterpatch assess"),
        ("beaconed", counts.beaconed, f"{counts.doubted} of them doubted"),
        ("terminated", counts.stopped, "by the operator; not clean"),
        ("targeted", counts.targeted, "category 3"),
        ("http-c2", counts.http_c2, "category 3"),
        ("follow-up", None, "ask the hosts: afterpatch assess"),
        ("no category", counts.unknown, "days are missing"),
    ]


def _category_row(
    row: Judged, names: Mapping[str, str], days: int, show_victims: bool
) -> dict[str, str]:
    host = row.host
    name, domain = names.get(host.host_id, ""), host.name.domain or ""
    return {
        "host_id": host.host_id,
        "machine": name if show_victims else name.split(".")[0],
        "domain": domain if show_victims or not domain else REDACTED,
        "confidence": host.name.confidence,
        "stage": host.stage,
        "stopped": "yes" if host.stopped else "no",
        "ed_21_01_category": row.category,
        "because": row.because,
        "doubts": "; ".join(host.doubts),
        "first": stamp(host.first) or "",
        "last": stamp(host.last) or "",
        "days_missing": str(days),
    }


def _story_cells(row: Judged, show_victims: bool) -> dict[str, str]:
    """What only the page tells of a host."""
    said: Iterable[str] = row.host.because
    doubts: Iterable[str] = row.host.doubts
    if not show_victims:
        said, doubts = map(_unlabelled, said), map(_unlabelled, doubts)
    return {
        "labels": str(row.host.labels),
        "reasons": reasons(list(dict.fromkeys(said))),
        "name_because": row.host.name.because,
        "doubts": "; ".join(doubts),
    }


def _unlabelled(text: str) -> str:
    return _LABEL.sub(lambda match: " a label" if match[0][0] == " " else "a query", text)


def _left_out(found: Scope) -> list[str]:
    """Labels and requests that no host was charged with."""
    labels, calls = len(found.flagged), len(found.unjoined)
    told = "afterpatch sunburst hosts lists them"
    return [
        *([f"{counted(labels, 'label')} the malware cannot have made; {told}"] if labels else []),
        *([f"{counted(calls, 'request')} like the malware's, of no host; {told}"] if calls else []),
    ]
