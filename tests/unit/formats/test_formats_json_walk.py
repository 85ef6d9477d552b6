"""Lines of JSON looked through by compiled code: strict, and within the bounds of each line."""

import io
import json
import os
import subprocess
import sys

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats import json_native
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.json_walk import Walker
from afterpatch.formats.text_blocks import read_blocks
from afterpatch.model.batches import Cell

WALKER = Walker()
CELLS = (Cell("Z", "equals", "0", negated=True), Cell("uri", "endswith", ".php"))
OBJECTS = st.dictionaries(
    st.sampled_from(["ts", "_path", "Z", "uri", "x", "ü", "a.b"]),
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.integers(0, 2_000_000_000),
        st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["a.PHP", "0", "\ud7ff", "\U0001f600"]),
        st.text(max_size=9), st.lists(st.one_of(st.integers(), st.text(max_size=2)), max_size=3),
    ),
    max_size=6,
)  # fmt: skip
EDITS = st.lists(
    st.tuples(
        st.integers(0, 300), st.sampled_from(b'{}[]:,"\\ \t\x00\x1f0129.-+eEtrufalsn\xc3\xff')
    ),
    max_size=2,
)


def lines_of(data: bytes) -> BlockLines:
    (block,) = read_blocks(io.BytesIO(data), max_line_bytes=1 << 20)
    return BlockLines(block)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.tuples(OBJECTS, EDITS, st.booleans()), min_size=1, max_size=8))
def test_what_is_proven_is_what_decoding_finds(
    rows: list[tuple[dict[str, object], list[tuple[int, int]], bool]],
) -> None:
    texts = []
    for row, edits, dated in rows:
        document = ({"ts": 1614657906.25} if dated else {}) | row
        text = bytearray(json.dumps(document, ensure_ascii=len(row) % 2 == 0).encode())
        for at, byte in edits:
            text[at % len(text)] = byte
        texts.append(bytes(text))
    lines = lines_of(b"\n".join(texts) + b"\n")
    proven = WALKER.proven(lines, "ts", "_path", CELLS)
    if proven is None:
        assert not _is_utf8(b"\n".join(texts))
        return
    for at, time, name, asked in zip(
        proven.lines, proven.times, proven.names, proven.asked, strict=True
    ):
        document = orjson.loads(lines.raw(at))
        assert isinstance(document, dict)
        assert time == round(document["ts"] * 1_000_000)
        kind = document.get("_path")
        assert proven.texts[name] == kind
        flag, uri = document.get("Z"), str(document.get("uri", "")).lower()
        assert asked or (str(flag) == "0" and not uri.endswith(".php"))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        b'{"ts":1.5}', b' {"ts" : 1.5 , "x" : [ ] }\r', b'{"ts":1.5,"x":[[1,"a"],null,true,false]}',
        b'{"ts":10,"_path":"dns","Z":0}', b'{"ts":1.5,"x":"\\u00e9\\n\\/"}', b'{"ts":1614657906.123456}',
        '{"ts":1.5,"x":"é"}'.encode(), b'{"ts":1.5,"x":"' + b"a" * 100_000 + b'"}',
    ],
)  # fmt: skip
def test_a_plain_event_is_proven(text: bytes) -> None:
    lines = lines_of(text + b"\n")
    proven = WALKER.proven(lines, "ts", "_path", ())
    assert proven is not None
    assert proven.lines.tolist() == [0]
    native = json_native.proven(lines, "ts", "_path", ())
    assert native.lines.tolist() in ([], [0])
    if len(native.lines):
        assert native.times.tolist() == proven.times.tolist()
        assert native.texts == proven.texts


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"[]", b'{"ts":1.5', b'{"ts":1.5}}', b'{"ts":1.5,}', b'{"ts":1.5 "x":1}',
        b'{"ts":1.5,"x":[1,]}', b'{"ts":1.5,"x":[}]', b'{"ts":1.5,"x":{}}', b'{"ts":1.5,"ts":1.5}',
        b'{"ts":1.5,"\\u0078":1}', b'{"ts":1.5,"x":"\\ud83d\\ude00"}', b'{"ts":1.5,"x":"\\x"}',
        b'{"ts":1.5,"x":"a\tb"}', b'{"ts":01.5}', b'{"ts":1.}', b'{"ts":.5}', b'{"ts":1e3}',
        b'{"ts":-1.5}', b'{"ts":"1.5"}', b'{"ts":1.1234567}', b'{"ts":12345678901.5}', b'{"ts":null}',
        b'{"ts":1.5,"x":tru}', b'{"ts":1.5,"x":1e999}', b'{"ts":1.5,"_path":7}', b'{"ts":99999999999}',
        b'{"ts":1.5,"x":' + b"[" * 99 + b"]" * 99 + b"}", b'{"ts":1.5}x', b'{"ts":1.5}{"ts":2}',
        b'{"ts":1.5,"_path":"' + b"p" * 65 + b'"}', b'{"ts":0}',
    ],
)  # fmt: skip
def test_all_else_is_left_to_the_careful_reader(text: bytes) -> None:
    proven = WALKER.proven(lines_of(text + b"\n"), "ts", "_path", ())
    assert proven is not None
    assert proven.lines.tolist() == []


def test_nothing_outside_a_line_is_read() -> None:
    """As plain Python over lines that are whole arrays of their own, where reading on raises."""
    code = """
import random
import numpy as np
from afterpatch.formats import json_kernel as k

class Guarded(np.ndarray):
    def __getitem__(self, key):
        if isinstance(key, (int, np.integer)) and key < 0:
            raise IndexError(f"{key} is before the beginning")
        return super().__getitem__(key)

rng = random.Random(7)
texts = [b'{"ts":1614657906.5,"_path":"dns","Z":[0,"a\\\\u00e9",true,null,false],"x":-1.5}',
         b'{"ts":1,"_path":"a\\\\\\\\"}', b"{", b"", b'{"', b'{"ts', b'{"ts":t', b'{"ts":"\\\\u00']
for turn in range(3000):
    text = bytearray(rng.choice(texts))
    for _ in range(rng.choice([0, 1, 3])):
        if text:
            text[rng.randrange(len(text))] = rng.choice(b'{}[]:,"\\\\ 019.-etrufalsn')
    text = bytes(text[: rng.randrange(len(text) + 1)])
    block = np.frombuffer(text, np.uint8).view(Guarded)
    found = k.room_for(1, 2)
    ends = np.array([len(text)])
    k.walk_lines(block, np.zeros(1, np.int64), ends, k.keys_of(["ts", "_path"]), found)
    k.seconds_us(block, found.kind[0], found.start[0], found.end[0], np.zeros(1, np.int64))
    assert (found.end <= len(text)).all()
print("read", turn)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "read 2999" in run.stdout
