"""Inventories of machines: CSV, Active Directory exports, SWIS answers, put together."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.formats.machine_list import merge, read_machines

GUID = "6f1d2c3b-0000-4000-8000-0123456789ab"


def machines(*texts):
    parts = []
    for text in texts:
        listing = read_machines(io.BytesIO(text.encode()), "list")
        assert listing.gaps == ()
        parts += listing.parts
    return merge(parts)


def test_csv_with_several_cards_in_a_cell():
    (machine,) = machines(
        f"Host;Domain;MachineGuid;MACs\norion1;corp.example;{{{GUID}}};00:50:56:aa:00:01, 0050.56aa.0002\n"
    )
    assert (machine.name, machine.domain, machine.guid) == ("orion1", "corp.example", GUID)
    assert machine.macs == ("005056AA0001", "005056AA0002")


def test_one_row_per_card_and_files_for_parts():
    (machine,) = machines(
        "hostname,mac address\norion1,00-50-56-AA-00-01\norion1,00-50-56-AA-00-02\n",
        'dNSHostName,distinguishedName\norion1.corp.example,"CN=ORION1,OU=Servers,DC=corp,DC=example"\n',
        f"computer,machineguid\nORION1,{GUID}\n",
    )
    assert (machine.name, machine.domain, machine.guid, len(machine.macs)) == (
        "orion1.corp.example",
        "corp.example",
        GUID,
        2,
    )


def test_a_netbios_domain_is_not_used():
    (machine,) = machines("host,domain\norion1.corp.example,CORP\n")
    assert machine.domain == "corp.example"


def test_a_short_name_of_two_machines_stays_apart():
    found = machines("host\na.one.example\na.two.example\na\n")
    assert [machine.name for machine in found] == ["a", "a.one.example", "a.two.example"]


def test_swis_answers():
    text = '{"results":[{"SysName":"orion1","MAC":["005056AA0001"]},{"SysName":"orion1","MAC":"005056AA0002"}]}'
    assert machines(text)[0].macs == ("005056AA0001", "005056AA0002")
    assert machines('{"host":"a"}\n{"host":"b"}\n')[1].name == "b"


def test_what_is_not_read_is_a_gap():
    for text in (
        "host,mac\n,00:50:56:aa:00:01\n",
        "host,mac\na\n",
        '[{"x":1},2]',
        '{"host":"a"}\n{oops\n',
    ):
        assert read_machines(io.BytesIO(text.encode()), "list").gaps


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text('[]{}",:host\n', max_size=99).map(str.encode))
def test_any_bytes_are_read(data):
    merge(read_machines(io.BytesIO(data), "list").parts)
