"""Files appear whole or not at all."""

import os

import pytest

from afterpatch.model.errors import UsageError
from afterpatch.report.atomic import write_atomically


def test_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupt_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "report.html"
    path.write_bytes(b"old")

    def interrupted(_):
        raise error

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(error):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_refuses_links_and_folders(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"keep")
    (tmp_path / "link").symlink_to(other)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("link", "dangling", "folder"):
        with pytest.raises(UsageError):
            write_atomically(tmp_path / name, b"new")
    assert other.read_bytes() == b"keep"
    assert not (tmp_path / "nowhere").exists()


def test_a_new_file_has_the_user_s_own_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
