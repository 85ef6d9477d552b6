"""Lists of machines and addresses."""

import io

from afterpatch.formats import machine_csv
from afterpatch.formats.registry import recognise
from afterpatch.model.places import Item

ITEM = Item("m.csv", None, "C:/m.csv", "r", ("m.csv",), 1)


def read(text: str):
    (piece,) = machine_csv.read(io.BytesIO(text.encode()), ITEM)
    return piece


def test_every_address_of_a_row_is_a_fact():
    piece = read("host,ip,mac\nsrv1,10.0.0.5 2001:DB8::1,005056A1B2C3\n")
    assert [(f.value, f.detail["host"]) for f in piece.facts] == [
        ("10.0.0.5", "srv1"),
        ("2001:db8::1", "srv1"),
    ]
    assert not piece.gaps


def test_rows_without_host_or_address_are_gaps():
    piece = read("host,ip\n,10.0.0.5\nsrv1,nowhere\nsrv2,10.0.0.6\n")
    assert [f.detail["host"] for f in piece.facts] == ["srv2"]
    assert sum(gap.records for gap in piece.gaps) == 2
    assert piece.records == piece.skipped + sum(gap.records for gap in piece.gaps)


def test_a_log_with_such_columns_is_no_list():
    assert machine_csv.recognise(b"host,ip,mac\na,1.2.3.4,\n", ITEM) == "header"
    assert machine_csv.recognise(b"time,host,ip\n2021,a,1.2.3.4\n", ITEM) == ""
    assert machine_csv.recognise(b"host,version\na,1\n", ITEM) == ""


def test_list_with_builds_is_an_inventory_first():
    known, _ = recognise(b"host,ip,version\na,1.2.3.4,2020.2.5300.12432\n", ITEM)
    assert known is not None
    assert known.kind == "inventory-csv"


def test_a_list_longer_than_any_fleet_is_not_held_whole(monkeypatch):
    monkeypatch.setattr(machine_csv, "MAX_FACTS", 2)
    piece = read("host,ip\na,10.0.0.1\nb,10.0.0.2 10.0.0.3\nc,10.0.0.4\n")
    assert [fact.value for fact in piece.facts] == ["10.0.0.1", "10.0.0.4"]
    assert sum(gap.records for gap in piece.gaps) == 1
    assert piece.records == piece.skipped + sum(gap.records for gap in piece.gaps)
