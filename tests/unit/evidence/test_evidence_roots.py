"""Which folder or archive is a host of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from afterpatch.evidence.discover import Discovery

Find = Callable[..., Discovery]
LOG = "inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"


@pytest.mark.parametrize(
    ("files", "roots"),
    [
        ([LOG, "Windows/x"], {"case"}),
        (["x.log", "deep/er/y.log"], {"case"}),
        ([f"EX01/{LOG}", f"EX02/C/{LOG}"], {"case/EX01", "case/EX02"}),
        ([f"hosts/EX01/C/{LOG}", f"hosts/EX02/C/{LOG}"], {"case/hosts/EX01", "case/hosts/EX02"}),
        (["EX01/iis/a.log", "EX01/HttpProxy/Ecp/b.log", "EX01/misc/c.log"], {"case/EX01"}),
        (["EX01/x.evtx", "EX02/y.evtx"], {"case/EX01", "case/EX02"}),
        (["EX01/a.txt", "EX02/b.txt"], {"case/EX01", "case/EX02"}),
        ([f"EX01/{LOG}", "EX02/only/notes.txt"], {"case/EX01", "case/EX02"}),
        (["W3SVC1/x.log"], {"case"}),
        (["notes.txt"], {"case"}),
        ([f"EX01/{LOG}", "inventory.csv"], {"case/EX01", "case"}),
        (["logs/a.log", "EX01/b.log"], {"case", "case/EX01"}),
    ],
)
def test_folders(
    find: Find, folder: Callable[..., Path], tmp_path: Path, files: list[str], roots: set[str]
) -> None:
    folder(tmp_path / "case", dict.fromkeys(files, b"x"))
    found = find(tmp_path / "case")
    assert {item.root for item in found.items} == roots
    assert len(found.items) == len(files)


@pytest.mark.parametrize(
    ("archives", "roots"),
    [
        ({"EX01.zip": ["x.log"], "EX02.zip": ["x.log"]}, {"case/EX01.zip", "case/EX02.zip"}),
        ({"EX01/iis.zip": ["x.log"], "EX01/evtx_2021.zip": ["y.evtx"]}, {"case/EX01"}),
        ({"EX01/EX01-iis.zip": ["x.log"], "EX01/EX01_evtx.zip": ["y.evtx"]}, {"case/EX01"}),
        ({"EX01/EX010.zip": ["x.log"]}, {"case/EX01/EX010.zip"}),
        (
            {"zips/EX01.zip": [LOG], "zips/EX02.zip": [LOG]},
            {"case/zips/EX01.zip", "case/zips/EX02.zip"},
        ),
        ({"all.zip": [f"EX01/{LOG}", f"EX02/{LOG}"]}, {"case/all.zip!EX01", "case/all.zip!EX02"}),
        ({"EX01.zip": [f"EX01/{LOG}"]}, {"case/EX01.zip"}),
        ({"EX01.zip": ["logs/x.log"]}, {"case/EX01.zip"}),
        ({"EX01.zip": ["unknown.bin"], "EX02.zip": [LOG]}, {"case/EX01.zip", "case/EX02.zip"}),
        ({"EX01.zip": ["unknown.bin"]}, {"case/EX01.zip"}),
    ],
)
def test_archives(
    find: Find,
    zipped: Callable[..., Path],
    tmp_path: Path,
    archives: dict[str, list[str]],
    roots: set[str],
) -> None:
    for name, members in archives.items():
        zipped(tmp_path / "case" / name, dict.fromkeys(members, b"x"))
    assert {item.root for item in find(tmp_path / "case").items} == roots


def test_a_host_folder_owns_the_archives_below_it(
    find: Find, folder: Callable[..., Path], zipped: Callable[..., Path], tmp_path: Path
) -> None:
    folder(tmp_path / "case", {f"EX01/{LOG}": b"x"})
    zipped(tmp_path / "case/EX01/inetpub/old.zip", {"u_ex210101.log": b"y"})
    found = find(tmp_path / "case")
    assert {item.root for item in found.items} == {"case/EX01"}
    assert {item.origin for item in found.items} == {LOG, "inetpub/old.zip/u_ex210101.log"}


def test_a_collection_in_a_host_folder_speaks_for_itself(
    find: Find, folder: Callable[..., Path], zipped: Callable[..., Path], tmp_path: Path
) -> None:
    folder(tmp_path / "case", {f"EX01/{LOG}": b"x"})
    zipped(
        tmp_path / "case/EX01/Collection-EX09-2024-11-05T17_45_36Z.zip",
        {"uploads.json": b"", "uploads/auto/C%3A/x": b"", "client_info.json": b"{}"},
    )
    claims = {item.root: item.claims[0].name for item in find(tmp_path / "case").items}
    assert sorted(claims.values()) == ["EX01", "EX09"]


def test_a_collection_beside_its_side_log_is_its_own_host(
    find: Find, folder: Callable[..., Path], zipped: Callable[..., Path], tmp_path: Path
) -> None:
    zipped(tmp_path / "case" / "EX01.zip", {LOG: b"x"})
    zipped(tmp_path / "case" / "EX02.zip", {LOG: b"x"})
    folder(tmp_path / "case", {"EX01.log": b"collector said", "EX02.log": b"collector said"})
    roots = [item.root for item in find(tmp_path / "case").items if item.member]
    assert roots == ["case/EX01.zip", "case/EX02.zip"]
