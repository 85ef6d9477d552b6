"""An Orion server with SUNBURST in an office, as Zeek and a proxy saw it, labelled.

Enters: a plan (seed, when the library was written, how far the operator goes). Leaves: queries and
requests of one infected host, mixed into :mod:`network`'s traffic. The host follows the sample:
12 to 14 days of sleep, then name chunks, then pings, each at the pause its last answer set; a
stage-2 answer, a ping with the bit minutes later, a CNAME, HTTP requests until the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

import numpy as np
import orjson
import polars as pl

from afterpatch.detect.sunburst.answers import STAGE2_DELAY, delay_min
from afterpatch.detect.sunburst.attribution import host_id_of
from afterpatch.detect.sunburst.encode import name_labels, ping_label, query_name
from afterpatch.detect.sunburst.http import etag_of
from afterpatch.detect.sunburst.signs import STAGES, Stage
from afterpatch.simulate.network import NetworkPlan, Traffic, traffic
from afterpatch.simulate.network_rows import Office, Target, flow_rows, queries_of
from afterpatch.simulate.zeek_logs import write_zeek

SLEEP_H: Final = (288, 336)  # after the library's last write
_CONTINUE: Final = "8.18.144.{}"
_STOP: Final = "96.31.172.{}"
_STAGE2: Final = "18.130.0.{}"
_SERVER: Final = "thedoccloud.com"
_SERVER_IP: Final = "203.0.113.66"
_PINGS: Final = 6  # before the operator decides
_PRODUCTS: Final = {"Defender": "running", "CrowdStrike": "stopped"}


@dataclass(frozen=True, slots=True)
class InfectedHost:
    """``stage``: how far it goes. ``written``: last write of the library, UTC."""

    written: datetime
    until: datetime
    stage: Stage = "http-c2"
    domain: str = "corp.simulated-example.test"
    mac: str = "005056A1B2C3"
    guid: str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    seed: int = 1

    @property
    def host_id(self) -> str:
        """16 hex digits."""
        return host_id_of(self.mac, self.domain, self.guid)


class Query(NamedTuple):
    """One look-up; a CNAME answer is a name."""

    time: datetime
    name: str
    answer: str


class Call(NamedTuple):
    """One HTTP request; no User-Agent is sent."""

    time: datetime
    url: str
    etag: str


def queries(host: InfectedHost) -> Iterator[Query]:
    """Every look-up until the malware stops or the time is over."""
    dice = Random(host.seed)
    own = bytes.fromhex(host.host_id)
    now = host.written + timedelta(hours=dice.uniform(*SLEEP_H))
    labels: list[str | None] = [*name_labels(own, host.domain, dice), *[None] * _PINGS]
    for place, name in enumerate(labels):
        if now >= host.until:
            return
        label = name or ping_label(own, now, dice, products=_PRODUCTS)
        answer = _answer(host.stage, place == len(labels) - 1, dice)
        yield Query(now, query_name(label, own), answer)
        now += _pause(answer, dice)
    if STAGES.index(host.stage) >= STAGES.index("targeted") and now < host.until:
        answer = _SERVER if host.stage == "http-c2" else _STOP.format(dice.randrange(256))
        yield Query(now, query_name(ping_label(own, now, dice, stage2=True), own), answer)


def calls(host: InfectedHost, since: datetime) -> Iterator[Call]:
    """Requests of the PUT family's host from the CNAME on: GETs for fonts, ten minutes apart."""
    dice = Random(host.seed + 1)
    own = bytes.fromhex(host.host_id)
    now = since + timedelta(minutes=1)
    while now < host.until:
        number, font = dice.randrange(100, 10_000), dice.choice(("freefont", "SourceCodePro"))
        url = f"https://{_SERVER}/fonts/woff/{number}-{font}-Regular.woff2"
        yield Call(now, url, etag_of(own, dice.randbytes(8)))
        now += timedelta(minutes=10 * dice.uniform(0.9, 1.1))


def _answer(stage: Stage, last: bool, dice: Random) -> str:
    if not last or stage == "beaconed":
        # The two shortest pauses, so that a simulated month holds the whole story.
        return _CONTINUE.format(dice.choice((0, 4)) | dice.choice((0, 1, 2)))
    if stage == "terminated":
        return _STOP.format(dice.randrange(256))
    return _STAGE2.format(128)  # PUT


def _pause(answer: str, dice: Random) -> timedelta:
    if answer.startswith("18.130."):
        return timedelta(minutes=dice.uniform(*STAGE2_DELAY))
    low, high = delay_min(answer) or (30, 120)
    return timedelta(minutes=dice.uniform(low, high))


def write_sunburst(host: InfectedHost, plan: NetworkPlan, folder: Path, at: int = 3) -> None:
    """Zeek logs, ``proxy.jsonl``, ``inventory.csv``, ``labels.json``; host ``at`` is the one."""
    asked = list(queries(host))
    moment = next((query.time for query in asked if query.answer == _SERVER), None)
    made = list(calls(host, moment)) if moment else []
    office = Office(plan.hosts, plan.days, plan.browsing, plan.start, plan.seed)
    benign = traffic(plan)
    mixed = Traffic(
        pl.concat([benign.flows, _flows(office, at, made)]).sort("time", "src_ip", "dst_ip"),
        pl.concat([benign.dns, _rows(office, at, asked)]).sort("time", "src_ip", "query"),
        (_label(host, office, at, asked, made),),
    )
    write_zeek(plan, mixed, folder)
    lines = (orjson.dumps(_proxy_line(call, office.address(at))) for call in made)
    (folder / "proxy.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    machine = f"orion1,{office.address(at)},{host.domain},{host.guid},{host.mac}\n"
    (folder / "inventory.csv").write_text(
        "host,ip,domain,machineguid,mac\n" + machine, encoding="utf-8"
    )


def write_sunburst_demo(folder: Path) -> None:
    """Twenty hosts over eight days; one of them goes all the way to HTTP."""
    written = datetime(2020, 5, 1, tzinfo=UTC)
    host = InfectedHost(written, written + timedelta(days=19))
    write_sunburst(host, NetworkPlan(written + timedelta(days=11), days=8, hosts=20), folder)


def _seconds(office: Office, times: list[datetime]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(
        [(time.astimezone(UTC) - office.start).total_seconds() for time in times], float
    )


def _rows(office: Office, at: int, asked: list[Query]) -> pl.DataFrame:
    times = _seconds(office, [query.time for query in asked])
    hosts = np.full(len(asked), at)
    names, answers = [query.name for query in asked], [query.answer for query in asked]
    return queries_of(office, times, hosts, names, answers)


def _flows(office: Office, at: int, made: list[Call]) -> pl.DataFrame:
    times = _seconds(office, [call.time for call in made])
    same = np.ones(len(made))
    target = Target(_SERVER, _SERVER_IP, 443)
    return flow_rows(
        office, times, at, target, out=same * 700, inn=same * 1_900, seconds=same * 0.4
    )


def _proxy_line(call: Call, address: str) -> dict[str, str]:
    return {
        "time": f"{call.time:%Y-%m-%dT%H:%M:%SZ}",
        "client": address,
        "url": call.url,
        "If-None-Match": call.etag,
    }


def _label(
    host: InfectedHost, office: Office, at: int, asked: list[Query], made: list[Call]
) -> dict[str, object]:
    return {
        "kind": "sunburst",
        "host": office.address(at),
        "host_id": host.host_id,
        "domain": host.domain,
        "stage": host.stage,
        "queries": len(asked),
        "requests": len(made),
    }
