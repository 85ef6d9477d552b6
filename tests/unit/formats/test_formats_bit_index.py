import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats.bit_index import BitIndex

TEXTS = st.binary(max_size=400).map(lambda data: bytes(byte % 3 for byte in data))


@settings(max_examples=100, deadline=None)
@given(data=TEXTS)
def test_rank_select_and_offsets_agree_with_counting(data: bytes) -> None:
    index = BitIndex.of(np.frombuffer(data, dtype=np.uint8), 1)
    expected = [at for at, byte in enumerate(data) if byte == 1]
    assert len(index) == len(expected)
    assert index.offsets().tolist() == expected
    assert index.select(np.arange(len(expected))).tolist() == expected
    every = np.arange(len(data) + 1)
    assert index.rank(every).tolist() == [data[:at].count(1) for at in every]


def test_without_removes_offsets() -> None:
    buffer = np.frombuffer(b"a,b,c," + b"x" * 100 + b",", dtype=np.uint8)
    index = BitIndex.of(buffer, ord(",")).without(np.array([3, 106]))
    assert index.offsets().tolist() == [1, 5]


def test_a_text_longer_than_one_piece() -> None:
    data = bytearray(b"." * 400_000)
    data[131_071] = data[131_072] = data[399_999] = ord("#")
    index = BitIndex.of(np.frombuffer(bytes(data), dtype=np.uint8), ord("#"))
    assert index.offsets().tolist() == [131_071, 131_072, 399_999]
