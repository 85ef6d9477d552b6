from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.unit.detect.network_samples import (
    DAY_S,
    HOUR_S,
    START_US,
    find,
    fleet,
    flows,
    queries,
    rank,
)

from afterpatch.detect.network.addresses import Networks
from afterpatch.detect.network.ranking import Settings

WEEK_CALLS = np.arange(0, 7 * DAY_S, 7_200)


def test_a_beacon_is_first_and_says_why(tmp_path: Path) -> None:
    jitter = np.random.default_rng(1).uniform(-540, 540, len(WEEK_CALLS))
    calls = np.sort(WEEK_CALLS + 600 + jitter)
    found = rank(tmp_path, [fleet(), flows(calls, host="c2.example")])
    first = found.alerts[0]
    assert (first.kind, first.source, first.target) == ("beacon", "10.0.0.5", "c2.example")
    assert first.channel == "server name"
    assert first.score > 0.9
    words = "; ".join(first.because)
    assert "calls every 2 h ±" in words
    assert "in 7 of 7 days" in words
    assert "only this host of 41" in words
    assert "500 bytes" in words
    assert first.count == len(WEEK_CALLS)
    assert [(p.source, p.record) for p in first.places] == [("conn1.log", 1), ("conn1.log", 84)]
    assert "c2.example" in first.next_step
    assert found.looked_at["hosts"] == 41


def test_rows_of_one_connection_in_two_logs_are_joined(tmp_path: Path) -> None:
    ids = [f"C{n}" for n in range(len(WEEK_CALLS))]
    conn = flows(WEEK_CALLS, flow_id=ids, bytes_out=777)
    tls = flows(WEEK_CALLS + 0.05, flow_id=ids, host="c2.example").with_columns(
        bytes_out=None, bytes_in=None, duration_s=None
    )
    found = rank(tmp_path, [fleet(), conn, tls])
    alert = find(found, "beacon", "c2.example")
    assert alert.parts["size"] == 1.0
    assert "777 bytes" in "; ".join(alert.because)
    # Told once, by the name; the address alone would be the same channel again.
    assert not [a for a in found.alerts if a.target == "203.0.113.9" and a.kind == "beacon"]
    assert found.left_out["addresses ranked by server name instead"] >= 1


def test_many_names_on_one_address_leave_the_address_in(tmp_path: Path) -> None:
    names = [f"{n}.fronted.example" for n in range(len(WEEK_CALLS))]
    found = rank(tmp_path, [fleet(), flows(WEEK_CALLS, host=names)])
    assert find(found, "beacon", "203.0.113.9").score > 0.9


def test_dns_alone_shows_the_zone_that_is_asked_regularly(tmp_path: Path) -> None:
    names = [f"n{n}.zone.example" for n in range(len(WEEK_CALLS))]
    others = queries(
        list(range(0, 40_000, 1_000)), ["www.site.example"] * 40,
        src_ip=[f"10.0.1.{n}" for n in range(40)],
    )  # fmt: skip
    found = rank(tmp_path, dns_frames=[queries(WEEK_CALLS, names), others])
    alert = find(found, "beacon", "zone.example")
    assert alert.channel == "DNS zone"
    assert alert.because[0].startswith("asks every 2 h")
    assert "size" not in alert.parts


def test_a_zone_is_not_told_again_beside_its_server_name(tmp_path: Path) -> None:
    names = ["c2.zone.example"] * len(WEEK_CALLS)
    found = rank(tmp_path, [fleet(), flows(WEEK_CALLS, host="c2.zone.example")],
                 [queries(WEEK_CALLS, names)])  # fmt: skip
    assert next(a.target for a in found.alerts if a.kind == "beacon") == "c2.zone.example"
    assert not [a for a in found.alerts if a.target == "zone.example" and a.kind == "beacon"]


def test_what_half_the_fleet_has_counts_for_less(tmp_path: Path) -> None:
    hosts = [f"10.0.1.{n}" for n in range(1, 41)]
    update = [flows(WEEK_CALLS, src_ip=host, host="update.example") for host in hosts]
    found = rank(tmp_path, [fleet(), pl.concat(update), flows(WEEK_CALLS, host="c2.example")])
    common = [a for a in found.alerts if a.target == "update.example" and a.kind == "beacon"]
    assert len(common) == 40
    assert max(a.score for a in common) < 0.6 < find(found, "beacon", "c2.example").score
    assert common[0].discount == pytest.approx(0.6)
    assert "most of the fleet has it, so the score counts 60%" in common[0].because


