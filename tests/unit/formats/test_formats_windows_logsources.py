"""Windows event -> Sigma log source."""

import re
from pathlib import Path

import pytest

from afterpatch.formats.windows_logsources import (
    CATEGORIES,
    SERVICES,
    WIDER_CATEGORY,
    add_sigma_fields,
    logsource_of,
    logsources,
    real_channel,
)

SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
DATA = next((p for p in Path(__file__).parents if (p / "shared" / "data").is_dir()), Path())
SIGMA = DATA / "shared" / "data" / "sigma"
# Categories that come from other sensors than the Windows event log (ETW, file system filters).
NOT_IN_EVENT_LOGS = {"file_access", "file_rename"}
LOGSOURCE_LINE = re.compile(r"^ {4}(service|category): ([\w-]+)", re.MULTILINE)


@pytest.mark.parametrize(
    ("channel", "provider", "event_id", "expected"),
    [
        (*SYSMON, "1", ("process_creation", "windows", "sysmon")),
        (*SYSMON, "11", ("file_event", "windows", "sysmon")),
        (*SYSMON, "13", ("registry_set", "windows", "sysmon")),
        ("Security", "Microsoft-Windows-Security-Auditing", "4688",
         ("process_creation", "windows", "security")),
        ("Security", "Microsoft-Windows-Security-Auditing", "5145", ("", "windows", "security")),
        ("System", "Service Control Manager", "7045", ("", "windows", "system")),
        ("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", "4104",
         ("ps_script", "windows", "powershell")),
        ("MSExchange Management", "MSExchange CmdletLogs", "1",
         ("", "windows", "msexchange-management")),
        ("Some-New/Channel", "Some-Provider", "1", ("", "windows", "")),
    ],
)  # fmt: skip
def test_events_get_the_log_source_of_the_taxonomy(channel, provider, event_id, expected):
    assert logsource_of(channel, provider, event_id) == expected
    assert logsource_of(channel.upper(), provider.upper(), event_id) == expected


def test_a_category_needs_the_right_provider_and_channel():
    assert logsource_of("Application", "Microsoft-Windows-Sysmon", "1").category == ""
    assert logsource_of(SYSMON[0], "Someone-Else", "1").category == ""
    assert logsource_of("Security", "MSExchange", "4688").category == ""


def test_a_channel_left_out_by_an_export_is_known_from_its_provider():
    assert logsource_of("", "Microsoft-Windows-Sysmon", "1").category == "process_creation"
    assert logsource_of("", "Unheard-Of", "1") == ("", "windows", "")


@pytest.mark.parametrize(
    ("channel", "provider", "event_id", "service"),
    [
        ("Security", "Microsoft-Windows-Security-Auditing", "4625", "security"),
        ("Security", "Microsoft-Windows-Eventlog", "1102", "security"),
        ("Security", "Security", "528", "security"),
        ("Security", "AD FS Auditing", "411", "security"),
        ("Security", "AD FS Auditing", "516", "security"),
        ("Security", "MSSQLSERVER$AUDIT", "33205", "security"),
        ("Security", "", "4625", "security"),
        ("Security", "AD FS Auditing", "4625", ""),
        ("Security", "Microsoft-Windows-Security-Auditing", "1102", ""),
        ("Security", "MSSQLSERVER", "528", ""),
        ("System", "Service Control Manager", "7045", "system"),
        ("System", "Some Driver", "7045", ""),
        ("System", "Some Driver", "7001", "system"),
        ("System", "Some Driver", "104", ""),
        ("System", "NETLOGON", "5805", "system"),
        ("System", "Some Driver", "5805", ""),
        (SYSMON[0], "Someone-Else", "22", ""),
        ("Windows PowerShell", "MyScript", "400", ""),
        ("Application", "Anyone", "1", "application"),
        ("Microsoft-Windows-Windows Defender/Operational", "Windows Defender X", "5001", ""),
        ("Security", "Microsoft-Windows-Security-Auditing", "not a number", "security"),
        ("Security", "Microsoft-Windows-Security-Auditing", "9" * 5000, "security"),
    ],
)
def test_an_event_id_of_another_provider_has_no_service(channel, provider, event_id, service):
    assert logsource_of(channel, provider, event_id).service == service


@pytest.mark.parametrize("event_id", ["1006", "1007", "1015", "1116", "1117", "1118", "1119"])
def test_detections_of_defender_and_what_was_done_are_antivirus_events(event_id):
    name = "Microsoft-Windows-Windows Defender"
    assert logsource_of(f"{name}/Operational", name, event_id).category == "antivirus"


