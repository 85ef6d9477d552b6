"""How long the network ranking takes, and how much memory, for many rows already in columns.

    python -m benchmarks.network_speed [--flows 10000000] [--queries 0]

Rows are made a batch at a time outside the measured time: hosts, targets and sizes at random, one
beacon among them. Seconds are of this process's CPU and of the wall; memory is the peak resident
size, sampled, with about 200 MB of it for Python, polars and the batch being made.
"""

import argparse
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil

from afterpatch.detect.network.ranking import Settings
from afterpatch.detect.network.watch import Watch

BATCH: int = 500_000
DAY_US: int = 86_400 * 1_000_000
DAYS: int = 7


def main() -> None:
    """Make, take, rank, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--flows", type=int, default=10_000_000)
    parser.add_argument("--queries", type=int, default=0)
    args = parser.parse_args()
    peak = Peak()
    spent = Spent()
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(Path(folder), Settings())
        for number in range(args.flows // BATCH):
            frame = flows(np.random.default_rng(number))
            with spent:
                watch.add_flows(frame, "flows")
        watch.add_flows(beacon(), "beacon")
        for number in range(args.queries // BATCH):
            frame = queries(np.random.default_rng(number))
            with spent:
                watch.add_dns(frame, "queries")
        with spent:
            ranking = watch.rank()
    first = ranking.alerts[0]
    print(
        f"{args.flows:,} flows, {args.queries:,} queries; first: {first.source} -> {first.target}"
    )
    print(f"{spent.cpu:.1f} s CPU, {spent.wall:.1f} s wall, {peak.stop() / 1e6:.0f} MB at most")


def flows(rng: np.random.Generator) -> pl.DataFrame:
    """One batch: 1,000 hosts, 5,000 targets, a few of them very popular."""
    target = rng.zipf(1.3, BATCH) % 5_000
    return pl.DataFrame(
        {
            "time": rng.integers(0, DAY_US * DAYS, BATCH),
            "src_ip": _HOSTS[rng.integers(0, 1_000, BATCH)],
            "dst_ip": _ADDRESSES[target],
            "host": _NAMES[target],
            "duration_s": rng.exponential(30, BATCH),
            "bytes_out": rng.integers(0, 9_000, BATCH),
            "bytes_in": rng.integers(0, 90_000, BATCH),
            "record": np.arange(BATCH),
        }
    )


def queries(rng: np.random.Generator) -> pl.DataFrame:
    """One batch: one name in ten is new."""
    target = rng.zipf(1.3, BATCH) % 5_000
    fresh = pl.Series(rng.integers(0, 1 << 40, BATCH)).cast(pl.String)
    names = pl.DataFrame({"old": _NAMES[target], "fresh": fresh, "new": rng.random(BATCH) < 0.1})
    return pl.DataFrame(
        {
            "time": rng.integers(0, DAY_US * DAYS, BATCH),
            "src_ip": _HOSTS[rng.integers(0, 1_000, BATCH)],
            "query": names.select(
                pl.when("new").then(pl.col("fresh") + "." + pl.col("old")).otherwise("old")
            ).to_series(),
            "record_type": "A",
            "answers": _ADDRESSES[target],
            "record": np.arange(BATCH),
        }
    )


def beacon() -> pl.DataFrame:
    """One host's call every five minutes."""
    times = np.arange(0, DAY_US * DAYS, 300 * 1_000_000)
    return pl.DataFrame({"time": times, "record": np.arange(len(times))}).with_columns(
        src_ip=pl.lit("10.0.3.77"), dst_ip=pl.lit("203.0.113.9"), host=pl.lit("c2.hidden.example"),
        duration_s=pl.lit(0.4), bytes_out=pl.lit(512), bytes_in=pl.lit(900),
    )  # fmt: skip


_HOSTS = pl.Series([f"10.0.{n // 200}.{n % 200}" for n in range(1_000)])
_ADDRESSES = pl.Series([f"198.51.{n // 200}.{n % 200}" for n in range(5_000)])
_NAMES = pl.Series([f"www.site{n}.example{n % 97}.com" for n in range(5_000)])


class Spent:
    """Adds up the time of its ``with`` blocks."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> None:
        self._start = time.process_time(), time.perf_counter()

    def __exit__(self, *_error: object) -> None:
        self.cpu += time.process_time() - self._start[0]
        self.wall += time.perf_counter() - self._start[1]


class Peak:
    """Samples this process's memory until stopped."""

    def __init__(self) -> None:
        self._bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._done.wait(0.02):
            self._bytes = max(self._bytes, own.memory_info().rss)

    def stop(self) -> int:
        """The most seen."""
        self._done.set()
        self._thread.join()
        return self._bytes


if __name__ == "__main__":
    main()
