"""Event logs from bytes to findings, against parsing the same files with ``evtx`` and orjson alone.

    python -m benchmarks.evtx [--megabytes 200] [--repeats 3] [--rules DIR] [--evidence PATH]

Every row is a process of its own over the same files, start-up and loading of compiled code
included, warm. The last two are whole runs of the command line, report included: ``hunt`` with the
Sigma rules of ``--rules``, or ``assess`` with the shipped campaign. Processor time and ratios are
what to look at: others may use the machine too. ``--evidence`` takes a folder of event logs in
place of generated ones. Candidate rules: those looked at for an event because a text that they need
was found where they look for it.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import evtx
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from afterpatch.campaigns.load import load
from afterpatch.cli.rule_cache import rule_cache
from afterpatch.detect.sigma.columns import Columns
from afterpatch.detect.sigma.literals import Indexes
from afterpatch.detect.sigma.look import Look, Tree
from afterpatch.evidence.discover import discover
from afterpatch.model.batches import ColumnsWanted, Logsource
from afterpatch.model.campaigns import RuleText
from afterpatch.pipeline.unit import Rules, read_units
from afterpatch.simulate.evtx_bulk import write_evtx_bulk
from benchmarks.measure import Measured, best

PARSE = """
import sys, pathlib, evtx, orjson
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.evtx")):
    records = evtx.PyEvtxParser(str(path)).records_json()
    while True:
        try: orjson.loads(next(records)["data"])
        except StopIteration: break
        except RuntimeError: continue
"""
READ = """
import sys, pathlib
from afterpatch.formats import evtx
from afterpatch.model.places import Item
from benchmarks.evtx import wanted
columns = None if sys.argv[2] == "all" else wanted(sys.argv[3])
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.evtx")):
    item = Item(str(path), None, str(path), "bench", (str(path),), path.stat().st_size)
    with path.open("rb") as stream:
        for piece in evtx.read_columns(stream, item, columns): pass
"""
RULES = """
import sys
import afterpatch.cli.hunt
from benchmarks.evtx import wanted
wanted(sys.argv[1])
"""
LOAD = """
import sys
import afterpatch.cli.hunt
from benchmarks.evtx import wanted
from afterpatch.formats.evtx_blocks import BlockReader
wanted(sys.argv[1]), BlockReader()
"""

ONE, TWO = "whole run, 1 process", "whole run, 2 processes"


def main() -> None:
    """Generate once, measure, print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rules", default="")
    parser.add_argument("--evidence", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    args = parser.parse_args()
    evidence = args.evidence or args.folder / f"evtx-{args.megabytes}"
    if not evidence.exists():
        write_evtx_bulk(evidence, args.megabytes)
    size = sum(path.stat().st_size for path in evidence.rglob("*.evtx"))
    events = count(evidence)
    console = Console()
    rows = measure(evidence, args.rules, args.repeats)
    console.print(table(rows, size, events))
    mean, most_of, most = candidates(evidence, args.rules)
    console.print(f"candidate rules per event: mean {mean:.2f}, p95 {most_of}, most {most}")
    one, two = dict(rows)[ONE], dict(rows)[TWO]
    console.print(f"two processes are {one.seconds / two.seconds:.2f} times as fast as one")
    console.print(f"first run ever, compiling included: {first_run(args.folder):.1f} s")


def rules(folder: str) -> Rules:
    """The Sigma rules of a folder, or those of the shipped campaign."""
    if not folder:
        return Rules.of(load("hafnium-exchange-2021"), cache=rule_cache())
    texts = [(str(p), p.read_text(encoding="utf-8")) for p in sorted(Path(folder).rglob("*.yml"))]
    sigma = tuple(RuleText(path, "sigma", text) for path, text in texts)
    return Rules(sigma, (), (), (), cache=rule_cache())


def wanted(folder: str) -> ColumnsWanted:
    """The columns that these rules look at."""
    return rules(folder).build().columns_wanted


def count(evidence: Path) -> int:
    """Events, by the plain parser's count."""
    total = 0
    for path in evidence.rglob("*.evtx"):
        records = evtx.PyEvtxParser(str(path)).records_json()
        while True:
            try:
                next(records)
            except StopIteration:
                break
            except RuntimeError:
                continue
            total += 1
    return total


def measure(evidence: Path, folder: str, repeats: int) -> list[tuple[str, Measured]]:
    """Every contender over the same files."""
    python, path = [sys.executable, "-c"], str(evidence)
    return [
        ("evtx + orjson, parsing alone", best([*python, PARSE, path], repeats)),
        ("start-up: imports, rules", best([*python, RULES, folder], repeats)),
        ("start-up: these, compiled code", best([*python, LOAD, folder], repeats)),
        ("columns, all fields", best([*python, READ, path, "all", folder], repeats)),
        ("columns, fields of the rules", best([*python, READ, path, "rules", folder], repeats)),
        (ONE, best(whole_run(path, folder, 1), repeats)),
        (TWO, best(whole_run(path, folder, 2), repeats)),
    ]


def whole_run(evidence: str, folder: str, workers: int) -> list[str]:
    """The command line from evidence to a report on the standard output."""
    verb = ["hunt", "--rules", folder, "--format", "jsonl"] if folder else ["assess"]
    program = [sys.executable, "-m", "afterpatch", *verb]
    return [*program, evidence, "--workers", str(workers), "--exit-zero"]


def candidates(evidence: Path, folder: str) -> tuple[float, int, int]:
    """(mean, 95th percentile, most) of the rules that events were candidates of."""
    counts: list[npt.NDArray[np.int64]] = []

    class Counting(Look):
        def __init__(self, columns: Columns, logsource: Logsource) -> None:
            super().__init__(columns, logsource)
            counts.append(np.zeros(columns.rows, np.int64))

        def satisfying(self, tree: Tree, rows: Indexes) -> Indexes:
            counts[-1][rows] += 1
            return super().satisfying(tree, rows)

    with patch("afterpatch.detect.sigma.plan.Look", Counting), TemporaryDirectory() as scratch:
        here, engines = Path(scratch), rules(folder).build()
        for item in discover([str(evidence)], here).items:
            read_units([item], engines, here)
    every = np.concatenate(counts)
    return float(every.mean()), int(np.percentile(every, 95)), int(every.max())


def first_run(folder: Path) -> float:
    """Seconds to load the columnar reader where no compiled code is kept yet."""
    folder.mkdir(parents=True, exist_ok=True)
    code = "from afterpatch.formats.evtx_blocks import BlockReader; BlockReader()"
    with TemporaryDirectory(dir=folder) as cache:
        start = time.perf_counter()
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - start


def table(rows: list[tuple[str, Measured]], size_bytes: int, events: int) -> Table:
    """One row per contender, with its ratio to parsing alone."""
    parsing = rows[0][1].cpu_seconds
    shown = Table(title=f"{size_bytes / 1e6:.0f} MB of event logs, {events:,} events")
    for column in (
        "contender",
        "seconds",
        "CPU s",
        "events/CPU s",
        "MB/CPU s",
        "vs parsing",
        "peak MB",
    ):
        shown.add_column(column, justify="left" if column == "contender" else "right")
    for name, measured in rows:
        shown.add_row(
            name,
            f"{measured.seconds:.2f}",
            f"{measured.cpu_seconds:.2f}",
            f"{events / measured.cpu_seconds:,.0f}",
            f"{size_bytes / 1e6 / measured.cpu_seconds:.0f}",
            f"{measured.cpu_seconds / parsing:.2f}",
            f"{measured.peak_bytes / 1e6:.0f}",
        )
    return shown


if __name__ == "__main__":
    main()
