"""About 600 small files, 100 MB: what a run costs that has little to read in many places.

    python -m benchmarks.small_files [--repeats 5] [--rules DIR] [--folder bench-data]

Half of the files are event logs (most of one chunk, the size Windows gives to logs nobody writes
to), half are IIS and HttpProxy logs that roll over by size. Every row is a process of its own,
warm, from start to the document written out. The first three rows say what of that is fixed.
``--rules`` takes a folder of Sigma rules; without it the shipped campaign's are hunted with, too.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain, count, cycle
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from afterpatch.simulate.bulk import write_bulk
from afterpatch.simulate.evtx import CHUNK_BYTES, header
from afterpatch.simulate.evtx_bulk import write_evtx_bulk
from benchmarks.measure import Measured, best

TEXT_BYTES: Final = 44_000_000
PART_BYTES: Final = 190_000  # of a text log, so that there are about 600 files in all
EVTX_MEGABYTES: Final = 56
# Chunks per event log: four of five are as small as Windows makes them.
CHUNKS: Final = (1, 1, 1, 1, 10)
PACKS: Final = Path(__file__).parents[1] / "src" / "afterpatch" / "campaigns" / "packs"
SHIPPED_RULES: Final = PACKS / "hafnium-exchange-2021" / "rules"

IMPORT = "import afterpatch.cli.hunt"
RULES = """
import sys
from afterpatch.cli.hunt_options import hunt_request
from afterpatch.cli.rule_cache import rule_cache
hunt_request((sys.argv[1],), (), None, None, None).rules.build(rule_cache())
"""
KERNEL = "from afterpatch.formats.evtx_blocks import BlockReader; BlockReader()"


def main() -> None:
    """Generate once, measure, print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rules", type=Path, default=SHIPPED_RULES)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    args = parser.parse_args()
    evidence = args.folder / "small-files"
    if not evidence.exists():
        write_small_files(evidence)
    files = [path for path in evidence.rglob("*") if path.is_file()]
    size_bytes = sum(path.stat().st_size for path in files)
    shown = table(measure(evidence, args.rules, args.repeats), len(files), size_bytes)
    Console().print(shown)


def write_small_files(out: Path) -> None:
    """The evidence of one server, in files as small as they come."""
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        made, events = Path(folder, "bulk"), Path(folder, "events")
        write_bulk(made, TEXT_BYTES / 1e9)
        texts = [path for path in sorted(made.rglob("*")) if path.suffix.lower() == ".log"]
        for path in texts:
            more = (f"{path.stem}-{number}{path.suffix}" for number in count(1))
            names = chain([path.name], more)
            target = out / path.parent.relative_to(made)
            target.mkdir(parents=True, exist_ok=True)
            for name, part in zip(names, _parts(path.read_bytes(), PART_BYTES), strict=False):
                (target / name).write_bytes(part)
        write_evtx_bulk(events, EVTX_MEGABYTES)
        [server] = {path.relative_to(made).parts[0] for path in texts}
        _write_event_logs(events, out / server / "C" / "Windows" / "System32" / "winevt" / "Logs")


def _parts(data: bytes, size_bytes: int) -> Iterator[bytes]:
    """A log in pieces of whole lines, each behind the log's own header."""
    lines = data.splitlines(keepends=True)
    head = 0
    while head < len(lines) and (head == 0 or lines[head].startswith(b"#")):
        head += 1
    part: list[bytes] = []
    size = 0
    for line in lines[head:]:
        part.append(line)
        size += len(line)
        if size >= size_bytes:
            yield b"".join((*lines[:head], *part))
            part, size = [], 0
    if part:
        yield b"".join((*lines[:head], *part))


def _write_event_logs(made: Path, target: Path) -> None:
    target.mkdir(parents=True)
    sizes = cycle(CHUNKS)
    number = 0
    for path in sorted(made.iterdir()):
        data = path.read_bytes()
        at = len(header(1, 1))
        while at < len(data):
            part = data[at : at + next(sizes) * CHUNK_BYTES]
            last = int.from_bytes(part[-CHUNK_BYTES:][16:24], "little")
            chunks = len(part) // CHUNK_BYTES
            (target / f"Log-{number:03}.evtx").write_bytes(header(chunks, last + 1) + part)
            at += len(part)
            number += 1


def measure(evidence: Path, rules: Path, repeats: int) -> list[tuple[str, Measured]]:
    """The fixed parts, then whole runs."""
    python = sys.executable
    hunt = [python, "-m", "afterpatch", "hunt", str(evidence), "--rules", str(rules)]
    assess = [python, "-m", "afterpatch", "assess", str(evidence)]
    end = ["--exit-zero", "--format", "json"]
    return [
        ("start-up: imports", best([python, "-c", IMPORT], repeats)),
        ("start-up: imports, rules", best([python, "-c", RULES, str(rules)], repeats)),
        ("start-up: compiled code alone", best([python, "-c", KERNEL], repeats)),
        ("hunt, 1 process", best([*hunt, *end, "--workers", "1"], repeats)),
        ("hunt, 2 processes", best([*hunt, *end, "--workers", "2"], repeats)),
        ("assess, 1 process", best([*assess, *end, "--workers", "1"], repeats)),
        ("assess, 2 processes", best([*assess, *end, "--workers", "2"], repeats)),
    ]


def table(rows: list[tuple[str, Measured]], files: int, size_bytes: int) -> Table:
    """One row per contender; a run with two processes also as ratio to one."""
    shown = Table(title=f"{files} files, {size_bytes / 1e6:.0f} MB")
    for column in ("contender", "seconds", "CPU s", "times faster than 1 process", "peak MB"):
        shown.add_column(column, justify="left" if column == "contender" else "right")
    alone = dict(rows)
    for name, measured in rows:
        one = alone.get(name.replace("2 processes", "1 process")) if "2 processes" in name else None
        shown.add_row(
            name,
            f"{measured.seconds:.2f}",
            f"{measured.cpu_seconds:.2f}",
            f"{one.seconds / measured.seconds:.2f}" if one else "",
            f"{measured.peak_bytes / 1e6:.0f}",
        )
    return shown


if __name__ == "__main__":
    main()
