"""What a proxy's header declares is what its reader then finds, whatever keeps columns apart."""

import io

import numpy as np
import pytest

from afterpatch.formats import proxy_w3c
from afterpatch.model.batches import Cell
from afterpatch.model.places import Item

ITEM = Item("x.log", None, "x.log", "root", ("x.log",), 0)
NAMES = ("c-ip", "cs-username", "c-agent", "date", "time", "s-computername", "cs-uri", "sc-status")
ROW = ("10.0.0.1", "-", "x", "2021-03-02", "04:05:06", "ISA", "http://a.example/c", "200")


class Nothing:
    """A prefilter that wants no line for its text."""

    def __init__(self, *cells: Cell) -> None:
        self.cells = cells

    def offsets(self, block: bytes | bytearray | memoryview) -> np.ndarray:
        return np.empty(0, np.int64)


@pytest.mark.parametrize("apart", [" ", "\t"])
def test_lines_nobody_asks_for_are_only_counted(apart: str) -> None:
    head = f"#Software: SGOS 6.7\n#Fields: {apart.join(NAMES)}\n"
    data = (head + f"{apart.join(ROW)}\n" * 3).encode()
    declared = proxy_w3c.declared(data, ITEM)
    assert declared.columns is not None
    assert set(NAMES) | declared.derived == declared.columns
    assert declared.derived == {"cs-host", "cs-uri-stem", "cs-uri-query", "cs-uri-target",
                                "c-uri-extension"}  # fmt: skip
    pieces = list(proxy_w3c.read(io.BytesIO(data), ITEM, Nothing()))
    assert sum(piece.events for piece in pieces) == 3
    assert not any(piece.batches for piece in pieces)
    asked = Nothing(Cell("c-agent", "equals", "x"))
    (batch,) = (b for p in proxy_w3c.read(io.BytesIO(data), ITEM, asked) for b in p.batches)
    assert batch.frame.height == 3
