"""What an office's hosts do by themselves and their people do all day: connections.

Regular and innocent (time, updates, mail, chat, telemetry, a few programs that one host alone has),
irregular (people on web pages), long (calls, push channels), and uploads that belong (file
synchronisation, a nightly backup). Addresses are from ranges set aside for benchmarks and
documentation, names from ``.example``.
"""

from typing import Final, NamedTuple

import numpy as np
import polars as pl

from afterpatch.simulate.network_rows import (
    DAY_S,
    HOUR_S,
    Floats,
    Ints,
    Office,
    Target,
    flow_rows,
    generator,
    many_rows,
)

_WORK: Final = (7, 19)
_SITES: Final = 1_500
_SERVER: Final = 0  # the host that makes the nightly backup


class _Service(NamedTuple):
    """Something that many hosts call regularly. ``share`` of hosts that have it."""

    name: str | None
    address: str
    port: int
    period_s: float
    jitter: float
    share: float
    out: int
    inn: int
    spread: float
    at_work: bool = False


SERVICES: Final = (
    _Service(None, "198.18.0.1", 123, 1024, 0.0, 1.0, 48, 48, 0.0),
    _Service("update.antivirus.example", "198.18.0.2", 443, 3600, 0.02, 0.95, 610, 2_400, 0.02),
    _Service("telemetry.os.example", "198.18.0.3", 443, 900, 0.15, 0.9, 2_100, 500, 0.3),
    _Service("mail.office.example", "198.18.0.4", 443, 300, 0.05, 0.85, 1_400, 3_000, 0.4, True),
    _Service("chat.office.example", "198.18.0.5", 443, 120, 0.05, 0.7, 300, 280, 0.1, True),
    _Service("safe.browser.example", "198.18.0.6", 443, 1800, 0.05, 0.9, 700, 9_000, 0.5, True),
    _Service("crl.trust.example", "198.18.0.7", 80, 14_400, 0.3, 0.9, 210, 1_800, 0.05),
    _Service("crm.sales.example", "198.18.0.8", 443, 600, 0.05, 0.15, 900, 1_500, 0.2, True),
    _Service("tickets.desk.example", "198.18.0.9", 443, 240, 0.1, 0.12, 800, 1_200, 0.2, True),
    _Service("inventory.agent.example", "198.18.0.10", 443, 7_200, 0.01, 0.6, 5_200, 300, 0.05),
)
# What one host alone has: a printer's supplies, a player, a sensor, a desk widget.
_LONE_PERIODS_S: Final = (300.0, 3_600.0, 21_600.0, 1_800.0)


def benign_flows(office: Office) -> pl.DataFrame:
    """All of it."""
    return pl.concat(
        [
            *(_service(office, service) for service in SERVICES),
            _lone(office),
            _browsing(office),
            _calls(office),
            _push(office),
            _syncing(office),
            _backup(office),
        ]
    )


def _service(office: Office, service: _Service) -> pl.DataFrame:
    rng = generator(office.seed, "service", service.address)
    users = np.flatnonzero(rng.random(office.hosts) < service.share)
    times, hosts = _periodic(office, rng, users, service.period_s, service.jitter)
    if service.at_work:
        awake = office.at_work(times, _WORK)
        times, hosts = times[awake], hosts[awake]
    sizes = rng.uniform(1 - service.spread, 1 + service.spread, (2, len(times)))
    protocol = "udp" if service.port == 123 else "tcp"
    return flow_rows(
        office, times, hosts, Target(service.name, service.address, service.port, protocol),
        out=service.out * sizes[0], inn=service.inn * sizes[1],
        seconds=rng.uniform(0.05, 0.9, len(times)),
    )  # fmt: skip


def _periodic(
    office: Office, rng: np.random.Generator, users: Ints, period_s: float, jitter: float
) -> tuple[Floats, Ints]:
    """Calls of each user, each with a phase of its own."""
    count = int(office.days * DAY_S / period_s)
    steps = period_s * rng.uniform(1 - jitter, 1 + jitter, (len(users), count))
    times = rng.uniform(0, period_s, (len(users), 1)) + np.cumsum(steps, axis=1) - steps[:, :1]
    hosts = np.repeat(users, count)
    inside = times.ravel() < office.days * DAY_S
    return times.ravel()[inside], hosts[inside]


