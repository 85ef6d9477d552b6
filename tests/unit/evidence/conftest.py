"""Builders for collections and hives; every fixture is made on the spot."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from afterpatch.evidence.discover import Discovery, discover
from afterpatch.evidence.opening import open_item

Files = dict[str, bytes]


@pytest.fixture
def find(tmp_path: Path) -> Callable[..., Discovery]:
    """Discover the given paths (or the folder ``evidence``) with a scratch folder of its own."""

    def run(*paths: Path | str, **options: object) -> Discovery:
        given = [str(path) for path in paths] or [str(tmp_path / "evidence")]
        return discover(given, tmp_path / "scratch", **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def contents(tmp_path: Path) -> Callable[[Discovery], Files]:
    """Item name -> its bytes."""

    def read(discovery: Discovery) -> Files:
        found: Files = {}
        for item in discovery.items:
            with open_item(item, tmp_path / "scratch") as stream:
                found[item.name] = stream.read()
        return found

    return read


def lay_out(top: Path, files: Files) -> Path:
    """Write files below ``top``."""
    for name, data in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return top


def zip_up(path: Path, files: Files, comment: bytes = b"") -> Path:
    """Write a zip archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = comment
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def folder() -> Callable[[Path, Files], Path]:
    return lay_out


@pytest.fixture
def zipped() -> Callable[..., Path]:
    return zip_up


class HiveBuilder:
    """Cells of a minimal registry hive (regf), enough for regipy to read it too."""

    def __init__(self) -> None:
        self.cells = bytearray(32)  # room for the hbin header

    def cell(self, data: bytes) -> int:
        offset = len(self.cells)
        size = (len(data) + 4 + 7) // 8 * 8
        self.cells += struct.pack("<l", -size) + data.ljust(size - 4, b"\0")
        return offset

    def value(self, name: str, data: bytes, kind: int) -> int:
        if len(data) <= 4:
            size, at = len(data) | 0x8000_0000, int.from_bytes(data.ljust(4, b"\0"), "little")
        else:
            size, at = len(data), self.cell(data)
        head = struct.pack("<2sHLLLHH", b"vk", len(name), size, at, kind, 1, 0)
        return self.cell(head + name.encode())

    def listing(self, subkeys: dict[str, int], kind: bytes) -> int:
        order = [subkeys[one] for one in sorted(subkeys)]
        step = "<L4x" if kind in (b"lf", b"lh") else "<L"
        body = b"".join(struct.pack(step, offset) for offset in order)
        inner = kind if kind != b"ri" else b"li"
        list_at = self.cell(inner + struct.pack("<H", len(order)) + body)
        return list_at if kind != b"ri" else self.cell(b"ri" + struct.pack("<HL", 1, list_at))

    def key(self, name: str, subkeys: dict[str, int], values: list[int], kind: bytes) -> int:
        list_at = self.listing(subkeys, kind) if subkeys else 0xFFFF_FFFF
        values_at = 0xFFFF_FFFF
        if values:
            values_at = self.cell(struct.pack(f"<{len(values)}L", *values))
        node = struct.pack(
            "<2sHQLLLLLLLLLLLLLLLHH",
            *(b"nk", 0x20, 132_000_000_000_000_000, 0, 0),
            *(len(subkeys), 0, list_at, 0xFFFF_FFFF, len(values), values_at),
            *(0xFFFF_FFFF, 0xFFFF_FFFF, 0, 0, 0, 0, 0, len(name), 0),
        )
        return self.cell(node + name.encode())

    def adopt(self, key: int, subkeys: dict[str, int], kind: bytes) -> None:
        """Give a key without subkeys its subkeys: the root must be the first cell."""
        list_at = self.listing(subkeys, kind)
        struct.pack_into("<L", self.cells, key + 4 + 20, len(subkeys))
        struct.pack_into("<L", self.cells, key + 4 + 28, list_at)

    def finish(self, root: int) -> bytes:
        self.cells += bytes(-len(self.cells) % 4096)
        struct.pack_into("<4sLL", self.cells, 0, b"hbin", 0, len(self.cells))
        head = struct.pack(
            "<4sLLQLLLLLLL",
            b"regf",
            1,
            1,
            132_000_000_000_000_000,
            1,
            5,
            0,
            1,
            root,
            len(self.cells),
            1,
        )
        head += "SYSTEM".encode("utf-16-le").ljust(64, b"\0")
        return head.ljust(4096, b"\0") + bytes(self.cells)


def system_hive(name: str, control_set: int = 1, kind: bytes = b"lf") -> bytes:
    """A SYSTEM hive whose current control set names the computer."""
    build = HiveBuilder()
    root = build.key("ROOT", {}, [], kind)
    text = (name + "\0").encode("utf-16-le")
    key = build.key("ComputerName", {}, [build.value("ComputerName", text, 1)], kind)
    key = build.key("ComputerName", {"ComputerName": key}, [], kind)
    key = build.key("Control", {"ComputerName": key}, [], kind)
    key = build.key(f"ControlSet{control_set:03d}", {"Control": key}, [], kind)
    current = build.value("Current", struct.pack("<L", control_set), 4)
    select = build.key("Select", {}, [current], kind)
    build.adopt(root, {f"ControlSet{control_set:03d}": key, "Select": select}, kind)
    return build.finish(root)


@pytest.fixture
def hive() -> Callable[..., bytes]:
    return system_hive
