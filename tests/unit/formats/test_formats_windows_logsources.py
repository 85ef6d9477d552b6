"""Windows event -> Sigma log source."""

import re
from pathlib import Path

import pytest

from afterpatch.formats.windows_logsources import (
    CATEGORIES,
    SERVICES,
    WIDER_CATEGORY,
    logsource_of,
)

SYSMON = ("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon")
SIGMA = Path(__file__).resolve().parents[4] / "shared" / "data" / "sigma"
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
    for path in sorted((SIGMA / "rules" / "windows").rglob("*.yml")):
        for kind, name in LOGSOURCE_LINE.findall(path.read_text("utf-8")):
            used[kind].add(name)
    assert used["service"] - set(SERVICES) == set()
    assert used["category"] - categories == set()
