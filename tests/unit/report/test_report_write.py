"""The report folder holds three names and nothing else."""

import pytest

from afterpatch.model.errors import UsageError
from afterpatch.report.write import NAMES, write_reports


def test_writes_the_three_reports(doc, tmp_path):
    folder = tmp_path / "deep" / "report"
    paths = write_reports(doc, folder)
    assert paths == [folder / name for name in NAMES]
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert all(path.stat().st_size > 500 for path in paths)


def test_writing_again_gives_the_same_bytes(doc, tmp_path):
    first = [path.read_bytes() for path in write_reports(doc, tmp_path)]
    assert [path.read_bytes() for path in write_reports(doc, tmp_path)] == first


@pytest.mark.parametrize("name", NAMES)
def test_one_planted_link_and_nothing_is_written(doc, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("keep")
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / name).symlink_to(victim)
    with pytest.raises(UsageError, match="symbolic link"):
        write_reports(doc, folder)
    assert victim.read_text() == "keep"
    assert [path.name for path in folder.iterdir()] == [name]


def test_refuses_a_linked_folder_and_a_file(doc, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        with pytest.raises(UsageError):
            write_reports(doc, tmp_path / name)
    assert list((tmp_path / "real").iterdir()) == []
