"""Host IDs and the machines that make them."""

from hashlib import md5

from afterpatch.detect.sunburst.attribution import attribute, host_id_of
from afterpatch.model.machines import Machine

GUID = "6f1d2c3b-0000-4000-8000-0123456789ab"
MACS = ("005056AA0001", "005056AA0002")
MACHINE = Machine("orion1", "corp.example", GUID, MACS)


def test_the_halves_of_the_hash_are_folded():
    digest = md5(b"005056AA0002corp.example" + GUID.encode()).digest()
    wanted = bytes(a ^ b for a, b in zip(digest[:8], digest[8:], strict=True)).hex()
    assert host_id_of(MACS[1], "corp.example", GUID) == wanted


def test_every_card_is_tried():
    for mac in MACS:
        made = host_id_of(mac, "corp.example", GUID)
        (owner,) = attribute([made], [MACHINE]).owners
        assert (owner.machine, owner.mac) == (MACHINE, mac)


def test_an_id_of_seven_bytes_is_enough():
    made = host_id_of(MACS[0], "corp.example", GUID)
    assert attribute([made[:14]], [MACHINE]).owners[0].host_id == made[:14]


def test_case_of_domain_and_guid_is_forgiven():
    made = host_id_of(MACS[0], "corp.example", GUID)
    written = Machine("orion1", "CORP.Example", GUID.upper(), MACS)
    assert attribute([made], [written]).owners


def test_a_domain_read_from_labels_serves_machines_without_one():
    made = host_id_of(MACS[0], "corp.example", GUID)
    bare = Machine("orion1", "", GUID, MACS)
    assert attribute([made], [bare]).incomplete == (("orion1", "domain"),)
    result = attribute([made], [bare], ["corp.example"])
    assert result.owners[0].domain == "corp.example"
    assert result.incomplete == ()


def test_strangers_and_incomplete_machines_are_told():
    result = attribute(["00" * 8], [MACHINE, Machine("x", "corp.example")])
    assert result.owners == ()
    assert result.nobody == ("00" * 8,)
    assert result.incomplete == (("x", "MAC, MachineGuid"),)
