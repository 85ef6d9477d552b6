"""The simulated SUNBURST host is found, placed and named by the product."""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise

import orjson
import pytest

from afterpatch.detect.sunburst.attribution import attribute
from afterpatch.detect.sunburst.hosts import scope
from afterpatch.detect.sunburst.signs import STAGES
from afterpatch.formats.machine_list import merge, read_machines
from afterpatch.pipeline.sunburst import survey
from afterpatch.simulate.network import NetworkPlan
from afterpatch.simulate.sunburst import InfectedHost, queries, write_sunburst

WRITTEN = datetime(2020, 5, 1, tzinfo=UTC)
UNTIL = WRITTEN + timedelta(days=18)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_read_back(stage, tmp_path):
    host = InfectedHost(WRITTEN, UNTIL, stage)
    plan = NetworkPlan(WRITTEN + timedelta(days=11), days=7, hosts=6, browsing=3)
    write_sunburst(host, plan, tmp_path)
    logs = [str(tmp_path / name) for name in ("dns.log", "proxy.jsonl", "http.log")]
    seen = survey(logs, BytesIO())
    (found,) = scope(seen.sightings, seen.requests, complete=True).hosts
    assert (found.host_id, found.stage, found.name.domain) == (host.host_id, stage, host.domain)
    assert found.name.confidence == "certain"
    assert found.stopped == (stage in ("terminated", "targeted"))
    assert seen.unread == 0
    label = orjson.loads((tmp_path / "labels.json").read_bytes())["channels"][0]
    assert (label["host_id"], label["stage"]) == (host.host_id, stage)
    with (tmp_path / "inventory.csv").open("rb") as stream:
        machines = merge(read_machines(stream, "inventory").parts)
    assert attribute([found.host_id], machines).owners[0].machine.name == "orion1"


def test_the_host_sleeps_and_keeps_its_pauses():
    times = [query.time for query in queries(InfectedHost(WRITTEN, UNTIL, "http-c2"))]
    assert timedelta(hours=288) <= times[0] - WRITTEN <= timedelta(hours=336)
    pauses = [after - before for before, after in pairwise(times)]
    assert all(timedelta(minutes=30) <= pause <= timedelta(minutes=300) for pause in pauses[:-1])
    assert timedelta(minutes=1) <= pauses[-1] <= timedelta(minutes=3)


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    plan = NetworkPlan(WRITTEN + timedelta(days=11), days=4, hosts=5, browsing=2)
    for name in ("a", "b"):
        write_sunburst(InfectedHost(WRITTEN, UNTIL), plan, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
