"""Hashing while reading."""

import hashlib
import io

import pytest

from afterpatch.evidence.hashing import HashingReader, digest_of
from afterpatch.evidence.limits import Unreadable

DATA = bytes(range(256)) * 50_000


def test_finish_drains_what_was_not_read() -> None:
    reader = HashingReader(io.BytesIO(DATA))
    assert reader.read(10) == DATA[:10]
    assert reader.finish() == (hashlib.sha256(DATA).hexdigest(), len(DATA))
    assert digest_of(io.BytesIO(DATA)) == reader.so_far()


def test_the_buffer_may_be_reused_at_once() -> None:
    reader, buffer = HashingReader(io.BytesIO(DATA)), bytearray(1 << 20)
    while reader.readinto(buffer):
        buffer[:] = bytes(len(buffer))
    assert reader.so_far().sha256 == hashlib.sha256(DATA).hexdigest()


def test_peeking_reads_nothing() -> None:
    reader = HashingReader(io.BytesIO(b"abcdef"))
    assert (reader.peek(3), reader.peek(2), reader.peek(99)) == (b"abc", b"ab", b"abcdef")
    assert reader.so_far().size_bytes == 0
    assert (reader.read(1), reader.peek(2), reader.read()) == (b"a", b"bc", b"bcdef")


def test_damage_passes_through_and_what_was_read_is_known() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 4:
                raise Unreadable("damaged")
            return super().read(size)

    reader = HashingReader(Broken(b"abcdef"))
    assert reader.read(4) == b"abcd"
    with pytest.raises(Unreadable):
        reader.finish()
    assert reader.so_far() == (hashlib.sha256(b"abcd").hexdigest(), 4)


def test_closing_leaves_the_evidence_open() -> None:
    stream = io.BytesIO(b"x")
    with HashingReader(stream) as reader:
        reader.finish()
    assert not stream.closed
