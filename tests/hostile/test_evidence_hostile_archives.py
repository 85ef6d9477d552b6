"""Archives made by an attacker: nothing is written outside scratch, nothing hangs or raises.

The catching tests for CVE-2022-4510 (binwalk), CVE-2025-4517 (tarfile), CVE-2024-0450 (zipfile),
CVE-2026-40024, CVE-2026-40027 and CVE-2025-14728: traversal and bombs in evidence.
"""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import py7zr
import pytest

from afterpatch.evidence.discover import Discovery, discover
from afterpatch.evidence.limits import MIB, Limits, Unreadable
from afterpatch.evidence.opening import open_item

NAMES = {
    "parent": "../evil.log",
    "parents": "../../../../../../../../tmp/afterpatch-evil.log",
    "inner parent": "a/../../evil.log",
    "backslash parent": "..\\..\\evil.log",
    "absolute": "/tmp/afterpatch-evil.log",
    "drive": "C:\\Windows\\evil.log",
    "drive slash": "C:/Windows/evil.log",
    "drive relative": "C:evil.log",
    "unc": "\\\\server\\share\\evil.log",
    "device": "\\\\.\\PhysicalDrive0",
    "percent": "%2e%2e/%2e%2e/evil.log",
    "percent tail": "uploads/auto/C%3A/%2E%2E%2Fevil.log",
    "nul": "evil.log\0.txt",
    "trailing dots": "evil.log...",
    "trailing space": "evil.log ",
    "reserved": "CON",
    "stream": "evil.log:hidden",
    "controls": "evil\r\n\x1b[31m.log",
    "bidi": "evil\u202egol.log",
    "overlong": "a" * 60_000,
    "deep": "/".join(["a"] * 5_000),
    "dot": ".",
    "dots": "..",
    "slashes": "a//./b//evil.log",
    "tilde": "~/.ssh/authorized_keys",
    "dollar": "$HOME/${PATH}/`id`",
    "bang": "outer!inner!evil.log",
}
WRITABLE_BY_7Z = [key for key in NAMES if key not in ("nul", "overlong")]
DATA = b"#Software: evidence"


def zip_of(name: str, data: bytes = DATA) -> bytes:
    """One stored member, written by hand: :mod:`zipfile` mends names."""
    raw = name.encode()
    crc = zlib.crc32(data)
    sizes = (crc, len(data), len(data), len(raw), 0)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0x800, 0, 0, 33, *sizes) + raw + data
    entry = struct.pack(
        "<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0x800, 0, 0, 33, *sizes, 0, 0, 0, 0, 0
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry + raw), len(local), 0)
    return local + entry + raw + end


