"""A million indicators of each type against ten million rows: seconds, and the floor beside them.

The floor is one hash join of the column with the indicators' texts (polars ``is_in``), which knows
nothing of networks, sub-domains or spellings. ``python -m benchmarks.indicators --help``.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import polars as pl

from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import Indicator

HITS = 1_000  # rows in which an indicator stands
Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


def dotted(numbers: Numbers) -> pl.Series:
    """IPv4 addresses."""
    whole = pl.Series(numbers)
    octets = [(whole // 256**power % 256).cast(pl.String) for power in (3, 2, 1, 0)]
    return octets[0] + "." + octets[1] + "." + octets[2] + "." + octets[3]


def network(numbers: Numbers) -> pl.Series:
    """/24 networks."""
    return dotted(numbers // 256 * 256) + "/24"


def domain(numbers: Numbers) -> pl.Series:
    """Names of three labels."""
    return (
        "h"
        + pl.Series(numbers % 97).cast(pl.String)
        + ".n"
        + pl.Series(numbers).cast(pl.String)
        + ".example"
    )


def digest(numbers: Numbers) -> pl.Series:
    """SHA-256 digests."""
    return pl.Series(
        [f"{number * 0x9E3779B97F4A7C15 % 2**256:064x}" for number in numbers.tolist()]
    )


def path(numbers: Numbers) -> pl.Series:
    """Windows paths."""
    return "C:\\Program Files\\App\\f" + pl.Series(numbers).cast(pl.String) + ".dll"


def agent(numbers: Numbers) -> pl.Series:
    """User agents."""
    return "Mozilla/5.0+(Windows+NT+10.0)+Build/" + pl.Series(numbers).cast(pl.String)


# type, column, how indicators look, how rows look, indicators in thousands
CASES: tuple[
    tuple[str, str, Callable[[Numbers], pl.Series], Callable[[Numbers], pl.Series], int], ...
] = (
    ("ip", "c-ip", dotted, dotted, 1_000),
    ("cidr", "c-ip", network, dotted, 100),
    ("domain", "QueryName", domain, domain, 1_000),
    ("sha256", "Sha256", digest, digest, 1_000),
    ("path", "Image", path, path, 1_000),
    ("user-agent", "cs(User-Agent)", agent, agent, 1_000),
)


class Clocks:
    """Processor time and the clock, from lap to lap."""

    def __init__(self) -> None:
        self._at = time.process_time(), time.perf_counter()

    def lap(self) -> str:
        """Since the last lap, as a column of the table."""
        before, self._at = self._at, (time.process_time(), time.perf_counter())
        spent, passed = self._at[0] - before[0], self._at[1] - before[1]
        return f"{f'{spent:.2f} ({passed:.2f})':>16}"


def measure(rows: int, distinct: int) -> None:
    """Print one line per type."""
    random = np.random.default_rng(2021)
    print(f"{rows:,} rows, {distinct:,} distinct values; seconds of processors (by the clock)")
    print(f"{'type':<12}{'indicators':>12}{'build':>16}{'match':>16}{'floor':>16}{'rows hit':>10}")
    for kind, column, wanted, logged, thousands in CASES:
        count = thousands * 1_000
        bad = random.choice(2**31, count, replace=False) + 2**31
        seen = random.choice(2**31, distinct, replace=False)
        seen[:HITS] = bad[:HITS]
        texts = wanted(bad)
        picks = np.concatenate((random.integers(HITS, distinct, rows - HITS), np.arange(HITS)))
        frame = pl.DataFrame({column: logged(seen)[picks]})
        start = Clocks()
        lines = (Indicator(kind, text, "", True, "") for text in texts.to_list())
        engine = IndicatorEngine(lines)
        list(engine.match(Batch(Logsource("webserver"), frame.clear())))  # made when first asked
        built = start.lap()
        hit = sum(len(at) for _, at in engine.match(Batch(Logsource("webserver"), frame)))
        matched = start.lap()
        frame[column].is_in(texts.implode()).sum()
        times = built + matched + start.lap()
        print(f"{kind:<12}{count:>12,}{times}{hit:>10,}", flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--distinct", type=int, default=500_000)
    given = options.parse_args()
    measure(given.rows, given.distinct)
