"""Files whose content is scanned: all of it, or it is said."""

import random
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from afterpatch.evidence.discover import discover
from afterpatch.model.campaigns import RuleText
from afterpatch.model.readings import Reading
from afterpatch.pipeline import unit
from afterpatch.pipeline.engines import HuntRules
from afterpatch.pipeline.unit import Rules, read_units

RULE = 'rule marked { strings: $a = "evil marker" condition: $a }'
YARA = HuntRules(yara=(RuleText("rules.yar", "yara", RULE),))


def read(path: Path, scratch: Path, size_bytes: int | None = None) -> Reading:
    """``size_bytes``: what is said of the size of each item, where that is wrong."""
    items = discover([str(path)], scratch).items
    if size_bytes is not None:
        items = tuple(replace(item, size_bytes=size_bytes) for item in items)
    (reading,) = read_units(items, Rules((), (), (), (), YARA).build(), scratch)
    return reading


def test_a_damaged_member_is_not_scanned_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "evidence.zip"
    text = random.Random(1).randbytes(3_000_000) + b"evil marker"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("note.bin", text)
    data = bytearray(path.read_bytes())
    data[-1_000] ^= 0xFF
    path.write_bytes(data)
    reading = read(path, tmp_path / "scratch")
    assert [gap.source for gap in reading.gaps] == ["evidence.zip!note.bin"]
    assert reading.hunted is not None
    assert [gap.reason.partition(":")[0] for gap in reading.hunted.gaps] == [
        "not scanned with YARA"
    ]


@pytest.mark.parametrize("said_bytes", [-2, -1, 0, 5, 3_000_000, 1 << 40])
def test_a_size_is_not_believed(tmp_path: Path, said_bytes: int) -> None:
    path = tmp_path / "note.bin"
    data = bytes(2_500_000) + b"evil marker"
    path.write_bytes(data)
    reading = read(path, tmp_path / "scratch", said_bytes)
    assert reading.source.sha256 == sha256(data).hexdigest()
    assert reading.hunted is not None
    assert [total.count for total in reading.hunted.sums.values()] == [1]
    assert reading.gaps == reading.hunted.gaps == ()


def test_what_is_too_large_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "MAX_CONTENT_BYTES", 1_000)
    path = tmp_path / "note.bin"
    for size, is_scanned in ((1_000, True), (1_001, False)):
        data = b"evil marker".rjust(size, b"-")
        path.write_bytes(data)
        reading = read(path, tmp_path / "scratch")
        assert reading.source.sha256 == sha256(data).hexdigest()
        assert reading.hunted is not None
        assert bool(reading.hunted.sums) == is_scanned
        assert bool(reading.hunted.gaps) != is_scanned