def tar_of(name: str, data: bytes = DATA, kind: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def gnu_tar_of(name: str, data: bytes = DATA) -> bytes:
    return tar_of(name, data, tarfile.GNU_FORMAT)


def seven_zip_of(name: str, data: bytes = DATA) -> bytes:
    out = io.BytesIO()
    with (
        py7zr.SevenZipFile(out, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive,
        mock.patch.object(archive, "_sanitize_archive_arcname", lambda arcname: arcname),
    ):
        archive._writestr(data, name)
    return out.getvalue()


MAKERS: dict[str, Callable[[str], bytes]] = {
    "zip": zip_of,
    "tar": tar_of,
    "tar-gnu": gnu_tar_of,
    "tar.gz": lambda name: gzip.compress(tar_of(name), 1),
    "tar.xz": lambda name: lzma.compress(tar_of(name), preset=0),
    "tar-in-zip": lambda name: zip_of("inner.tar", tar_of(name)),
    "zip-in-tar": lambda name: tar_of("inner.zip", zip_of(name)),
    "zip-in-7z": lambda name: seven_zip_of("inner.zip", zip_of(name)),
}
CASES = [(maker, key) for maker in MAKERS for key in NAMES] + [
    ("7z", key) for key in WRITABLE_BY_7Z
]


def snapshot(top: Path, but: Path) -> dict[str, bytes | None]:
    """Everything below ``top`` that is not below ``but``."""
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(top.rglob("*"))
        if path != but and but not in path.parents
    }


def read_all(found: Discovery, scratch: Path, limits: Limits | None = None) -> list[bytes]:
    """Bytes of every item, both ways; an unreadable one counts as nothing."""
    read: list[bytes] = []
    for item in found.items:
        for seekable in (False, True):
            try:
                with open_item(item, scratch, seekable, limits or Limits()) as stream:
                    data = stream.read()
            except Unreadable:
                continue
        read.append(data)
    return read


@pytest.mark.parametrize(("maker", "key"), CASES)
def test_no_name_writes_outside_scratch(
    maker: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, scratch = tmp_path / "deep" / "work", tmp_path / "deep" / "work" / "scratch"
    (work / "cwd").mkdir(parents=True)
    monkeypatch.chdir(work / "cwd")
    monkeypatch.setenv("HOME", str(work / "cwd"))
    make = seven_zip_of if maker == "7z" else MAKERS[maker]
    (work / "case.bin").write_bytes(make(NAMES[key]))
    before = snapshot(tmp_path, scratch)
    found = discover([str(work / "case.bin")], scratch)
    assert read_all(found, scratch) == [DATA]
    assert snapshot(tmp_path, scratch) == before
    assert not Path("/tmp/afterpatch-evil.log").exists()
    spooled = [path.name for path in scratch.rglob("*")]
    assert all(name.startswith("spool-") for name in spooled)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("key", ["parent", "controls", "percent", "bang", "unc"])
def test_names_are_kept_as_text(maker: str, key: str, tmp_path: Path) -> None:
    (tmp_path / "case.bin").write_bytes(MAKERS[maker](NAMES[key]))
    (item,) = discover([str(tmp_path / "case.bin")], tmp_path / "scratch").items
    assert item.name.endswith(NAMES[key])
    assert item.origin
    item.name.encode()  # clean text: a report can always write it


def test_case_clashes_and_file_under_file_are_all_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a.log", "A.log", "a.log/b", "dir", "dir/"):
            archive.writestr(name, b"x")
    found = discover([str(tmp_path / "x.zip")], tmp_path / "scratch")
    assert len(found.items) == 5
    assert len({item.name for item in found.items}) == 5


def test_symlink_then_file_through_it(tmp_path: Path) -> None:
    """CVE-2025-4517's shape: a link that leads outside, then a file below the link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("logs")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside")
        archive.addfile(link)
        info = tarfile.TarInfo("logs/evil.log")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))
    (tmp_path / "outside").mkdir()
    (tmp_path / "x.tar").write_bytes(out.getvalue())
    found = discover([str(tmp_path / "x.tar")], tmp_path / "scratch")
    assert read_all(found, tmp_path / "scratch") == [b"evil"]
    assert not list((tmp_path / "outside").iterdir())
    assert "link" in found.gaps[0].reason


# --- bombs

SMALL = Limits(ratio=100, ratio_free_bytes=MIB, total_bytes=64 * MIB, member_bytes=32 * MIB)
BOMBS: dict[str, Callable[[], bytes]] = {
    "gz": lambda: gzip.compress(bytes(40 * MIB), 6),
    "bz2": lambda: bz2.compress(bytes(40 * MIB)),
    "xz": lambda: lzma.compress(bytes(40 * MIB), preset=0),
    "tar.gz": lambda: gzip.compress(tar_of("a.log", bytes(40 * MIB))),
    "gz-in-gz": lambda: gzip.compress(gzip.compress(bytes(40 * MIB))),
    "tar-in-gz-in-zip": lambda: zip_of("a.gz", gzip.compress(tar_of("a.log", bytes(40 * MIB)))),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_are_stopped_and_named(kind: str, tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(BOMBS[kind]())
    scratch = tmp_path / "scratch"
    found = discover([str(tmp_path / "bomb")], scratch, SMALL)
    reasons = [gap.reason for gap in found.gaps]
    for item in found.items:
        try:
            with open_item(item, scratch, limits=SMALL) as stream:
                while stream.read(MIB):
                    pass
        except Unreadable as error:
            reasons.append(error.reason)
    assert any("limit" in reason for reason in reasons)
    assert sum(path.stat().st_size for path in scratch.rglob("*")) <= 64 * MIB


def test_a_quine_like_tower_of_zips_ends(tmp_path: Path) -> None:
    data = DATA
    for level in range(50):
        data = zip_of(f"{level}.zip", data)
    (tmp_path / "tower.zip").write_bytes(data)
    found = discover([str(tmp_path / "tower.zip")], tmp_path / "scratch")
    assert not found.items
    (gap,) = found.gaps
    assert "nested deeper than the limit" in gap.reason


def test_ten_thousand_nested_archives_are_one_limit(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for number in range(100):
            archive.writestr(f"{number}.log", b"")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.zip", inner.getvalue())
    (tmp_path / "x.zip").write_bytes(out.getvalue())
    found = discover([str(tmp_path / "x.zip")], tmp_path / "scratch", Limits(entries=500))
    assert len(found.items) < 500
    assert any("limit of 500 entries" in gap.reason for gap in found.gaps)
    assert len(found.gaps) < 50


def overlapping(count: int, *, quoted: bool) -> bytes:
    """Many directory entries over one run of packed bytes (Fifield's bomb, CVE-2024-0450)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packer.compress(bytes(MIB)) + packer.flush()
    crc = zlib.crc32(bytes(MIB))
    body, entries = b"", b""
    for number in range(count):
        raw = f"{number}".encode()
        offset = len(body) if quoted else 0
        local = struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(kernel), MIB, len(raw), 0
        )
        body = body + local + raw if quoted or not number else body
        packed = len(kernel) + (30 * (count - number) if quoted else 0)
        fields = (crc, packed, MIB, len(raw), 0, 0, 0, 0, 0, offset)
        entries += struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 8, 0, 33, *fields)
        entries += raw
    body += kernel
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), len(body), 0)
    return body + entries + end


