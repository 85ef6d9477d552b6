"""Which Sigma log source a Windows event belongs to, and Sigma's names for its fields: tables.

In: channel, provider, event id, registry event type. Out: one :class:`Logsource`. A category is
given only where the channel *and* the provider are the right ones, and a service only where the
event id is not another provider's own, because event ids repeat across providers. Names follow the
SigmaHQ taxonomy (sigma-specification, appendix "taxonomy") and the services its rules use.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from afterpatch.model.batches import Logsource

SYSMON: Final = "microsoft-windows-sysmon/operational"

SERVICES: Final[Mapping[str, tuple[str, ...]]] = {
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "application": ("Application",),
    "application-experience": (
        "Microsoft-Windows-Application-Experience/Program-Telemetry",
        "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
    ),
    "applocker": (
        "Microsoft-Windows-AppLocker/MSI and Script",
        "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    "dns-client": (
        "Microsoft-Windows-DNS Client Events/Operational",
        "Microsoft-Windows-DNS-Client/Operational",
    ),
    "dns-server": ("DNS Server",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "hyper-v-worker": ("Microsoft-Windows-Hyper-V-Worker",),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "kernel-event-tracing": ("Microsoft-Windows-Kernel-EventTracing",),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "microsoft-servicebus-client": (
        "Microsoft-ServiceBus-Client",
        "Microsoft-ServiceBus-Client/Admin",
        "Microsoft-ServiceBus-Client/Operational",
    ),
    "msexchange-management": ("MSExchange Management",),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "openssh": ("OpenSSH/Operational",),
    "powershell": ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"),
    "powershell-classic": ("Windows PowerShell",),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "security": ("Security",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
    ),
    "sense": ("Microsoft-Windows-SENSE/Operational",),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "sysmon": ("Microsoft-Windows-Sysmon/Operational",),
    "system": ("System",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "terminalservices-localsessionmanager": (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    ),
    "vhdmp": ("Microsoft-Windows-VHDMP/Operational",),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
}

SERVICE_OF_CHANNEL: Final[Mapping[str, str]] = {
    channel.casefold(): service for service, channels in SERVICES.items() for channel in channels
}

# Only where an export left the channel out: providers that write to exactly one channel.
CHANNEL_OF_PROVIDER: Final[Mapping[str, str]] = {
    "microsoft-windows-sysmon": "Microsoft-Windows-Sysmon/Operational",
    "microsoft-windows-security-auditing": "Security",
    "microsoft-windows-powershell": "Microsoft-Windows-PowerShell/Operational",
    "powershell": "Windows PowerShell",
    "service control manager": "System",
    "msexchange cmdletlogs": "MSExchange Management",
    "microsoft-windows-windows defender": "Microsoft-Windows-Windows Defender/Operational",
    "microsoft-windows-taskscheduler": "Microsoft-Windows-TaskScheduler/Operational",
    "microsoft-windows-wmi-activity": "Microsoft-Windows-WMI-Activity/Operational",
    "microsoft-windows-bits-client": "Microsoft-Windows-Bits-Client/Operational",
    "microsoft-windows-codeintegrity": "Microsoft-Windows-CodeIntegrity/Operational",
}
# Where a collector keeps what others sent: says nothing about the log an event was written to.
_COLLECTED: Final = "forwardedevents"


class Owner(NamedTuple):
    """Event ids (both ends included) that only these providers write in a service's channels."""

    first: int
    last: int
    providers: tuple[str, ...]


_ANY_ID: Final = (0, 0xFFFF_FFFF)
# Any program may register for the classic channels (AD FS and SQL Server audit into Security), so
# there only the ids of the system's own auditing are its own; see "Audit events by id" in
# Microsoft's Windows security documentation, and the ids of Windows 2003. Those began at 512, but
# AD FS has 512, 515 and 516 for accounts it locks out ("Configure AD FS Extranet Smart Lockout").
OWNERS: Final[Mapping[str, tuple[Owner, ...]]] = {
    "sysmon": (Owner(*_ANY_ID, ("microsoft-windows-sysmon",)),),
    "powershell": (Owner(*_ANY_ID, ("microsoft-windows-powershell", "powershellcore")),),
    "powershell-classic": (Owner(*_ANY_ID, ("powershell",)),),
    "windefend": (Owner(*_ANY_ID, ("microsoft-windows-windows defender",)),),
    "taskscheduler": (Owner(*_ANY_ID, ("microsoft-windows-taskscheduler",)),),
    "wmi": (Owner(*_ANY_ID, ("microsoft-windows-wmi-activity",)),),
    "bits-client": (Owner(*_ANY_ID, ("microsoft-windows-bits-client",)),),
    "codeintegrity-operational": (Owner(*_ANY_ID, ("microsoft-windows-codeintegrity",)),),
    "security": (
        Owner(517, 683, ("security", "microsoft-windows-security-auditing")),
        Owner(1100, 1108, ("microsoft-windows-eventlog",)),
        Owner(4608, 6424, ("microsoft-windows-security-auditing",)),
    ),
    "system": (
        Owner(104, 104, ("microsoft-windows-eventlog",)),
        # "A machine account failed to authenticate", for which rules give no provider.
        Owner(5723, 5723, ("netlogon",)),
        Owner(5805, 5805, ("netlogon",)),
        Owner(7045, 7045, ("service control manager",)),
    ),
}


