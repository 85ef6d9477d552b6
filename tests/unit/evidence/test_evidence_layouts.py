"""Each collector's layout: which host, by which witness, and where each file was."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from afterpatch.evidence.discover import Discovery
from afterpatch.evidence.layouts.names import host_in, is_generic
from afterpatch.evidence.layouts.registry import LAYOUTS
from afterpatch.model.places import HostClaim, Item

Find = Callable[..., Discovery]
Zip = Callable[..., Path]
Lay = Callable[..., Path]
LOG = "inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"


def names(item: Item) -> list[tuple[int, str]]:
    return [(claim.trust, claim.name) for claim in item.claims]


def by_origin(found: Discovery) -> dict[str, list[Item]]:
    origins: dict[str, list[Item]] = {}
    for item in found.items:
        origins.setdefault(item.origin, []).append(item)
    return origins


# --- KAPE

CONSOLE = (
    "KAPE version 1.3.0.2\r\nKAPE directory: C:\\kape\r\n"
    "System info: Machine name: EX01, 64-bit: True, User: admin OS: Windows10\r\n"
)
COPYLOG = (
    "CopiedTimestamp,SourceFile,DestinationFile,FileSize,SourceFileSha1,DeferredCopy,"
    "CreatedOnUtc,ModifiedOnUtc,LastAccessedOnUtc,CopyDuration\r\n"
    f"2021-03-14 07:00:00.0000000,C:\\{LOG},X:\\C\\x,3,da39,False,"
    "2021-03-03 00:00:00.0000000,2021-03-03 04:05:06.1234567,2021-03-03 05:00:00.0000000,1\r\n"
).replace("/", "\\")


def kape_files(stamp: str = "2021-03-14T07_00_00_1234567") -> dict[str, bytes]:
    return {
        f"C/{LOG}": b"log",
        f"VSS1/C/{LOG}": b"older",
        f"{stamp}_ConsoleLog.txt": CONSOLE.encode(),
        f"{stamp}_ExchangeLogs_CopyLog.csv": b"\xef\xbb\xbf" + COPYLOG.encode(),
        f"{stamp}_ExchangeLogs_SkipLog.csv.csv": b"",
    }


def test_kape_folder(find: Find, folder: Lay, tmp_path: Path) -> None:
    folder(tmp_path / "evidence", kape_files())
    found = find()
    copies = by_origin(found)[f"C:/{LOG}"]
    assert [item.path for item in copies] == [f"evidence/C/{LOG}", f"evidence/VSS1/C/{LOG}"]
    assert {item.root for item in found.items} == {"evidence"}
    assert (90, "EX01") in names(copies[0])
    assert copies[0].modified == datetime(2021, 3, 3, 4, 5, 6, 123456, UTC)
    assert not found.gaps


def test_kape_zip_with_its_logs_beside_it(
    find: Find, folder: Lay, zipped: Zip, tmp_path: Path
) -> None:
    stamp = "2021-03-14T07_00_00_1234567"
    files = kape_files(stamp)
    logs = {name: data for name, data in files.items() if name.startswith("2021")}
    folder(tmp_path / "evidence", logs)
    data = {name: data for name, data in files.items() if not name.startswith("2021")}
    zipped(tmp_path / "evidence" / "2021-03-14T070000_ExchangeLogs_MAIL9.zip", data)
    zipped(tmp_path / "evidence" / "2021-03-15T080000_ExchangeLogs_MAIL8.zip", data)
    found = find()
    claims = {item.root: names(item) for item in found.items if item.member}
    assert list(claims.values()) == [[(90, "EX01"), (40, "MAIL9")], [(40, "MAIL8")]]


def test_kape_zip_known_by_its_comment(find: Find, zipped: Zip, tmp_path: Path) -> None:
    path = zipped(tmp_path / "case.zip", {f"C/{LOG}": b"log"}, b"Created by KAPE version 1.3.0.2")
    found = find(path)
    assert any("KAPE" in notice.text for notice in found.notices)


# --- Velociraptor

UPLOADS = "uploads/auto/C%3A/inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"
VSS = (
    "uploads/ntfs_vss/%5C%5C%3F%5CGLOBALROOT%5CDevice%5CHarddiskVolumeShadowCopy1/"
    "inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"
)


def velociraptor_files(info: object) -> dict[str, bytes]:
    return {
        "uploads.json": b"{}\n",
        "client_info.json": json.dumps(info).encode(),
        UPLOADS: b"log",
        UPLOADS.replace("auto/C%3A", "ntfs/%5C%5C.%5CC%3A"): b"log",
        VSS: b"older",
        "results/Windows.EventLogs.json": b"{}\n",
    }


@pytest.mark.parametrize(
    ("info", "claims"),
    [
        ({"Hostname": "EX01"}, [(90, "EX01")]),
        (
            {"hostname": "EX01", "fqdn": "ex01.corp.example"},
            [(90, "EX01"), (90, "ex01.corp.example")],
        ),
        ([{"Hostname": "EX01", "OS": "windows"}], [(90, "EX01")]),
        ({"client_id": "C.1", "os_info": {"hostname": "EX01"}}, [(90, "EX01")]),
        ({"Hostname": 17}, []),
        ("nonsense", []),
    ],
)
def test_velociraptor_collection(
    find: Find, zipped: Zip, tmp_path: Path, info: object, claims: list[tuple[int, str]]
) -> None:
    path = zipped(
        tmp_path / "Collection-mail-07-2024-11-05T17_45_36Z.zip", velociraptor_files(info)
    )
    found = find(path)
    assert sorted(names(found.items[0])) == sorted([*claims, (40, "mail-07")])
    assert len(by_origin(found)[f"C:/{LOG}"]) == 3
    assert "results/Windows.EventLogs.json" in by_origin(found)


def test_velociraptor_unpacked(find: Find, folder: Lay, tmp_path: Path) -> None:
    folder(tmp_path / "evidence" / "any name", velociraptor_files({"Hostname": "EX01"}))
    found = find()
    assert {item.root for item in found.items} == {"evidence/any name"}
    assert found.items[0].claims[0].name == "EX01"


def test_velociraptor_hunt_has_one_root_per_client(find: Find, zipped: Zip, tmp_path: Path) -> None:
    files = {"hunt_info.json": b"{}", "results/All Windows.EventLogs.json": b"{}\n"}
    for host, client in (("EX01", "C.0123456789abcdef"), ("EX02", "C.fedcba9876543210")):
        info = velociraptor_files({"hostname": host})
        files |= {f"{host.lower()}-{client}/{name}": data for name, data in info.items()}
    found = find(zipped(tmp_path / "hunt.zip", files))
    roots = {item.root: item.claims[0].name for item in found.items if item.claims}
    assert roots == {
        "hunt.zip!ex01-C.0123456789abcdef": "EX01",
        "hunt.zip!ex02-C.fedcba9876543210": "EX02",
    }
    assert not any("All Windows" in item.name for item in found.items)
    assert any(notice.topic == "duplicate" for notice in found.notices)


def test_attacker_text_in_a_manifest_stays_text(find: Find, zipped: Zip, tmp_path: Path) -> None:
    evil = '"\n{{7*7}} ${x} <script> ../../x =HYPERLINK()'
    found = find(zipped(tmp_path / "c.zip", velociraptor_files({"Hostname": evil})))
    assert found.items[0].claims[0].name == evil


# --- UAC, acquire, CyLR


def test_uac(find: Find, folder: Lay, zipped: Zip, tmp_path: Path) -> None:
    name = "uac-web-srv-01-linux-20240105101112"
    folder(tmp_path / "evidence", {f"{name}.log": b"Hostname: web-srv-01.example\nx: y\n"})
    zipped(
        tmp_path / "evidence" / f"{name}.zip",
        {
            "uac.log": b"",
            "[root]/var/log/syslog": b"x",
            "[root]/etc/hostname": b"web-srv-01\n",
            "live_response/process/ps.txt": b"",
        },
    )
    found = find()
    items = by_origin(found)
    assert "live_response/process/ps.txt" in items
    assert names(items["/var/log/syslog"][0]) == [
        (90, "web-srv-01.example"),
        (80, "web-srv-01"),
        (40, "web-srv-01"),
    ]


def test_acquire(find: Find, zipped: Zip, tmp_path: Path) -> None:
    files = {
        f"fs/C:/{LOG}": b"log",
        "fs/sysvol/Windows/x": b"",
        "fs/$rootfs$/etc/x": b"",
        "fs/$fs$/fs0/y": b"",
        "EX01_20240105101112.report.json": b"{}",
    }
    found = find(zipped(tmp_path / "EX01_20240105101112.zip", files))
    assert {(40, "EX01")} == set(names(found.items[0]))
    assert {f"C:/{LOG}", "C:/Windows/x", "/etc/x", "$fs$/fs0/y"} < set(by_origin(found))


def test_acquire_report_beside_and_legacy_sysvol(
    find: Find, folder: Lay, zipped: Zip, tmp_path: Path
) -> None:
    folder(tmp_path / "evidence", {"MX_2_20240105101112.report.json": b"{}"})
    zipped(tmp_path / "evidence" / "MX_2_20240105101112.zip", {"sysvol/Windows/x": b""})
    item = by_origin(find())["C:/Windows/x"][0]
    assert {claim.name for claim in item.claims} == {"MX_2"}
    assert any("report" in claim.witness for claim in item.claims)


def test_cylr(find: Find, zipped: Zip, tmp_path: Path) -> None:
    found = find(zipped(tmp_path / "EX01.zip", {f"C/{LOG}": b"log", "C/Windows/y": b""}))
    assert names(found.items[0]) == [(40, "EX01")]
    assert f"C:/{LOG}" in by_origin(found)
    unix = find(zipped(tmp_path / "web.zip", {"etc/passwd": b"", "var/log/syslog": b""}))
    assert "/var/log/syslog" in by_origin(unix)


def test_hive_outweighs_the_archive_name(
    find: Find, zipped: Zip, hive: Callable[..., bytes], tmp_path: Path
) -> None:
    files = {f"C/{LOG}": b"log", "C/Windows/System32/config/SYSTEM": hive("EX77")}
    found = find(zipped(tmp_path / "renamed.zip", files))
    assert names(found.items[0]) == [(80, "EX77"), (40, "renamed")]
    assert isinstance(found.items[0].claims[0], HostClaim)
    assert not found.gaps


def test_a_broken_hive_is_a_gap(find: Find, zipped: Zip, tmp_path: Path) -> None:
    files = {f"C/{LOG}": b"log", "C/Windows/System32/config/SYSTEM": b"regf"}
    found = find(zipped(tmp_path / "EX01.zip", files))
    (gap,) = found.gaps
    assert "config/SYSTEM" in gap.source
    assert "host" in gap.reason


# --- names


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("Collection-ex01_corp_local-2021-03-14T07_00_00Z", "ex01_corp_local"),
        ("Collection-my-host-2021-03-14T07-00-00", "my-host"),
        ("ex-01-C.0123456789abcdef", "ex-01"),
        ("uac-a-b-linux-20240105101112", "a-b"),
        ("DFIR-ORC_Server_EX01.corp_Main", "EX01.corp"),
        ("2025-06-21T205150_EX01", "EX01"),
        ("2025-06-21T205150_KapeTriage_EX01", "EX01"),
        ("ex_01_20240105101112", "ex_01"),
        ("EX01", "EX01"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_host_in_a_collection_name(name: str, host: str) -> None:
    assert host_in(name) == host


def test_words_for_logs_are_no_hosts() -> None:
    assert all(
        map(
            is_generic,
            ["iis_logs", "W3SVC1", "HttpProxy", "logs", "2021-03", "IIS", "nginx", "apache2"],
        )
    )
    assert not any(map(is_generic, ["EX01", "web01", "server", "mail-logs-ex01", "срв", "交换"]))


def test_layouts_have_distinct_names() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)
