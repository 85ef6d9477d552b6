"""ED 21-01: stopped is not clean, missing days are unknown, ceased beacons are category 3."""

from datetime import UTC, datetime, timedelta
from random import Random

from afterpatch.campaigns.load import load
from afterpatch.detect.sunburst.categories import funnel, judge, missing_days
from afterpatch.detect.sunburst.encode import ping_label, query_name
from afterpatch.detect.sunburst.hosts import Sighting, scope

TRIAGE = load("sunburst-orion-2020").triage
FIRST_DAY, LAST_DAY = TRIAGE.first_day, TRIAGE.last_day
DAYS = {FIRST_DAY + timedelta(days=at) for at in range((LAST_DAY - FIRST_DAY).days + 1)}
JUNE, DECEMBER = datetime(2020, 6, 1, tzinfo=UTC), datetime(2020, 12, 10, tzinfo=UTC)


def host(number: int, time: datetime, answer: str | None = None, **how):
    own = bytes([number] * 8)
    name = query_name(ping_label(own, time, Random(number), **how), own)
    return scope([Sighting(name, answer, time)]).hosts[0]


def test_days_without_a_record():
    assert missing_days(DAYS, TRIAGE) == ()
    assert missing_days(DAYS - {FIRST_DAY}, TRIAGE) == (FIRST_DAY,)
    assert len(missing_days((), TRIAGE)) == len(DAYS) == 265


def test_categories_of_a_complete_log():
    assert judge(host(1, DECEMBER), (), TRIAGE).category == "2"
    assert judge(host(1, JUNE, "96.31.172.9"), (), TRIAGE).category == "2"
    assert "not clean" in judge(host(1, JUNE, "96.31.172.9"), (), TRIAGE).because
    assert "ceased on 2020-06-01" in judge(host(1, JUNE), (), TRIAGE).because
    assert judge(host(1, JUNE), (), TRIAGE).category == "3"
    assert judge(host(1, JUNE, stage2=True), (), TRIAGE).category == "3"
    assert judge(host(1, JUNE, "thedoccloud.com", stage2=True), (), TRIAGE).category == "3"


def test_a_missing_day_is_never_category_2():
    for one in (host(1, DECEMBER), host(1, JUNE, "96.31.172.9"), host(1, JUNE)):
        assert judge(one, (LAST_DAY,), TRIAGE).category == "unknown"
    assert judge(host(1, JUNE, stage2=True), (LAST_DAY,), TRIAGE).category == "3"


def test_the_funnel_counts_hosts_that_got_further():
    hosts = [
        host(1, DECEMBER),
        host(2, JUNE, "96.31.172.9"),
        host(3, JUNE, stage2=True),
        host(4, JUNE, "thedoccloud.com", stage2=True),
    ]
    counts = funnel(judge(one, (LAST_DAY,), TRIAGE) for one in hosts)
    assert (counts.beaconed, counts.stopped, counts.targeted, counts.http_c2) == (4, 1, 2, 1)
    assert counts.unknown == 2