@pytest.mark.parametrize("quoted", [False, True])
def test_overlapping_entries_are_refused_in_one_gap(quoted: bool, tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(overlapping(1000, quoted=quoted))
    found = discover([str(tmp_path / "bomb.zip")], tmp_path / "scratch")
    assert not found.items
    (gap,) = found.gaps
    assert "overlapping" in gap.reason
    assert gap.place.startswith("1,000 members")


def test_many_refused_members_are_one_gap(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(5000):
            archive.writestr(f"{number}.log", b"x")
    data = out.getvalue().replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0")
    (tmp_path / "x.zip").write_bytes(data)
    found = discover([str(tmp_path / "x.zip")], tmp_path / "scratch")
    (gap,) = found.gaps
    assert gap.reason.startswith("encrypted")
    assert gap.place == "5,000 members, the first is 0.log"


def test_a_tar_that_declares_gigabytes_of_name(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    (tmp_path / "x.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    found = discover([str(tmp_path / "x.tar")], tmp_path / "scratch")
    assert "bytes of names" in found.gaps[0].reason


def test_an_xz_that_asks_for_gigabytes_of_memory(tmp_path: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 64 * MIB}]
    (tmp_path / "x.xz").write_bytes(lzma.compress(b"x" * 1000, filters=filters))
    limits = Limits(dictionary_bytes=16 * MIB)
    found = discover([str(tmp_path / "x.xz")], tmp_path / "scratch", limits)
    assert not found.items
    assert "memory" in found.gaps[0].reason.lower()


def test_a_7z_that_asks_for_gigabytes_of_memory(tmp_path: Path) -> None:
    out = io.BytesIO()
    filters = [{"id": py7zr.FILTER_LZMA2, "dict_size": 1 << 20}]
    with py7zr.SevenZipFile(out, "w", filters=filters) as archive:
        archive.writestr(b"x" * 1000, "a.log")
    (tmp_path / "x.7z").write_bytes(out.getvalue())
    limits = Limits(dictionary_bytes=1 << 16)
    found = discover([str(tmp_path / "x.7z")], tmp_path / "scratch", limits)
    assert not found.items
    assert "bytes of memory" in " ".join(gap.reason for gap in found.gaps)


def test_a_full_disk_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(tar_of("a.log")))
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: object) -> object:
        if mode == "xb":
            raise OSError(28, "No space left on device")
        return opened(path, mode, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", full)
    found = discover([str(tmp_path / "x.tar.gz")], tmp_path / "scratch")
    assert not found.items
    assert "no space left" in found.gaps[0].reason
