"""``afterpatch network``: command and control in network logs, without signatures.

Exit codes: 0 no alerts · 1 alerts · 2 usage error · 3 no alerts and something unread.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import click
from rich.console import Console

from afterpatch.cli.progress import watching
from afterpatch.cli.show import CLEAR, FINDINGS, INCONCLUSIVE
from afterpatch.detect.network.addresses import INTERNAL, Networks
from afterpatch.detect.network.alerts import Ranking
from afterpatch.detect.network.allow import Allowed, apply
from afterpatch.detect.network.ranking import FLOOR, Settings
from afterpatch.model.errors import UsageError
from afterpatch.pipeline.network import NetworkRun, rank_paths
from afterpatch.report.atomic import write_atomically
from afterpatch.report.network import json_lines, load_saved, render, saved, summary
from afterpatch.report.safe_text import visible

WIDTH: Final = 100  # columns when the output is not a terminal
GAPS_SHOWN: Final = 5
_WINDOW: Final = re.compile(r"([1-9][0-9]{0,3})([hd])")
_UNIT_HOURS: Final = {"h": 1, "d": 24}
_HOUR_US: Final = 3_600_000_000
_MAX_HOURS: Final = 90 * 24


def _window_us(_context: click.Context, _option: click.Parameter, value: str) -> int:
    """``6h``, ``14d`` -> microseconds."""
    match = _WINDOW.fullmatch(value)
    hours = int(match[1]) * _UNIT_HOURS[match[2]] if match else 0
    if not 1 <= hours <= _MAX_HOURS:
        raise click.BadParameter(f"{value!r} is not between 1h and 90d (examples: 6h, 14d)")
    return hours * _HOUR_US


@click.command()
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option(
    "--window",
    callback=_window_us,
    metavar="1h..90d",
    default="90d",
    show_default=True,
    help="How much of the logs' end to look at.",
)
@click.option(
    "--allow",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Allow-list: domain NAME, to CIDR, from CIDR; each with # and a reason.",
)
@click.option(
    "--top",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="At most so many of each kind.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    default=FLOOR,
    show_default=True,
    help="Alerts below it are only counted.",
)
@click.option(
    "--internal",
    multiple=True,
    metavar="CIDR",
    help="Networks that are one's own, instead of the private ranges.",
)
@click.option(
    "--role",
    multiple=True,
    metavar="ROLE=CIDR",
    help="Mark hosts, such as repo=10.1.2.0/28: their uploads weigh more.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True
)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the whole ranking in this file.",
)
@click.option(
    "--saved",
    "again",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Show a kept ranking again, with another allow-list, instead of reading PATHs.",
)
def network(
    paths: tuple[str, ...],
    window: int,
    allow: Path | None,
    top: int,
    min_score: float,
    internal: tuple[str, ...],
    role: tuple[str, ...],
    form: Literal["table", "jsonl"],
    save: Path | None,
    again: Path | None,
) -> int:
    """Rank what looks like command and control, or theft, in network logs.

    Beacons per address, server name and DNS zone; names that carry data; long connections; uploads
    out of the ordinary. No signatures; every score is told in words.

    \b
    Exit codes: 0 no alerts, 1 alerts, 2 error, 3 no alerts but something was not read.
    """
    if bool(paths) == (again is not None):
        raise UsageError("give either PATHs or --saved FILE")
    allowed = _allowed(allow)
    if again is not None:
        run = NetworkRun(load_saved(again.read_bytes(), str(again)), (), ())
    else:
        settings = Settings(_networks(internal or INTERNAL), _roles(role), window, min_score)
        with watching() as watcher:
            run = rank_paths(paths, settings, watcher)
    if save is not None:
        write_atomically(save, saved(run.ranking))
    ranking = apply(run.ranking, allowed) if allowed else run.ranking
    _print(ranking, top, form)
    _tell_unread(run)
    if ranking.alerts:
        return FINDINGS
    nothing_read = again is None and not ranking.looked_at.get("sources")
    return INCONCLUSIVE if run.gaps or nothing_read else CLEAR


def _print(ranking: Ranking, top: int, form: Literal["table", "jsonl"]) -> None:
    if form == "table":
        width = None if sys.stdout.isatty() else WIDTH
        render(ranking, top, Console(highlight=False, width=width))
        return
    for line in json_lines(ranking, top):
        sys.stdout.buffer.write(line)
    for sentence in summary(ranking):
        _note(sentence)


def _tell_unread(run: NetworkRun) -> None:
    for gap in run.gaps[:GAPS_SHOWN]:
        _note(f"not read: {gap.source}, {gap.place}: {gap.reason} ({gap.records:,} records)")
    if len(run.gaps) > GAPS_SHOWN:
        lost = sum(gap.records for gap in run.gaps)
        _note(f"not read: {len(run.gaps):,} places in all, {lost:,} records")
    for name in run.unknown[:GAPS_SHOWN]:
        _note(f"no log that is known: {name}")
    if len(run.unknown) > GAPS_SHOWN:
        _note(f"no log that is known: {len(run.unknown):,} files in all")


def _allowed(path: Path | None) -> Allowed | None:
    if path is None:
        return None
    try:
        return Allowed.parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text ({error})") from error


def _networks(texts: Iterable[str]) -> Networks:
    try:
        return Networks.of(texts)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _roles(pairs: Sequence[str]) -> dict[str, Networks]:
    found: dict[str, list[str]] = defaultdict(list)
    for pair in pairs:
        name, equals, network_text = pair.partition("=")
        if not (name and equals and network_text):
            raise UsageError(f"--role {pair}: the form is ROLE=CIDR, such as repo=10.1.2.0/28")
        found[name].append(network_text)
    return {name: _networks(texts) for name, texts in found.items()}


def _note(text: str) -> None:
    click.echo(f"afterpatch: {visible(text)}", err=True)
