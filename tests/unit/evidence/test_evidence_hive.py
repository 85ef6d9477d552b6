"""The computer name in a SYSTEM hive, and hives built to hurt."""

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from regipy.registry import RegistryHive

from afterpatch.evidence.hive import computer_name
from afterpatch.evidence.limits import Unreadable


@pytest.mark.parametrize("kind", [b"lf", b"lh", b"li", b"ri"])
@pytest.mark.parametrize("control_set", [1, 2])
def test_reads_the_name_from_every_kind_of_key_list(
    hive: Callable[..., bytes], kind: bytes, control_set: int
) -> None:
    assert computer_name(io.BytesIO(hive("EX01", control_set, kind))) == "EX01"


def test_agrees_with_regipy(hive: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "SYSTEM"
    path.write_bytes(hive("MAIL-07", 2, b"lh"))
    key = RegistryHive(str(path)).get_key(r"\ControlSet002\Control\ComputerName\ComputerName")
    (value,) = list(key.iter_values())
    assert value.value == computer_name(io.BytesIO(path.read_bytes())) == "MAIL-07"


@pytest.mark.parametrize("data", [b"", b"regf", b"MZ" + bytes(5000), b"regf" + bytes(8192)])
def test_what_is_no_hive_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        computer_name(io.BytesIO(data))


def test_a_truncated_hive_is_unreadable_or_right(hive: Callable[..., bytes]) -> None:
    whole = hive("EX01")
    for length in range(0, len(whole), 97):
        try:
            assert computer_name(io.BytesIO(whole[:length])) == "EX01"
        except Unreadable:
            continue


def test_lists_that_point_at_each_other_end() -> None:
    """65,535 lists of 65,535 keys in one small file: a fixed number of steps, then no more."""
    cells = bytearray(32)

    def cell(data: bytes) -> int:
        offset = len(cells)
        size = (len(data) + 4 + 7) // 8 * 8
        cells.extend(struct.pack("<l", -size) + data.ljust(size - 4, b"\0"))
        return offset

    node = cell(b"nk" + bytes(74))
    keys = cell(b"li" + struct.pack("<H", 0xFFFF) + struct.pack("<L", node) * 0xFFFF)
    lists = cell(b"ri" + struct.pack("<H", 0xFFFF) + struct.pack("<L", keys) * 0xFFFF)
    root = cell(b"nk" + bytes(26) + struct.pack("<L", lists) + bytes(60))
    head = b"regf".ljust(36, b"\0") + struct.pack("<L", root)
    with pytest.raises(Unreadable, match="never end"):
        computer_name(io.BytesIO(head.ljust(4096, b"\0") + bytes(cells)))