def test_only_traffic_from_own_hosts_to_the_outside_is_ranked(tmp_path: Path) -> None:
    inside = flows(WEEK_CALLS, dst_ip="10.0.0.9")
    inbound = flows(WEEK_CALLS, src_ip="198.51.100.7", dst_ip="10.0.0.5")
    found = rank(tmp_path, [inside, inbound])
    assert found.alerts == ()
    assert found.left_out["flows between own addresses"] == len(WEEK_CALLS)
    assert found.left_out["flows from outside"] == len(WEEK_CALLS)
    own = Settings(internal=Networks.of(["198.51.100.0/24"]), floor=0.0)
    assert rank(tmp_path / "own", [inbound], settings=own).alerts[0].source == "198.51.100.7"


def test_the_window_is_the_end_of_the_logs(tmp_path: Path) -> None:
    old = flows(np.arange(0, 2 * DAY_S, 300), dst_ip="203.0.113.1")
    new = flows(5 * DAY_S + np.arange(0, 6 * HOUR_S, 300), dst_ip="203.0.113.2")
    settings = Settings(window_us=DAY_S * 1_000_000, floor=0.0)
    found = rank(tmp_path, [old, new], settings=settings)
    assert {a.target for a in found.alerts} == {"203.0.113.2"}
    assert found.left_out["rows outside the window"] == old.height


def test_one_row_of_a_broken_clock_does_not_move_the_window(tmp_path: Path) -> None:
    calls = flows(np.arange(0, 10 * DAY_S, 300))
    broken = flows([4_000 * DAY_S])
    found = rank(tmp_path, [calls, broken])
    assert found.last_us is not None
    assert found.last_us < START_US + 11 * DAY_S * 1_000_000
    assert find(found, "beacon", "203.0.113.9").count == calls.height
    assert found.left_out["rows outside the window"] == 1


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    good = flows(WEEK_CALLS)
    bad = good.head(3).with_columns(time=pl.Series([None, -5, 1 << 62], dtype=pl.Int64))
    found = rank(tmp_path, [good, bad], [queries([1.0, 2.0], ["", "x" * 400])])
    assert found.looked_at["flows"] == good.height + 3
    assert found.left_out["flows without a time, a host or a target"] == 3
    assert found.left_out["queries without a time, a host or a target"] == 2


def test_nothing_in_nothing_out(tmp_path: Path) -> None:
    found = rank(tmp_path)
    assert (found.alerts, found.first_us) == ((), None)
    found = rank(tmp_path, [flows([])], [queries([], [])])
    assert found.alerts == ()


def test_channels_below_the_floor_are_only_counted(tmp_path: Path) -> None:
    found = rank(tmp_path, [fleet()], settings=Settings(floor=0.99))
    assert found.alerts == ()
    assert found.left_out["channels below the floor of 0.99"] > 100


def test_a_long_quiet_connection(tmp_path: Path) -> None:
    tunnel = flows([DAY_S], duration_s=30.0 * HOUR_S, bytes_out=90_000, bytes_in=10_000)
    found = rank(tmp_path, [fleet(), tunnel])
    alert = find(found, "long-connection", "203.0.113.9")
    assert alert.score > 0.7
    assert alert.because[0].startswith("open for 30 h at a stretch")
    assert "1 bytes a second" in alert.because[2]


def test_hosts_that_hide_behind_a_port_or_an_address_as_name(tmp_path: Path) -> None:
    named = flows(WEEK_CALLS, host="C2.example.:8443")
    bare = flows(WEEK_CALLS, src_ip="10.0.0.6", host="203.0.113.9:8080")
    found = rank(tmp_path, [fleet(), named, bare])
    assert find(found, "beacon", "c2.example").source == "10.0.0.5"
    assert find(found, "beacon", "203.0.113.9").source == "10.0.0.6"
