"""``afterpatch explain``: the exact bytes behind a claim, and what would change the verdict."""

from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from afterpatch.model.errors import UsageError
from afterpatch.model.places import Place
from afterpatch.pipeline.originals import originals
from afterpatch.report.explain import ExplainLine, render_explain


@click.command()
@click.argument("host")
@click.argument("finding", required=False)
@click.option(
    "--report", type=click.Path(path_type=Path), default=Path("afterpatch-report"),
    show_default=True, help="Folder or assessment.json that `assess --output` wrote.",
)  # fmt: skip
@click.option(
    "--evidence", multiple=True, help="Where the evidence is now; default: where it was assessed."
)
def explain(host: str, finding: str | None, report: Path, evidence: tuple[str, ...]) -> int:
    """Print the source lines behind HOST's verdict, or one FINDING, again from the evidence."""
    doc = _load(report)
    places, hashes = _places(doc, host, finding)
    found = originals(evidence or tuple(doc["tool"]["evidence"]), places)
    lines = {
        (place.source, place.record): ExplainLine(
            original.texts, original.sha256 == hashes.get(place.source)
        )
        for place, original in found.items()
    }
    render_explain(doc, host, finding, lines, Console(highlight=False))
    return 0


def _load(report: Path) -> dict[str, Any]:
    path = report / "assessment.json" if report.is_dir() else report
    try:
        doc = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; run `afterpatch assess … --output`") from error
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}: not JSON: {error}") from error
    if not isinstance(doc, dict) or doc.get("schema") != "afterpatch.assessment/1":
        raise UsageError(f"{path}: not an afterpatch assessment of version 1")
    return doc


def _places(
    doc: dict[str, Any], host: str, finding: str | None
) -> tuple[list[Place], dict[str, str]]:
    names = {name.casefold(): entry for entry in doc["hosts"] for name in _names(entry)}
    entry = names.get(host.casefold())
    if entry is None:
        known = ", ".join(entry["host"] for entry in doc["hosts"])
        raise UsageError(f"no host {host!r} in this assessment; hosts: {known}")
    because = [b for verdict in entry["verdicts"] for b in verdict["because"]]
    if finding and finding not in {b["finding"] for b in because}:
        raise UsageError(f"{entry['host']} has no finding {finding!r}")
    places = [
        Place(place["source"], place["record"])
        for b in because
        if finding in (None, b["finding"])
        for place in b["places"]
    ]
    return places, {_source_name(s): s["sha256"] for s in doc["sources"]}


def _names(entry: dict[str, Any]) -> list[str]:
    return [entry["host"], *entry["aliases"], entry["host"].split(".", 1)[0]]


def _source_name(source: dict[str, Any]) -> str:
    path, member = str(source["path"]), source["member"]
    return path if member is None else f"{path}!{member}"
