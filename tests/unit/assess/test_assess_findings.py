from afterpatch.assess.findings import MAX_EXAMPLES, build_findings, key_hits
from afterpatch.assess.lifetimes import lifetimes


def build(hits, rules, campaign, overflow=None):
    keyed = key_hits(hits, rules, campaign)
    return [f.finding for f in build_findings("EX01", keyed, overflow or {}, campaign)]


def test_hits_of_one_session_are_one_finding(campaign, rules, hit):
    hits = [
        hit("r-forge", "2021-03-03T06:00:00", Query="x?canary=AbC1"),
        hit("r-forge", "2021-03-03T06:00:05", 2, Query="canary=abc1&y"),
        hit("r-forge", "2021-03-03T06:10:00", 3, Query="canary=other"),
    ]
    findings = build(hits, rules, campaign)
    assert [(f.count, f.key) for f in findings] == [
        (2, {"canary": "abc1"}),
        (1, {"canary": "other"}),
    ]


def test_weak_hits_stay_apart_and_come_last(campaign, rules, hit):
    hits = [
        hit("r-ip", "2021-03-03T06:00:00", c_ip="192.0.2.1"),
        hit("r-scan", "2021-03-03T06:00:00"),
    ]
    findings = build(hits, rules, campaign)
    assert [f.weak for f in findings] == [False, True]


def test_keyless_hits_split_at_half_an_hour_of_silence(campaign, rules, hit):
    hits = [hit("r-local", f"2021-03-03T{clock}") for clock in ("06:00", "06:20", "08:00")]
    assert sorted(f.count for f in build(hits, rules, campaign)) == [1, 2]


def test_counts_stay_exact_when_hits_were_not_kept(campaign, rules, hit):
    hits = [hit("r-scan", "2021-03-03T06:00:00", n, c_ip="192.0.2.1") for n in range(200)]
    findings = build(hits, rules, campaign, {"r-scan": 1000})
    assert findings[0].count == 1200
    assert len(findings[0].hits) <= MAX_EXAMPLES


def test_ids_are_stable_and_distinct(campaign, rules, hit):
    hits = [hit("r-scan", "2021-03-03T06:00", c_ip=f"192.0.2.{n}") for n in range(20)]
    one = build(hits, rules, campaign)
    other = build(list(reversed(hits)), rules, campaign)
    assert [f.id for f in one] == [f.id for f in other]
    assert len({f.id for f in one}) == 20


def test_a_lifetime_lies_between_write_and_first_refusal(campaign, rules, hit):
    keyed = key_hits(
        [
            hit("r-write", "2021-03-03T06:00:00", Path="C:\\auth\\X.aspx"),
            hit("r-use", "2021-03-05T03:00:00", Path="/owa/auth/x.aspx"),
            hit("r-use", "2021-03-06T17:00:00", Path="/owa/auth/x.aspx"),
            hit("r-absent", "2021-03-08T20:00:00", Path="/owa/auth/x.aspx"),
            hit("r-absent", "2021-03-08T20:00:00", Path="/owa/auth/never.aspx"),
        ],
        rules,
        campaign,
    )
    (life,) = lifetimes(keyed, campaign)
    assert life.key == "x.aspx"
    assert [f"{t:%d %H}" for t in (*life.begin, *life.end)] == ["03 06", "03 06", "06 17", "08 20"]


def test_without_a_write_the_beginning_is_after_the_last_refusal(campaign, rules, hit):
    keyed = key_hits(
        [
            hit("r-absent", "2021-03-01T00:00:00", Path="/x.aspx"),
            hit("r-use", "2021-03-05T03:00:00", Path="/x.aspx"),
        ],
        rules,
        campaign,
    )
    (life,) = lifetimes(keyed, campaign)
    assert [t and t.day for t in (*life.begin, *life.end)] == [1, 5, 5, None]
