"""Laws of Windows events as JSON."""

import io
import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats.windows_json import FORMAT
from afterpatch.model.places import Item

ITEM = Item("e.json", None, "C:/e.json", "e", ("e.json",), 0)

texts = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
required = {
    "EventID": st.integers(1, 30),
    "Channel": st.sampled_from(["System", "Security", "X"]),
    "TimeCreated": st.datetimes().map(lambda t: t.isoformat() + "Z") | values,
}
optional = {"Hostname": texts, "Image": values, "UtcTime": texts, "EventType": values}
flat_events = st.builds(
    lambda more, event: {**more, **event},
    st.dictionaries(texts, values, max_size=3),
    st.fixed_dictionaries(required, optional=optional),
)
xml_events = st.builds(
    lambda system, data: {"Event": {"System": {"EventID": 1, **system}, "EventData": data}},
    st.dictionaries(st.sampled_from(["Channel", "Provider", "EventRecordID", "Level"]), values),
    st.dictionaries(texts, values, max_size=3) | values,
)
events = flat_events | xml_events


def read(data):
    pieces = list(FORMAT.read(io.BytesIO(data), ITEM, None))
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert sum(batch.frame.height for batch in piece.batches) == piece.events
    return pieces


def lost(pieces):
    return sum(gap.records for piece in pieces for gap in piece.gaps)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400) | st.text(alphabet='{}[]",:\\ \n1eN', max_size=200).map(str.encode))
def test_any_bytes_are_read_without_raising(data):
    FORMAT.recognise(data, ITEM)
    read(data)


@settings(max_examples=30, deadline=None)
@given(st.lists(events, max_size=4), st.sampled_from(["lines", "array", "pretty"]))
def test_every_object_is_an_event_or_a_gap(documents, layout):
    if layout == "lines":
        data = "".join(json.dumps(d) + "\n" for d in documents)
    else:
        data = json.dumps(documents, indent=2 if layout == "pretty" else None)
    pieces = read(data.encode())
    assert sum(piece.events for piece in pieces) + lost(pieces) == len(documents)


@settings(max_examples=30, deadline=None)
@given(st.lists(flat_events, min_size=1, max_size=3), st.data())
def test_a_cut_inside_a_record_leaves_a_gap(documents, data):
    whole = "".join(json.dumps(d) + "\n" for d in documents).encode()
    cut = data.draw(st.integers(1, len(whole) - 2))
    if whole[cut - 1 : cut] != b"\n" and whole[cut : cut + 1] != b"\n":
        assert lost(read(whole[:cut])) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(flat_events, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_nothing_but_the_raw_text(documents, chance):
    def shuffled(document, chance):
        keys = list(document)
        chance.shuffle(keys)
        return {key: document[key] for key in keys}

    def batches(some):
        data = "".join(json.dumps(d) + "\n" for d in some).encode()
        return [(b.logsource, b.frame.drop("@raw")) for p in read(data) for b in p.batches]

    first = batches(documents)
    second = batches([shuffled(d, random.Random(chance.random())) for d in documents])
    assert [source for source, _ in first] == [source for source, _ in second]
    assert all(a.equals(b) for (_, a), (_, b) in zip(first, second, strict=True))
