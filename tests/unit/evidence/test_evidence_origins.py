"""Paths as the machine had them."""

import pytest

from afterpatch.evidence.origins import from_anchor, from_drive, from_velociraptor, is_host_anchor


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("C/inetpub/logs/x.log", "C:/inetpub/logs/x.log"),
        ("c/inetpub/x.log", "C:/inetpub/x.log"),
        ("D:/Exchange/x.log", "D:/Exchange/x.log"),
        ("C_/Windows/x", "C:/Windows/x"),
        ("VSS1/C/Windows/x", "C:/Windows/x"),
        ("VSS12/Windows/x", "C:/Windows/x"),
        ("vss3/D/Logs/x", "D:/Logs/x"),
        ("logs/x.log", "logs/x.log"),
        ("C", "C"),
        ("", ""),
    ],
)
def test_drive_folders_become_drives(path: str, origin: str) -> None:
    assert from_drive(path) == origin


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("%5C%5C.%5CC%3A/Windows/System32/x", "C:/Windows/System32/x"),
        ("C%3A/inetpub/logs/a%20b.log", "C:/inetpub/logs/a b.log"),
        ("C:/inetpub/x", "C:/inetpub/x"),
        (
            "%5C%5C%3F%5CGLOBALROOT%5CDevice%5CHarddiskVolumeShadowCopy3/Windows/x",
            "C:/Windows/x",
        ),
        ("%5C%5C.%5CGLOBALROOT%5CDevice%5CHarddiskVolumeShadowCopy1/x", "C:/x"),
        ("var/log/%2Ebash_history", "/var/log/.bash_history"),
        ("etc", "/etc"),
    ],
)
def test_velociraptor_escapes_are_undone(path: str, origin: str) -> None:
    assert from_velociraptor(path) == origin


@pytest.mark.parametrize(
    ("path", "holder", "origin"),
    [
        ("inetpub/logs/LogFiles/W3SVC1/x.log", "EX01", "inetpub/logs/LogFiles/W3SVC1/x.log"),
        ("copy/inetpub/logs/x.log", "EX01", "inetpub/logs/x.log"),
        ("copy/C/inetpub/x.log", "EX01", "C:/inetpub/x.log"),
        ("C/inetpub/x.log", "EX01", "C:/inetpub/x.log"),
        ("x.log", "W3SVC2", "W3SVC2/x.log"),
        ("Ecp/x.log", "HttpProxy", "HttpProxy/Ecp/x.log"),
        ("inetpub/x.log", "C", "C:/inetpub/x.log"),
        ("notes/x.log", "EX01", "notes/x.log"),
        ("W3SVC1/x.log", "EX01", "W3SVC1/x.log"),
    ],
)
def test_plain_copies_start_at_a_known_folder(path: str, holder: str, origin: str) -> None:
    assert from_anchor(path, holder) == origin


def test_server_folders_are_known() -> None:
    assert all(map(is_host_anchor, ["Inetpub", "C", "D:", "W3SVC12", "Program Files", "HttpProxy"]))
    assert not any(map(is_host_anchor, ["EX01", "hosts", "W3SVCx", "", "notes"]))
