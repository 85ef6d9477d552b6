from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats.delimited_text import split_quoted
from afterpatch.formats.line_scan import NO_TIME, find_columns, read_times, text_runs
from afterpatch.formats.text_blocks import Block
from afterpatch.model.times import from_us

SPACE = b"0000-00-00 00:00:00"
ISO = b"0000-00-00T00:00:00.000Z"
NO_CUTS = np.zeros(0, dtype=np.int64)


def block_of(*lines: str) -> Block:
    data = "".join(f"{line}\n" for line in lines).encode()
    breaks = np.array([at for at, byte in enumerate(data) if byte == 10], dtype=np.int64)
    return Block(data, breaks, 1)


def times_of(template: bytes, *texts: str) -> list[int]:
    block = block_of(*texts)
    starts, ends = block.spans()
    return read_times(block.buffer, starts, ends, template, ord(" ")).tolist()


@settings(max_examples=100, deadline=None)
@given(
    moments=st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23)), min_size=1)  # noqa: DTZ001
)
def test_times_are_exact_in_every_year(moments: list[datetime]) -> None:
    moments = [m.replace(microsecond=m.microsecond // 1000 * 1000, tzinfo=UTC) for m in moments]
    texts = [m.isoformat(timespec="milliseconds")[:23] + "Z rest" for m in moments]
    assert [from_us(us) for us in times_of(ISO, *texts)] == moments


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-29 04:05:06 x",
        "2021-13-01 04:05:06 x",
        "2021-00-01 04:05:06 x",
        "0000-01-01 04:05:06 x",
        "2021-03-02 24:05:06 x",
        "2021-03-02 04:60:06 x",
        "2021-03-02 04:05:60 x",
        "2021-03-02T04:05:06 x",
        "2021-03-02 04:05:0: x",
        "2021-03-02 04:05:0/ x",
        "2021-03-0\xb2 04:05:06 x",
        "2021-03-02 04:05:067 x",
        "2021-03-02 04:05:0",
        "",
    ],
)
def test_what_is_no_time_is_none_and_spoils_no_neighbour(text: str) -> None:
    good = "2021-03-02 04:05:06 x"
    before, time_us, after = times_of(SPACE, good, text, good)
    assert time_us == NO_TIME
    assert before == after != NO_TIME


def test_a_time_without_a_date_counts_from_midnight() -> None:
    assert times_of(b"00:00:00", "00:00:01 x", "23:59:59", "24:00:00 x") == [
        1_000_000,
        86_399_000_000,
        NO_TIME,
    ]


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(st.text('ab,"', max_size=12), min_size=1, max_size=8),
    wide=st.booleans(),
)
def test_clean_lines_have_the_columns_that_exact_splitting_finds(
    lines: list[str], wide: bool
) -> None:
    lines = [line + "," + "x" * 70 for line in lines] if wide else lines
    block = block_of(*lines)
    columns = find_columns(block.data, block.buffer, *block.spans(), ord(","), quoted=True)
    for number, line in enumerate(lines):
        if not columns.clean[number]:
            assert '"' in line
            continue
        fields = split_quoted(line)
        assert fields is not None
        assert len(fields) == columns.count[number] + 1
        for index in range(len(fields)):
            ((start, end),) = columns.spans(np.array([number]), [(index, 1)])
            assert split_quoted(block.data[start[0] : end[0]].decode()) == [fields[index]]


def test_well_formed_quoting_is_clean() -> None:
    block = block_of('a,"b,c",d', '"x ""y"", z",', "plain", 'a,b"c,d', '"open,')
    columns = find_columns(block.data, block.buffer, *block.spans(), ord(","), quoted=True)
    assert columns.clean.tolist() == [True, True, True, False, False]
    assert columns.count[:3].tolist() == [2, 1, 0]


def test_runs_start_where_text_changes_or_a_cut_is_asked_for() -> None:
    block = block_of("ab", "ab", "abc", "abd", "abd", "")
    starts, ends = block.spans()
    assert text_runs(block.buffer, starts, ends, NO_CUTS).tolist() == [0, 2, 3, 5]
    assert text_runs(block.buffer, starts, ends, np.array([1, 6])).tolist() == [0, 1, 2, 3, 5]
