from pathlib import Path

import numpy as np
import polars as pl
from tests.unit.detect.network_samples import DAY_S, HOUR_S, find, fleet, flows, rank

from afterpatch.detect.network.addresses import Networks
from afterpatch.detect.network.ranking import Settings


def usual(days: int, host: str = "10.0.0.5", sent: int = 200_000) -> pl.DataFrame:
    """Daily uploads to the office's cloud, and pages."""
    times = np.arange(days) * DAY_S + 9 * HOUR_S
    sync = flows(times, src_ip=host, host="sync.office.example", bytes_out=sent, bytes_in=50_000)
    pages = flows(times + 60, src_ip=host, host="www.news.example", bytes_out=2_000,
                  bytes_in=800_000)  # fmt: skip
    return pl.concat([sync, pages])


def stolen(day: int, days: int, total: int) -> pl.DataFrame:
    times = np.sort(
        (day + np.repeat(np.arange(days), 4)) * DAY_S + np.tile([9, 11, 14, 17], days) * HOUR_S
    )
    return flows(times, host="drop.example", bytes_out=total // (4 * days), bytes_in=1_500)


def test_fifty_megabytes_over_seven_days_to_a_new_place(tmp_path: Path) -> None:
    found = rank(tmp_path, [fleet(days=30), usual(30), stolen(20, 7, 50_000_000)])
    alert = find(found, "upload", "drop.example")
    assert alert == next(a for a in found.alerts if a.kind == "upload")
    assert alert.score > 0.8
    words = "; ".join(alert.because)
    assert "sent 50 MB" in words
    assert "a destination it did not have for 20 days before" in words
    assert "10.0.0.5" in alert.next_step


def test_a_backup_that_always_was_there_is_not_a_surge(tmp_path: Path) -> None:
    found = rank(tmp_path, [fleet(days=30), usual(30), usual(30, "10.0.0.8", 900_000_000)])
    backup = next(a for a in found.alerts if a.kind == "upload" and a.source == "10.0.0.8")
    assert backup.parts["surge"] < 0.1
    assert backup.score < 0.6


def test_a_day_far_above_the_usual_one_is_a_surge(tmp_path: Path) -> None:
    big = flows([29 * DAY_S + 15 * HOUR_S], host="sync.office.example", bytes_out=90_000_000)
    alert = find(rank(tmp_path, [fleet(days=30), usual(30), big]), "upload", "office.example")
    assert alert.parts["surge"] == 1.0
    assert "busiest day 90.2 MB, usual day 200 kB" in "; ".join(alert.because)


def test_little_from_a_repository_host_is_told_too(tmp_path: Path) -> None:
    frames = [fleet(days=30), usual(30), stolen(20, 7, 3_000_000)]
    quiet = rank(tmp_path / "a", frames)
    assert not [a for a in quiet.alerts if a.target == "drop.example" and a.kind == "upload"]
    settings = Settings(roles={"repo": Networks.of(["10.0.0.0/30", "10.0.0.4/31"])}, floor=0.0)
    alert = find(rank(tmp_path / "b", frames, settings=settings), "upload", "drop.example")
    assert alert.parts["role"] == 1.0
    assert alert.because[-1] == "this host is marked as repo"


def test_without_history_the_baseline_is_said_to_be_missing(tmp_path: Path) -> None:
    found = rank(tmp_path, [fleet(days=1), usual(1), stolen(0, 1, 50_000_000)])
    alert = find(found, "upload", "drop.example")
    assert alert.parts["surge"] == 0.5
    assert any(text.startswith("no baseline: ") for text in alert.because)
