"""The small parts: limits, sniffing, tree, account, spool, decoders, slices."""

import bz2
import gzip
import io
import lzma
from pathlib import Path

import pytest

from afterpatch.evidence.account import Account
from afterpatch.evidence.decoders import bzip2_decoder, decode, gzip_decoder, zip_decoder
from afterpatch.evidence.limits import Budget, Limits, Unreadable
from afterpatch.evidence.locators import open_locator, packed_locator, slice_locator
from afterpatch.evidence.sniff import closed, container, inner_name, misnamed
from afterpatch.evidence.spool import Spool
from afterpatch.evidence.tree import File, Folder, split_name
from afterpatch.model.places import Gap, Notice

# --- limits


def test_ratio_is_asked_only_beyond_the_free_bytes() -> None:
    limits = Limits(ratio=10, ratio_free_bytes=1000)
    limits.check_member(1000, 1)
    limits.check_member(5000, 500)
    with pytest.raises(Unreadable, match="10 times"):
        limits.check_member(5001, 500)


def test_a_budget_counts_what_it_grants() -> None:
    budget = Budget(Limits(total_bytes=10, entries=1))
    budget.take_bytes(10)
    with pytest.raises(Unreadable):
        budget.take_bytes(1)
    assert budget.total_bytes == 10
    budget.take_entry()
    with pytest.raises(Unreadable):
        budget.take_entry()


# --- sniff


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PK\x03\x04", "zip"),
        (b"PK\x05\x06" + bytes(18), "zip"),
        (gzip.compress(b"x"), "gzip"),
        (bz2.compress(b"x"), "bzip2"),
        (bz2.compress(b""), "bzip2"),
        (lzma.compress(b"x"), "xz"),
        (bytes(257) + b"ustar\0", "tar"),
        (b"BZh is how this log starts", None),
        (b"PK", None),
        (b"#Software: Microsoft Internet Information Services", None),
        (b"", None),
    ],
)
def test_containers_are_known_by_their_bytes(head: bytes, kind: str | None) -> None:
    assert container(head) == kind
    assert not closed(head, "x.log")


def test_names_only_raise_doubts() -> None:
    assert misnamed("X.ZIP")
    assert not misnamed("zip.log")
    assert closed(b"anything", "x.tar.enc")


@pytest.mark.parametrize(
    ("name", "kind", "inner"),
    [
        ("a.log.gz", "gzip", "a.log"),
        ("a.TGZ", "gzip", "a.tar"),
        ("a.log.xz", "xz", "a.log"),
        ("a.log.gz", "xz", "a.log.gz"),
        (".gz", "gzip", ".gz"),
        ("a", "gzip", "a"),
    ],
)
def test_inner_names(name: str, kind: str, inner: str) -> None:
    assert inner_name(name, kind) == inner  # type: ignore[arg-type]


# --- tree


def test_names_are_split_as_text() -> None:
    assert split_name("a/b\\c.log") == (["a", "b"], "c.log")
    assert split_name("../x") == ([".."], "x")
    assert split_name("/.//") == ([], "(no name)")
    folders, name = split_name("/".join(["a"] * 1000))
    assert len(folders) == 63
    assert "/".join([*folders, name]).count("a") == 1000


def test_stems_lose_archive_endings_only_on_archives() -> None:
    assert Folder("EX01.tar.gz", "x", archive=True).stem == "EX01"
    assert Folder("ex01.corp.zip", "x", archive=True).stem == "ex01.corp"
    assert Folder("EX01.zip", "x").stem == "EX01.zip"
    assert Folder(".zip", "x", archive=True).stem == ".zip"


def test_folders_and_archives_of_one_name_stay_apart() -> None:
    top = Folder("top", "top")
    top.child("a").files.append(File("1", "top/a/1", None, ("1",), 0))
    top.child("a", archive=True).files.append(File("2", "top/a", "2", ("2",), 0))
    assert [one.name for one in top.subfolders()] == ["a"]
    assert [one.name for one in top.archives()] == ["a"]
    assert sorted(file.label for _, file in top.walk()) == ["top/a!2", "top/a/1"]
    assert top.find("A") is top.child("a")


# --- account


def test_one_gap_per_source_and_reason() -> None:
    account = Account()
    for member in ("b", "a", "c"):
        account.lose("x.zip", "encrypted", member)
    account.lose("x.zip", "damaged", "d")
    account.lose("y", "cannot be read")
    for _ in range(2):
        account.remark("layout", "x", "text")
    assert account.gaps() == (
        Gap("x.zip", "3 members, the first is a", "encrypted"),
        Gap("x.zip", "member d", "damaged"),
        Gap("y", "file", "cannot be read"),
    )
    assert account.notices() == (Notice("layout", "x", "text"),)


# --- spool and locators


def test_spooled_files_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "spool-000001").write_bytes(b"another run's")
    spool = Spool(tmp_path, Budget(Limits(total_bytes=5)))
    path, cut = spool.keep(io.BytesIO(b"12345"))
    assert (path.name, cut, path.read_bytes()) == ("spool-000002", "", b"12345")
    _, cut = spool.keep(io.BytesIO(b"6"))
    assert "limit of 5" in cut
    assert (tmp_path / "spool-000001").read_bytes() == b"another run's"


def test_slices_seek_and_end_where_they_should(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"0123456789")
    with open_locator(slice_locator(str(tmp_path / "x"), "m", 2, 5), Limits()) as stream:
        assert stream.read() == b"23456"
        assert stream.seek(-2, io.SEEK_END) == 3
        assert (stream.read(1), stream.tell(), stream.read(), stream.read()) == (b"5", 4, b"6", b"")
        stream.seek(99)
        assert stream.read() == b""
    with open_locator(slice_locator(str(tmp_path / "x"), "m", 8, 5), Limits()) as stream:
        assert stream.read(3) == b"89"
        with pytest.raises(Unreadable, match="ends inside"):
            stream.read(1)


@pytest.mark.parametrize("name", ["nowhere", "", "a\0b", "."])
def test_what_cannot_be_opened_is_unreadable(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable):
        open_locator((f"{tmp_path}/{name}",), Limits())


def test_an_unknown_locator_is_our_own_fault(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"")
    with pytest.raises(ValueError, match="no such locator"):
        open_locator(packed_locator(str(tmp_path / "x"), "m", "rar"), Limits())


def test_decoders_unpack_a_bounded_step_at_a_time() -> None:
    decoder = gzip_decoder()
    packed = gzip.compress(bytes(100_000))
    out = [decode(decoder, packed, 1000)]
    while not decoder.eof:
        out.append(decode(decoder, b"", 1000))
    assert max(map(len, out)) <= 1000
    assert sum(map(len, out)) == 100_000
    with pytest.raises(Unreadable, match="damaged"):
        decode(bzip2_decoder(), b"this is no bzip2", 10)
    assert zip_decoder(77) is None
