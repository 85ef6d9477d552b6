"""Names an office's hosts ask for: those of their connections, and those that look odd and are not.

Odd and innocent: file hashes sent to an antivirus vendor inside names (two ways of writing them),
block lists of addresses, reverse lookups, random-looking names of delivery networks, services of
the own domain, one program's random identifiers.
"""

import hashlib
from typing import Final

import numpy as np
import polars as pl

from afterpatch.simulate.network_rows import DAY_S, Floats, Ints, Office, generator, queries_of

_CACHED_US: Final = 1_800 * 1_000_000
_WORK: Final = (7, 19)
_DCS: Final = 2  # the first hosts are servers


def lookups_of(flows: pl.DataFrame) -> pl.DataFrame:
    """The query before a connection, unless the host asked for the name within half an hour."""
    named = flows.filter(pl.col("host").is_not_null()).sort("src_ip", "host", "time")
    slot = pl.col("time") // _CACHED_US
    asked = (
        named.with_columns(slot=slot)
        .group_by("src_ip", "host", "slot")
        .agg(pl.col("time").min(), answers=pl.col("dst_ip").first())
    )
    return asked.select(
        time=pl.col("time") - 20_000,
        src_ip="src_ip",
        query="host",
        record_type=pl.lit("A"),
        answers="answers",
    )


def benign_queries(office: Office) -> pl.DataFrame:
    """All the odd ones."""
    return pl.concat(
        [
            _hashes(office),
            _reputation(office),
            _block_lists(office),
            _reverse(office),
            _delivery(office),
            _own_domain(office),
            _identifiers(office),
        ]
    )


def _asking(
    office: Office, purpose: str, a_day: float, users: Ints
) -> tuple[np.random.Generator, Floats, Ints]:
    """Times at work and hosts of ``a_day`` queries per user."""
    rng = generator(office.seed, "names", purpose)
    hosts = np.repeat(users, rng.poisson(a_day * office.days, len(users)))
    times = rng.uniform(0, office.days * DAY_S, len(hosts))
    awake = office.at_work(times, _WORK) | (rng.random(len(hosts)) < 0.1)
    return rng, times[awake], hosts[awake]


def _most(office: Office) -> Ints:
    return np.flatnonzero(np.arange(office.hosts) % 10 != 9)


def _digest(prefix: str, number: int) -> str:
    return hashlib.md5(f"{prefix}{number}".encode(), usedforsecurity=False).hexdigest()


def _hashes(office: Office) -> pl.DataFrame:
    """MD5 of files that programs open: common ones everywhere, rare ones once."""
    rng, times, hosts = _asking(office, "hashes", 40, _most(office))
    common = rng.zipf(1.4, len(times)) % 4_000
    files = np.where(rng.random(len(times)) < 0.5, common, rng.integers(4_000, 10**9, len(times)))
    names = [f"{_digest('file', int(n))}.files.hashlookup.example" for n in files]
    return queries_of(office, times, hosts, names, ["127.0.0.4"] * len(names))


def _reputation(office: Office) -> pl.DataFrame:
    """Long labels of mixed fields, as another vendor writes them."""
    rng, times, hosts = _asking(office, "reputation", 25, _most(office))
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz234567"))
    chosen = letters[rng.integers(0, 32, (len(times), 26))]
    names = [f"{''.join(row)}.{n % 7}.s.avcloud.example" for n, row in enumerate(chosen)]
    return queries_of(office, times, hosts, names, ["127.0.0.1"] * len(names))


def _block_lists(office: Office) -> pl.DataFrame:
    """The mail server asks about every sender's address."""
    rng, times, hosts = _asking(office, "block lists", 300, np.array([min(1, office.hosts - 1)]))
    octets = rng.integers(1, 255, (len(times), 4))
    names = [".".join(map(str, row)) + ".bl.mailguard.example" for row in octets]
    return queries_of(office, times, hosts, names, [None] * len(names))


def _reverse(office: Office) -> pl.DataFrame:
    """A server writes names of addresses into its logs."""
    rng, times, hosts = _asking(office, "reverse", 200, np.arange(min(_DCS, office.hosts)))
    octets = rng.integers(1, 255, (len(times), 4))
    names = [".".join(map(str, row)) + ".in-addr.arpa" for row in octets]
    return queries_of(office, times, hosts, names, [None] * len(names), "PTR")


def _delivery(office: Office) -> pl.DataFrame:
    """Random-looking names that many hosts ask for again and again."""
    rng, times, hosts = _asking(office, "delivery", 30, np.arange(office.hosts))
    nodes = rng.zipf(1.3, len(times)) % 300
    names = [f"r{n % 9}---sn-{_digest('node', int(n))[:8]}.video.example" for n in nodes]
    edges = rng.zipf(1.3, len(times)) % 500
    more = [f"d{_digest('edge', int(n))[:13]}.cloudfront.net" for n in edges]
    first = queries_of(office, times, hosts, names, ["198.19.200.7"] * len(names))
    return pl.concat([first, queries_of(office, times, hosts, more, ["198.19.200.9"] * len(more))])


def _own_domain(office: Office) -> pl.DataFrame:
    """Services of the directory, and hosts by name."""
    rng, times, hosts = _asking(office, "own domain", 20, np.arange(office.hosts))
    services = ["_ldap._tcp.dc._msdcs", "_kerberos._tcp", "wpad", "files", "print", "intranet"]
    services += [f"pc-{number:04}" for number in range(office.hosts)]
    chosen = rng.integers(0, len(services), len(times))
    names = [f"{services[n]}.corp.contoso.example" for n in chosen]
    return queries_of(office, times, hosts, names, ["10.20.0.11"] * len(names))


def _identifiers(office: Office) -> pl.DataFrame:
    """A program that puts a random identifier before its name, on one host in five."""
    rng, times, hosts = _asking(office, "identifiers", 6, np.arange(0, office.hosts, 5))
    names = [f"{rng.bytes(8).hex()}.probe.netcheck.example" for _ in times]
    return queries_of(office, times, hosts, names, ["198.19.201.3"] * len(names))
