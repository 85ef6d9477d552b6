"""Laws of the evidence room: content never raises, and nothing is lost without a gap."""

import bz2
import gzip
import hashlib
import io
import lzma
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

import py7zr
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.evidence.discover import discover
from afterpatch.evidence.hashing import HashingReader
from afterpatch.evidence.hive import computer_name
from afterpatch.evidence.limits import Limits, Unreadable
from afterpatch.evidence.opening import open_item
from afterpatch.evidence.origins import from_anchor, from_drive, from_velociraptor

FILES = {"C/inetpub/a.log": b"first line\n" * 40, "b.log": bytes(range(256)), "c.log": b"third"}
LIMITS = Limits(total_bytes=1 << 22, member_bytes=1 << 22, dictionary_bytes=1 << 26)
LAW = settings(max_examples=100, deadline=None, derandomize=True)


def _zip(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _7z() -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 0}]) as archive:
        for name, data in FILES.items():
            archive.writestr(data, name)
    return out.getvalue()


ARCHIVES = {
    "stored.zip": _zip(zipfile.ZIP_STORED),
    "x.zip": _zip(zipfile.ZIP_DEFLATED),
    "bzip2.zip": _zip(zipfile.ZIP_BZIP2),
    "x.tar": _tar(),
    "x.tar.gz": gzip.compress(_tar()),
    "x.tar.bz2": bz2.compress(_tar()),
    "x.tar.xz": lzma.compress(_tar(), preset=0),
    "x.7z": _7z(),
    "x.log.gz": gzip.compress(FILES["b.log"]),
}
WHOLE = {name: set(FILES.values()) for name in ARCHIVES} | {"x.log.gz": {FILES["b.log"]}}


def examine(name: str, data: bytes) -> tuple[set[bytes], bool]:
    """(what was read in full, whether anything was reported as lost)."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / name).write_bytes(data)
        found = discover([str(folder / name)], folder / "scratch", LIMITS)
        read: set[bytes] = set()
        lost = bool(found.gaps)
        for item in found.items:
            try:
                with open_item(item, folder / "scratch", limits=LIMITS) as stream:
                    read.add(stream.read())
            except Unreadable:
                lost = True
        assert [path.name for path in folder.iterdir() if path.name not in (name, "scratch")] == []
        return read, lost
    finally:
        shutil.rmtree(folder)


@LAW
@given(name=st.sampled_from(sorted(ARCHIVES)), share=st.floats(0, 1, exclude_max=True))
def test_a_cut_archive_is_read_in_full_or_has_a_gap(name: str, share: float) -> None:
    data = ARCHIVES[name]
    read, lost = examine(name, data[: int(len(data) * share)])
    assert lost or read >= WHOLE[name]


@LAW
@given(
    name=st.sampled_from(sorted(ARCHIVES)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1),
)
def test_flipped_bytes_never_raise(name: str, flips: list[tuple[float, int]]) -> None:
    data = bytearray(ARCHIVES[name])
    for share, mask in flips:
        data[int(len(data) * share)] ^= mask
    examine(name, bytes(data))


@LAW
@given(
    name=st.sampled_from(
        ["x.zip", "stored.zip", "bzip2.zip", "x.tar.gz", "x.tar.bz2", "x.tar.xz", "x.7z"]
    ),
    share=st.floats(0, 1, exclude_max=True),
    mask=st.integers(1, 255),
)
def test_one_flipped_byte_loses_nothing_without_a_gap(name: str, share: float, mask: int) -> None:
    """Formats with checksums over content: a change is a gap, or it changed no content."""
    data = bytearray(ARCHIVES[name])
    data[int(len(data) * share)] ^= mask
    read, lost = examine(name, bytes(data))
    assert lost or read >= WHOLE[name]


@LAW
@given(
    magic=st.sampled_from(
        [
            b"PK\3\4",
            b"PK\5\6",
            b"7z\xbc\xaf\x27\x1c",
            b"\x1f\x8b\x08",
            b"\xfd7zXZ\0",
            b"BZh91AY&SY",
            b"",
        ]
    ),
    rest=st.binary(max_size=600),
)
def test_any_bytes_behind_a_magic_number_never_raise(magic: bytes, rest: bytes) -> None:
    examine("x.bin", magic + rest)


@LAW
@given(st.binary(max_size=5000))
def test_any_bytes_as_a_hive_never_raise(data: bytes) -> None:
    for hive in (data, b"regf" + data, (b"regf" + bytes(32)).ljust(4096, b"\0") + data):
        try:
            assert computer_name(io.BytesIO(hive))
        except Unreadable:
            continue


@LAW
@given(st.text(max_size=80))
def test_origins_are_total(path: str) -> None:
    for origin in (from_drive(path), from_velociraptor(path), from_anchor(path, "EX01")):
        assert isinstance(origin, str)
    assert from_drive(from_drive(f"C/{path}x")) == from_drive(f"C/{path}x")


@LAW
@given(data=st.binary(max_size=3000), steps=st.lists(st.integers(0, 900)), peek=st.integers(0, 999))
def test_hashing_changes_nothing(data: bytes, steps: list[int], peek: int) -> None:
    reader = HashingReader(io.BytesIO(data))
    assert reader.peek(peek) == data[:peek]
    read = b""
    for number, step in enumerate(steps):
        if number % 2:
            read += reader.read(step)
        else:
            buffer = bytearray(step)
            read += buffer[: reader.readinto(buffer)]
    assert read == data[: sum(steps)]
    assert reader.finish() == (hashlib.sha256(data).hexdigest(), len(data))
