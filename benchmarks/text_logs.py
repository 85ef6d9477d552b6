"""Text logs with community rules: reading, finding and matching, one log at a time, on one core.

    python -m benchmarks.text_logs [--rules DIR] [--megabytes 200] [--only NAME] [--profile]

Every log is made here (ordinary traffic, next to nothing matches), then read by its reader with all
rules for web servers, proxies, DNS, Zeek, Linux, AWS and Kubernetes below DIR, as ``afterpatch
hunt`` does: recognised, hashed, every line counted and dated, matched. MB and rows are per second
of processor time. The floor is reading the same bytes in the same process, hashing them and
counting their line ends. "forced" are the rules that make this log be parsed whole.
"""

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # as in a worker: one core, before polars is imported

import argparse
import cProfile
import hashlib
import pstats
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.evidence.discover import discover
from afterpatch.formats.format import HEAD_BYTES
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import Declared
from afterpatch.model.campaigns import RuleText
from afterpatch.pipeline.engines import Engines, HuntRules
from afterpatch.pipeline.unit import Rules, read_units
from benchmarks.text_log_lines import LOGS, Log, write

_LOGSOURCE = re.compile(
    r"^ +(?:category: (?:webserver|proxy|dns)|product: (?:zeek|linux|aws|kubernetes))[ \r]*$",
    re.MULTILINE,
)


class Result(NamedTuple):
    """What one log cost. Seconds are processor time of this process."""

    name: str
    size_bytes: int
    events: int
    hits: int
    seconds: float
    floor_s: float
    forced: int


def main() -> None:
    """Make, read, print one line per log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=Path, help="SigmaHQ's rules")
    parser.add_argument("--megabytes", type=float, default=200)
    parser.add_argument("--only", default="", help="logs whose name holds this text")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    args = parser.parse_args()
    if args.rules is None or not args.rules.is_dir():
        sys.exit("skipped: give --rules with a folder of SigmaHQ's rules")
    rules = rules_below(args.rules)
    print(f"{len(rules)} rule files; MB/s and rows/s per core, {args.megabytes:g} MB a log")
    print(f"{'log':<20}{'MB/s':>8}{'rows/s':>12}{'hits':>7}{'forced':>8}{'x floor':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for log in LOGS:
            if args.only.lower() in log.name.lower():
                show(measured(log, rules, Path(folder), args.megabytes, args.profile))


def rules_below(folder: Path) -> tuple[RuleText, ...]:
    """The rules for all of these."""
    texts = read_own_rules([str(folder)]).texts
    return tuple(text for text in texts if _LOGSOURCE.search(text.text))


def measured(
    log: Log, rules: tuple[RuleText, ...], folder: Path, megabytes: float, profile: bool
) -> Result:
    """Read one log; engines are built before the clock starts, and see a small log first."""
    path, events = write(log, folder / "whole", round(megabytes * 1e6))
    warm, few = write(log, folder / "warm", 1)
    engines = Rules((), (), (), (), HuntRules(sigma=rules)).build()
    hunt(warm, few, engines, folder)
    hits, seconds = timed(lambda: hunt(path, events, engines, folder), profile)
    _, floor_s = timed(lambda: plain(path))
    size = path.stat().st_size
    path.unlink()
    return Result(log.name, size, events, hits, seconds, floor_s, forced(warm, engines, folder))


def hunt(path: Path, events: int, engines: Engines, scratch: Path) -> int:
    """Hits in one log, every event of which must have been read."""
    (reading,) = read_units(discover([str(path)], scratch).items, engines, scratch)
    if reading.source.events != events or reading.gaps:
        raise AssertionError(f"{path}: {reading.source.events} events, {reading.gaps[:3]}")
    return sum(found.count for found in reading.hunted.sums.values())


def plain(path: Path) -> int:
    """Line ends of a file, which is hashed on the way."""
    digest, count = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
            count += block.count(b"\n")
    return count


def forced(path: Path, engines: Engines, scratch: Path) -> int:
    """How many rules this log is parsed whole for."""
    (item,) = discover([str(path)], scratch).items
    head = path.read_bytes()[:HEAD_BYTES]
    known, _ = recognise(head, item)
    assert known is not None and engines.hunter is not None
    detector = engines.hunter.detector
    if known.prefilter in ("webserver", "exchange"):
        return len(detector.forced_by(known.prefilter))
    logsource = known.logsource
    declared = Declared(logsource) if logsource else None
    if known.declared:
        declared = known.declared(head, item)
    assert declared is not None
    return len(detector.log_forced_by(declared, known.spelling))


def show(result: Result) -> None:
    """One line of the table."""
    speed = result.size_bytes / 1e6 / result.seconds
    rows = result.events / result.seconds
    print(
        f"{result.name:<20}{speed:>8.0f}{rows:>12,.0f}{result.hits:>7,}{result.forced:>8}"
        f"{result.seconds / result.floor_s:>9.1f}",
        flush=True,
    )


def timed(work: Callable[[], int], profile: bool = False) -> tuple[int, float]:
    """What it returned, and its processor seconds; with ``profile``, what took them."""
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    start = time.process_time()
    found = work()
    spent = time.process_time() - start
    profiler.disable()
    if profile:
        pstats.Stats(profiler, stream=sys.stdout).sort_stats("tottime").print_stats(20)
    return found, spent


if __name__ == "__main__":
    main()
