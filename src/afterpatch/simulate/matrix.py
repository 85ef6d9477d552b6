"""Random single-server incidents with labels, for tests of verdict accuracy.

Every family of acts comes round in turn, so ``count`` servers spread evenly over the ladder, the
hard negatives and the patch orders; everything else is drawn. Each server is below a megabyte.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from afterpatch.simulate.acts import play
from afterpatch.simulate.aftermath import browser
from afterpatch.simulate.chain import DIRECTORIES
from afterpatch.simulate.dice import dice, word
from afterpatch.simulate.labels import Label, label
from afterpatch.simulate.scenario import PROTOCOLS, Act, Layout, ServerPlan, Volume, utc

BUILDS: Final = (
    ("15.1.2106.2", "15.1.2106.13"),
    ("15.1.2176.2", "15.1.2176.9"),
    ("15.2.721.2", "15.2.721.13"),
    ("15.2.792.3", "15.2.792.10"),
    ("15.0.1497.2", "15.0.1497.12"),
)
_LAYOUTS: Final[tuple[Layout, ...]] = ("folder", "folder", "folder", "zip", "kape", "velociraptor")
_ALL_PROXY: Final = tuple(f"httpproxy:{p}" for p in PROTOCOLS)


@dataclass(frozen=True, slots=True)
class Case:
    """A plan, the family of acts it belongs to, and its label (``path`` empty: not written)."""

    family: str
    plan: ServerPlan
    label: Label


@dataclass(frozen=True, slots=True)
class _Draw:
    """What the acts of one case share."""

    rng: Random
    at: datetime

    def act(self, kind: str, minutes: float, actor: str = "", **params: str) -> Act:
        """An act some minutes after the case begins, by a machine of its own per actor."""
        number = sum(actor.encode()) % 90 + 10 if actor else self.rng.randrange(100, 250)
        agents = ("python-requests/2.25.1", "python-requests/2.24.0", browser("88.0.4324.182"))
        return Act(
            kind,
            self.at + timedelta(minutes=minutes),
            f"203.0.113.{number}",
            self.rng.choice(agents),
            actor,
            params,
        )

    def chain(self, minutes: float, actor: str, **fixed: str) -> Act:
        """A full chain with drawn variants."""
        drawn = {
            "payload": self.rng.choice(("script", "script", "percent", "code")),
            "directory": self.rng.choice(("Oab", "Oab", "Oab", *DIRECTORIES)),
            "cookie": self.rng.choice(("resource", "resource", "anonymous", "backend")),
            "proxy": self.rng.choice(("full", "full", "stops", "none")),
            "cleanup": self.rng.choice(("ok", "fails", "none")),
            "rebuild": self.rng.choice(("yes", "no")),
            "url_host": self.rng.choice(("f", "g", "ffff/#")),
            "shell": self.page(),
        }
        return self.act("full-chain", minutes, actor, **drawn | fixed)

    def page(self) -> str:
        """A shell's URL path."""
        name = word(self.rng, self.rng.randrange(5, 12))
        return f"{self.rng.choice(('/owa/auth', '/owa/auth', '/aspnet_client'))}/{name}.aspx"


def _scan(d: _Draw) -> tuple[Act, ...]:
    return (d.act(d.rng.choice(("nmap-scan", "nuclei-scan", "burp-scan")), 1),)


def _attempt(d: _Draw) -> tuple[Act, ...]:
    return (d.act("autodiscover-attempt", 1, status=d.rng.choice(("200", "500"))),)


def _blocked(d: _Draw) -> tuple[Act, ...]:
    status = d.rng.choice(("400", "500", "503"))
    return (d.act("blocked-attempt", 1, status=status),)


def _aborted(d: _Draw) -> tuple[Act, ...]:
    return (d.act("mitigated", 1), d.act("aborted-attempt", 30))


def _data(d: _Draw) -> tuple[Act, ...]:
    cookie = d.rng.choice(("resource", "anonymous", "backend"))
    return (_scan(d)[0], d.act("ews-access", 20, "a", cookie=cookie))


def _session(d: _Draw) -> tuple[Act, ...]:
    return (d.act("session-forged", 5, "a", cookie=d.rng.choice(("resource", "anonymous"))),)


def _write_only(d: _Draw) -> tuple[Act, ...]:
    return (d.chain(5, "a", drop="no"),)


def _oab_write(d: _Draw) -> tuple[Act, ...]:
    return (d.act("session-forged", 3, "a"), d.act("oab-write", 5, "a", shell=d.page()))


def _dropped(d: _Draw) -> tuple[Act, ...]:
    return (d.chain(5, "a"),)


def _used(d: _Draw) -> tuple[Act, ...]:
    page = d.page()
    return (d.chain(5, "a", shell=page), d.act("shell-use", 90, "a", shell=page))


def _removed(d: _Draw) -> tuple[Act, ...]:
    page = d.page()
    return (
        d.chain(5, "a", shell=page),
        d.act("shell-check", 60, "a", shell=page),
        d.act("shell-use", 90, "a", shell=page, commands="no"),
        d.act("shell-removed", 600, "a", shell=page),
    )


def _remains(d: _Draw) -> tuple[Act, ...]:
    return (d.act("shell-remains", 5, "a", shell=d.page()),)


def _follow_up(d: _Draw) -> tuple[Act, ...]:
    page, what = d.page(), d.rng.choice(("lsass", "minidump", "mail", "task", "hide", "cabinet"))
    return (
        d.chain(5, "a", shell=page),
        d.act("shell-use", 90, "a", shell=page),
        d.act("follow-up", 300, "a", shell=page, what=what),
    )


