"""What a server logs when nothing happens: block by block, streaming, from the seed alone."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

import numpy as np

from afterpatch.simulate import ecp, w3c, windows
from afterpatch.simulate.dice import dice, guids
from afterpatch.simulate.scenario import ServerPlan
from afterpatch.simulate.visits import TOOK_MS, WEIGHTS, Visit, deck

# Below this many rows a day traffic is thin: one or two rows an hour for the logs that a verdict
# needs, and one file a day for the others, so that a demo is small and still complete.
THIN: Final = 3000
_DECK: Final = 4096
_SECONDS: Final = tuple(f"{s // 60:02d}:{s % 60:02d}" for s in range(3600))
_MILLIS: Final = tuple(f".{ms:03d}Z" for ms in range(1000))
# Shape of a working day: share of the daily rows per hour, in thousandths.
_SHAPE: Final = (
    22, 20, 20, 20, 22, 26, 34, 48, 66, 72, 70, 66, 56, 64, 70, 66, 58, 44, 36, 30, 28, 26, 24, 22,
)  # fmt: skip


@dataclass(slots=True)
class Lines:
    """Rows of one log in one block, and their milliseconds after the full hour; in time order."""

    at_ms: list[int] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class Background:
    """The benign traffic of one server, in blocks of an hour, or of ten minutes when busy.

    ``block`` may be called in any order. Small blocks keep the rows in the processor's cache.
    """

    def __init__(self, plan: ServerPlan) -> None:
        """Prepare for a plan; decks of requests are made when a build is first met."""
        self.plan = plan
        self.thin = plan.volume.rows < THIN
        self.step = timedelta(hours=1) if self.thin else timedelta(minutes=10)
        self._decks: dict[str, dict[str, list[Visit]]] = {}
        self._mixes: dict[str, list[Visit]] = {}

    def starts(self) -> Iterator[datetime]:
        """When each block of the plan's days begins."""
        first, last = self.plan.days
        return (first + self.step * i for i in range((last - first) // self.step))

    def block(self, start: datetime) -> dict[str, Lines]:
        """Rows by log name for the block that begins at ``start``, of logs the evidence keeps."""
        plan = self.plan
        lines: dict[str, Lines] = defaultdict(Lines)
        rng = dice(plan.seed, plan.name, "block", start.isoformat())
        visits = self._visits(start, rng)
        hour = start.replace(minute=0)
        if visits:
            offsets = np.frombuffer(rng.randbytes(4 * len(visits)), np.uint32)
            room = self.step // timedelta(milliseconds=1) - TOOK_MS - 1
            at_ms = np.sort(offsets % room) + TOOK_MS + start.minute * 60_000
            self._render(hour, at_ms.tolist(), guids(rng, len(visits)), visits, lines)
        for log, when, text in self._quiet_logs(hour, rng):
            if start <= when < start + self.step:
                lines[log].at_ms.append((when - hour) // timedelta(milliseconds=1))
                lines[log].text.append(text)
        return {log: rows for log, rows in lines.items() if rows.text and plan.keeps(log, start)}

    def _deck(self, start: datetime) -> tuple[dict[str, list[Visit]], list[Visit]]:
        build = self.plan.build_at(start)
        if build not in self._decks:
            plan = self.plan
            size = 1 if self.thin else min(40, 4 + plan.volume.rows // 10_000)
            made = deck(plan, build, dice(plan.seed, plan.name, "deck", build), size)
            rng = dice(plan.seed, plan.name, "mix", build)
            shares = [p for p, weight in WEIGHTS.items() if p in made for _ in range(weight)]
            self._decks[build] = made
            self._mixes[build] = [rng.choice(made[rng.choice(shares)]) for _ in range(_DECK)]
        return self._decks[build], self._mixes[build]

    def _visits(self, start: datetime, rng: Random) -> list[Visit]:
        plan = self.plan
        kinds, mix = self._deck(start)
        if not self.thin:
            count = plan.volume.rows * _SHAPE[start.hour] // (6 * sum(_SHAPE))
            picks = np.frombuffer(rng.randbytes(2 * count), np.uint16) & (_DECK - 1)
            return [mix[i] for i in picks.tolist()]
        chosen = []
        if start.hour % plan.volume.every_hours == 0:
            chosen = [rng.choice(kinds[p]) for p in ("Ecp", "Owa") if p in kinds]
        for number, protocol in enumerate(p for p in kinds if p not in ("Ecp", "Owa")):
            if start.hour == 8 + number:
                count = max(1, plan.volume.rows * WEIGHTS[protocol] // 200)
                chosen += [rng.choice(kinds[protocol]) for _ in range(count)]
        rng.shuffle(chosen)
        return chosen

    def _render(
        self,
        start: datetime,
        at_ms: list[int],
        keys: list[str],
        visits: list[Visit],
        lines: dict[str, Lines],
    ) -> None:
        """Fill in times and ids. The hot loop of the simulator: a few microseconds a request."""
        prefix, second = f"{start:%Y-%m-%dT%H:}", f"{start:%Y-%m-%d %H:}"
        proxies = {p: lines[f"httpproxy:{p}"] for p in {v.protocol for v in visits}}
        front, back = lines["iis-front"], lines["iis-back"]
        front.at_ms = at_ms
        front_text, back_text, back_at = front.text, back.text, back.at_ms
        for ms, key, visit in zip(at_ms, keys, visits, strict=True):
            clock = _SECONDS[ms // 1000]
            end = prefix + clock + _MILLIS[ms % 1000]
            begin_ms = ms - visit.took_ms
            begin = prefix + _SECONDS[begin_ms // 1000] + _MILLIS[begin_ms % 1000]
            lined = proxies[visit.protocol]
            lined.at_ms.append(ms)
            if visit.proxied:
                row = visit.proxy % (end, key, begin, begin, begin, begin, end, end, end)
            else:
                row = visit.proxy % (end, key, begin, end)
            lined.text.append(row)
            clock = second + clock
            front_text.append(visit.front % (clock, key))
            if visit.back:
                back_at.append(ms)
                back_text.append(visit.back % (clock, key))

    def _quiet_logs(self, start: datetime, rng: Random) -> Iterator[tuple[str, datetime, str]]:
        """Logs with few rows: ECP Server, HTTPERR, OAB generator, Windows events."""
        plan = self.plan
        build = plan.build_at(start)
        for i in range(1 if self.thin else 12):
            when = start + timedelta(minutes=2 + 5 * i, seconds=33, milliseconds=966)
            url = f"/ecp/RulesEditor/InboxRules.svc/GetList?msExchEcpCanary={rng.getrandbits(64):x}"
            row = ecp.ecp_row(when, plan.name, build, rng, "Get-InboxRule", url)
            yield "ecp-server", when, row + "\r\n"
        if start.hour % 6 == 3:
            when = start + timedelta(minutes=11, milliseconds=rng.randrange(1000))
            row = w3c.httperr_row(
                when, "127.0.0.1", rng.randrange(20_000, 60_000), plan.address,
                "Timer_ConnectionIdle",
            )  # fmt: skip
            yield "httperr", when, row + "\r\n"
            yield from self._windows(when, start.hour, rng)
        if start.hour % 8 == 4:
            when = start + timedelta(minutes=7, milliseconds=rng.randrange(1000))
            message = "OAB generation cycle finished; no download of files was needed."
            yield "oabgenerator", when, ecp.oab_row(when, rng, message) + "\r\n"

    def _windows(
        self, when: datetime, hour: int, rng: Random
    ) -> Iterator[tuple[str, datetime, str]]:
        """A few benign events, every six hours, on each channel."""
        plan = self.plan
        worker = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\Bin\\MSExchangeHMWorker.exe"
        health = f"HealthMailbox{rng.getrandbits(28):07x}"
        events = {
            windows.SECURITY: windows.logon(plan, when, rng, health),
            windows.APPLICATION: windows.application(
                plan, when, "MSExchange Front End HTTP Proxy", 1001, 4,
                "[Ecp] Application started successfully.",
            ),
            windows.SYSTEM: windows.service(plan, when, "Windows Modules Installer", "running"),
            windows.SYSMON: windows.process_created(
                plan, when, rng, "C:\\Windows\\System32\\netsh.exe",
                '"netsh" interface tcp show global', worker, worker,
            ),
        }  # fmt: skip
        if hour == 3:
            parameters = f'-Identity "{plan.domain}/Monitoring Mailboxes/{health}" -Force "True"'
            events[windows.MANAGEMENT] = windows.cmdlet(plan, when, "Set-Mailbox", parameters)
        for channel, text in events.items():
            yield f"windows:{channel}", when, text + "\n"
