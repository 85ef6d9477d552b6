"""An office of sixty hosts over four weeks, with one hidden channel of each kind, as Zeek logs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from afterpatch.detect.sunburst.encode import name_labels, ping_label, query_name
from afterpatch.simulate.dice import dice
from afterpatch.simulate.network import Beacon, NetworkPlan, SlowNames, Theft, Tunnel, traffic
from afterpatch.simulate.zeek_logs import write_zeek

_START: Final = datetime(2020, 4, 6, tzinfo=UTC)
_DAYS: Final = 28
_SERVER: Final = 20
_PINGS: Final = 40


def demo_network(seed: str = "network-demo") -> NetworkPlan:
    """The plan. Host 20 asks SUNBURST-shaped names; hosts 12, 15, 30 and 41 have the others."""
    return NetworkPlan(
        start=_START,
        days=_DAYS,
        hosts=60,
        browsing=25,
        seed=seed,
        channels=(
            SlowNames((_SERVER,), tuple(_names(dice(seed, "names")))),
            Beacon(12, "203.0.113.21", "status.cloud-metrics.example", (7_200.0,), 0.15),
            Beacon(15, "203.0.113.22", None, (900.0,), 0.4, hours=(8, 18)),
            Theft(30, "203.0.113.23", "drop.file-relay.example", 50_000_000, 18, 7),
            Tunnel(41, "203.0.113.24", 9.4, 31.0),
        ),
    )


def write_network_demo(folder: Path) -> None:
    """Write conn, dns, http and ssl logs and labels.json into a folder."""
    plan = demo_network()
    write_zeek(plan, traffic(plan), folder)


def _names(random: Random) -> list[str]:
    """Names of one infected host: its domain, then pings."""
    identity = random.randbytes(8)
    labels = name_labels(identity, "corp.contoso.example", random)
    times = (_START + timedelta(hours=16 * number) for number in range(_PINGS))
    labels += [ping_label(identity, time, random) for time in times]
    return [query_name(label, identity) for label in labels]
