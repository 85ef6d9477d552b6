"""Windows events as JSON lines in the flat shape that log shippers write.

Field names and message texts follow the events of a public ProxyLogon laboratory run (OTRF
Security-Datasets, MIT); every value is invented. ``skew_hours`` reproduces that file's trap:
``TimeCreated`` says ``Z`` but holds local time, while Sysmon's ``UtcTime`` is right.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

import orjson

from afterpatch.simulate.csvtext import stamp
from afterpatch.simulate.dice import guid
from afterpatch.simulate.scenario import ServerPlan

SECURITY: Final = "Security"
APPLICATION: Final = "Application"
SYSTEM: Final = "System"
MANAGEMENT: Final = "MSExchange Management"
SYSMON: Final = "Microsoft-Windows-Sysmon/Operational"
CHANNELS: Final = (SECURITY, APPLICATION, SYSTEM, MANAGEMENT, SYSMON)

_PROVIDER_GUIDS: Final = {
    "Microsoft-Windows-Sysmon": "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
    "Microsoft-Windows-Security-Auditing": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
    "Microsoft-Windows-IIS-W3SVC-WP": "{670080D9-742A-4187-8D16-41143D1290BD}",
    "Service Control Manager": "{555908D1-A6D7-4695-8E1E-26931D2012F4}",
}
_KEYWORDS: Final = {SECURITY: "0x8020000000000000", SYSMON: "0x8000000000000000"}
OWA_POOL: Final = (
    'c:\\windows\\system32\\inetsrv\\w3wp.exe -ap "MSExchangeOWAAppPool" -v "v4.0" -c '
    '"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\bin\\'
    'GenericAppPoolConfigWithGCServerEnabledFalse.config"'
)
W3WP: Final = "C:\\Windows\\System32\\inetsrv\\w3wp.exe"


def file_name(channel: str) -> str:
    """``Sysmon.jsonl`` for ``Microsoft-Windows-Sysmon/Operational``."""
    return ("Sysmon" if channel == SYSMON else channel) + ".jsonl"


def event(
    plan: ServerPlan,
    when: datetime,
    channel: str,
    provider: str,
    number: int,
    level: int,
    message: str,
    data: Mapping[str, str],
    task: int = 0,
) -> str:
    """One event as a JSON line without its end."""
    created = stamp(when + timedelta(hours=plan.skew_hours))
    record: dict[str, str | int] = {"SourceName": provider}
    if provider in _PROVIDER_GUIDS:
        record["ProviderGuid"] = _PROVIDER_GUIDS[provider]
    audit = channel == SECURITY
    record |= {
        "Level": "0" if audit else str(level),
        "Keywords": _KEYWORDS.get(channel, "0x80000000000000"),
        "Channel": channel,
        "Hostname": plan.fqdn,
        "TimeCreated": created,
        "@timestamp": created,
        "EventID": number,
        "Message": message,
        "Task": str(task),
    }
    return orjson.dumps(record | dict(data)).decode()


def _sysmon_time(when: datetime) -> str:
    return when.isoformat(" ", "milliseconds")[:23]


def _process_guid(rng: Random) -> str:
    return "{" + guid(rng).upper() + "}"


def _sysmon(
    plan: ServerPlan, when: datetime, number: int, title: str, data: Mapping[str, str]
) -> str:
    fields = {"RuleName": "-", "UtcTime": _sysmon_time(when), **data}
    message = f"{title}:\r\n" + "\r\n".join(f"{name}: {value}" for name, value in fields.items())
    provider = "Microsoft-Windows-Sysmon"
    return event(plan, when, SYSMON, provider, number, 4, message, fields, number)


def file_created(
    plan: ServerPlan, when: datetime, rng: Random, target: str, image: str = "System"
) -> str:
    """Sysmon 11. A shell dropped through the OAB reset is written by ``System`` (PID 4)."""
    data = {
        "ProcessGuid": _process_guid(rng),
        "ProcessId": "4" if image == "System" else str(rng.randrange(800, 29_000)),
        "Image": image,
        "TargetFilename": target,
        "CreationUtcTime": _sysmon_time(when),
    }
    return _sysmon(plan, when, 11, "File created", data)


def process_created(
    plan: ServerPlan,
    when: datetime,
    rng: Random,
    image: str,
    command: str,
    parent: str,
    parent_command: str,
    user: str = "NT AUTHORITY\\SYSTEM",
) -> str:
    """Sysmon 1."""
    data = {
        "ProcessGuid": _process_guid(rng),
        "ProcessId": str(rng.randrange(800, 29_000)),
        "Image": image,
        "FileVersion": "10.0.14393.0 (rs1_release.160715-1616)",
        "Description": "-",
        "Product": "Microsoft® Windows® Operating System",
        "Company": "Microsoft Corporation",
        "OriginalFileName": image.rsplit("\\", 1)[-1],
        "CommandLine": command,
        "CurrentDirectory": "c:\\windows\\system32\\inetsrv\\",
        "User": user,
        "LogonGuid": _process_guid(rng),
        "LogonId": "0x3e7",
        "TerminalSessionId": "0",
        "IntegrityLevel": "System",
        "Hashes": f"SHA256={rng.getrandbits(256):064X}",
        "ParentProcessGuid": _process_guid(rng),
        "ParentProcessId": str(rng.randrange(800, 29_000)),
        "ParentImage": parent,
        "ParentCommandLine": parent_command,
    }
    return _sysmon(plan, when, 1, "Process Create", data)


def _machine(plan: ServerPlan) -> dict[str, str]:
    return {
        "SubjectUserSid": "S-1-5-18",
        "SubjectUserName": f"{plan.name}$",
        "SubjectDomainName": plan.netbios,
        "SubjectLogonId": "0x3e7",
    }


def process_audited(
    plan: ServerPlan, when: datetime, rng: Random, image: str, command: str, parent: str
) -> str:
    """Security 4688."""
    data = _machine(plan) | {
        "NewProcessId": hex(rng.randrange(800, 29_000)),
        "NewProcessName": image,
        "TokenElevationType": "%%1936",
        "ProcessId": hex(rng.randrange(800, 29_000)),
        "CommandLine": command,
        "TargetUserSid": "S-1-0-0",
        "TargetUserName": "-",
        "TargetDomainName": "-",
        "TargetLogonId": "0x0",
        "ParentProcessName": parent,
        "MandatoryLabel": "S-1-16-16384",
    }
    message = (
        "A new process has been created.\r\n\r\nCreator Subject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n"
        f"\tAccount Name:\t\t{plan.name}$\r\n\r\nProcess Information:\r\n"
        f"\tNew Process Name:\t{image}\r\n\tCreator Process Name:\t{parent}\r\n"
        f"\tProcess Command Line:\t{command}\r\n"
    )
    provider = "Microsoft-Windows-Security-Auditing"
    return event(plan, when, SECURITY, provider, 4688, 0, message, data, 13312)


def share_access(plan: ServerPlan, when: datetime, rng: Random, relative: str) -> str:
    """Security 5145: the machine account writes through its own C$ share."""
    data = _machine(plan) | {
        "ObjectType": "File",
        "IpAddress": "127.0.0.1",
        "IpPort": str(rng.randrange(20_000, 60_000)),
        "ShareName": "\\\\*\\C$",
        "ShareLocalPath": "\\??\\C:\\",
        "RelativeTargetName": relative,
        "AccessMask": "0x2",
        "AccessList": "%%4417\n\t\t\t\t",
        "AccessReason": "-",
    }
    message = (
        "A network share object was checked to see whether client can be granted desired access."
        "\r\n\t\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n"
        f"\tAccount Name:\t\t{plan.name}$\r\n\tAccount Domain:\t\t{plan.netbios}\r\n\r\n"
        "Network Information:\t\r\n\tObject Type:\t\tFile\r\n"
        "\tSource Address:\t\t127.0.0.1\r\n\t\r\n"
        "Share Information:\r\n\tShare Name:\t\t\\\\*\\C$\r\n\tShare Path:\t\t\\??\\C:\\\r\n"
        f"\tRelative Target Name:\t{relative}\r\n\r\nAccess Request Information:\r\n"
        "\tAccess Mask:\t\t0x2\r\n\tAccesses:\t\tWriteData (or AddFile)\r\n"
    )
    provider = "Microsoft-Windows-Security-Auditing"
    return event(plan, when, SECURITY, provider, 5145, 0, message, data, 12811)


def cmdlet(plan: ServerPlan, when: datetime, name: str, parameters: str, ok: bool = True) -> str:
    """MSExchange Management 1 (done) or 6 (failed). "suceeded" is Microsoft's own spelling."""
    verb = "suceeded" if ok else "failed"
    message = f"Cmdlet {verb}. Cmdlet {name}, parameters {parameters}."
    provider = "MSExchange CmdletLogs"
    number, level = (1, 4) if ok else (6, 2)
    return event(plan, when, MANAGEMENT, provider, number, level, message, {}, 1)


