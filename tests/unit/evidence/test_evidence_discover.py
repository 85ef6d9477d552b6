"""Paths in, items out."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from afterpatch.evidence.discover import Discovery, discover
from afterpatch.evidence.limits import Limits
from afterpatch.model.errors import UsageError

Find = Callable[..., Discovery]
Zip = Callable[..., Path]
Lay = Callable[..., Path]
Read = Callable[[Discovery], dict[str, bytes]]


def test_a_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        discover([str(tmp_path / "nowhere")], tmp_path / "scratch")


def test_names_start_with_the_last_part_of_the_argument(
    find: Find, folder: Lay, contents: Read, tmp_path: Path
) -> None:
    folder(tmp_path / "a" / "evidence", {"EX01/inetpub/x.log": b"1", "EX02/inetpub/x.log": b"2"})
    folder(tmp_path / "b" / "evidence", {"x.log": b"3"})
    found = find(tmp_path / "a" / "evidence", tmp_path / "b" / "evidence")
    assert contents(found) == {
        "evidence/EX01/inetpub/x.log": b"1",
        "evidence/EX02/inetpub/x.log": b"2",
        "evidence~2/x.log": b"3",
    }
    assert [item.root for item in found.items] == ["evidence/EX01", "evidence/EX02", "evidence~2"]


def test_a_path_given_twice_is_read_once(find: Find, folder: Lay, tmp_path: Path) -> None:
    top = folder(tmp_path / "evidence", {"x.log": b"1"})
    found = find(top, top)
    assert len(found.items) == 1
    assert found.notices[0].topic == "duplicate"


def test_single_files_of_one_folder_are_one_host(find: Find, folder: Lay, tmp_path: Path) -> None:
    top = folder(tmp_path / "EX01", {"a.log": b"1", "b.log": b"2"})
    found = find(top / "a.log", top / "b.log")
    assert [(item.name, item.root) for item in found.items] == [
        ("a.log", "EX01"),
        ("b.log", "EX01"),
    ]
    assert found.items[0].claims[0].name == "EX01"


def test_progress_names_each_archive(find: Find, zipped: Zip, tmp_path: Path) -> None:
    seen: list[str] = []
    zipped(tmp_path / "evidence" / "EX01.zip", {"x.log": b"1"})
    find(on_progress=seen.append)
    assert seen == ["evidence/EX01.zip"]


def test_order_of_creation_does_not_matter(find: Find, folder: Lay, tmp_path: Path) -> None:
    files = {f"EX0{number}/inetpub/{name}.log": b"x" for number in range(4) for name in "abc"}
    folder(tmp_path / "one" / "evidence", files)
    folder(tmp_path / "two" / "evidence", dict(reversed(files.items())))
    first, second = find(tmp_path / "one" / "evidence"), find(tmp_path / "two" / "evidence")
    assert [(item.name, item.origin, item.root, item.claims) for item in first.items] == [
        (item.name, item.origin, item.root, item.claims) for item in second.items
    ]


def test_symbolic_links_are_gaps_and_lead_nowhere(find: Find, folder: Lay, tmp_path: Path) -> None:
    folder(tmp_path / "outside", {"secret.log": b"secret"})
    top = folder(tmp_path / "evidence", {"x.log": b"1"})
    (top / "file.log").symlink_to(tmp_path / "outside" / "secret.log")
    (top / "dir").symlink_to(tmp_path / "outside")
    (top / "loop").symlink_to(top)
    (top / "dangling").symlink_to("nowhere")
    found = find()
    assert [item.name for item in found.items] == ["evidence/x.log"]
    assert {gap.source for gap in found.gaps} == {
        f"evidence/{name}" for name in ("file.log", "dir", "loop", "dangling")
    }


def test_a_link_given_as_argument_is_followed(find: Find, folder: Lay, tmp_path: Path) -> None:
    folder(tmp_path / "real", {"x.log": b"1"})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [item.name for item in find(tmp_path / "link").items] == ["link/x.log"]


def test_special_files_are_gaps(find: Find, folder: Lay, tmp_path: Path) -> None:
    top = folder(tmp_path / "evidence", {"x.log": b"1"})
    os.mkfifo(top / "pipe")
    (gap,) = find().gaps
    assert gap.source == "evidence/pipe"
    assert "pipe" in gap.reason


def test_what_may_not_be_read_is_a_gap(
    find: Find, folder: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path / "evidence", {"closed/x.log": b"1", "y.log": b"2"})
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    (gap,) = find().gaps
    assert gap.source == "evidence/closed"
    assert "permission denied" in gap.reason


def test_scratch_inside_the_evidence_is_left_out(folder: Lay, tmp_path: Path) -> None:
    top = folder(tmp_path / "evidence", {"x.log": b"1", "scratch/spool-000001": b"old"})
    found = discover([str(top)], top / "scratch")
    assert [item.name for item in found.items] == ["evidence/x.log"]


def test_names_that_are_no_utf8_are_shown_and_read(
    find: Find, contents: Read, tmp_path: Path
) -> None:
    (tmp_path / "evidence").mkdir()
    (tmp_path / "evidence" / os.fsdecode(b"x\xff.log")).write_bytes(b"1")
    assert contents(find()) == {"evidence/x\\xff.log": b"1"}


def test_too_many_entries_are_one_gap(find: Find, folder: Lay, tmp_path: Path) -> None:
    folder(tmp_path / "evidence", {f"{number}.log": b"" for number in range(9)})
    found = find(limits=Limits(entries=5))
    assert len(found.items) == 5
    (gap,) = found.gaps
    assert "limit of 5 entries" in gap.reason
    assert gap.source == "evidence"


def test_two_members_of_one_name_are_two_items(find: Find, tmp_path: Path, contents: Read) -> None:
    import warnings
    import zipfile

    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a.log", b"1")
        archive.writestr("a.log", b"2")
    assert contents(find(tmp_path / "x.zip")) == {"x.zip!a.log": b"1", "x.zip!a.log~2": b"2"}


def test_public_samples_are_all_found(find: Find, public_data: Path) -> None:
    found = find(public_data / "exchange")
    assert len(found.items) > 10
    assert not found.gaps
