"""The computer name in a SYSTEM registry hive.

Enters: a seekable hive file. Leaves: the name, or :class:`Unreadable`. It walks five keys and no
more, by offsets in the file: a hive library loads the whole file and follows lists as long as a
hostile hive makes them (65,535 lists of 65,535 keys fit in one megabyte).
Source: msuhanov/regf, "Windows registry file format specification"; the name is the value
ComputerName of \\ControlSet00n\\Control\\ComputerName\\ComputerName, n being \\Select, Current.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.evidence.limits import Unreadable

_BASE: Final = 4096  # offsets in a hive count from behind its base block
_ROOT_AT: Final = 36
_MAX_STEPS: Final = 20_000
_MAX_CELL_BYTES: Final = 1 << 20
_KEY_NAME_IS_LATIN1: Final = 0x20
_VALUE_NAME_IS_LATIN1: Final = 0x1
_DATA_IS_INLINE: Final = 0x8000_0000
_NONE: Final = 0xFFFF_FFFF
_PATH: Final = ("Control", "ComputerName", "ComputerName")


def computer_name(file: BinaryIO) -> str:
    """NetBIOS name of the machine the hive is from. Raises Unreadable."""
    hive = _Hive(file)
    try:
        root = hive.root()
        current = hive.value(hive.subkey(root, "Select"), "Current")
        number = int.from_bytes(current[:4], "little")
        key = hive.subkey(root, f"ControlSet{number:03d}")
        for name in _PATH:
            key = hive.subkey(key, name)
        text = hive.value(key, "ComputerName").decode("utf-16-le", "replace")
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise Unreadable("the registry hive is damaged") from error
    name = text.partition("\0")[0].strip()
    if not name:
        raise Unreadable("the registry hive names no computer")
    return name


class _Hive:
    """Cells of one hive; every cell that is read counts against a fixed number of steps."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._steps = file, 0

    def root(self) -> bytes:
        self._file.seek(0)
        head = self._file.read(_ROOT_AT + 4)
        if not head.startswith(b"regf"):
            raise Unreadable("not a registry hive")
        return self._cell(struct.unpack_from("<L", head, _ROOT_AT)[0])

    def _cell(self, offset: int) -> bytes:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise Unreadable("the registry hive is built to never end")
        self._file.seek(_BASE + offset)
        (size,) = struct.unpack("<l", self._file.read(4))
        if size >= 0:
            raise ValueError("free cell")
        return self._file.read(min(-size - 4, _MAX_CELL_BYTES))

    def subkey(self, key: bytes, name: str) -> bytes:
        """The key node of that name directly below. Raises Unreadable."""
        (list_at,) = struct.unpack_from("<L", key, 28)
        if list_at != _NONE:
            for offset in self._key_offsets(self._cell(list_at)):
                node = self._cell(offset)
                if _name(node, 72, 76, 2, _KEY_NAME_IS_LATIN1).lower() == name.lower():
                    return node
        raise Unreadable(f"the registry hive has no key {name}")

    def _key_offsets(self, cell: bytes, nested: bool = False) -> Iterator[int]:
        """Offsets of key nodes in an lf, lh, li or ri list."""
        kind, count = cell[:2], struct.unpack_from("<H", cell, 2)[0]
        step = 8 if kind in (b"lf", b"lh") else 4
        if kind not in (b"lf", b"lh", b"li", b"ri") or (kind == b"ri" and nested):
            raise ValueError("not a list of keys")
        for index in range(count):
            (offset,) = struct.unpack_from("<L", cell, 4 + index * step)
            if kind == b"ri":
                yield from self._key_offsets(self._cell(offset), nested=True)
            else:
                yield offset

    def value(self, key: bytes, name: str) -> bytes:
        """Data of a small value of that key. Raises Unreadable."""
        count, list_at = struct.unpack_from("<LL", key, 36)
        if count and list_at != _NONE:
            listed = self._cell(list_at)
            for index in range(count):
                node = self._cell(struct.unpack_from("<L", listed, index * 4)[0])
                if _name(node, 2, 20, 16, _VALUE_NAME_IS_LATIN1).lower() == name.lower():
                    return self._data(node)
        raise Unreadable(f"the registry hive has no value {name}")

    def _data(self, node: bytes) -> bytes:
        size, offset = struct.unpack_from("<LL", node, 4)
        if size & _DATA_IS_INLINE:
            return node[8 : 8 + min(4, size & ~_DATA_IS_INLINE)]
        return self._cell(offset)[:size]


def _name(node: bytes, length_at: int, name_at: int, flags_at: int, latin1_flag: int) -> str:
    (length,) = struct.unpack_from("<H", node, length_at)
    (flags,) = struct.unpack_from("<H", node, flags_at)
    raw = node[name_at : name_at + length]
    return raw.decode("latin-1" if flags & latin1_flag else "utf-16-le", "replace")
