"""Laws of the JSON readers of networks: nothing raises, nothing vanishes, values stay."""

import io
import json
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats import json_lines, nfdump_json, passive_dns, suricata_eve, zeek_json
from afterpatch.formats.json_columns import TooWide, columns_of
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import RECORD, Cell, Piece
from afterpatch.model.places import Item

MODULES = {m.FORMAT.kind: m for m in (nfdump_json, passive_dns, suricata_eve, zeek_json)}
ITEM = Item("dns.log", None, "C:/dns.log", "r", ("dns.log",), 0)
LAW = settings(max_examples=60, deadline=None)

texts = st.text(st.characters(codec="utf-8"), max_size=8)
keys = st.one_of(texts, st.sampled_from(["ts", "@time", "@record", "@raw", "id", "a.b"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
MARKS: dict[str, dict[str, Any]] = {
    "zeek-json": {"ts": 1614657906.5, "uid": "CHhAvVGS1DHFjwGM9"},
    "suricata-eve": {"timestamp": "2021-03-02T04:05:06.7+0000", "event_type": "dns"},
    "passive-dns": {"rrname": "a.example", "rrtype": "A", "time_first": 1614657906},
    "nfdump-json": {"src4_addr": "10.0.0.5", "first": "2021-03-02T04:05:06"},
}


MARKED = b'{"ts":1614657906.5,"_path":"dns","note":"wanted"}'


class Marked:
    """A prefilter that wants lines holding the word."""

    cells = ()

    def offsets(self, block: Any) -> Any:
        data, found, at = bytes(block), [], 0
        while (at := data.find(b"wanted", at)) >= 0:
            found.append(at)
            at += 1
        return np.array(found, dtype=np.int64)


def read(kind: str, data: bytes, wanted: Any = None) -> list[Piece]:
    pieces = list(MODULES[kind].read(io.BytesIO(data), ITEM, wanted))
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
    return pieces


def records(pieces: list[Piece]) -> set[int]:
    return {r for p in pieces for b in p.batches for r in b.frame[RECORD].to_list()}


@pytest.mark.parametrize("kind", sorted(MODULES))
@LAW
@given(
    data=st.binary(max_size=300) | st.text(alphabet='{}[]",:\\ \n1eN', max_size=200).map(str.encode)
)
def test_any_bytes_are_accounted_for(kind: str, data: bytes) -> None:
    read(kind, data)
    recognise(data, ITEM)


@pytest.mark.parametrize("kind", sorted(MODULES))
@LAW
@given(
    rows=st.lists(st.dictionaries(keys, values, max_size=4), min_size=1, max_size=5),
    shape=st.sampled_from(["lines", "array"]),
)
def test_every_object_is_an_event(kind: str, rows: list[dict[str, Any]], shape: str) -> None:
    events = [{**row, **MARKS[kind]} for row in rows]
    lines = [json.dumps(event) for event in events]
    text = "\n".join(lines) + "\n" if shape == "lines" else f"[{','.join(lines)}]"
    pieces = read(kind, text.encode())
    assert sum(piece.events for piece in pieces) == len(events)
    assert records(pieces) == set(range(1, len(events) + 1))


@pytest.mark.parametrize("kind", sorted(set(MODULES) - {"suricata-eve"}))
@LAW
@given(wanted=st.lists(st.booleans(), min_size=1, max_size=6))
def test_a_prefilter_changes_only_the_batches(kind: str, wanted: list[bool]) -> None:
    events = [{**MARKS[kind], "note": "wanted" if it else "other"} for it in wanted]
    data = "".join(json.dumps(event) + "\n" for event in events).encode()
    few, every = read(kind, data, Marked()), read(kind, data)
    assert records(few) == {number for number, it in enumerate(wanted, start=1) if it}
    assert totals(few) == totals(every)


def totals(pieces: list[Piece]) -> tuple[int, int, dict[tuple[str, int], int]]:
    """Records, events and coverage, however they are cut into pieces."""
    observed: dict[tuple[str, int], int] = {}
    for piece in pieces:
        for log, hours in piece.observed.items():
            for hour, count in hours.items():
                observed[log, hour] = observed.get((log, hour), 0) + count
    return sum(p.records for p in pieces), sum(p.events for p in pieces), observed


HOSTILE = [
    b'{"ts":1614657906.5,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"10.0.0.5"}',
    b'{"ts":1614657907.25,"_path":"dns","Z":0}',
    b'{"ts":1614657907.25,"_path":"dns","Z":0.0}',
    b'{"ts":1614657908.5,"_path":"http","Z":1,"uri":"wanted"}',
    b'{"ts":1614657909,"Z":"1"}',
    b'{"ts":"2021-03-02T04:05:06Z"}',
    b'{"ts":1614657906.5,"ts":1614661506.5}',
    b'{"ts":1614657906.5,"Z":0,"Z":1}',
    b'{"\\u0074s":1614657906.5}',
    b'{"ts":1614657906.5,"note":"\\ud800"}',
    b'{"ts":1614657906.5,"note":"\xff"}',
    b'{"ts":1614657906.5,"note":{"ts":1,"Z":0}}',
    b'{"ts":1614657906.5,"note":[[1],"ts"]}',
    b'{"ts":99999999999999,"Z":0}',
    b'{"ts":true}', b'{"ts":null}', b'{"ts":1,}', b'{"ts":1}x', b'{"ts":1}{"ts":2}', b"[]", b"",
    b"   ", b"{", b"}", b'{"ts":1614657906.5,"_path":7}', b'{"_path":"dns"}', b"\0", b"\r",
    b'{"ts":1614657906.5,"x":' + b"[" * 300 + b"]" * 300 + b"}",
]  # fmt: skip


BYTES = b'{}[]:,"\\ \n\t\x00\x1f\x7f0129.-+eEtrufalsn\x80\xc3\xa9\xff'


class NotZero(Marked):
    """Also wants events whose flag is not 0."""

    cells = (Cell("Z", "equals", "0", negated=True),)


@pytest.mark.parametrize("plain_bytes", [0, 1 << 40], ids=["compiled", "native"])
@LAW
@given(
    lines=st.lists(st.sampled_from(HOSTILE), max_size=12),
    changes=st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(BYTES)), max_size=3),
    ended=st.booleans(),
)
def test_lines_read_a_block_at_a_time_are_those_read_one_by_one(
    plain_bytes: int, lines: list[bytes], changes: list[tuple[int, int]], ended: bool
) -> None:
    mutable = bytearray(b"\n".join(lines))
    for at, byte in changes:
        mutable[at % max(len(mutable), 1) : at % max(len(mutable), 1) + 1] = bytes([byte])
    data = MARKED + b"\n" + bytes(mutable) + (b"\n" if ended else b"")
    every = read("zeek-json", data)
    for wanted in (Marked(), NotZero()):
        with patch.object(json_lines, "PLAIN_BYTES", plain_bytes):
            few = read("zeek-json", data, wanted)
        assert totals(few) == totals(every)
        assert [gap for p in few for gap in p.gaps] == [gap for p in every for gap in p.gaps]
        assert sum(p.skipped for p in few) == sum(p.skipped for p in every)
        assert min((p.first_us for p in few if p.first_us), default=0) == min(
            (p.first_us for p in every if p.first_us), default=0
        )
        found = records(few)
        for piece in every:
            for batch in piece.batches:
                frame = batch.frame
                flag = frame["Z"].to_list() if "Z" in frame.columns else [None] * frame.height
                texts = frame["@raw"].to_list()
                for number, raw, z in zip(frame["@record"], texts, flag, strict=True):
                    other = isinstance(wanted, NotZero) and z != "0"
                    assert not ("wanted" in raw or other) or number in found


@pytest.mark.parametrize("kind", sorted(MODULES))
@LAW
@given(cut=st.integers(1, 60))
def test_a_cut_object_is_a_gap(kind: str, cut: int) -> None:
    line = json.dumps(MARKS[kind])
    part = line[: min(cut, len(line) - 1)]
    pieces = read(kind, f"{line}\n{part}".encode())
    assert [gap.place for piece in pieces for gap in piece.gaps] == ["line 2"]


@LAW
@given(rows=st.lists(st.dictionaries(keys, values, max_size=5), min_size=1, max_size=6))
def test_columns_hold_every_plain_value(rows: list[dict[str, Any]]) -> None:
    try:
        columns = {series.name: series for series in columns_of(rows)}
    except TooWide:
        return
    assert all(len(series) == len(rows) for series in columns.values())
    for at, row in enumerate(rows):
        for key, value in row.items():
            if isinstance(value, str) and not key.startswith("@") and "." not in key:
                assert columns[key][at] == value or any("." in k for k in row)
