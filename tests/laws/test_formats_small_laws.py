"""Laws every small format keeps: content never raises, and no record goes missing."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats import (
    directory_listing,
    evtx,
    healthchecker,
    iis_config,
    inventory_csv,
    registry_export,
    web_file,
    windows_json,
)
from afterpatch.model.places import Item

MODULES = (
    directory_listing, evtx, healthchecker, iis_config, inventory_csv, registry_export, web_file,
    windows_json,
)  # fmt: skip
SEEDS = {
    directory_listing: b" Directory of C:\\x\n\n03/02/2021  10:15 PM             1,234 a.aspx\n",
    evtx: b"ElfFile\0" + b"\0" * 4088 + b"ElfChnk\0" + b"\1" * 600,
    healthchecker: b'<Objs><Obj><Props><S N="ServerName">a</S></Props></Obj></Objs>',
    iis_config: b'<configuration><x><rule name="a"/></x></configuration>',
    inventory_csv: b"host,build\nMX01,15.1.2176.2\nMX02,15.1.2176.9\n",
    registry_export: b'REGEDIT4\n[HKEY\\Software\\Microsoft\\Cryptography]\n"MachineGuid"="a"\n',
    web_file: b'<preserve virtualPath="/a" assembly="b"/>',
    windows_json: b'{"EventID": 1, "Channel": "System", "TimeCreated": "2021-03-02T00:00:00Z"}\n',
}
origins = st.sampled_from(["C:/inetpub/wwwroot/web.config", "C:/a.compiled", "C:/a.evtx", "x"])


def check(module, data, origin):
    item = Item("x", None, origin, "x", ("x",), len(data))
    module.FORMAT.recognise(data[:65_536], item)
    for piece in module.FORMAT.read(io.BytesIO(data), item, None):
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert sum(batch.frame.height for batch in piece.batches) == piece.events


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.FORMAT.kind)
@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), origin=origins)
def test_any_bytes_are_read_without_raising(module, data, origin):
    check(module, data, origin)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.FORMAT.kind)
@settings(max_examples=60, deadline=None)
@given(damage=st.data())
def test_damaged_files_are_read_without_raising(module, damage):
    data = bytearray(SEEDS[module] * damage.draw(st.integers(1, 3)))
    for _ in range(damage.draw(st.integers(0, 4))):
        data[damage.draw(st.integers(0, len(data) - 1))] = damage.draw(st.integers(0, 255))
    cut = damage.draw(st.integers(0, len(data)))
    check(module, bytes(data[:cut]), damage.draw(origins))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["host", "MX01", "15.1.2176.2", "", '"', ",", "2021-03-01"])))
def test_every_inventory_line_is_accounted_for(words):
    text = "host,build\n" + "\n".join(words)
    item = Item("x", None, "x", "x", ("x",), 0)
    [piece] = inventory_csv.FORMAT.read(io.BytesIO(text.encode()), item, None)
    assert piece.records == len(text.removesuffix("\n").split("\n"))