class Categories(NamedTuple):
    """Event id -> category, for one service and the providers that may write it."""

    providers: tuple[str, ...]
    of_event_id: Mapping[str, str]


# Sysmon ids: Sysinternals "Sysmon" documentation, schema 4.90.
CATEGORIES: Final[Mapping[str, Categories]] = {
    "sysmon": Categories(
        ("microsoft-windows-sysmon",),
        {
            "1": "process_creation",
            "2": "file_change",
            "3": "network_connection",
            "4": "sysmon_status",
            "5": "process_termination",
            "6": "driver_load",
            "7": "image_load",
            "8": "create_remote_thread",
            "9": "raw_access_thread",
            "10": "process_access",
            "11": "file_event",
            "12": "registry_event",
            "13": "registry_set",
            "14": "registry_rename",
            "15": "create_stream_hash",
            "16": "sysmon_status",
            "17": "pipe_created",
            "18": "pipe_created",
            "19": "wmi_event",
            "20": "wmi_event",
            "21": "wmi_event",
            "22": "dns_query",
            "23": "file_delete",
            "24": "clipboard_capture",
            "25": "process_tampering",
            "26": "file_delete_detected",
            "27": "file_block_executable",
            "28": "file_block_shredding",
            "29": "file_executable_detected",
            "255": "sysmon_error",
        },
    ),
    "security": Categories(
        ("microsoft-windows-security-auditing",),
        {"4688": "process_creation", "5156": "network_connection"},
    ),
    # What was asked of the server or answered: "Enhanced DNS logging and diagnostics", analytic
    # events. Zone transfers and dynamic updates are none of it.
    "dns-server-analytic": Categories(
        ("microsoft-windows-dnsserver", "microsoft-windows-dns-server"),
        {str(event_id): "dns" for event_id in (*range(256, 263), 279, 280)},
    ),
    "powershell": Categories(
        ("microsoft-windows-powershell", "powershellcore"),
        {"4103": "ps_module", "4104": "ps_script"},
    ),
    "powershell-classic": Categories(
        ("powershell",),
        {
            "400": "ps_classic_start",
            "600": "ps_classic_provider_start",
            "800": "ps_classic_script",
        },
    ),
    # Ids that carry a threat's name: Microsoft, "Review event logs and error codes to troubleshoot
    # issues with Microsoft Defender Antivirus", lists 1006-1012, 1015 and 1116-1119. SigmaHQ's own
    # mapping (its tests/thor.yml) has 1017-1019 and 1115, which that page no longer lists, and
    # leaves out 1015 and 1117-1119, though they name threat and path like the others.
    "windefend": Categories(
        ("microsoft-windows-windows defender",),
        {
            str(event_id): "antivirus"
            for event_id in (
                *(*range(1006, 1013), 1015, *range(1017, 1020)),
                *range(1115, 1120),
            )
        },
    ),
}

# Sysmon 12 is one id for three things; its EventType tells which.
REGISTRY_OBJECT: Final[Mapping[str, str]] = {
    "createkey": "registry_add",
    "createvalue": "registry_add",
    "deletekey": "registry_delete",
    "deletevalue": "registry_delete",
}

# A batch has one category. The taxonomy also lets a wider one name the same events: a rule for the
# wider category (right) applies to batches of the narrower (left) as well.
WIDER_CATEGORY: Final[Mapping[str, str]] = {
    "registry_add": "registry_event",
    "registry_delete": "registry_event",
    "registry_set": "registry_event",
    "registry_rename": "registry_event",
    "file_delete_detected": "file_delete",
    # Two names of one event: the taxonomy's since 2.1, and the one before.
    "clipboard_capture": "clipboard_change",
}

