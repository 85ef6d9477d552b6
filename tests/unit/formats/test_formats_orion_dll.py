"""The carrier DLL of SUNBURST as a fact."""

import hashlib
import io
import struct

from afterpatch.formats.inventory_csv import read as read_inventory
from afterpatch.formats.orion_dll import read
from afterpatch.formats.registry import recognise
from afterpatch.model.places import Item

PATH = "C:/Program Files (x86)/SolarWinds/Orion/SolarWinds.Orion.Core.BusinessLayer.dll"


def item(origin=PATH):
    return Item(origin, None, origin, "ROOT", (origin,), 0)


def small_pe(stamp: int) -> bytes:
    """Headers of a PE file without sections."""
    dos = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 0, stamp, 0, 0, 224, 0x2102)
    optional = struct.pack("<H", 0x10B) + bytes(222)
    return dos + coff + optional + bytes(512)


def facts(data: bytes):
    (piece,) = read(io.BytesIO(data), item())
    return piece.facts[0], piece.gaps


def test_hash_and_compile_time():
    data = small_pe(1585039954)
    fact, gaps = facts(data)
    assert (fact.name, fact.value) == ("orion.dll", hashlib.sha256(data).hexdigest())
    assert fact.detail == {"compiled": "2020-03-24T08:52:34Z"}
    assert gaps == ()


def test_what_is_no_pe_keeps_its_hash_and_is_a_gap():
    fact, gaps = facts(b"MZ not a program")
    assert fact.value == hashlib.sha256(b"MZ not a program").hexdigest()
    assert "not a readable PE" in gaps[0].reason


def test_only_the_carrier_is_taken():
    assert recognise(small_pe(1), item())[0].kind == "orion-dll"
    assert recognise(small_pe(1), item("C:/x/other.dll"))[0] is None


def test_an_inventory_may_list_orion_releases():
    text = b"host,version,hotfix,date\norion1,2020.2,1,2020-05-20\norion2,2020.2.1 HF2,,\nx,7,,\n"
    (piece,) = read_inventory(io.BytesIO(text), item("list.csv"))
    assert [(f.name, f.value, f.detail["host"]) for f in piece.facts] == [
        ("orion.release", "2020.2 HF1", "orion1"),
        ("orion.release", "2020.2.1 HF2", "orion2"),
    ]
    assert len(piece.gaps) == 1


def test_a_file_too_large_to_hash_whole_has_no_hash(monkeypatch):
    monkeypatch.setattr("afterpatch.formats.orion_dll.MAX_BYTES", 16)
    (piece,) = read(io.BytesIO(b"MZ" + bytes(30)), item())
    assert piece.facts == ()
    assert [gap.reason for gap in piece.gaps] == ["too large: its hash is not known"]
