from afterpatch.assess.attribution import UNKNOWN, describe, offered
from afterpatch.assess.findings import build_findings, key_hits
from afterpatch.assess.intrusions import group_intrusions, intrusion_id


def groups_of(hits, rules, campaign, host="EX01"):
    findings = build_findings(host, key_hits(hits, rules, campaign), {}, campaign)
    return group_intrusions(findings, campaign)


def test_two_actors_on_one_host_stay_apart(campaign, rules, hit):
    hits = [
        hit("r-forge", "2021-03-03T06:00:00", Query="canary=aaa", c_ip="192.0.2.1"),
        hit("r-use", "2021-03-03T06:10:00", Path="a.aspx", c_ip="192.0.2.1"),
        hit("r-forge", "2021-03-03T07:00:00", Query="canary=bbb", c_ip="198.51.100.9"),
        hit("r-use", "2021-03-03T07:10:00", Path="b.aspx", c_ip="198.51.100.9"),
    ]
    assert [len(group) for group in groups_of(hits, rules, campaign)] == [2, 2]


def test_a_visitor_of_two_shells_does_not_tie_them_together(campaign, rules, hit):
    hits = [
        hit("r-use", "2021-03-03T06:10:00", Path="a.aspx", c_ip="203.0.113.5"),
        hit("r-use", "2021-03-03T06:11:00", Path="b.aspx", c_ip="203.0.113.5"),
    ]
    assert len(groups_of(hits, rules, campaign)) == 2


def test_events_without_a_visitor_join_the_only_intrusion_near_them(campaign, rules, hit):
    hits = [
        hit("r-forge", "2021-03-03T06:00:00", Query="canary=aaa", c_ip="192.0.2.1"),
        hit("r-write", "2021-03-03T06:00:20", Path="a.aspx"),
        hit("r-local", "2021-03-03T06:01:00"),
        hit("r-local", "2021-03-04T18:00:00"),
    ]
    assert sorted(len(group) for group in groups_of(hits, rules, campaign)) == [1, 3]


def test_scans_and_weak_signals_are_no_intrusion(campaign, rules, hit):
    hits = [
        hit("r-scan", "2021-03-03T06:00:00", c_ip="192.0.2.1"),
        hit("r-ip", "2021-03-03T06:00:00", c_ip="192.0.2.1"),
    ]
    assert groups_of(hits, rules, campaign) == []


def test_order_of_hits_does_not_change_the_groups(campaign, rules, hit):
    hits = [
        hit("r-forge", "2021-03-03T06:00:00", n, Query=f"canary=c{n % 3}", c_ip=f"192.0.2.{n % 4}")
        for n in range(12)
    ]
    one = [intrusion_id(group) for group in groups_of(hits, rules, campaign)]
    other = [intrusion_id(group) for group in groups_of(hits[::-1], rules, campaign)]
    assert one == other


def test_a_name_is_a_hypothesis_with_reasons_both_ways(campaign, rules, hit):
    (group,) = groups_of(
        [hit("r-use", "2021-03-03T06:00:00", Path="a.aspx", c_ip="192.0.2.1")], rules, campaign
    )
    intrusion = describe("I-1", group, [], campaign)
    assert [(h.actor, h.score) for h in intrusion.hypotheses] == [
        ("ALPHA", 5),
        ("BETA", 1),
        (UNKNOWN, 0),
    ]
    assert intrusion.hypotheses[1].speaks_against == ("too late for them",)
    assert "hosting" in intrusion.infrastructure["networks"][0]
    assert offered(intrusion) == "ALPHA"


def test_weak_reasons_offer_no_name(campaign, rules, hit):
    (group,) = groups_of([hit("r-local", "2021-02-01T06:00:00")], rules, campaign)
    assert offered(describe("I-1", group, [], campaign)) == UNKNOWN
