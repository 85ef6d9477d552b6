"""Rows of simulated traffic: the office they come from, and columns from arrays."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
HOUR_S: Final = 3_600
DAY_S: Final = 86_400


class Target(NamedTuple):
    """Where a connection goes. ``name``: TLS server name (port 443) or Host (port 80), or None."""

    name: str | None
    address: str
    port: int = 443
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Office:
    """The hosts, and how long they are watched."""

    hosts: int
    days: float
    browsing: int
    start: datetime
    seed: str

    def address(self, host: int) -> str:
        """``10.20.0.11``: hosts are numbered from 0."""
        return f"10.20.{host // 200}.{host % 200 + 11}"

    @property
    def start_us(self) -> int:
        """Microseconds since 1970."""
        return round(self.start.astimezone(UTC).timestamp()) * 1_000_000

    def at_work(self, times: Floats, hours: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Which of these seconds from the start lie in the hours of a weekday."""
        seconds = times + self.start_us // 1_000_000
        weekday = (seconds // DAY_S + 3) % 7  # 1970-01-01 was a Thursday
        hour = seconds % DAY_S / HOUR_S
        return np.asarray((weekday < 5) & (hour >= hours[0]) & (hour < hours[1]))


def generator(*parts: str) -> np.random.Generator:
    """A stream of random numbers of its own for each purpose, the same on every machine."""
    digest = hashlib.sha256("/".join(parts).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def flow_rows(
    office: Office,
    times: Floats,
    host: int | Ints,
    target: Target,
    *,
    out: Floats,
    inn: Floats,
    seconds: Floats,
) -> pl.DataFrame:
    """Connections to one target."""
    count = len(times)
    return many_rows(
        office, times, np.broadcast_to(np.asarray(host, np.int64), count), [target],
        np.zeros(count, np.int64), out=out, inn=inn, seconds=seconds,
    )  # fmt: skip


def many_rows(
    office: Office,
    times: Floats,
    hosts: Ints,
    targets: Sequence[Target],
    which: Ints,
    *,
    out: Floats,
    inn: Floats,
    seconds: Floats,
) -> pl.DataFrame:
    """Connections; row i is from ``hosts[i]`` to ``targets[which[i]]``, in seconds from start."""
    table = pl.DataFrame(
        list(targets),
        schema={"host": pl.String, "dst_ip": pl.String, "dst_port": pl.UInt16,
                "protocol": pl.String},
        orient="row",
    )  # fmt: skip
    chosen = table[which]
    return pl.DataFrame(
        {
            "time": office.start_us + np.round(times * 1e6).astype(np.int64),
            "src_ip": _addresses(office, hosts),
            "dst_ip": chosen["dst_ip"],
            "dst_port": chosen["dst_port"],
            "protocol": chosen["protocol"],
            "duration_s": np.round(seconds.astype(np.float64), 6),
            "bytes_out": np.round(out).astype(np.int64),
            "bytes_in": np.round(inn).astype(np.int64),
            "host": chosen["host"],
        }
    )


def queries_of(
    office: Office,
    times: Floats,
    hosts: Ints,
    names: Sequence[str] | pl.Series,
    answers: Sequence[str | None] | pl.Series,
    record_type: str = "A",
) -> pl.DataFrame:
    """DNS queries, one a row."""
    return pl.DataFrame(
        {
            "time": office.start_us + np.round(times * 1e6).astype(np.int64),
            "src_ip": _addresses(office, hosts),
            "query": pl.Series(names, dtype=pl.String),
            "record_type": pl.Series([record_type], dtype=pl.String).new_from_index(0, len(times)),
            "answers": pl.Series(answers, dtype=pl.String),
        }
    )


def _addresses(office: Office, hosts: Ints) -> pl.Series:
    return pl.Series([office.address(host) for host in range(office.hosts)])[hosts]
