from afterpatch.assess.merging import group_hosts
from afterpatch.model.places import Gap, HostClaim

FOLDER = HostClaim(20, "EX01", "folder name")


def names(hosts):
    return [host.name for host in hosts]


def test_a_full_name_in_the_records_names_the_host_and_keeps_the_folder_as_alias(reading):
    claim = HostClaim(20, "server-one", "folder name")
    hosts, notices = group_hosts([reading(claims=(claim,), host="ex01.corp.example")], [])
    assert names(hosts) == ["ex01.corp.example"]
    assert hosts[0].aliases == ("server-one",)
    assert notices == []


def test_without_any_witness_the_path_names_the_host(reading):
    hosts, _ = group_hosts([reading(root="case/a")], [])
    assert names(hosts) == ["case/a"]


def test_two_roots_merge_on_a_full_name(reading):
    hosts, notices = group_hosts(
        [reading(root="a", host="EX01.corp.example"), reading(root="b", host="ex01.CORP.example")],
        [],
    )
    assert len(hosts) == 1
    assert hosts[0].roots == ("a", "b")
    assert notices == []


def test_two_roots_never_merge_on_a_short_name_alone(reading):
    hosts, notices = group_hosts(
        [reading(root="a", host="EX01"), reading(root="b", host="ex01")], []
    )
    assert len(hosts) == 2
    assert len(set(names(hosts))) == 2
    assert all(notice.topic == "host-name" for notice in notices)
    assert notices


def test_a_short_name_does_not_join_a_full_one(reading):
    hosts, notices = group_hosts(
        [reading(root="a", host="EX01"), reading(root="b", host="ex01.corp.example")], []
    )
    assert names(hosts) == ["EX01", "ex01.corp.example"]
    assert notices


def test_records_of_several_machines_in_one_root_are_split_and_reported(reading):
    hosts, notices = group_hosts(
        [reading("a", host="EX01"), reading("b", host="EX02"), reading("c")], []
    )
    assert names(hosts) == ["EX01", "EX02"]
    assert [len(host.readings) for host in hosts] == [2, 1]
    assert "ex01, ex02" in notices[0].text


def test_a_manifest_that_contradicts_the_records_is_a_conflict(reading):
    claim = HostClaim(90, "EX09", "client_info.json")
    hosts, notices = group_hosts([reading(claims=(claim,), host="EX01")], [])
    assert names(hosts) == ["EX09"]
    assert hosts[0].aliases == ("EX01",)
    assert "EX09" in notices[0].text


def test_gaps_go_to_the_host_they_lie_in_and_unread_evidence_is_a_host_of_its_own(reading):
    gaps = [
        Gap("EX01/x", "line 3", "bad"),
        Gap("EX01/lost.evtx", "file", "x"),
        Gap("z.zip", "file", "key"),
    ]
    hosts, _ = group_hosts([reading(claims=(FOLDER,))], gaps)
    assert names(hosts) == ["EX01", "z.zip"]
    assert len(hosts[0].gaps) == 2
    assert hosts[1].readings == ()


def test_order_of_readings_does_not_matter(reading):
    parts = [reading("a", host="EX01"), reading("b", host="EX02"), reading(root="q", host="EX01")]
    one, said = group_hosts(parts, [])
    other, said_too = group_hosts(list(reversed(parts)), [])
    assert names(one) == names(other)
    assert sorted(said) == sorted(said_too)
