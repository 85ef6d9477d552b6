"""Tests of single columns, in place, give what cutting the lines and looking would give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.cell_tests import cell_marks
from afterpatch.formats.line_scan import find_columns
from afterpatch.formats.text_blocks import Block
from afterpatch.model.batches import Cell

NAMES = ("method", "agent", "flag")
cell_text = st.lists(st.sampled_from(["k", "K", "=", "0", "curl/7.61.1", "é", "x y"]), max_size=4)
row = st.tuples(*[cell_text.map("".join)] * 3)
asked = st.builds(
    Cell,
    st.sampled_from([*NAMES, "absent"]),
    st.sampled_from(["equals", "startswith", "endswith"]),
    st.lists(st.sampled_from(["k", "=", "0", "curl/7.61.1"]), max_size=3).map("".join),
    st.booleans(),
)


def holds(cell: Cell, text: str) -> bool:
    test = {"equals": str.__eq__, "startswith": str.startswith, "endswith": str.endswith}[cell.op]
    return test(text.replace("K", "k"), cell.text)


def marks(lines: list[str], cells: list[Cell], quoted: bool, empty: str = "") -> list[bool]:
    data = "".join(f"{line}\n" for line in lines).encode()
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")).astype(np.int64)
    block = BlockLines(Block(data, breaks, 1))
    columns = find_columns(data, block.buffer, block.starts, block.ends, ord("\t"), quoted)
    every = np.arange(len(lines), dtype=np.int64)
    found = cell_marks(cells, NAMES, columns, block.buffer, every, quoted=quoted, empty=empty)
    return found.tolist()


@given(st.lists(row, min_size=1, max_size=8), st.lists(asked, max_size=4), st.booleans())
def test_a_line_is_marked_where_a_test_holds(
    rows: list[tuple[str, ...]], cells: list[Cell], quoted: bool
) -> None:
    wanted = [
        any(
            cell.negated
            if cell.column not in NAMES
            else holds(cell, cells_of[NAMES.index(cell.column)]) != cell.negated
            for cell in cells
        )
        for cells_of in rows
    ]
    lines = ["\t".join(f'"{text}"' if quoted else text for text in one) for one in rows]
    assert marks(lines, cells, quoted) == wanted


@pytest.mark.parametrize(("text", "found"), [("(empty)", True), ("", True), ("-", False)])
def test_an_empty_text_may_be_spelled_out(text: str, found: bool) -> None:
    asked_for = [Cell("agent", "equals", "")]
    assert marks([f"GET\t{text}\t0"], asked_for, quoted=False, empty="(empty)") == [found]
