"""Containers of every kind, whole and broken."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import py7zr
import pytest

from afterpatch.evidence.discover import Discovery
from afterpatch.evidence.limits import Limits, Unreadable
from afterpatch.evidence.opening import open_item

Find = Callable[..., Discovery]
Zip = Callable[..., Path]
Read = Callable[[Discovery], dict[str, bytes]]
FILES = {"a.log": b"first\n" * 500, "in/b.log": b"second", "in/empty.log": b""}


def as_zip(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def as_tar(files: dict[str, bytes], kind: int = tarfile.PAX_FORMAT) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=kind) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1_614_744_000
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def as_7z(files: dict[str, bytes], **options: object) -> bytes:
    data = io.BytesIO()
    with py7zr.SevenZipFile(data, "w", **options) as archive:  # type: ignore[arg-type]
        for name, content in files.items():
            archive.writestr(content, name)
    return data.getvalue()


CONTAINERS = {
    "x.zip": as_zip,
    "x.tar": as_tar,
    "gnu.tar": lambda files: as_tar(files, tarfile.GNU_FORMAT),
    "ustar.tar": lambda files: as_tar(files, tarfile.USTAR_FORMAT),
    "x.tar.gz": lambda files: gzip.compress(as_tar(files)),
    "x.tgz": lambda files: gzip.compress(as_tar(files)),
    "x.tar.bz2": lambda files: bz2.compress(as_tar(files)),
    "x.tar.xz": lambda files: lzma.compress(as_tar(files)),
    "x.7z": as_7z,
}


@pytest.mark.parametrize("seekable", [False, True])
@pytest.mark.parametrize("name", CONTAINERS)
def test_every_member_is_read(find: Find, tmp_path: Path, name: str, seekable: bool) -> None:
    (tmp_path / name).write_bytes(CONTAINERS[name](FILES))
    found = find(tmp_path / name)
    assert not found.gaps
    read = {}
    for item in found.items:
        with open_item(item, tmp_path / "scratch", seekable) as stream:
            read[item.member] = stream.read()
            if seekable:
                stream.seek(0)
                assert stream.read() == read[item.member]
    assert read == FILES


@pytest.mark.parametrize("name", CONTAINERS)
def test_content_decides_not_the_ending(
    find: Find, contents: Read, tmp_path: Path, name: str
) -> None:
    (tmp_path / "evidence.txt").write_bytes(CONTAINERS[name](FILES))
    found = find(tmp_path / "evidence.txt")
    assert sorted(contents(found).values()) == sorted(FILES.values())


@pytest.mark.parametrize("inner", CONTAINERS)
@pytest.mark.parametrize("outer", ["x.zip", "x.tar.gz", "x.7z"])
def test_archives_in_archives(
    find: Find, contents: Read, tmp_path: Path, outer: str, inner: str
) -> None:
    nested = {f"deep/{inner}": CONTAINERS[inner](FILES), "top.log": b"top"}
    (tmp_path / outer).write_bytes(CONTAINERS[outer](nested))
    expected = {f"{outer}!deep/{inner}!{name}": data for name, data in FILES.items()}
    assert contents(find(tmp_path / outer)) == expected | {f"{outer}!top.log": b"top"}


@pytest.mark.parametrize(
    ("ending", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_single_compressed_logs(
    find: Find, tmp_path: Path, contents: Read, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / f"u_ex210303.log.{ending}"
    path.write_bytes(pack(b"one\n") + bytes(16) + pack(b"two\n"))
    found = find(path)
    (item,) = found.items
    assert contents(found) == {f"{path.name}!u_ex210303.log": b"one\ntwo\n"}
    assert item.origin == "u_ex210303.log"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_garbage_behind_a_compressed_file_is_not_passed_over(
    find: Find, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "x.log").write_bytes(pack(b"one\n" * 100) + b"hidden evidence")
    (item,) = find(tmp_path / "x.log").items
    with open_item(item, tmp_path / "scratch") as stream:
        assert stream.read(4096) == b"one\n" * 100
        with pytest.raises(Unreadable):
            stream.read(1)


def test_good_bytes_before_the_damage_are_handed_out(find: Find, tmp_path: Path) -> None:
    noise = bytes(range(256)) * 4096
    whole = gzip.compress(noise, 0)
    (tmp_path / "x.log.gz").write_bytes(whole[: len(whole) // 2])
    (item,) = find(tmp_path / "x.log.gz").items
    buffer = bytearray(len(noise))
    with open_item(item, tmp_path / "scratch") as stream:
        count = stream.readinto(buffer)  # type: ignore[attr-defined]
        assert buffer[:count] == noise[:count]
        assert count > len(noise) // 3
        with pytest.raises(Unreadable, match="too early"):
            stream.read(1)


def test_tar_keeps_times_and_zip_does_not(find: Find, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(as_tar({"a.log": b"1"}))
    (tmp_path / "x.zip").write_bytes(as_zip({"a.log": b"1"}))
    tar, zipped = find(tmp_path / "x.tar", tmp_path / "x.zip").items
    assert tar.modified == datetime.fromtimestamp(1_614_744_000, UTC)
    assert zipped.modified is None


def test_links_and_devices_in_a_tar_are_gaps(find: Find, tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo(f"member-{kind!r}")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("a.log"))
    (tmp_path / "x.tar").write_bytes(data.getvalue())
    found = find(tmp_path / "x.tar")
    assert [item.member for item in found.items] == ["a.log"]
    assert {gap.place.split()[0] for gap in found.gaps} == {"2"}
    assert len(found.gaps) == 2


def test_long_names_in_every_tar_dialect(find: Find, contents: Read, tmp_path: Path) -> None:
    long = "/".join(["folder"] * 30) + "/ünïcode.log"
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        (tmp_path / "x.tar").write_bytes(as_tar({long: b"1", "b.log": b"2"}, kind))
        assert contents(find(tmp_path / "x.tar")) == {f"x.tar!{long}": b"1", "x.tar!b.log": b"2"}


def test_a_tar_header_damaged_in_the_middle_is_a_gap(find: Find, tmp_path: Path) -> None:
    data = bytearray(as_tar({"a.log": b"1", "b.log": b"2", "c.log": b"3"}))
    data[1024 + 150] ^= 0xFF  # the checksum of the second header
    (tmp_path / "x.tar").write_bytes(data)
    found = find(tmp_path / "x.tar")
    assert [item.member for item in found.items] == ["a.log"]
    assert "may be missing" in found.gaps[0].reason


# --- zip


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def test_encrypted_members_are_named_as_such(find: Find, tmp_path: Path) -> None:
    data = bytearray(as_zip({"data.zip": b"x" * 50, "metadata.json": b"{}"}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 8] |= 1  # flag bit 0
    data[entry + 10 : entry + 12] = struct.pack("<H", 99)  # AES
    (tmp_path / "Collection-EX01-2024-11-05T17_45_36Z.zip").write_bytes(data)
    found = find(tmp_path / "Collection-EX01-2024-11-05T17_45_36Z.zip")
    (gap,) = found.gaps
    assert gap.reason.startswith("encrypted: needs the key")
    assert gap.place == "member data.zip"
    assert found.items[0].claims[0].name == "EX01"


@pytest.mark.parametrize("method", [1, 6, 14, 93, 95, 98])
def test_unknown_compression_methods_are_gaps(find: Find, tmp_path: Path, method: int) -> None:
    data = bytearray(as_zip({"a.log": b"x" * 50}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 10 : entry + 12] = struct.pack("<H", method)
    (tmp_path / "x.zip").write_bytes(data)
    found = find(tmp_path / "x.zip")
    assert not found.items
    assert f"method {method}" in found.gaps[0].reason


def test_bzip2_and_deflate64_members(find: Find, contents: Read, tmp_path: Path) -> None:
    import inflate64

    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.log", b"bzip2\n" * 1000)
    assert contents(find(path)) == {"x.zip!a.log": b"bzip2\n" * 1000}

    plain = b"deflate64 " * 30_000
    deflater = inflate64.Deflater()
    packed = deflater.deflate(plain) + deflater.flush()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("b.log", packed)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, entry + 10, 9)
    struct.pack_into("<LLL", data, entry + 16, zipfile.crc32(plain), len(packed), len(plain))
    path.write_bytes(data)
    assert contents(find(path)) == {"x.zip!b.log": plain}


def test_zip64_members_and_directory(
    find: Find, contents: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.zip"
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("big.log", "w", force_zip64=True) as member:
            member.write(b"x" * 1000)
        for number in range(3):
            archive.writestr(f"{number}/", b"")
    assert b"PK\x06\x06" in path.read_bytes()
    found = find(path)
    assert contents(found) == {"x.zip!big.log": b"x" * 1000}
    assert not found.gaps


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [(16, 1, "CRC-32"), (24, 10, "more than the 10 bytes"), (24, 90, "declares 90")],
)
def test_lies_in_the_directory_are_found_out(
    find: Find, tmp_path: Path, field: int, value: int, reason: str
) -> None:
    data = bytearray(as_zip({"a.log": b"x" * 50}))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + field, value)
    (tmp_path / "x.zip").write_bytes(data)
    found = find(tmp_path / "x.zip")
    reasons = [gap.reason for gap in found.gaps]
    for item in found.items:
        with pytest.raises(Unreadable) as caught, open_item(item, tmp_path / "s") as stream:
            while stream.read(7):
                pass
        reasons.append(caught.value.reason)
    assert any(reason in one for one in reasons)


def test_bytes_around_a_zip_are_not_passed_over(find: Find, contents: Read, tmp_path: Path) -> None:
    inner = as_zip({"a.log": b"1"})
    (tmp_path / "x.zip").write_bytes(as_zip({"hidden.log": b"2"}) + inner + b"tail")
    found = find(tmp_path / "x.zip")
    assert contents(found) == {"x.zip!a.log": b"1"}
    reasons = " ".join(gap.reason for gap in found.gaps)
    assert "before the archive's first entry" in reasons
    assert "4 bytes after the archive's end" in reasons


def test_a_zip_without_its_directory_is_a_gap(find: Find, tmp_path: Path) -> None:
    data = as_zip(FILES)
    (tmp_path / "x.zip").write_bytes(data[: data.index(b"PK\x01\x02")])
    found = find(tmp_path / "x.zip")
    assert not found.items
    assert "cut short" in found.gaps[0].reason


def test_a_link_in_a_zip_is_a_gap(find: Find, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    found = find(tmp_path / "x.zip")
    assert not found.items
    assert "link" in found.gaps[0].reason


# --- 7z, and what is not opened


def test_encrypted_7z_is_named_as_such(find: Find, tmp_path: Path) -> None:
    for header in (False, True):
        data = as_7z({"a.log": b"x"}, password="secret", header_encryption=header)
        (tmp_path / "x.7z").write_bytes(data)
        found = find(tmp_path / "x.7z")
        assert not found.items
        assert any(gap.reason.startswith("encrypted: needs the key") for gap in found.gaps)


def test_a_damaged_7z_says_which_members_are_lost(find: Find, tmp_path: Path) -> None:
    data = bytearray(as_7z({"a.log": b"abc" * 9000, "b.log": b"xyz" * 9000}))
    data[60] ^= 0xFF
    (tmp_path / "x.7z").write_bytes(data)
    found = find(tmp_path / "x.7z")
    lost = [gap for gap in found.gaps if gap.reason.startswith("not unpacked")]
    assert len(found.items) + sum(1 if "member " in gap.place else 2 for gap in lost) == 2
    assert lost


@pytest.mark.parametrize("method", [py7zr.FILTER_DEFLATE, py7zr.FILTER_ZSTD])
def test_7z_methods_whose_memory_has_no_bound_are_refused(
    find: Find, tmp_path: Path, method: int
) -> None:
    (tmp_path / "x.7z").write_bytes(as_7z({"a.log": b"x" * 99}, filters=[{"id": method}]))
    found = find(tmp_path / "x.7z")
    assert not found.items
    assert "not supported" in " ".join(gap.reason for gap in found.gaps)


@pytest.mark.parametrize("method", [py7zr.FILTER_COPY, py7zr.FILTER_BZIP2, py7zr.FILTER_LZMA])
def test_other_7z_methods_are_read(find: Find, contents: Read, tmp_path: Path, method: int) -> None:
    (tmp_path / "x.7z").write_bytes(as_7z(FILES, filters=[{"id": method}]))
    assert sorted(contents(find(tmp_path / "x.7z")).values()) == sorted(FILES.values())


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [
        ("x", b"Rar!\x1a\x07\x00", "RAR"),
        ("x", b"vhdxfile" + bytes(99), "VHDX"),
        ("x", b"\x28\xb5\x2f\xfd" + bytes(99), "zstd"),
        ("x", b"EVF\x09\x0d\x0a\xff\x00", "EnCase"),
        ("EX01_20240105101112.tar.enc", b"\x8b\x01\x02\x03", "encrypted: needs the key"),
    ],
)
def test_containers_we_cannot_open_are_gaps(
    find: Find, tmp_path: Path, name: str, head: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(head)
    found = find(tmp_path / name)
    assert not found.items
    assert reason in found.gaps[0].reason


def test_a_name_that_promises_an_archive_raises_a_doubt(find: Find, tmp_path: Path) -> None:
    (tmp_path / "u_ex.log.gz").write_bytes(b"#Software: unpacked but not renamed")
    found = find(tmp_path / "u_ex.log.gz")
    assert len(found.items) == 1
    assert "named like an archive" in found.gaps[0].reason


# --- limits


def test_depth(find: Find, contents: Read, tmp_path: Path) -> None:
    data = as_zip({"core.log": b"deep"})
    for number in range(4):
        data = as_zip({f"{number}.zip": data, f"{number}.log": b"beside"})
    (tmp_path / "x.zip").write_bytes(data)
    found = find(tmp_path / "x.zip")
    assert len(found.items) == 4
    assert "nested deeper than the limit of 4" in found.gaps[0].reason
    assert "core.log" in " ".join(contents(find(tmp_path / "x.zip", limits=Limits(depth=5))))


@pytest.mark.parametrize("name", CONTAINERS)
def test_total_bytes(find: Find, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTAINERS[name]({f"{n}.log": b"x" * 9000 for n in range(9)}))
    found = find(tmp_path / name, limits=Limits(total_bytes=20_000))
    if name.endswith(".tar"):  # read in place: nothing is unpacked
        assert len(found.items) == 9
    else:
        assert len(found.items) <= 2
        assert any("limit of 20,000" in gap.reason for gap in found.gaps)


@pytest.mark.parametrize("name", [name for name in CONTAINERS if not name.endswith(".tar")])
def test_ratio(find: Find, contents: Read, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTAINERS[name]({"zeros.log": bytes(2_000_000)}))
    limits = Limits(ratio=50, ratio_free_bytes=100_000)
    found = find(tmp_path / name, limits=limits)
    assert not found.items or len(contents(found)) == 0 or found.gaps
    assert any("50 times its size" in gap.reason for gap in found.gaps)


def test_ratio_of_a_single_compressed_log_is_watched_while_reading(
    find: Find, tmp_path: Path
) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes(5_000_000)))
    limits = Limits(ratio=50, ratio_free_bytes=1_000_000)
    (item,) = find(tmp_path / "x.gz", limits=limits).items
    size = 0
    with (
        pytest.raises(Unreadable, match="50 times"),
        open_item(item, tmp_path / "scratch", limits=limits) as stream,
    ):
        while data := stream.read(100_000):
            size += len(data)
    assert size < 3_000_000


def test_entries(find: Find, tmp_path: Path) -> None:
    for name, make in CONTAINERS.items():
        (tmp_path / name).write_bytes(make({f"{n}.log": b"" for n in range(30)}))
        found = find(tmp_path / name, limits=Limits(entries=10))
        assert len(found.items) < 10
        assert any("limit of 10 entries" in gap.reason for gap in found.gaps), name
