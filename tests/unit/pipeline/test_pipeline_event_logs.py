"""Event logs through a unit: hits with their text, whichever way the chunks were read."""

from datetime import UTC, datetime, timedelta

import pytest

from afterpatch.detect.detector import Detector
from afterpatch.evidence.discover import discover
from afterpatch.formats import evtx
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item, Place
from afterpatch.pipeline.engines import Engines
from afterpatch.pipeline.originals import originals
from afterpatch.pipeline.tally import FULL_TEXT_HITS
from afterpatch.pipeline.unit import read_units
from afterpatch.simulate import evtx as write
from afterpatch.simulate import evtx_parts as parts
from afterpatch.simulate.evtx_events import Event

PROVIDER = "Microsoft-Windows-Security-Auditing"
RULE = RuleText(
    "r.yml",
    "sigma",
    """
title: odd logon
id: odd-logon
logsource: {product: windows, service: security}
detection:
  a: {EventID: 4624, User|startswith: odd}
  condition: a
fields: [User, Seen]
level: high
""",
)


def reading(tmp_path, count=400):
    start = datetime(2021, 3, 2, tzinfo=UTC)
    events = [
        Event(start + timedelta(seconds=i), "Security", PROVIDER, 4624 + i % 2, "a.example",
                    {"User": f"{'odd' if i % 4 == 0 else 'even'}{i}", "Other": str(i),
                     "Seen": parts.filetime(start, 7)}, tick=i % 10)
        for i in range(count)
    ]  # fmt: skip
    path = tmp_path / "Security.evtx"
    path.write_bytes(write.log(events, first=1_000))
    item = Item(
        "case/Security.evtx", None, "C:/Security.evtx", "case", (str(path),), path.stat().st_size
    )
    [found] = read_units([item], Engines(Detector.build([RULE], (), ())), tmp_path)
    return found


@pytest.mark.parametrize("chunks", [0, 10**9])
def test_hits_have_their_text_and_their_place(tmp_path, monkeypatch, chunks):
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", chunks)
    found = reading(tmp_path)
    assert found.source.records == found.source.events == 400
    assert [hit.place.record for hit in found.hits] == list(range(1_000, 1_400, 4))
    for hit in found.hits[:FULL_TEXT_HITS]:
        assert f'"EventRecordID":{hit.place.record}' in hit.raw
        assert f'"Other":"{hit.place.record - 1_000}"' in hit.raw
        assert f'"SystemTime":"{found_time(hit.place.record - 1_000)}"' in hit.raw
    assert {hit.raw for hit in found.hits[FULL_TEXT_HITS:]} == {""}
    assert found.hits[-1].fields == {"User": "odd396", "Seen": "2021-03-02T00:00:00.0000007Z"}


def found_time(number):
    return f"2021-03-02T00:{number // 60:02}:{number % 60:02}.000000{number % 10}Z"


@pytest.mark.parametrize("chunks", [0, 10**9])
def test_originals_read_again_are_the_texts_of_the_hits(tmp_path, monkeypatch, chunks):
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", chunks)
    hits = reading(tmp_path).hits[:FULL_TEXT_HITS]
    path = str(tmp_path / "Security.evtx")
    [item] = discover([path], tmp_path).items
    places = {Place(item.name, hit.place.record): hit for hit in hits}
    found = originals([path], places)
    assert {place: text.texts for place, text in found.items()} == {
        place: (hit.raw,) for place, hit in places.items()
    }


def test_both_ways_give_one_reading(tmp_path, monkeypatch):
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", 0)
    as_columns = reading(tmp_path)
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", 10**9)
    assert reading(tmp_path) == as_columns
