"""Damaged and hostile EVTX: no crash, no hang, nothing read outside, nothing lost unsaid.

Checksums are made right again after every mutation, so that the compiled reader takes the chunk.
"""

import os
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evtx_rows import columns, originals, originals_again, plain, rest, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterpatch.simulate import evtx as write
from afterpatch.simulate import evtx_parts as parts
from afterpatch.simulate.evtx_events import Event

WHEN = datetime(2021, 3, 2, 4, 5, 6, tzinfo=UTC)
CHUNK = 65_536


def some_events(count):
    return [
        Event(WHEN, "Security", "P", 4624 + i % 3, "mx01.a.example", {
            "Text": f"value {i}", "Number": parts.number(i, 0x14), "Sid": parts.sid("S-1-5-18"),
            "Guid": parts.guid("54849625-5478-4994-a5ba-3e3b0328c30d"), "": parts.texts(["a", "b"]),
            "When": parts.filetime(WHEN), "Raw": (0x0E, b"\1\2"), "Null": parts.NULL,
        }) for i in range(count)
    ]  # fmt: skip


SEEDS = [write.log(some_events(12)), write.log(some_events(12), forwarded=True)]


def sealed(data: bytes | bytearray) -> bytes:
    """The same file with right checksums."""
    out = bytearray(data)
    for at in range(4096, len(out) - CHUNK + 1, CHUNK):
        chunk = out[at : at + CHUNK]
        (free,) = struct.unpack_from("<I", chunk, 48)
        struct.pack_into("<I", chunk, 52, zlib.crc32(chunk[512:free]))
        struct.pack_into("<I", chunk, 124, zlib.crc32(chunk[128:512], zlib.crc32(chunk[:120])))
        out[at : at + CHUNK] = chunk
    return bytes(out)


def mutated(seed: int, changes) -> bytes:
    data = bytearray(SEEDS[seed])
    (free,) = struct.unpack_from("<I", data, 4096 + 48)
    for share, value in changes:
        data[4096 + int(share * min(free + 64, CHUNK - 1))] = value
    return sealed(data)


values = st.sampled_from([0, 1, 2, 0x0C, 0x0F, 0x21, 0x41, 0x7F, 0x81, 0xFF]) | st.integers(0, 255)
changes = st.lists(st.tuples(st.floats(0, 1), values), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1), changes)
def test_a_mutated_chunk_gives_what_the_plain_reader_gives_or_more(seed, changes):
    data = mutated(seed, changes)
    pieces, others = plain(data), columns(data)
    one, other = rows(pieces), rows(others)
    if one == other:
        assert originals_again(data, others) == originals(pieces)
        assert originals_again(data, others, every=3) <= originals(pieces)
    assert sum(other.values()) >= sum(one.values())
    # Half a surrogate pair: the package drops it or refuses the record, here it becomes U+FFFD.
    if "\ufffd" not in repr(other):
        assert not one - other


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1), changes)
def test_without_right_checksums_both_ways_are_one(seed, changes):
    data = bytearray(mutated(seed, changes))
    data[4096 + 52] ^= 0xFF
    one, other = plain(bytes(data)), columns(bytes(data))
    assert rows(other) == rows(one)
    assert rest(other) == rest(one)


@pytest.mark.parametrize("at", [128, 384])
def test_tables_that_run_in_a_circle_end(at):
    # A name's link to the next name of its hash points to itself.
    data = bytearray(SEEDS[0])
    place = 4096 + 512 + 24 + 4 + 10 + 24 + 4 + 3 + 4 + 4
    (name,) = struct.unpack_from("<I", data, place - 4)
    struct.pack_into("<I", data, 4096 + at, name)
    struct.pack_into("<I", data, 4096 + name, name)
    assert sum(rows(plain(sealed(data))).values()) == 12
    assert sum(rows(columns(sealed(data))).values()) == 12


@pytest.mark.parametrize("number", [4, 20210302, 2**40])
def test_a_time_that_is_a_number_is_read_one_way(number):
    data = bytearray(write.log(some_events(1)))
    stamp = parts.filetime(WHEN)[1]
    at = data.index(stamp, data.index(stamp) + 8)  # behind the one in the record's header
    data[at : at + 8] = number.to_bytes(8, "little")
    data[data.index(struct.pack("<HBB", 8, 0x11, 0), 4096 + 512) + 2] = 0x0A
    one, other = plain(sealed(data)), columns(sealed(data))
    assert rows(one) == rows(other)
    assert sum(rows(one).values()) == 1


def test_values_within_values_end():
    body = parts.Instance(parts.Node("A", (parts.Sub(0, 0x21),)), (parts.text("x"),))
    for _ in range(120):
        body = parts.Instance(parts.Node("A", (parts.Sub(0, 0x21),)), (body,))
    [chunk] = write.chunks([(WHEN, lambda _number: body)])
    data = write.header(1, 2) + chunk
    assert rest(columns(data)) == rest(plain(data))


def test_names_pointed_to_again_and_again_do_not_fill_memory():
    long = parts.Node("x" * 500)
    wide = parts.Node("Event", (long,) * 3_500)
    [chunk] = write.chunks([(WHEN, lambda _number: wide)])
    data = write.header(1, 2) + chunk
    assert sum(gap.records for piece in columns(data) for gap in piece.gaps) == 1


def test_no_byte_outside_the_block_is_read():
    """The kernel as plain Python, where an index too large raises."""
    code = """
import random, struct, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
import numba, numpy as np
import test_formats_evtx_hostile as t
from afterpatch.formats import evtx_kernel, compiled

assert not hasattr(evtx_kernel.walk, "signatures")

class Guarded(np.ndarray):
    def __getitem__(self, key):
        if isinstance(key, (int, np.integer)) and key < 0:
            raise IndexError(f"{key} is before the beginning")
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        if isinstance(key, (int, np.integer)) and key < 0:
            raise IndexError(f"{key} is before the beginning")
        super().__setitem__(key, value)

def guarded(table):
    is_array = isinstance(table, np.ndarray)
    return table.view(Guarded) if is_array else type(table)(*map(guarded, table))

SIZES = [0, 1, 512, 4096, 4097, 65512, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1]

rng = random.Random(7)
for turn in range(90):
    changes = [(rng.random(), rng.choice([0, 1, 0x0C, 0x21, 0x81, 0xFF, rng.randrange(256)]))
               for _ in range(rng.choice([1, 1, 2, 6]))]
    data = bytearray(t.mutated(turn % 2, changes))
    for _ in range(rng.choice([0, 1, 3])):  # counts, sizes and offsets
        at = 4096 + rng.randrange(512, 8192)
        width = rng.choice(["<H", "<I"])
        struct.pack_into(width, data, at, rng.choice(SIZES) % 256 ** struct.calcsize(width))
    block = np.frombuffer(bytes(data[4096:]), np.uint8).view(Guarded)
    found = guarded(evtx_kernel.room_for(1))
    evtx_kernel.walk(block, np.ones(1, np.uint8), found, 1)
    count = int(found.values.filled[0])
    at, size = (np.asarray(part[:count]) for part in (found.values.at, found.values.size))
    assert (at >= 512).all() and (size >= 0).all() and (at + size <= len(block)).all()
print("read", turn)
"""
    here = Path(__file__).parent
    run = subprocess.run(
        [sys.executable, "-c", code, str(here)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "read 89" in run.stdout
