"""Law: leaving out columns of an event log loses no keyword, whatever it may be part of."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from afterpatch.detect.detector import Detector
from afterpatch.formats import evtx
from afterpatch.model.batches import RAW, RECORD, TIME
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item
from afterpatch.simulate import evtx as write
from afterpatch.simulate import evtx_parts as parts
from afterpatch.simulate.evtx_events import Event

WHEN = datetime(2021, 3, 2, 4, 5, 6, tzinfo=UTC)
ITEM = Item("a.evtx", None, "C:/A.evtx", "case", ("a.evtx",), 0)
AUDIT = "Microsoft-Windows-Security-Auditing"

texts = st.text("abkKmw \\:/ßK\n\u0130", min_size=0, max_size=12)
data = st.fixed_dictionaries(
    {
        "SubjectDomainName": texts, "SubjectUserName": texts, "Text": texts,
        "List": st.lists(texts, min_size=1, max_size=3).map(parts.texts),
        "Number": st.integers(0, 99_999).map(parts.number),
        "Hex": st.integers(0, 99_999).map(lambda number: parts.number(number, 0x14)),
        "Guid": st.just(parts.guid("54849625-5478-4994-a5ba-3e3b0328c30d")),
        "Sid": st.just(parts.sid("S-1-5-18")), "When": st.just(parts.filetime(WHEN)),
        "Raw": st.binary(min_size=1, max_size=4).map(lambda raw: (0x0E, raw)),
    }
)  # fmt: skip


@pytest.fixture(autouse=True)
def _compiled_reader(monkeypatch):
    monkeypatch.setattr(evtx, "PLAIN_CHUNKS", 0)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(data, min_size=1, max_size=3), st.data())
def test_a_keyword_is_found_whichever_columns_were_asked_for(events, draw):
    log = write.log([Event(WHEN, "Security", AUDIT, 4688, "mx.a.example", one) for one in events])
    pieces = list(evtx.read(io.BytesIO(log), ITEM, None))
    frames = [b.frame.drop(RAW, TIME, RECORD) for piece in pieces for b in piece.batches]
    cells = sorted({cell for f in frames for row in f.iter_rows() for cell in row if cell})
    cell = draw.draw(st.sampled_from(cells))
    start = draw.draw(st.integers(0, len(cell) - 1))
    word = cell[start : start + draw.draw(st.integers(1, 9))]
    assume(word.strip())
    quoted = word.replace("\\", "\\\\").replace("'", "''").replace("\n", "\n\n  ")
    rule = f"title: t\nid: t\nlogsource: {{product: windows}}\ndetection:\n  w: ['{quoted}']\n  condition: w"
    detector = Detector.build([RuleText("t.yml", "sigma", rule)], (), ())
    assume(not detector.unsupported)

    def records(found):
        return sorted(
            hit.place.record
            for piece in found
            for batch in piece.batches
            for result in detector.match(batch, [("s", batch.frame.height)])
            for hit in result.hits
        )

    assert records(evtx.read_columns(io.BytesIO(log), ITEM, detector.columns_wanted)) == records(
        pieces
    )