def _lone(office: Office) -> pl.DataFrame:
    """About one host in twelve has a harmless program of its own."""
    rng = generator(office.seed, "lone")
    owners = rng.permutation(office.hosts)[: max(1, office.hosts // 12)]
    tables = []
    for number, owner in enumerate(owners):
        period = _LONE_PERIODS_S[number % len(_LONE_PERIODS_S)]
        jitter = rng.uniform(0.05, 0.4)
        times, hosts = _periodic(office, rng, np.array([owner]), period, jitter)
        count = len(times)
        target = Target(f"cloud.device{number}.example", f"198.18.1.{number % 250 + 1}")
        tables.append(
            flow_rows(
                office, times, hosts, target,
                out=rng.lognormal(6.5, 0.6, count), inn=rng.lognormal(7.5, 0.8, count),
                seconds=rng.uniform(0.1, 2, count),
            )
        )  # fmt: skip
    return pl.concat(tables)


def _browsing(office: Office) -> pl.DataFrame:
    """Visits: a page and what it loads, at the hours people work, to popular and to rare sites."""
    rng = generator(office.seed, "browsing")
    visits = rng.poisson(office.browsing * office.days, office.hosts)
    hosts = np.repeat(np.arange(office.hosts), visits)
    times = rng.uniform(0, office.days * DAY_S, len(hosts))
    awake = office.at_work(times, _WORK) | (rng.random(len(hosts)) < 0.02)
    times, hosts = times[awake], hosts[awake]
    loads = 1 + rng.geometric(0.25, len(hosts))
    sites = _popular(rng, len(hosts))
    which = np.repeat(sites, loads)
    own = rng.random(len(which)) < 0.7  # the rest is loaded from elsewhere
    which = np.where(own, which, _popular(rng, len(which)))
    count = len(which)
    return many_rows(
        office, np.repeat(times, loads) + rng.exponential(4, count), np.repeat(hosts, loads),
        [Target(f"www.site{n}.example", f"198.19.{n // 250}.{n % 250 + 1}") for n in range(_SITES)],
        which,
        out=rng.lognormal(6.8, 0.7, count), inn=rng.lognormal(9.5, 1.6, count),
        seconds=rng.lognormal(0.5, 1.4, count).clip(0.02, 600),
    )  # fmt: skip


def _popular(rng: np.random.Generator, count: int) -> Ints:
    return np.asarray(
        np.minimum(rng.zipf(1.25, count) - 1, rng.integers(0, _SITES, count)), np.int64
    )


def _calls(office: Office) -> pl.DataFrame:
    """Video calls: an hour or two, much data both ways."""
    rng = generator(office.seed, "calls")
    hosts = np.repeat(np.arange(office.hosts), rng.poisson(0.8 * office.days, office.hosts))
    times = rng.uniform(0, office.days * DAY_S, len(hosts))
    awake = office.at_work(times, (9, 16))
    times, hosts = times[awake], hosts[awake]
    seconds = rng.lognormal(8.0, 0.5, len(times)).clip(300, 3 * HOUR_S)
    return flow_rows(
        office, times, hosts, Target("meet.office.example", "198.18.0.20"),
        out=seconds * rng.uniform(4e4, 1.2e5, len(times)),
        inn=seconds * rng.uniform(1e5, 3e5, len(times)), seconds=seconds,
    )  # fmt: skip


def _push(office: Office) -> pl.DataFrame:
    """A push channel that most hosts hold open for the whole day."""
    rng = generator(office.seed, "push")
    users = np.flatnonzero(rng.random(office.hosts) < 0.8)
    days = np.arange(int(np.ceil(office.days)))
    times = (days[None, :] * DAY_S + 7.5 * HOUR_S + rng.uniform(0, HOUR_S, (len(users), 1))).ravel()
    hosts = np.repeat(users, len(days))
    awake = office.at_work(times, _WORK) & (times < office.days * DAY_S)
    times, hosts = times[awake], hosts[awake]
    seconds = rng.uniform(7, 10, len(times)) * HOUR_S
    return flow_rows(
        office, times, hosts, Target("push.os.example", "198.18.0.21"),
        out=seconds * 3, inn=seconds * 8, seconds=seconds,
    )  # fmt: skip


def _syncing(office: Office) -> pl.DataFrame:
    """Files synchronised to the office's cloud: small ones often, big ones now and then."""
    rng = generator(office.seed, "sync")
    hosts = np.repeat(np.arange(office.hosts), rng.poisson(5 * office.days, office.hosts))
    times = rng.uniform(0, office.days * DAY_S, len(hosts))
    awake = office.at_work(times, _WORK)
    times, hosts = times[awake], hosts[awake]
    sizes = rng.lognormal(12.5, 2.0, len(times)).clip(2e3, 4e8)
    return flow_rows(
        office, times, hosts, Target("files.office.example", "198.18.0.22"),
        out=sizes, inn=sizes * 0.2 + 2_000, seconds=sizes / 4e6 + 0.5,
    )  # fmt: skip


def _backup(office: Office) -> pl.DataFrame:
    """One server's nightly backup."""
    rng = generator(office.seed, "backup")
    times = np.arange(int(office.days)) * DAY_S + 2 * HOUR_S + rng.uniform(0, 600, int(office.days))
    sizes = rng.normal(2.2e9, 1.5e8, len(times))
    return flow_rows(
        office, times, _SERVER, Target("vault.backup.example", "198.18.0.23"),
        out=sizes, inn=sizes * 0.002, seconds=sizes / 2e7,
    )  # fmt: skip
