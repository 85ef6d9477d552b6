"""SUNBURST laws: what was written is read back; what was lost is never guessed for sure."""

from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.sunburst.alphabets import BASE32
from afterpatch.detect.sunburst.encode import name_labels, ping_label, query_name
from afterpatch.detect.sunburst.hosts import Sighting, scope
from afterpatch.detect.sunburst.labels import EARLIEST, PRODUCTS, STATES, decode
from afterpatch.detect.sunburst.names import join
from afterpatch.detect.sunburst.observations import observe

IDS = st.binary(min_size=8, max_size=8)
DICE = st.integers(0, 2**32).map(Random)
PLAIN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=24)
OTHER = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=["L", "N"]), min_size=1
)
# 100 bytes: half again what Active Directory allows.
DOMAINS = st.lists(st.one_of(PLAIN, OTHER), min_size=1, max_size=5).map(
    lambda parts: ".".join(parts).encode()[:100].decode(errors="ignore").strip(".") or "x"
)


def chunks_of(labels):
    return [(label.sequence, label.chunk) for label in map(decode, labels)]


@settings(max_examples=1500, deadline=None)
@given(IDS, DOMAINS, DICE)
def test_a_whole_name_comes_back_in_any_order_and_number(host_id, domain, dice):
    labels = name_labels(host_id, domain, dice) + name_labels(host_id, domain, dice)
    dice.shuffle(labels)
    names = [query_name(label, host_id) for label in labels]
    assert all(label.trusted and label.region_ok for label in map(decode, names))
    (host,) = scope(map(Sighting, names), complete=True).hosts
    assert (host.host_id, host.name.domain) == (host_id.hex(), domain)
    chunks = len({sequence for sequence, _ in chunks_of(labels)})
    assert (host.name.confidence == "certain") == (chunks > 1)


@settings(max_examples=1500, deadline=None)
@given(IDS, DOMAINS, DICE, st.data())
def test_loss_never_gives_a_sure_name(host_id, domain, dice, data):
    labels = name_labels(host_id, domain, dice) + name_labels(host_id, domain, dice)
    kept = data.draw(st.lists(st.sampled_from(labels)))
    assert join(chunks_of(kept)).confidence != "certain"


@given(
    IDS,
    st.integers(0, 30000),
    DICE,
    st.booleans(),
    st.none() | st.dictionaries(st.sampled_from(PRODUCTS), st.sampled_from(STATES[1:])),
)
def test_a_ping_comes_back(host_id, half_hours, dice, stage2, products):
    time = EARLIEST + timedelta(minutes=30 * half_hours)
    label = decode(ping_label(host_id, time, dice, stage2=stage2, products=products))
    assert (label.kind, label.host_id, label.time, label.stage2) == (
        "ping",
        host_id.hex(),
        time,
        stage2,
    )
    assert label.products == (
        None
        if products is None
        else tuple(sorted(products.items(), key=lambda p: PRODUCTS.index(p[0])))
    )


def test_forged_labels_are_flagged():
    dice = Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    regions = ("eu-west-1", "us-west-2", "us-east-1", "us-east-2")
    forged = (
        "".join(dice.choices(letters, k=dice.randint(16, 32)))
        + f".appsync-api.{dice.choice(regions)}.avsvmcloud.com"
        for _ in range(10_000)
    )
    assert sum(decode(name).trusted for name in forged) <= 100


def test_labels_forged_in_the_right_alphabet_are_flagged_or_doubted():
    """The honest rate of the documentation: lengths even, region by chance, each label alone."""
    dice = Random(2)
    regions = ("eu-west-1", "us-west-2", "us-east-1", "us-east-2")
    forged = [
        Sighting(
            "".join(dice.choices(BASE32, k=dice.randint(16, 32)))
            + f".appsync-api.{dice.choice(regions)}.avsvmcloud.com"
        )
        for _ in range(10_000)
    ]
    found = scope(forged)
    assert len(found.hosts) <= 100
    assert sum(not host.doubts for host in found.hosts) <= 35


@given(st.text())
def test_any_text_is_read_as_something(text):
    label = decode(text)
    assert label.trusted or label.reason


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_observed(data):
    assert observe(data).unread >= 0


@settings(deadline=None)
@given(st.text('{}[]":, \nqnameavsvmcloud.appsync-api.com', max_size=200))
def test_broken_json_is_observed(text):
    scope(observe(text.encode()).sightings)
