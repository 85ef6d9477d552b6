from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import polars as pl

from afterpatch.detect.network.alerts import KINDS
from afterpatch.detect.sunburst.hosts import Sighting, scope
from afterpatch.simulate.network import Beacon, NetworkPlan, SlowNames, Theft, Tunnel, traffic
from afterpatch.simulate.network_demo import demo_network
from afterpatch.simulate.zeek_logs import CONN, write_zeek

START = datetime(2020, 4, 6, tzinfo=UTC)
CHANNELS = (
    Beacon(3, "203.0.113.1", "c2.example", (600.0,), 0.2, hours=(9, 17)),
    Theft(4, "203.0.113.2", "drop.example", 5_000_000, 1, 2),
    Tunnel(5, "203.0.113.3", 1.0, 3.0),
    SlowNames((6, 7), ("a.slow.example", "b.slow.example", "c.slow.example")),
)
PLAN = NetworkPlan(START, 3, 12, 10, "test", CHANNELS)


def test_the_same_seed_gives_the_same_traffic_and_another_another() -> None:
    one, same = traffic(PLAN), traffic(PLAN)
    assert one.flows.equals(same.flows)
    assert one.dns.equals(same.dns)
    other = traffic(NetworkPlan(START, 3, 12, 10, "other", CHANNELS))
    assert not one.flows.equals(other.flows)


def test_a_channel_more_does_not_disturb_what_is_there() -> None:
    quiet = traffic(NetworkPlan(START, 3, 12, 10, "test"))
    hidden = pl.col("dst_ip").str.starts_with("203.0.113.")
    assert traffic(PLAN).flows.filter(~hidden).equals(quiet.flows)


def test_channels_are_as_planned() -> None:
    made = traffic(PLAN)
    calls = made.flows.filter(pl.col("host") == "c2.example")
    gaps = calls["time"].diff().drop_nulls() / 1e6
    assert gaps.min() >= 480
    assert 550 < gaps.median() < 650
    hours = pl.from_epoch(calls["time"], "us").dt.hour()
    assert hours.is_between(9, 16).all()
    stolen = made.flows.filter(pl.col("host") == "drop.example")
    assert abs(stolen["bytes_out"].sum() - 5_000_000) < 100
    assert made.dns.filter(pl.col("query").str.ends_with("slow.example")).height == 3
    assert [label["target"] for label in made.labels] == [
        "c2.example", "drop.example", "203.0.113.3", "slow.example",
    ]  # fmt: skip
    assert made.labels[3]["hosts"] == ["10.20.0.17", "10.20.0.18"]


def test_zeek_logs_have_every_row_and_every_column(tmp_path: Path) -> None:
    made = traffic(PLAN)
    write_zeek(PLAN, made, tmp_path)
    lines = (tmp_path / "conn.log").read_text().splitlines()
    assert lines[6].split("\t")[1:] == list(CONN)
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert len(rows) == made.flows.height
    assert {len(row) for row in rows} == {len(CONN)}
    assert len({row[1] for row in rows}) == len(rows)
    ssl = (tmp_path / "ssl.log").read_text().splitlines()
    assert {line.split("\t")[1] for line in ssl if line[0] != "#"} < {row[1] for row in rows}
    labels = orjson.loads((tmp_path / "labels.json").read_bytes())
    assert labels["seed"] == "test"
    write_zeek(PLAN, made, tmp_path / "again")
    for name in ("conn", "dns", "ssl", "http"):
        again = (tmp_path / "again" / f"{name}.log").read_bytes()
        assert again == (tmp_path / f"{name}.log").read_bytes()


def test_the_demo_hides_one_channel_of_each_kind() -> None:
    plan = replace(demo_network(), days=1, browsing=1)
    labels = traffic(plan).labels
    assert {label["kind"] for label in labels} == set(KINDS)
    (names,) = [channel for channel in plan.channels if isinstance(channel, SlowNames)]
    assert scope([Sighting(name) for name in names.names]).hosts[0].labels == len(names.names)