@pytest.mark.parametrize("event_id", ["1000", "1013", "1014", "1120", "1121", "5001"])
def test_events_of_defender_that_name_no_threat_are_not(event_id):
    name = "Microsoft-Windows-Windows Defender"
    assert logsource_of(f"{name}/Operational", name, event_id) == ("", "windows", "windefend")


def test_the_clipboard_has_both_its_names():
    assert logsource_of(*SYSMON, "24").category == "clipboard_capture"
    assert WIDER_CATEGORY["clipboard_capture"] == "clipboard_change"


def test_collected_events_are_known_by_their_provider():
    assert real_channel("ForwardedEvents", "Microsoft-Windows-Sysmon") == SYSMON[0]
    assert real_channel("ForwardedEvents", "Unheard-Of") == "ForwardedEvents"
    assert logsource_of("ForwardedEvents", SYSMON[1], "1") == (
        "process_creation", "windows", "sysmon",
    )  # fmt: skip


def test_security_events_get_the_fields_of_their_category():
    fields = {
        "NewProcessName": "C:\\a.exe",
        "ProcessCommandLine": "a",
        "ParentProcessName": "C:\\b.exe",
        "MandatoryLabel": "S-1-16-12288",
        "SubjectDomainName": "CORP",
        "SubjectUserName": "anna",
        "ProcessId": "0x1A4",
    }
    add_sigma_fields("security", "4688", fields)
    assert (fields["Image"], fields["ParentImage"]) == ("C:\\a.exe", "C:\\b.exe")
    assert (fields["CommandLine"], fields["User"]) == ("a", "CORP\\anna")
    assert (fields["ProcessId"], fields["ParentProcessId"]) == ("0x1A4", "420")
    fields = {"Application": "\\device\\a.exe", "DestAddress": "::1", "Direction": "%%14593"}
    add_sigma_fields("security", "5156", fields)
    assert (fields["Image"], fields["DestinationIp"]) == ("\\device\\a.exe", "::1")
    assert (fields["Initiated"], "SourceIp" in fields) == ("true", False)


def test_fields_the_event_has_itself_are_kept_and_nothing_is_made_up():
    fields = {"CommandLine": "own", "ProcessCommandLine": "x", "User": "me", "ProcessId": "??"}
    add_sigma_fields("security", "4688", fields)
    assert (fields["CommandLine"], fields["User"]) == ("own", "me")
    assert fields["ParentProcessId"] is None
    fields = {"SubjectUserName": "anna", "SubjectDomainName": None}
    add_sigma_fields("security", "4688", fields)
    assert "User" not in fields
    untouched = {"ProcessId": "0x1"}
    add_sigma_fields("security", "4624", untouched)
    assert untouched == {"ProcessId": "0x1"}


def test_every_log_source_is_listed():
    known = set(logsources())
    for service, categories in CATEGORIES.items():
        for channel in SERVICES[service]:
            for event_id in categories.of_event_id:
                for kind in ("", "CreateKey", "DeleteKey"):
                    assert logsource_of(channel, "", event_id, kind) in known


def test_registry_objects_are_told_apart_by_their_event_type():
    assert logsource_of(*SYSMON, "12", "CreateKey").category == "registry_add"
    assert logsource_of(*SYSMON, "12", "DeleteValue").category == "registry_delete"
    assert logsource_of(*SYSMON, "12").category == "registry_event"
    assert WIDER_CATEGORY["registry_add"] == "registry_event"


@pytest.mark.skipif(not SIGMA.is_dir(), reason="public Sigma rules are not on this machine")
def test_every_windows_log_source_of_the_public_rules_is_known():
    categories = {name for c in CATEGORIES.values() for name in c.of_event_id.values()}
    categories |= set(WIDER_CATEGORY) | set(WIDER_CATEGORY.values()) | NOT_IN_EVENT_LOGS
    used: dict[str, set[str]] = {"service": set(), "category": set()}
    for tree in sorted(SIGMA.glob("rules*")):
        for path in sorted(tree.rglob("*.yml")):
            text = path.read_text("utf-8")
            if "\n    product: windows\n" in text:
                for kind, name in LOGSOURCE_LINE.findall(text):
                    used[kind].add(name)
    assert used["service"] - set(SERVICES) == set()
    assert used["category"] - categories == set()
