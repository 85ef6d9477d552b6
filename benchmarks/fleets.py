"""Does the ranking hold on fleets, rhythms and seeds it was not looked at with?

    python -m benchmarks.fleets [--seeds 2] [--first-seed 900]

Every row is an office of that size, simulated, with one hidden channel, several seeds together:
the worst rank of the hidden channel, and the alerts about other targets per 1,000 hosts and day.
Each target counts once, as in the table a user sees. Exit code 1 when a hidden channel
is not among the alerts.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from afterpatch.detect.network.ranking import Settings
from afterpatch.detect.network.watch import Watch
from afterpatch.simulate.network import Beacon, NetworkPlan, traffic
from benchmarks.beacons import ADDRESS, NAME, START

FLEETS: Final = (3, 6, 12, 25, 60, 150)
# Name, delays in seconds, jitter, days.
RHYTHMS: Final = (
    ("7 min ± 15 %", (420.0,), 0.15, 3.0),
    ("25 min ± 45 %", (1_500.0,), 0.45, 3.0),
    ("5 h ± 25 %", (18_000.0,), 0.25, 12.0),
    ("35 min or 4 h", (2_100.0, 14_400.0), 0.1, 7.0),
    ("2 h ± 30 %", (7_200.0,), 0.3, 28.0),
)


class Found(NamedTuple):
    """Rank of the hidden channel (None = no alert) among targets, and how many others there are."""

    rank: int | None
    others: int


def main() -> int:
    """One table; see the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=900)
    args = parser.parse_args()
    table = Table(title="hidden channel and other alerts, by size of the fleet")
    for column in ("hosts", "rhythm", "days", "worst rank", "other targets", "per 1,000 host-days"):
        table.add_column(column, justify="left" if column == "rhythm" else "right")
    missed = 0
    for hosts in FLEETS:
        for rhythm in RHYTHMS:
            found = list(
                _seeds(hosts, rhythm, range(args.first_seed, args.first_seed + args.seeds))
            )
            ranks = [one.rank for one in found]
            missed += ranks.count(None)
            others = sum(one.others for one in found) / len(found)
            worst = "missed" if None in ranks else str(max(filter(None, ranks)))
            rate = 1000 * others / (hosts * rhythm[3])
            table.add_row(
                str(hosts), rhythm[0], f"{rhythm[3]:g}", worst, f"{others:.1f}", f"{rate:.0f}"
            )
    Console(width=100).print(table)
    return 1 if missed else 0


def _seeds(
    hosts: int, rhythm: tuple[str, tuple[float, ...], float, float], seeds: range
) -> Iterator[Found]:
    for seed in seeds:
        beacon = Beacon(min(5, hosts - 1), ADDRESS, NAME, rhythm[1], rhythm[2])
        yield look(NetworkPlan(START, rhythm[3], hosts, 40, f"fleets/{seed}", (beacon,)))


def look(plan: NetworkPlan) -> Found:
    """Simulate and rank one office."""
    made = traffic(plan)
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(Path(folder), Settings())
        watch.add_flows(made.flows, "conn")
        watch.add_dns(made.dns, "dns")
        alerts = watch.rank().alerts
    targets = list(dict.fromkeys(alert.target for alert in alerts))
    hidden = [place for place, target in enumerate(targets, start=1) if _is_hidden(target)]
    return Found(min(hidden, default=None), len(targets) - len(hidden))


def _is_hidden(target: str) -> bool:
    return target in (ADDRESS, NAME) or NAME.endswith(f".{target}")


if __name__ == "__main__":
    sys.exit(main())
