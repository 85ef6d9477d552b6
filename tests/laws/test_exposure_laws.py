"""Laws of exposure: branches are monotone, order does not matter, nothing affected is forgotten."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.exposure.exchange_builds import cumulatives, releases
from afterpatch.exposure.exchange_fixes import explain_state, known_fixes, state_of
from afterpatch.exposure.order import exposed_until, patch_order
from afterpatch.exposure.timeline import expose
from afterpatch.exposure.versions import Build, parse_build
from afterpatch.model.places import Fact, Place

LAWS = settings(max_examples=100, deadline=None)
START = datetime(2021, 1, 1, tzinfo=UTC)
END = START + timedelta(days=120)
RANK = {"affected": 0, "unknown": 1, "fixed": 2}

fixes = st.sampled_from(known_fixes())
branches = st.sampled_from(sorted(cumulatives()))
revisions = st.integers(0, 120)
moments = st.integers(0, 2000).map(lambda hours: START + timedelta(hours=hours))
texts = st.one_of(
    st.sampled_from(sorted(map(str, releases()))),
    st.sampled_from(["15.1.2106", "15.1.2176", "15.1.2242", "1942063431", "nonsense", ""]),
)
builds = st.builds(
    Fact,
    name=st.sampled_from(["exchange.build", "exchange.build", "exchange.installed"]),
    value=texts,
    time=st.one_of(moments, st.none()),
    place=st.builds(Place, st.sampled_from(["a.log", "b.log"]), st.integers(1, 99)),
)
rules = st.builds(
    Fact,
    name=st.just("mitigation.eomt"),
    value=st.sampled_from(["present", "absent"]),
    time=st.one_of(moments, st.none()),
    place=st.just(Place("applicationHost.config", 0)),
)
histories = st.lists(st.one_of(builds, builds, rules), max_size=14)


def exposed(facts, fix="exchange-mar21su"):
    return expose("exchange", fix, facts, END)


@LAWS
@given(fixes, branches, revisions, revisions)
def test_within_a_branch_a_higher_build_is_never_worse(fix, branch, one, other):
    low, high = sorted((one, other))
    before, after = (state_of(Build(*branch, r), fix).state for r in (low, high))
    assert RANK[before] <= RANK[after]


@LAWS
@given(fixes, branches)
def test_three_parts_are_never_fixed_where_the_branch_holds_both(fix, branch):
    states = {state_of(r.build, fix).state for r in cumulatives()[branch].releases}
    short = state_of(Build(*branch), fix).state
    if {"affected", "fixed"} <= states:
        assert short == "unknown"
    else:
        assert short in states


@LAWS
@given(st.text(max_size=80), fixes)
def test_any_text_is_a_build_or_none_and_can_be_explained(text, fix):
    found = parse_build(text)
    assert found is None or parse_build(str(found)) == found
    assert explain_state(text, fix)


@LAWS
@given(histories, st.randoms(use_true_random=False), fixes)
def test_the_order_of_facts_does_not_matter(facts, random, fix):
    mixed = random.sample(facts, len(facts))
    assert exposed(facts, fix) == exposed(mixed, fix)


@LAWS
@given(histories, histories)
def test_more_facts_never_make_affected_unseen(facts, more):
    def seen(exposure):
        return any(span.state in ("affected", "mitigated") for span in exposure.timeline)

    if seen(exposed(facts)):
        assert seen(exposed(facts + more))


@LAWS
@given(histories)
def test_spans_touch_in_order_and_end_at_the_end(facts):
    timeline = exposed(facts).timeline
    assert all(span.start <= span.end for span in timeline)
    assert all(old.end == new.start for old, new in pairwise(timeline))
    if timeline:
        assert timeline[-1].end == END


@LAWS
@given(histories)
def test_the_patch_lies_between_an_affected_and_a_fixed_span(facts):
    exposure = exposed(facts)
    if exposure.patched_at is None:
        return
    start, end = exposure.patched_at
    assert start < end
    assert any(s.state == "fixed" and s.start == end for s in exposure.timeline)
    assert not any(s.state in ("affected", "mitigated") and s.end > end for s in exposure.timeline)


@LAWS
@given(histories, st.one_of(moments, st.none()))
def test_order_and_end_of_exposure_agree_with_the_timeline(facts, exploited):
    exposure = exposed(facts)
    order, last_chance = patch_order(exposure, exploited, END), exposed_until(exposure, END)
    states = {span.state for span in exposure.timeline}
    if order == "patched-before":
        assert exposure.timeline[-1].state == "fixed"
    if order == "not-patched":
        assert exposure.timeline[-1].state in ("affected", "mitigated")
        assert last_chance == END
    if order == "patched-after-exploitation":
        assert exploited is not None
        assert exploited < last_chance
    if not states:
        assert (order, last_chance) == ("unknown", END)
    assert all(s.state == "fixed" for s in exposure.timeline if s.start >= last_chance != END)
