"""Opening items, here and in another process."""

import gzip
import io
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from afterpatch.evidence.discover import Discovery
from afterpatch.evidence.hashing import digest_of
from afterpatch.evidence.limits import Unreadable
from afterpatch.evidence.opening import open_item
from afterpatch.model.places import Item

Find = Callable[..., Discovery]


def digest_elsewhere(item: Item, scratch: Path) -> tuple[str, int]:
    with open_item(item, scratch) as stream:
        return digest_of(stream)


def test_an_item_is_all_another_process_needs(
    find: Find, zipped: Callable[..., Path], tmp_path: Path
) -> None:
    path = zipped(tmp_path / "x.zip", {"a.log": b"evidence"})
    (item,) = pickle.loads(pickle.dumps(find(path).items))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        elsewhere = pool.submit(digest_elsewhere, item, tmp_path / "scratch").result()
    assert elsewhere == digest_of(io.BytesIO(b"evidence"))


def test_a_seekable_copy_is_gone_afterwards(
    find: Find, zipped: Callable[..., Path], tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    (item,) = find(zipped(tmp_path / "x.zip", {"a.evtx": b"evidence"})).items
    with open_item(item, scratch, seekable=True) as stream:
        stream.seek(-3, io.SEEK_END)
        assert stream.read() == b"nce"
        assert len(list(scratch.iterdir())) == 1
    assert not list(scratch.iterdir())


def test_evidence_that_vanished_is_unreadable(find: Find, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_bytes(b"1")
    (item,) = find(tmp_path / "x.log").items
    (tmp_path / "x.log").unlink()
    with pytest.raises(Unreadable, match="cannot be opened"), open_item(item, tmp_path):
        pass


def test_a_damaged_item_does_not_open_seekable(find: Find, tmp_path: Path) -> None:
    packed = gzip.compress(bytes(range(256)) * 1000)
    (tmp_path / "x.evtx.gz").write_bytes(packed[:-20])
    (item,) = find(tmp_path / "x.evtx.gz").items
    with pytest.raises(Unreadable), open_item(item, tmp_path / "s", seekable=True):
        pass
    assert not list((tmp_path / "s").iterdir())


def test_a_member_can_be_read_line_by_line(
    find: Find, zipped: Callable[..., Path], tmp_path: Path
) -> None:
    (item,) = find(zipped(tmp_path / "x.zip", {"a.log": b"one\ntwo\n"})).items
    with open_item(item, tmp_path / "scratch") as stream:
        assert list(stream) == [b"one\n", b"two\n"]
