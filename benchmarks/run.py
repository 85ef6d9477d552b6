"""Text logs from bytes to verdict, against ripgrep with the campaign's literals, and plain reading.

    python -m benchmarks.run [--gigabytes 2] [--repeats 3] [--folder bench-data]

Everything runs over the same generated files, warm, in one go; ratios are what to look at. ripgrep
is optional (the row says so when it is absent). It gets the literals that the prefilter was built
from, prints matching lines' counts only, and uses as many threads as there are cores.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from afterpatch.campaigns.load import load
from afterpatch.detect.text_prefilter import TextPrefilter
from afterpatch.pipeline.unit import Rules
from afterpatch.simulate.bulk import write_bulk
from benchmarks.measure import Measured, best

READ_ALL = """
import sys, concurrent.futures as f, pathlib
def read(p):
    with open(p, "rb", buffering=0) as s:
        b = bytearray(1 << 20)
        while s.readinto(b): pass
files = [p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file()]
with f.ThreadPoolExecutor(2) as pool: list(pool.map(read, files))
"""


def main() -> None:
    """Generate once, measure, print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("bench-data"))
    args = parser.parse_args()
    evidence = args.folder / f"bulk-{args.gigabytes:g}"
    if not evidence.exists():
        write_bulk(evidence, args.gigabytes)
    size = sum(path.stat().st_size for path in evidence.rglob("*") if path.is_file())
    rows = measure(evidence, args.folder / "literals.txt", args.repeats)
    console = Console()
    console.print(table(rows, size))
    start = best([sys.executable, "-m", "afterpatch", "--version"], args.repeats)
    console.print(f"start-up (afterpatch --version): {start.seconds:.2f} s")


def measure(evidence: Path, literals: Path, repeats: int) -> list[tuple[str, Measured | None]]:
    """Every contender over the same files; the first runs also warm the page cache."""
    python = sys.executable
    literals.write_text("\n".join(campaign_literals()) + "\n", encoding="utf-8")
    plain = best([python, "-c", READ_ALL, str(evidence)], repeats)
    rg = shutil.which("rg")
    grep = [str(rg), "-c", "-i", "-a", "-F", "-f", str(literals), str(evidence)]
    assess = [
        python,
        "-m",
        "afterpatch",
        "assess",
        str(evidence),
        "--exit-zero",
        "--format",
        "json",
    ]
    return [
        ("plain reading, 2 threads", plain),
        (
            f"ripgrep -F -f ({len(campaign_literals())} literals)",
            best(grep, repeats) if rg else None,
        ),
        ("afterpatch assess, all cores", best(assess, repeats)),
        ("afterpatch assess, 1 worker", best([*assess, "--workers", "1"], 1)),
    ]


def campaign_literals() -> list[str]:
    """What the prefilter looks for, as plain strings; of a pair of literals the longer one."""
    detector = Rules.of(load("hafnium-exchange-2021")).build()
    found = set()
    for prefilter in (detector.wanted("webserver"), detector.wanted("exchange")):
        if isinstance(prefilter, TextPrefilter):
            for patterns in (*((pattern,) for pattern in prefilter.patterns), *prefilter.pairs):
                literals = [re.sub(r"\\(.)", r"\1", pattern.decode()) for pattern in patterns]
                found.add(max(literals, key=len))
    return sorted(found)


def table(rows: list[tuple[str, Measured | None]], size_bytes: int) -> Table:
    """One row per contender, as ratio to afterpatch."""
    ours = next(m for name, m in rows if m and name.startswith("afterpatch"))
    shown = Table(title=f"{size_bytes / 1e9:.2f} GB of IIS and HttpProxy logs")
    for column in ("contender", "seconds", "MB/s", "time vs afterpatch", "peak MB"):
        shown.add_column(column, justify="left" if column == "contender" else "right")
    for name, measured in rows:
        if measured is None:
            shown.add_row(name, "not installed", "", "", "")
            continue
        shown.add_row(
            name,
            f"{measured.seconds:.2f}",
            f"{size_bytes / 1e6 / measured.seconds:.0f}",
            f"{measured.seconds / ours.seconds:.2f}",
            f"{measured.peak_bytes / 1e6:.0f}",
        )
    return shown


if __name__ == "__main__":
    main()
