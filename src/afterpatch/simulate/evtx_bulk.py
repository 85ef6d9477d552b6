"""Windows event logs by the gigabyte, for benchmarks: dense files, a mix of kinds, few hits.

Kinds and their shares follow what a workstation with Sysmon and audited logons writes: mostly
modules loaded, registry values set, processes accessed and started, logons. Values repeat as they
do in life: few users and images, many command lines and handles.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

from afterpatch.simulate import evtx as write
from afterpatch.simulate import evtx_parts as parts
from afterpatch.simulate.evtx_events import Event, instance
from afterpatch.simulate.evtx_parts import Value

FILE_MEGABYTES: Final = 20
_START: Final = datetime(2021, 3, 1, tzinfo=UTC)
_SYSMON: Final = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
_SECURITY: Final = ("Security", "Microsoft-Windows-Security-Auditing")
_HOST: Final = "ws01.contoso.local"
_PROGRAMS: Final = tuple(
    f"C:\\{folder}\\{name}.exe"
    for folder in ("Windows\\System32", "Program Files\\Contoso\\Suite", "Windows\\SysWOW64")
    for name in ("svchost", "taskhostw", "conhost", "msedge", "outlook", "agent", "update")
)  # fmt: skip
_USERS: Final = ("NT AUTHORITY\\SYSTEM", *(f"CONTOSO\\user{number:02}" for number in range(40)))


def _guid(dice: Random) -> Value:
    return 0x0F, dice.randbytes(16)


def _utc(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}.{when.microsecond // 1000:03}"


def _process(when: datetime, dice: Random) -> Event:
    image, parent = dice.choice(_PROGRAMS), dice.choice(_PROGRAMS)
    options = " ".join(f"/{dice.choice('abcdefgh')}:{dice.randrange(9_999)}" for _ in range(4))
    data: dict[str, str | Value] = {
        "RuleName": "-", "UtcTime": _utc(when), "ProcessGuid": _guid(dice),
        "ProcessId": parts.number(dice.randrange(400, 30_000)), "Image": image,
        "FileVersion": "10.0.17763.1", "Description": "-", "Product": "-", "Company": "-",
        "OriginalFileName": image.rpartition("\\")[2], "CommandLine": f'"{image}" {options}',
        "CurrentDirectory": "C:\\Windows\\system32\\", "User": dice.choice(_USERS),
        "LogonGuid": _guid(dice), "LogonId": parts.number(dice.randrange(1 << 24), 0x15),
        "TerminalSessionId": parts.number(dice.randrange(3)), "IntegrityLevel": "System",
        "Hashes": f"SHA256={dice.randbytes(32).hex().upper()}", "ParentProcessGuid": _guid(dice),
        "ParentProcessId": parts.number(dice.randrange(400, 30_000)), "ParentImage": parent,
        "ParentCommandLine": f"{parent} -k netsvcs -p -s {dice.randrange(99)}",
    }  # fmt: skip
    return Event(when, *_SYSMON, 1, _HOST, data)


def _module(when: datetime, dice: Random) -> Event:
    data: dict[str, str | Value] = {
        "RuleName": "-", "UtcTime": _utc(when), "ProcessGuid": _guid(dice),
        "ProcessId": parts.number(dice.randrange(400, 30_000)), "Image": dice.choice(_PROGRAMS),
        "ImageLoaded": f"C:\\Windows\\System32\\module{dice.randrange(400)}.dll",
        "FileVersion": "10.0.17763.1", "Hashes": f"MD5={dice.randrange(400):032X}",
        "Signed": "true", "Signature": "Microsoft Windows", "SignatureStatus": "Valid",
    }  # fmt: skip
    return Event(when, *_SYSMON, 7, _HOST, data)


def _access(when: datetime, dice: Random) -> Event:
    data: dict[str, str | Value] = {
        "RuleName": "-", "UtcTime": _utc(when), "SourceProcessGUID": _guid(dice),
        "SourceProcessId": parts.number(dice.randrange(400, 30_000)),
        "SourceThreadId": parts.number(dice.randrange(400, 30_000)),
        "SourceImage": dice.choice(_PROGRAMS), "TargetProcessGUID": _guid(dice),
        "TargetProcessId": parts.number(dice.randrange(400, 30_000)),
        "TargetImage": dice.choice(_PROGRAMS), "GrantedAccess": parts.number(0x1400, 0x14),
        "CallTrace": "|".join(
            f"C:\\Windows\\System32\\module{dice.randrange(40)}.dll+{dice.randrange(1 << 16):x}"
            for _ in range(4)
        ),
    }  # fmt: skip
    return Event(when, *_SYSMON, 10, _HOST, data)


def _registry(when: datetime, dice: Random) -> Event:
    data: dict[str, str | Value] = {
        "RuleName": "-", "EventType": "SetValue", "UtcTime": _utc(when), "ProcessGuid": _guid(dice),
        "ProcessId": parts.number(dice.randrange(400, 30_000)), "Image": dice.choice(_PROGRAMS),
        "TargetObject": f"HKLM\\SOFTWARE\\Contoso\\Suite\\Key{dice.randrange(5_000)}\\Value",
        "Details": f"DWORD (0x{dice.randrange(1 << 12):08x})",
    }  # fmt: skip
    return Event(when, *_SYSMON, 13, _HOST, data)


def _logon(when: datetime, dice: Random) -> Event:
    name = dice.choice(_USERS).rpartition("\\")[2]
    data: dict[str, str | Value] = {
        "SubjectUserSid": parts.sid("S-1-5-18"), "SubjectUserName": "WS01$",
        "SubjectDomainName": "CONTOSO", "SubjectLogonId": parts.number(0x3E7, 0x15),
        "TargetUserSid": parts.sid(f"S-1-5-21-1-2-3-{1_100 + dice.randrange(40)}"),
        "TargetUserName": name, "TargetDomainName": "CONTOSO",
        "TargetLogonId": parts.number(dice.randrange(1 << 30), 0x15),
        "LogonType": parts.number(dice.choice((2, 3, 5, 7))), "LogonProcessName": "Advapi  ",
        "AuthenticationPackageName": "Negotiate", "WorkstationName": "-", "LogonGuid": _guid(dice),
        "TransmittedServices": "-", "LmPackageName": "-", "KeyLength": parts.number(0),
        "ProcessId": parts.number(0x2A8, 0x15), "ProcessName": dice.choice(_PROGRAMS),
        "IpAddress": f"192.0.2.{dice.randrange(254)}", "IpPort": str(dice.randrange(1 << 16)),
    }  # fmt: skip
    return Event(when, *_SECURITY, 4624, _HOST, data)


_KINDS: Final[tuple[Callable[[datetime, Random], Event], ...]] = (
    _process, _module, _module, _module, _access, _access, _registry, _registry, _registry, _logon,
)  # fmt: skip


def write_evtx_bulk(out: Path, megabytes: int, seed: str = "evtx") -> int:
    """Write this many megabytes (10^6 bytes) of logs below ``out``; how many events they hold."""
    out.mkdir(parents=True, exist_ok=True)
    record, left, number = 1, megabytes * 1_000_000, 0
    while left > 0:
        most = min(left, FILE_MEGABYTES * 1_000_000) // write.CHUNK_BYTES + 1
        records = _records(Random(f"{seed}-{number}"), number)
        chunks = list(islice(write.chunks(records, record), most))
        before, record = record, _next_record(chunks[-1])
        path = out / f"Sysmon-{number:04}.evtx"
        path.write_bytes(write.header(len(chunks), record) + b"".join(chunks))
        left -= len(chunks) * write.CHUNK_BYTES
        number += 1
        assert record > before
    return record - 1


def _records(dice: Random, number: int) -> Iterator[tuple[datetime, Callable[[int], parts.Body]]]:
    when = _START + timedelta(hours=number)
    while True:
        when += timedelta(milliseconds=dice.randrange(200))
        event = dice.choice(_KINDS)(when, dice)
        yield when, lambda record, event=event: instance(event, record)  # type: ignore[misc]


def _next_record(chunk: bytes) -> int:
    return int.from_bytes(chunk[16:24], "little") + 1