def _two_actors(d: _Draw) -> tuple[Act, ...]:
    first, second = d.page(), d.page()
    return (
        d.chain(5, "a", shell=first),
        d.act("shell-use", 60, "a", shell=first),
        d.chain(700, "b", shell=second),
        d.act("shell-use", 800, "b", shell=second),
    )


def _ransom(d: _Draw) -> tuple[Act, ...]:
    page = d.page()
    return (d.chain(5, "a", shell=page), d.act("dearcry", 900, "a", shell=page))


def _um(d: _Draw) -> tuple[Act, ...]:
    return (d.act("um-deserialisation", 1, "a", child=d.rng.choice(("yes", "no"))),)


def _one(kind: str) -> Callable[[_Draw], tuple[Act, ...]]:
    return lambda d: (d.act(kind, 1),)


def _noise(d: _Draw) -> tuple[Act, ...]:
    kinds = ("test-amsi", "url-change", "shell-hunters", "timeout-logout", "ediscovery-tool")
    return tuple(d.act(kind, 10 * i) for i, kind in enumerate(d.rng.sample(kinds, 3)))


# Family -> its acts, and which orders of patch and act make sense for it.
_ANY, _OPEN, _FIXED = ("none", "after", "before"), ("none", "after"), ("before",)
FAMILIES: Final[Mapping[str, tuple[Callable[[_Draw], tuple[Act, ...]], tuple[str, ...]]]] = {
    "quiet": (lambda _: (), _ANY),
    "scan": (_scan, _ANY),
    "attempt": (_attempt, _ANY),
    "blocked": (_blocked, _FIXED),
    "aborted": (_aborted, _OPEN),
    "data": (_data, _OPEN),
    "session": (_session, _OPEN),
    "write": (_write_only, _OPEN),
    "oab-write": (_oab_write, _OPEN),
    "dropped": (_dropped, _OPEN),
    "used": (_used, _OPEN),
    "removed": (_removed, _OPEN),
    "remains": (_remains, _OPEN),
    "follow-up": (_follow_up, _OPEN),
    "two-actors": (_two_actors, _OPEN),
    "ransom": (_ransom, _OPEN),
    "um": (_um, _OPEN),
    "test-amsi": (_one("test-amsi"), _FIXED),
    "url-change": (_one("url-change"), _ANY),
    "shell-hunters": (_one("shell-hunters"), _ANY),
    "timeout-logout": (_one("timeout-logout"), _ANY),
    "ediscovery-tool": (_one("ediscovery-tool"), _ANY),
    "vendor-archives": (_one("vendor-archives"), _ANY),
    "noise": (_noise, _ANY),
}


def matrix(seed: str, count: int) -> Iterator[Case]:
    """``count`` labelled single-server cases, the same for the same seed."""
    names = tuple(FAMILIES)
    for number in range(count):
        family = names[number % len(names)]
        rng = dice(seed, "matrix", str(number))
        plan = _plan(number, family, rng, f"{seed}-{number}")
        yield Case(family, plan, label(plan, play(plan), ""))


def _plan(number: int, family: str, rng: Random, seed: str) -> ServerPlan:
    acts, orders = FAMILIES[family]
    first = utc("2021-02-24") + timedelta(days=rng.randrange(8))
    last = first + timedelta(days=3)
    at = first + timedelta(hours=rng.randrange(20, 40), seconds=rng.randrange(3600))
    order = rng.choice(orders)
    patched = {"none": None, "before": at - timedelta(hours=6), "after": at + timedelta(hours=20)}
    before, after = rng.choice(BUILDS)
    name = f"MX{number:03d}"
    loss = _loss(rng)
    return ServerPlan(
        name=name,
        fqdn=f"{name.lower()}.fabrikam.local",
        product_build_before=before,
        build_after=after if patched[order] else None,
        patched_at=patched[order],
        patch_kind="cu" if rng.random() < 0.2 else "su",
        days=(first, last),
        events=acts(_Draw(rng, at)),
        rolled=dict.fromkeys(loss.rolled, at + timedelta(hours=8)),
        missing=frozenset(loss.missing),
        holes=dict.fromkeys(loss.holes, ((at - timedelta(hours=9), at - timedelta(hours=2)),)),
        truncated=frozenset(loss.truncated),
        skew_hours=-5 if rng.random() < 0.1 else 0,
        layout=rng.choice(_LAYOUTS),
        volume=Volume(60, 2, ("Ecp", "Owa", "Ews", "Mapi")),
        address=f"10.30.1.{number % 250 + 1}",
        public_name="mail.fabrikam.example",
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class _Loss:
    """What of the evidence is gone: logs that rolled after the act, were not collected, have a hole
    before the act, or end in the middle of a record.
    """

    rolled: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    holes: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()


_LOSSES: Final = (
    _Loss(rolled=("httpproxy:*",)),
    _Loss(rolled=("httpproxy:*", "ecp-server")),
    _Loss(missing=_ALL_PROXY),
    _Loss(missing=("ecp-server",)),
    _Loss(missing=("windows:*",)),
    _Loss(missing=("web-files",)),
    _Loss(missing=("windows:*", "web-files")),
    _Loss(missing=("iis-front", "iis-back")),
    _Loss(missing=("iis-back", "exchange-setup", "httperr")),
    _Loss(holes=("httpproxy:*", "iis-front")),
    _Loss(truncated=("httpproxy:Ecp", "ecp-server", "iis-front")),
)


def _loss(rng: Random) -> _Loss:
    """Nothing for half of the servers."""
    return _Loss() if rng.random() < 0.5 else rng.choice(_LOSSES)
