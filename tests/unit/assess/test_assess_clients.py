"""A row of a resolver's log is about the client it names, not about the log's owner."""

from dataclasses import replace

import pytest

from afterpatch.assess.assessment import assess
from afterpatch.assess.fleet import fleet_of
from afterpatch.model.campaigns import Key, NeededLog
from afterpatch.model.hits import RuleInfo
from afterpatch.model.places import Fact, Place

ID_A, ID_B = "63bf17c6ec53e76d", "f18613981dec4d1a"


@pytest.fixture
def about(campaign):
    log = NeededLog("dns", "query log", 2, "C:/dns", ("file-written",), about=("src_ip",))
    keys = (
        Key("host id", ("host_id",), r"^([0-9a-f]{16})$", "strong", machine=True),
        Key("source address", ("src_ip",), r"(.+)", "context"),
    )
    return replace(campaign, logs=(log, *campaign.logs), keys=(*keys, *campaign.keys))


@pytest.fixture
def infos(rules):
    return {
        **rules,
        "r-weak": RuleInfo("r-weak", "Zone", "low", "sigma", "file-written", weak=True),
    }


def judged(campaign, infos, *readings):
    fleet = fleet_of(readings, (), ())
    return assess(fleet, campaign, list(infos.values()), (), lambda hits: (), "0", ())


def bands(result):
    return {host.name: host.verdicts[0].band for host in result.hosts}


def row(hit, rule, address, key="", record=1, source="DNS01/q.log"):
    fields = {"src_ip": address, **({"host_id": key} if key else {})}
    return replace(hit(rule, "2021-03-01T10:00:00", record, source), fields=fields)


def query_log(reading, *hits, root="DNS01", **rest):
    return reading("q.log", root, "dns", hits=hits, observed={"dns": {448_000: 10}}, **rest)


def test_client_is_compromised_and_resolver_is_not(about, infos, reading, hit):
    log = query_log(reading, row(hit, "r-write", "10.0.0.5", ID_A))
    result = judged(about, infos, log)
    assert bands(result) == {"10.0.0.5": "compromised", "DNS01": "none"}
    client = result.hosts[0]
    assert "DNS01" in client.named_by
    assert client.aliases == (ID_A,)
    covered = next(c for c in client.verdicts[0].coverage if c.log == "dns")
    assert covered.observed, "the log that tells of it is its coverage"
    assert len(result.sources) == 1, "the log is counted once"


def test_stage_the_log_does_not_show_stays_with_its_owner(about, infos, reading, hit):
    log = query_log(reading, row(hit, "r-use", "10.0.0.5"))
    assert bands(judged(about, infos, log)) == {"DNS01": "compromised"}


def test_forwarder_is_no_machine(about, infos, reading, hit):
    hits = [row(hit, "r-write", "10.0.0.2", ID_A), row(hit, "r-write", "10.0.0.2", ID_B, 2)]
    result = judged(about, infos, query_log(reading, *hits))
    assert bands(result) == {
        "DNS01": "none",
        f"{ID_A} behind 10.0.0.2": "compromised",
        f"{ID_B} behind 10.0.0.2": "compromised",
    }
    assert any("10.0.0.2 asked for 2 machines" in notice.text for notice in result.notices)


def test_machine_seen_before_and_behind_the_forwarder_is_one(about, infos, reading, hit):
    hits = [
        row(hit, "r-write", "10.0.0.5", ID_A),
        row(hit, "r-write", "10.0.0.2", ID_A, 2),
        row(hit, "r-write", "10.0.0.2", ID_B, 3),
    ]
    assert bands(judged(about, infos, query_log(reading, *hits))) == {
        "10.0.0.5": "compromised",
        "DNS01": "none",
        f"{ID_B} behind 10.0.0.2": "compromised",
    }


def test_one_client_in_many_files_is_one_host(about, infos, reading, hit):
    logs = [
        query_log(
            reading,
            row(hit, "r-write", "10.0.0.5", ID_A, 1, f"{root}/q.log"),
            root=root,
            sha256=root,
        )
        for root in ("day1", "day2")
    ]
    found = bands(judged(about, infos, *logs))
    assert [name for name, band in found.items() if band == "compromised"] == ["10.0.0.5"]


def test_inventory_names_the_client_and_its_own_evidence_is_joined(about, infos, reading, hit):
    fact = Fact("host.address", "10.0.0.5", None, Place("i.csv", 2), {"host": "ORION01"})
    listed = reading("i.csv", "lists", "machine-csv", facts=(fact,))
    log = query_log(reading, row(hit, "r-write", "::ffff:10.0.0.5", ID_A))
    assert bands(judged(about, infos, log, listed)) == {"DNS01": "none", "ORION01": "compromised"}
    again = Fact("host.address", "10.0.0.5", None, Place("j.csv", 2), {"host": "orion01"})
    other = reading("j.csv", "lists", "machine-csv", facts=(again,))
    assert "ORION01" in bands(judged(about, infos, log, listed, other))
    own = reading("s.evtx", "ORION01", "evtx", host="ORION01.corp.example")
    joined = judged(about, infos, log, listed, own)
    assert bands(joined) == {"DNS01": "none", "ORION01.corp.example": "compromised"}


def test_weak_hits_make_no_machine_but_follow_one(about, infos, reading, hit):
    alone = query_log(reading, row(hit, "r-weak", "10.0.0.9"))
    assert list(bands(judged(about, infos, alone))) == ["DNS01"]
    both = query_log(
        reading, row(hit, "r-weak", "10.0.0.5"), row(hit, "r-write", "10.0.0.5", ID_A, 2)
    )
    client = judged(about, infos, both).hosts[0]
    assert {rule for f in client.verdicts[0].because for rule in f.rules} == {"r-weak", "r-write"}


def test_matches_only_counted_are_said(about, infos, reading, hit):
    log = query_log(reading, row(hit, "r-write", "10.0.0.5", ID_A), overflow={"r-write": 7})
    result = judged(about, infos, log)
    assert any("7 more matches of r-write" in notice.text for notice in result.notices)


def test_rows_that_name_nobody_stay(about, infos, reading, hit):
    log = query_log(reading, row(hit, "r-write", "-", ID_A), row(hit, "r-write", "127.0.0.1", ID_B))
    assert bands(judged(about, infos, log)) == {"DNS01": "compromised"}


def test_two_ids_of_one_named_machine_are_one_host(about, infos, reading, hit):
    facts = [
        Fact("host.address", ip, None, Place("i.csv", n), {"host": "ORION01"})
        for n, ip in enumerate(("10.0.0.5", "10.0.0.6"), 2)
    ]
    listed = reading("i.csv", "lists", "machine-csv", facts=tuple(facts))
    hits = [row(hit, "r-write", "10.0.0.5", ID_A), row(hit, "r-write", "10.0.0.6", ID_B, 2)]
    result = judged(about, infos, query_log(reading, *hits), listed)
    assert bands(result) == {"DNS01": "none", "ORION01": "compromised"}
    client = next(host for host in result.hosts if host.name == "ORION01")
    assert sum(finding.count for finding in client.verdicts[0].because) == 2