def application(
    plan: ServerPlan, when: datetime, provider: str, number: int, level: int, message: str
) -> str:
    """An event of the Application channel."""
    return event(plan, when, APPLICATION, provider, number, level, message, {}, 1)


def service(plan: ServerPlan, when: datetime, name: str, state: str) -> str:
    """System 7036: a service changed state."""
    message = f"The {name} service entered the {state} state."
    data = {"param1": name, "param2": state}
    return event(plan, when, SYSTEM, "Service Control Manager", 7036, 4, message, data)


def service_installed(plan: ServerPlan, when: datetime, name: str, image: str) -> str:
    """System 7045: a service was installed."""
    message = (
        "A service was installed in the system.\r\n\r\n"
        f"Service Name:  {name}\r\nService File Name:  {image}\r\nService Type:  user mode service"
        "\r\nService Start Type:  auto start\r\nService Account:  LocalSystem"
    )
    data = {
        "ServiceName": name,
        "ImagePath": image,
        "ServiceType": "user mode service",
        "StartType": "auto start",
        "AccountName": "LocalSystem",
    }
    return event(plan, when, SYSTEM, "Service Control Manager", 7045, 4, message, data)


def logon(plan: ServerPlan, when: datetime, rng: Random, user: str) -> str:
    """Security 4624: a network logon."""
    data = {
        "SubjectUserSid": "S-1-0-0",
        "SubjectUserName": "-",
        "TargetUserSid": f"S-1-5-21-{rng.getrandbits(31)}-1000",
        "TargetUserName": user,
        "TargetDomainName": plan.netbios,
        "TargetLogonId": hex(rng.getrandbits(24)),
        "LogonType": "3",
        "LogonProcessName": "Kerberos",
        "AuthenticationPackageName": "Kerberos",
        "IpAddress": plan.address,
        "IpPort": str(rng.randrange(20_000, 60_000)),
    }
    provider = "Microsoft-Windows-Security-Auditing"
    message = f"An account was successfully logged on.\r\n\r\n\tAccount Name:\t\t{user}\r\n"
    return event(plan, when, SECURITY, provider, 4624, 0, message, data, 12544)
