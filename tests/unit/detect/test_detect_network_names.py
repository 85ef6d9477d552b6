"""Names that carry data against names that only look like it."""

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from tests.unit.detect.network_samples import DAY_S, find, queries, rank

from afterpatch.detect.network.alerts import Ranking
from afterpatch.detect.network.characters import writing
from afterpatch.detect.sunburst.encode import name_labels, ping_label, query_name
from afterpatch.simulate.network import NetworkPlan, SlowNames, traffic

START = datetime(2020, 4, 6, tzinfo=UTC)
ZONE = "avsvmcloud.com"


def beacon_names(hosts: int) -> list[str]:
    """What infected hosts ask for: their domain in chunks, then pings."""
    dice = Random(5)
    names = []
    for _ in range(hosts):
        identity = dice.randbytes(8)
        labels = name_labels(identity, f"corp.{dice.randrange(10**9)}.company.test", dice)
        labels += [
            ping_label(identity, datetime(2020, 5, day, tzinfo=UTC), dice) for day in (1, 4, 9)
        ]
        names += [query_name(label, identity) for label in labels]
    return names


def office(folder: Path, hosts: tuple[int, ...], names: list[str], days: float = 7) -> Ranking:
    plan = NetworkPlan(START, days, 60, 5, "names", (SlowNames(hosts, tuple(names)),))
    return rank(folder, dns_frames=[traffic(plan).dns])


@pytest.mark.parametrize("hosts", [(7,), (7, 21), tuple(range(10, 40))])
def test_sunburst_names_rank_first_among_zones_without_being_named(
    tmp_path: Path, hosts: tuple[int, ...]
) -> None:
    found = office(tmp_path, hosts, beacon_names(len(hosts)))
    zones = [a for a in found.alerts if a.kind == "encoded-names"]
    assert zones[0].target == ZONE
    assert zones[0].score > 0.75
    assert zones[0].source == ("10.20.0.18" if len(hosts) == 1 else None)
    assert "100% asked once and by one host" in zones[0].because[0]


def test_the_published_names_rank_first(tmp_path: Path, public_data: Path) -> None:
    names = (public_data / "sunburst/uniq-hostnames.txt").read_text().split()
    found = office(tmp_path, tuple(range(5, 45)), names)
    zones = [a for a in found.alerts if a.kind == "encoded-names"]
    assert zones[0].target == ZONE
    assert f"{len(names):,} distinct names" in zones[0].because[0]
    assert zones[1].score < zones[0].score


def test_lookups_that_look_alike_rank_lower_and_say_what_they_are(tmp_path: Path) -> None:
    found = office(tmp_path, (7, 21), beacon_names(2))
    bad = find(found, "encoded-names", ZONE).score
    for zone, words in {
        "hashlookup.example": "reputation services",
        "avcloud.example": "reputation services",
        "mailguard.example": "block lists",
        "in-addr.arpa": "reverse lookups",
    }.items():
        alert = find(found, "encoded-names", zone)
        assert alert.score < 0.5 < bad
        assert words in "; ".join(alert.because)
    assert find(found, "encoded-names", "video.example").score < 0.6


def test_a_flood_of_long_names_is_a_tunnel(tmp_path: Path) -> None:
    dice = Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz012345"
    names = ["".join(dice.choices(letters, k=60)) + ".t.example.org" for _ in range(6_000)]
    times = np.sort(np.random.default_rng(1).uniform(0, DAY_S, len(names)))
    found = rank(tmp_path, dns_frames=[queries(times.tolist(), names)])
    alert = find(found, "encoded-names", "example.org")
    assert alert.parts["pace"] == 1.0
    assert alert.score > 0.85


def test_words_are_told_from_data() -> None:
    words = pl.Series(["mail", "download", "static", "images", "login", "autodiscover", "intranet"])
    data = pl.Series(["r1q6arhpujcf6jb6ervisu10odohu0ge2su0he", "6a57jk2ba1d9keg15cbg"])
    found = writing(pl.concat([words, data]), np.array([0] * 7 + [1] * 2), 2)
    assert found.common[0] > 0.5
    assert found.common[1] < 0.25
    assert found.entropy_bits[1] > found.entropy_bits[0]
    assert found.length_chars[1] == 29


def test_a_zone_with_few_names_is_not_judged(tmp_path: Path) -> None:
    few = queries([1.0, 2.0, 3.0], ["a.b.example", "c.b.example", "d.b.example"])
    assert not [a for a in rank(tmp_path, dns_frames=[few]).alerts if a.kind == "encoded-names"]


def test_names_without_a_host_are_read_as_one_asker(tmp_path: Path) -> None:
    names = beacon_names(6)
    asked = queries([float(60 * n) for n in range(len(names))], names)
    found = rank(tmp_path, dns_frames=[asked.with_columns(src_ip=pl.lit(None, pl.String))])
    assert find(found, "encoded-names", ZONE).score > 0.7
