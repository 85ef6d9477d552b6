"""Hits on events of the wrong product, channel or provider, by a table of its own.

Written down from Sysinternals' and Microsoft's documentation, not from the tables of the program.
"""

from public_data import rules

from afterpatch.model.batches import Batch

SYSMON = "Microsoft-Windows-Sysmon"
DEFENDER = "Microsoft-Windows-Windows Defender"
SECURITY = "Microsoft-Windows-Security-Auditing"
# Category -> (provider, event ids) that may be meant.
CATEGORIES = {
    "process_creation": {(SYSMON, "1"), (SECURITY, "4688")},
    "file_change": {(SYSMON, "2")},
    "network_connection": {(SYSMON, "3"), (SECURITY, "5156")},
    "driver_load": {(SYSMON, "6")},
    "image_load": {(SYSMON, "7")},
    "create_remote_thread": {(SYSMON, "8")},
    "raw_access_thread": {(SYSMON, "9")},
    "process_access": {(SYSMON, "10")},
    "file_event": {(SYSMON, "11")},
    "registry_add": {(SYSMON, "12")},
    "registry_delete": {(SYSMON, "12")},
    "registry_set": {(SYSMON, "13")},
    "registry_event": {(SYSMON, "12"), (SYSMON, "13"), (SYSMON, "14")},
    "create_stream_hash": {(SYSMON, "15")},
    "pipe_created": {(SYSMON, "17"), (SYSMON, "18")},
    "wmi_event": {(SYSMON, "19"), (SYSMON, "20"), (SYSMON, "21")},
    "dns_query": {(SYSMON, "22")},
    "file_delete": {(SYSMON, "23"), (SYSMON, "26")},
    "process_tampering": {(SYSMON, "25")},
    "file_executable_detected": {(SYSMON, "29")},
    "sysmon_status": {(SYSMON, "4"), (SYSMON, "16")},
    "sysmon_error": {(SYSMON, "255")},
    "ps_module": {("Microsoft-Windows-PowerShell", "4103")},
    "ps_script": {("Microsoft-Windows-PowerShell", "4104")},
    "ps_classic_start": {("PowerShell", "400")},
    "ps_classic_provider_start": {("PowerShell", "600")},
    # Detections and what was done about them: ids with a threat's name.
    "antivirus": {
        (DEFENDER, str(event_id))
        for event_id in (*range(1006, 1013), 1015, *range(1017, 1020), *range(1115, 1120))
    },
}
# Service -> channel -> providers that may be meant (None = whichever).
SERVICES = {
    "security": ("Security", {SECURITY, "Microsoft-Windows-Eventlog"}),
    "system": ("System", None),
    "application": ("Application", None),
    "sysmon": (f"{SYSMON}/Operational", {SYSMON}),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational", {"Microsoft-Windows-Bits-Client"}),
    "windefend": (
        "Microsoft-Windows-Windows Defender/Operational",
        {DEFENDER},
    ),
    "taskscheduler": (
        "Microsoft-Windows-TaskScheduler/Operational",
        {"Microsoft-Windows-TaskScheduler"},
    ),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational", {"Microsoft-Windows-WMI-Activity"}),
    "powershell-classic": ("Windows PowerShell", {"PowerShell"}),
}


def misplaced(batch: Batch, found: set[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those of the hits whose event is not of the log the rule is about."""
    scopes = {rule.info.id: rule.scope for rule in rules().rules}
    wrong = []
    for rule, row in sorted(found):
        scope = scopes[rule]
        event = batch.frame.row(row, named=True)
        place = (event["Provider_Name"], event["EventID"])
        channel, providers = SERVICES.get(scope.service, (event["Channel"], None))
        right = (
            scope.product in ("", "windows")
            and (not scope.category or place in CATEGORIES[scope.category])
            and event["Channel"] == channel
            and (providers is None or place[0] in providers)
        )
        wrong += [] if right else [(rule, row)]
    return wrong