# (service, event id) -> Sigma's name for a field -> the event's own name. The native column stays.
ALIASES: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("security", "4688"): {
        "Image": "NewProcessName",
        "CommandLine": "ProcessCommandLine",
        "ParentImage": "ParentProcessName",
        "IntegrityLevel": "MandatoryLabel",
        "LogonId": "SubjectLogonId",
    },
    ("security", "5156"): {
        "Image": "Application",
        "SourceIp": "SourceAddress",
        "DestinationIp": "DestAddress",
        "DestinationPort": "DestPort",
    },
    **{
        ("windefend", event_id): {"Signature": "Threat Name", "Filename": "Path"}
        for event_id in CATEGORIES["windefend"].of_event_id
    },
}


class Derived(NamedTuple):
    """A field that Sigma knows, made from the event's own: ``make(*values of natives)``."""

    natives: tuple[str, ...]
    make: Callable[..., str | None]


def _account(domain: str, name: str) -> str:
    return f"{domain}\\{name}"


def _decimal(number: str) -> str | None:
    """Security writes process ids as ``0x1a4``, Sysmon and the rules as ``420``."""
    try:
        return str(int(number, 16 if number[:2].casefold() == "0x" else 10))
    except ValueError:
        return None


def _without_root(name: str) -> str:
    return name if name == "." else name.removesuffix(".")


# %%14592 and %%14593 are the message texts "Inbound" and "Outbound".
_INITIATED: Final = {"%%14593": "true", "outbound": "true", "%%14592": "false", "inbound": "false"}

# As ALIASES, for values that Sysmon and the rules write in another way.
DERIVED: Final[Mapping[tuple[str, str], Mapping[str, Derived]]] = {
    ("security", "4688"): {
        "User": Derived(("SubjectDomainName", "SubjectUserName"), _account),
        # In 4688, ProcessId is the creator's.
        "ParentProcessId": Derived(("ProcessId",), _decimal),
    },
    ("security", "5156"): {
        "Initiated": Derived(("Direction",), lambda text: _INITIATED.get(text.casefold())),
    },
    # The server writes names as they are in its zones, with the dot of the root.
    **{
        ("dns-server-analytic", event_id): {"query": Derived(("QNAME",), _without_root)}
        for event_id in CATEGORIES["dns-server-analytic"].of_event_id
    },
}


def add_sigma_fields(service: str, event_id: str, fields: dict[str, str | None]) -> None:
    """Sigma's names beside the event's own, which stay as they are and win."""
    key = (service, event_id)
    for alias, native in ALIASES.get(key, {}).items():
        if native in fields:
            fields.setdefault(alias, fields[native])
    for name, (natives, make) in DERIVED.get(key, {}).items():
        values = [fields.get(native) for native in natives]
        if name not in fields and None not in values:
            fields[name] = make(*values)


def real_channel(channel: str, provider: str) -> str:
    """The channel, or the one the provider is known to write to when an export left it out."""
    if channel and channel.casefold() != _COLLECTED:
        return channel
    return CHANNEL_OF_PROVIDER.get(provider.casefold(), channel)


def logsource_of(channel: str, provider: str, event_id: str, event_type: str = "") -> Logsource:
    """Sigma log source of an event; an unknown channel, or a stranger in it, has no service.

    ``event_type`` is Sysmon's ``EventType`` field. An absent provider ("") is not a wrong one.
    """
    service = SERVICE_OF_CHANNEL.get(real_channel(channel, provider).casefold(), "")
    writer = provider.casefold()
    if writer and not _may_write(writer, service, event_id):
        return Logsource("", "windows", "")
    categories = CATEGORIES.get(service)
    category = ""
    if categories is not None and (not writer or writer in categories.providers):
        category = categories.of_event_id.get(event_id, "")
    if category == "registry_event":
        category = REGISTRY_OBJECT.get(event_type.casefold(), category)
    return Logsource(category, "windows", service)


def _may_write(provider: str, service: str, event_id: str) -> bool:
    """Whether an event id of a service's channel is no other provider's own."""
    owners = OWNERS.get(service)
    if owners is None or not event_id.isdecimal():
        return True
    number = int(event_id[:10])
    return all(provider in o.providers for o in owners if o.first <= number <= o.last)


def logsources() -> tuple[Logsource, ...]:
    """Every log source that :func:`logsource_of` can answer."""
    found = {Logsource("", "windows", service) for service in ("", *SERVICES)}
    for service, categories in CATEGORIES.items():
        found |= {Logsource(name, "windows", service) for name in categories.of_event_id.values()}
    found |= {Logsource(name, "windows", "sysmon") for name in REGISTRY_OBJECT.values()}
    return tuple(sorted(found))
