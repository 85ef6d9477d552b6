"""YARA over a tree of files: ``afterpatch hunt`` beside the bare yara-x core.

    python -m benchmarks.yara [--megabytes 600] [--rules 300] [--repeats 2]

The tree is made here: many small scripts and pages, some binaries of up to 8 MB. The core is one
yara-x scanner in one process that reads each file and scans it: nothing is hashed, recognised,
reported. Hunting does all of that. Seconds are of processors, summed up over all processes: "in
process" without start-up and compiling, "whole run" with both; its time by the clock stands behind.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yara_x

from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.evidence.discover import discover
from afterpatch.pipeline.engines import HuntRules
from afterpatch.pipeline.unit import Rules, read_units
from benchmarks.measure import best

_SMALL_BYTES = (600, 40_000)
_LARGE_BYTES = (200_000, 8_000_000)
_SMALL_SHARE = 0.2  # of the bytes; nine files in ten


def main() -> None:
    """Make, scan, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=600)
    parser.add_argument("--rules", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=2)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree, rules = Path(folder, "tree"), Path(folder, "rules.yar")
        paths = write_tree(tree, round(args.megabytes * 1e6))
        rules.write_text(rule_texts(args.rules), encoding="utf-8")
        size = sum(path.stat().st_size for path in paths)
        print(f"{len(paths):,} files, {size / 1e6:,.0f} MB, {args.rules} rules, {HITS} files match")
        core_s, core_hits = core(paths, rules)
        show("yara-x core, in process", core_s, size, core_s, f"{core_hits} matches")
        mine_s, hits = in_process(tree, rules, Path(folder))
        show("afterpatch, in process", mine_s, size, core_s, f"{hits} matches")
        if hits != core_hits:
            sys.exit("the two disagree")
        command = [sys.executable, "-m", "afterpatch", "hunt", str(tree), "--rules", str(rules)]
        command += ["--exit-zero", "--format", "jsonl"]
        for label, workers in (("1 worker", ["--workers", "1"]), ("all cores", [])):
            run = best([*command, *workers], args.repeats)
            note = f"{run.seconds:.2f} s by the clock, {run.peak_bytes / 1e6:.0f} MB"
            show(f"afterpatch hunt, {label}, whole run", run.cpu_seconds, size, core_s, note)


HITS = 40


def write_tree(folder: Path, size_bytes: int) -> list[Path]:
    """Files in folders of a hundred; every so many hold what a rule looks for."""
    rng = np.random.default_rng(2021)
    words = [f"word{n:x}".encode() for n in rng.integers(0, 1 << 24, 4_000).tolist()]
    paths: list[Path] = []
    for share, bounds in ((_SMALL_SHARE, _SMALL_BYTES), (1 - _SMALL_SHARE, _LARGE_BYTES)):
        left = size_bytes * share
        while left > 0:
            length = int(rng.integers(*bounds))
            is_text = bounds is _SMALL_BYTES
            data = rng.bytes(length // 2) + bytes(length // 4) + rng.bytes(length // 4)
            if is_text:
                picks = [words[n] for n in rng.integers(0, 4_000, length // 11)]
                data = b"\n".join(b" ".join(picks[at : at + 9]) for at in range(0, len(picks), 9))
            number = len(paths)
            path = folder / f"{number // 100:04}" / f"file{number:06}.{'txt' if is_text else 'bin'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            mark = f" evil marker number {number}".encode() if number < HITS else b""
            path.write_bytes(data + mark)
            paths.append(path)
            left -= length
    return paths


def rule_texts(count: int) -> str:
    """Rules as people write them: texts in both widths, bytes with gaps, a regular expression."""
    return "\n".join(
        f"""rule bench_{n} {{
  meta: description = "benchmark {n}"
  strings:
    $a = "evil marker number {n}" fullword ascii wide
    $b = "Invoke-Thing{n}" nocase
    $c = {{ {n % 256:02X} 8B 45 ?? 83 C0 {n // 256:02X} [2-6] E8 }}
    $d = /eval\\(request\\[.{{1,20}}key{n}/
  condition: any of ($a, $b, $d) or (uint16(0) == 0x5a4d and $c)
}}"""
        for n in range(count)
    )


def core(paths: Sequence[Path], rules: Path) -> tuple[float, int]:
    """(processor seconds, matches) of the bare scanner."""
    scanner = yara_x.Scanner(yara_x.compile(rules.read_text(encoding="utf-8")))
    start, hits = time.process_time(), 0
    for path in paths:
        hits += len(scanner.scan(path.read_bytes()).matching_rules)
    return time.process_time() - start, hits


def in_process(tree: Path, rules: Path, scratch: Path) -> tuple[float, int]:
    """(processor seconds, matches) of reading and hunting, rules compiled before."""
    texts = read_own_rules([str(rules)]).texts
    engines = Rules((), (), (), (), HuntRules(yara=texts)).build()
    items = discover([str(tree)], scratch).items
    start = time.process_time()
    readings = read_units(items, engines, scratch)
    spent = time.process_time() - start
    return spent, sum(s.count for reading in readings for s in reading.hunted.sums.values())


def show(name: str, seconds: float, size_bytes: int, core_s: float, note: str) -> None:
    """One line of the table."""
    speed = size_bytes / 1e6 / seconds
    print(f"{name:<38}{seconds:>7.2f} s{speed:>7.0f} MB/s{seconds / core_s:>7.2f} x core  {note}")


if __name__ == "__main__":
    main()
