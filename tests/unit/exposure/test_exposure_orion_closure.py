"""Who was monitored by an affected Orion, and what cannot be decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.collect.orion_records import Records
from afterpatch.exposure.orion_closure import closure

BAD, OLD, NOW = "2019.4.5200.9083", "2018.4.5200.1", "2020.2.4"


def engine(number, name, version, ip=""):
    return {"EngineID": number, "ServerName": name, "EngineVersion": version, "IP": ip}


def node(number, engine_id, **more):
    return {"NodeID": number, "Caption": f"node{number}", "IPAddress": f"10.0.0.{number}",
            "EngineID": engine_id, **more}  # fmt: skip


def records(servers=(), engines=(), nodes=(), releases=()):
    return Records(tuple(servers), tuple(engines), tuple(nodes), tuple(releases), ())


def by_host(found):
    return {host.host: host for host in found.hosts}


def test_nodes_of_an_affected_engine_are_listed_with_the_reason():
    found = closure(records(engines=[engine(1, "ORION01", BAD)], nodes=[node(5, 1), node(6, 1)]))
    hosts = by_host(found)
    assert {name: host.ran for name, host in hosts.items()} == {
        "node5": "yes", "node6": "yes", "ORION01": "yes",
    }  # fmt: skip
    assert "monitored by ORION01" in hosts["node5"].why
    assert "2019.4 HF5" in hosts["node5"].why
    assert "is a polling engine" in hosts["ORION01"].why
    assert found.outside == 0


def test_a_fixed_release_does_not_tell_what_ran_before():
    found = closure(records(engines=[engine(1, "ORION01", NOW)], nodes=[node(5, 1)]))
    assert by_host(found)["node5"].ran == "unknown"
    assert "what ran before it is not told" in by_host(found)["node5"].why


@pytest.mark.parametrize("version", ["", "banana", "2020.2.5100.12432"])
def test_a_build_that_cannot_be_judged_leaves_its_nodes_in(version):
    found = closure(records(engines=[engine(1, "ORION01", version)], nodes=[node(5, 1)]))
    assert by_host(found)["node5"].ran == "unknown"


def test_only_what_was_never_affected_leaves_the_list_and_is_counted():
    found = closure(records(engines=[engine(1, "ORION01", OLD)], nodes=[node(5, 1)]))
    assert found.hosts == ()
    assert found.outside == 2


def test_nodes_of_a_clean_engine_beside_an_affected_one_are_undecided():
    engines = [engine(1, "ORION01", BAD), engine(2, "POLL02", OLD)]
    found = by_host(closure(records(engines=engines, nodes=[node(5, 1), node(6, 2)])))
    assert (found["node5"].ran, found["node6"].ran) == ("yes", "unknown")
    assert "installed together with ORION01" in found["node6"].why


def test_the_release_of_the_server_decides_when_the_engine_tells_nothing():
    servers = [{"HostName": "orion01.corp.example"}]
    told = [{"host": "orion01.corp.example", "product": "Orion Platform", "version": "2020.2",
             "hotfix": "1"}]  # fmt: skip
    engines = [engine(1, "ORION01", None)]
    found = closure(records(servers, engines, [node(5, 1)], told))
    (station,) = found.stations
    assert station.roles == ("Orion server", "polling engine")
    assert (station.name, station.ran) == ("orion01.corp.example", "yes")
    assert by_host(found)["node5"].ran == "yes"


def test_the_worst_build_counts_so_an_earlier_release_may_be_added():
    told = [{"host": "ORION01", "product": "", "version": version, "hotfix": ""}
            for version in ("2020.2.4", "2019.4 HF5")]  # fmt: skip
    found = closure(records([{"HostName": "ORION01"}], [engine(1, "ORION01", NOW)], [], told))
    assert found.stations[0].ran == "yes"
    assert "2019.4 HF5" in found.stations[0].because


def test_an_orion_server_that_is_a_node_is_listed_once():
    engines = [engine(1, "ORION01", BAD, "10.0.0.9")]
    found = closure(records(engines=engines, nodes=[node(9, 1, IsOrionServer=True)]))
    (host,) = found.hosts
    assert host.why.startswith("is a polling engine")
    assert "monitored by ORION01" in host.why


def test_nodes_without_an_engine_follow_all_servers_or_stay_undecided():
    loose = {"NodeID": 5, "Caption": "node5"}
    alone = closure(records(engines=[engine(1, "ORION01", BAD)], nodes=[loose]))
    assert by_host(alone)["node5"].ran == "yes"
    both = [engine(1, "ORION01", BAD), engine(2, "POLL02", OLD)]
    assert by_host(closure(records(engines=both, nodes=[loose])))["node5"].ran == "unknown"
    none = by_host(closure(records(nodes=[loose])))
    assert none["node5"].ran == "unknown"
    stray = by_host(closure(records(engines=both, nodes=[node(7, 99)])))["node7"]
    assert (stray.ran, "engine 99" in stray.why) == ("unknown", True)


def test_an_orion_server_among_the_nodes_that_no_table_describes_stays_in():
    found = closure(records(engines=[engine(1, "O", OLD)], nodes=[node(5, 1, IsOrionServer=True)]))
    assert by_host(found)["node5"].ran == "unknown"


def test_the_order_of_rows_does_not_matter():
    engines = [engine(1, "ORION01", BAD), engine(2, "POLL02", OLD)]
    nodes = [node(n, n % 3) for n in range(1, 9)]
    there = closure(records(engines=engines, nodes=nodes))
    assert there == closure(records(engines=engines[::-1], nodes=nodes[::-1]))


@pytest.mark.parametrize(
    ("version", "hotfix", "ran"),
    [
        ("2019.4", "5", "yes"),
        ("2019.4", "HF 5", "yes"),
        ("2019.4", "4", "no"),
        ("2019.4", "0", "no"),
        ("2019.4", "", "unknown"),  # nobody said that HF 5 is not on it
        ("2019.4", "some", "unknown"),
        ("2019.2", "", "no"),
        ("2020.2", "", "yes"),
        ("2020.2.1", "1", "unknown"),
        ("2020.2.1", "2", "unknown"),
    ],
)
def test_version_and_hotfix(version, hotfix, ran):
    told = [{"host": "ORION01", "product": "", "version": version, "hotfix": hotfix}]
    assert closure(records(releases=told)).stations[0].ran == ran


CELLS = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(
    ["ORION01", "orion01.corp", "10.0.0.1", BAD, OLD, "\x00\u202e", ""]
) | st.lists(st.integers(), max_size=1)  # fmt: skip


def rows(*names):
    return st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(names, CELLS)), max_size=4)


@given(
    rows("HostName", "Details"),
    rows("ServerName", "EngineID", "EngineVersion", "IP"),
    rows("NodeID", "Caption", "DNS", "SysName", "IPAddress", "EngineID", "IsOrionServer"),
)
def test_no_node_is_ever_lost(servers, engines, nodes):
    found = closure(records(servers, engines, nodes))
    assert len(found.hosts) + found.outside >= len(nodes)
    assert all(host.why for host in found.hosts)
    if any(
        station.ran == "yes" for station in found.stations
    ):  # then only stations may be left out
        assert found.outside <= sum(station.ran == "no" for station in found.stations)
