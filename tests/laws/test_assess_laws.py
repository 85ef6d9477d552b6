"""Laws of whole assessments: more evidence only adds, missing evidence never clears."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.assess.assessment import assess
from afterpatch.assess.fleet import fleet_of
from afterpatch.campaigns.load import load
from afterpatch.detect.detector import Detector
from afterpatch.model.campaigns import BANDS
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.places import Fact, Gap, Item, Place, Source
from afterpatch.model.readings import Reading
from afterpatch.model.times import EPOCH, HOUR, Interval, merge, subtract
from afterpatch.model.verdicts import Assessment, Verdict
from afterpatch.report.document import document

CAMPAIGN = load("hafnium-exchange-2021")
DETECTOR = Detector.build(
    [r for r in CAMPAIGN.rules if r.language == "sigma"],
    [r for r in CAMPAIGN.rules if r.language == "yara"],
    CAMPAIGN.indicators[:40],
)
RULES: dict[str, RuleInfo] = {info.id: info for info in DETECTOR.infos}
START = datetime(2021, 1, 1, tzinfo=UTC)
DAYS = 90
# Readings of these kinds bring these logs.
LOGS = {
    "httpproxy": ("httpproxy:Ecp", "httpproxy:Owa"),
    "iis-w3c": ("iis-front",),
    "ecp-server": ("ecp-server",),
    "evtx": ("windows:MSExchange Management",),
    "directory-listing": (),
}

days = st.integers(0, DAYS)
hosts = st.sampled_from(["EX01", "EX02"])


@st.composite
def hits(draw: st.DrawFn, source: str) -> Hit:
    rule = draw(st.sampled_from(sorted(RULES)))
    time = START + timedelta(days=draw(days), hours=draw(st.integers(0, 23)))
    key = draw(st.sampled_from(["a", "b"]))
    fields = {
        "c-ip": f"203.0.113.{1 if key == 'a' else 2}",
        "UrlQuery": f"msExchEcpCanary={key * 9}",
    }
    record = draw(st.integers(1, 99))
    return Hit(rule, draw(st.sampled_from([time, time, None])), Place(source, record), fields, key)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    root, kind = draw(hosts), draw(st.sampled_from(sorted(LOGS)))
    name = f"{root}/{kind}-{draw(st.integers(0, 10**6))}.log"
    first, length = draw(days), draw(st.sampled_from([1, 20, 60, DAYS]))
    low = int((START + timedelta(days=first) - EPOCH) / HOUR)
    hours = dict.fromkeys(range(low, low + 24 * length), 1)
    seen = draw(st.lists(hits(name), max_size=3))
    build = draw(st.sampled_from([None, None, "15.1.2176.2", "15.1.2176.9", "15.1.2176"]))
    facts = [Fact("host.name", root, None, Place(name, 1))]
    if build:
        when = START + timedelta(days=draw(days))
        facts.append(Fact("exchange.build", build, when, Place(name, 1)))
    begin = EPOCH + low * HOUR
    item = Item(name, None, f"C:/{name}", root, (name,), 1, None, ())
    events = len(hours)
    source = Source(
        item, name, 1, kind, "header", events, events, 0, begin, begin + HOUR * 24 * length
    )
    observed = dict.fromkeys(LOGS[kind], hours)
    gaps = draw(st.sampled_from([(), (), (), (Gap(name, "line 3", "cut", 1),)]))
    return Reading(source, tuple(seen), {}, observed, tuple(facts), gaps)


fleets = st.lists(readings(), min_size=1, max_size=5, unique_by=lambda r: r.source.item.name)


def judged(given_readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> Assessment:
    fleet = fleet_of(given_readings, gaps, ())
    return assess(fleet, CAMPAIGN, list(RULES.values()), (), lambda _hits: (), "0", ("x",))


def verdicts(assessment: Assessment) -> dict[str, Verdict]:
    return {host.name: host.verdicts[0] for host in assessment.hosts}


def open_time(verdict: Verdict) -> list[Interval]:
    return merge(verdict.cannot_be_cleared)


def covers(wide: Sequence[Interval], narrow: Sequence[Interval]) -> bool:
    return all(not subtract(interval, wide) for interval in narrow)


def rank(verdict: Verdict) -> int:
    return BANDS.index(verdict.band)


@settings(max_examples=40, deadline=None)
@given(fleets, st.randoms(use_true_random=False))
def test_order_changes_no_byte(fleet: list[Reading], random) -> None:
    shuffled = fleet[:]
    random.shuffle(shuffled)
    one, two = (orjson.dumps(document(judged(f), [CAMPAIGN])) for f in (fleet, shuffled))
    assert one == two


@settings(max_examples=60, deadline=None)
@given(fleets, st.data())
def test_a_gap_never_clears_or_lowers(fleet: list[Reading], data: st.DataObject) -> None:
    hurt = data.draw(st.integers(0, len(fleet) - 1))
    name = fleet[hurt].source.item.name
    gap = Gap(name, "line 7", "not understood", 1)
    more = [replace(r, gaps=(*r.gaps, gap)) if i == hurt else r for i, r in enumerate(fleet)]
    before, after = verdicts(judged(fleet)), verdicts(judged(more))
    assert before.keys() == after.keys()
    for host, verdict in after.items():
        assert verdict.cleared <= before[host].cleared
        assert rank(verdict) == rank(before[host])
        assert covers(open_time(verdict), open_time(before[host]))


@settings(max_examples=60, deadline=None)
@given(fleets)
def test_evidence_that_was_not_read_clears_nothing(fleet: list[Reading]) -> None:
    roots = {reading.source.item.root for reading in fleet}
    gaps = [Gap(f"{root}/unread.zip", "file", "encrypted") for root in roots]
    for verdict in verdicts(judged(fleet, gaps)).values():
        assert not verdict.cleared


@settings(max_examples=60, deadline=None)
@given(fleets, st.data())
def test_taking_coverage_away_never_clears(fleet: list[Reading], data: st.DataObject) -> None:
    hurt = data.draw(st.integers(0, len(fleet) - 1))
    less = [replace(r, observed={}) if i == hurt else r for i, r in enumerate(fleet)]
    before, after = verdicts(judged(fleet)), verdicts(judged(less))
    for host, verdict in after.items():
        assert verdict.cleared <= before[host].cleared
        assert covers(open_time(verdict), open_time(before[host]))


@settings(max_examples=60, deadline=None)
@given(fleets)
def test_weak_hits_alone_set_no_band(fleet: list[Reading]) -> None:
    weak = [replace(r, hits=tuple(h for h in r.hits if RULES[h.rule].weak)) for r in fleet]
    for verdict in verdicts(judged(weak)).values():
        assert verdict.band == "none"
        assert verdict.stage == ""


@settings(max_examples=60, deadline=None)
@given(fleets, st.data())
def test_a_further_hit_never_lowers(fleet: list[Reading], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(fleet) - 1))
    hit = data.draw(hits(fleet[at].source.item.name))
    more = [replace(r, hits=(*r.hits, hit)) if i == at else r for i, r in enumerate(fleet)]
    before, after = verdicts(judged(fleet)), verdicts(judged(more))
    for host, verdict in after.items():
        assert rank(verdict) >= rank(before[host])


@settings(max_examples=60, deadline=None)
@given(fleets, st.data())
def test_splitting_a_reading_makes_no_stronger_claim(
    fleet: list[Reading], data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(fleet) - 1))
    one = fleet[at]
    cut = data.draw(st.integers(1, DAYS * 24))
    low = min((h for hours in one.observed.values() for h in hours), default=0) + cut
    parts = [
        {
            log: {h: n for h, n in hours.items() if (h < low) == first}
            for log, hours in one.observed.items()
        }
        for first in (True, False)
    ]
    item = replace(one.source.item, path=f"{one.source.item.path}.2")
    rest = Reading(
        replace(one.source, item=item, sha256="other"),
        observed=parts[1],
        facts=(Fact("host.name", item.root, None, Place(item.name, 1)),),
    )
    split = [*fleet[:at], replace(one, observed=parts[0]), rest, *fleet[at + 1 :]]
    before, after = verdicts(judged(fleet)), verdicts(judged(split))
    for host, verdict in after.items():
        assert rank(verdict) == rank(before[host])
        assert verdict.cleared <= before[host].cleared


@settings(max_examples=80, deadline=None)
@given(fleets)
def test_a_verdict_is_of_one_piece(fleet: list[Reading]) -> None:
    for verdict in verdicts(judged(fleet)).values():
        assert verdict.cleared == (not verdict.cannot_be_cleared and rank(verdict) < 2)
        ends = [i.end for log in verdict.coverage for i in log.missing]
        window = [Interval(CAMPAIGN.window_start, max(ends))] if ends else []
        for log in verdict.coverage:
            # No hour of the window is neither seen nor missing: shares are computed from the two.
            assert covers(merge([*log.observed, *log.missing]), window)
            assert not any(covers(log.observed, [missing]) for missing in log.missing)
        strong = {f.stage for f in verdict.because if not f.weak}
        assert verdict.stage in strong | {""}
        assert max((CAMPAIGN.rank(stage) for stage in strong), default=0) == CAMPAIGN.rank(
            verdict.stage
        )


@pytest.mark.parametrize("rule", sorted(r for r in RULES if not RULES[r].weak and RULES[r].stage))
def test_every_strong_rule_can_set_its_stage(rule: str) -> None:
    name = "EX01/x.log"
    hit = Hit(rule, datetime(2021, 3, 1, tzinfo=UTC), Place(name, 1), {}, "")
    item = Item(name, None, name, "EX01", (name,), 1, None, ())
    reading = Reading(Source(item, "x", 1, "iis-w3c", "header", 1, 1, 0, None, None), (hit,))
    [verdict] = verdicts(judged([reading])).values()
    assert verdict.stage == RULES[rule].stage
