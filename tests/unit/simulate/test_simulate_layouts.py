import json
import zipfile

import pytest

from afterpatch.simulate.write import write_server


@pytest.mark.parametrize(
    ("layout", "file", "prefix"),
    [
        ("zip", "EX01.zip", "EX01/C/inetpub/"),
        ("cylr", "EX01.zip", "C/inetpub/"),
        ("kape", "2021-03-02T000000_EX01.zip", "C/inetpub/"),
        ("velociraptor", "Collection-EX01-2021-03-02T00_00_00Z.zip", "uploads/auto/C%3A/inetpub/"),
    ],
)
def test_archive_names_and_members(make_plan, tmp_path, layout, file, prefix):
    label = write_server(make_plan(layout=layout), tmp_path)
    assert label.path == file
    assert [path.name for path in tmp_path.iterdir()] == [file]
    names = zipfile.ZipFile(tmp_path / file).namelist()
    assert any(name.startswith(prefix) for name in names)
    assert len(names) == len(set(names))


def test_tools_leave_their_marks(make_plan, tmp_path):
    kape = zipfile.ZipFile(tmp_path / write_server(make_plan(layout="kape"), tmp_path).path)
    assert kape.comment.startswith(b"Created by KAPE")
    console = next(name for name in kape.namelist() if name.endswith("_ConsoleLog.txt"))
    assert b"Machine name: EX01\r\n" in kape.read(console)
    copied = next(name for name in kape.namelist() if name.endswith("_CopyLog.csv"))
    assert b"C:\\inetpub\\logs\\LogFiles\\W3SVC1\\u_ex210301.log" in kape.read(copied)
    path = tmp_path / write_server(make_plan(layout="velociraptor"), tmp_path).path
    client = json.loads(zipfile.ZipFile(path).read("client_info.json"))
    assert client["Hostname"] == "EX01"


def test_same_plan_same_archive(make_plan, tmp_path):
    found = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        path = folder / write_server(make_plan(layout="kape"), folder).path
        found.append(path.read_bytes())
    assert found[0] == found[1]
