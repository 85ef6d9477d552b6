"""Laws of the network ranking, on random traffic."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.network.alerts import Alert, Ranking
from afterpatch.detect.network.allow import Allowed, apply
from afterpatch.detect.network.ranking import Settings
from afterpatch.detect.network.timing import timing
from afterpatch.detect.network.watch import Watch

DAY_S = 86_400
SEEDS = st.integers(0, 2**32 - 1)
HOSTS = [f"10.0.0.{n}" for n in range(1, 13)]
NAMES = [None, "a.example", "b.a.example", "c.example.org", "x.y.co.uk", "203.0.113.1"]


def office(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Random connections and queries: regular, irregular, twice the same, broken."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(20, 400))
    times = np.where(
        rng.random(count) < 0.5,
        rng.integers(0, 40, count) * 7_200,
        rng.uniform(0, 9 * DAY_S, count),
    )
    ends = {"time": (times * 1e6).astype(np.int64), "src_ip": rng.choice(HOSTS, count).tolist()}
    flows = pl.DataFrame(
        {
            **ends,
            "dst_ip": [f"203.0.113.{n}" for n in rng.integers(1, 6, count)],
            "host": [NAMES[n] for n in rng.integers(0, len(NAMES), count)],
            "bytes_out": rng.integers(-5, 10**8, count),
            "bytes_in": rng.integers(0, 10**6, count),
            "duration_s": rng.exponential(4_000, count),
            "flow_id": [f"C{n}" for n in rng.integers(0, count, count)],
            "record": np.arange(1, count + 1),
        }
    ).with_columns(pl.when(pl.col("bytes_out") % 7 != 0).then("bytes_out"))
    dns = pl.DataFrame(
        {
            **ends,
            "query": [f"{n:x}.zone{n % 4}.example" for n in rng.integers(0, 10**9, count)],
            "record_type": "A",
            "answers": [[None, "127.0.0.1", "203.0.113.1"][n] for n in rng.integers(0, 3, count)],
            "record": np.arange(1, count + 1),
        }
    )
    return flows, dns


def rank(
    flows: list[tuple[str, pl.DataFrame]],
    dns: list[tuple[str, pl.DataFrame]],
    held_rows: int = 500_000,
) -> Ranking:
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(Path(folder), Settings(floor=0.0), held_rows)
        for source, frame in flows:
            watch.add_flows(frame, source)
        for source, frame in dns:
            watch.add_dns(frame, source)
        return watch.rank()


@settings(max_examples=8, deadline=None)
@given(SEEDS)
def test_order_of_rows_and_sources_and_spilling_change_nothing(seed: int) -> None:
    flows, dns = office(seed)
    half = flows.height // 2
    parts = [("a", flows[:half]), ("b", flows[half:])]
    plain = rank(parts, [("d", dns)])
    assert plain.alerts
    mixed = [(name, frame.sample(fraction=1, shuffle=True, seed=1)) for name, frame in parts[::-1]]
    shuffled = [("d", dns.sample(fraction=1, shuffle=True, seed=2))]
    assert rank(mixed, shuffled, held_rows=50) == plain


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_scores_and_parts_are_between_nothing_and_one(seed: int) -> None:
    flows, dns = office(seed)
    for alert in rank([("a", flows)], [("d", dns)]).alerts:
        numbers = [alert.score, alert.discount, *alert.parts.values()]
        assert all(0 <= number <= 1 for number in numbers), alert
        assert alert.first_us <= alert.last_us
        assert alert.because
        assert alert.places


@settings(max_examples=12, deadline=None)
@given(
    SEEDS,
    st.sampled_from(["from 10.0.0.0/29", "to 203.0.113.2", "domain example", "domain a.example"]),
)
def test_an_allow_list_only_removes(seed: int, entry: str) -> None:
    flows, dns = office(seed)
    ranking = rank([("a", flows)], [("d", dns)])
    allowed = Allowed.parse(f"{entry} # known", "list")
    kept = apply(ranking, allowed).alerts
    assert set(map(identity, kept)) <= set(map(identity, ranking.alerts))
    assert [a for a in ranking.alerts if allowed.reason(a) is None] == list(kept)
    assert len(kept) < len(ranking.alerts)


def identity(alert: Alert) -> tuple[object, ...]:
    plain = replace(alert, parts={}, places=())
    return plain.kind, plain.source, plain.target, plain.channel, plain.score


@settings(max_examples=200, deadline=None)
@given(
    SEEDS,
    st.integers(8, 200),
    st.sampled_from([5.0, 60.0, 300.0, 7_200.0, 259_200.0]),
    st.lists(st.integers(0, 50), min_size=2, max_size=2, unique=True),
)
def test_less_jitter_never_scores_below_more(
    seed: int, count: int, period_s: float, percent: list[int]
) -> None:
    draws = np.random.default_rng(seed).uniform(-1, 1, count)
    low, high = (score(period_s * (1 + share / 100 * draws)) for share in sorted(percent))
    assert low >= high - 1e-9


def score(gaps_s: np.ndarray) -> float:
    ticks = np.round(np.concatenate(([0.0], np.cumsum(gaps_s))) * 100).astype(np.int64)
    return float(timing(ticks, np.array([len(ticks)])).score[0])
