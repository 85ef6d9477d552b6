import json
from datetime import timedelta

from afterpatch.simulate import windows
from afterpatch.simulate.dice import dice


def test_dropped_file_is_written_by_system(make_plan):
    plan = make_plan()
    found = json.loads(windows.file_created(plan, plan.days[0], dice("x"), "C:\\a.aspx"))
    assert (found["EventID"], found["Image"], found["ProcessId"]) == (11, "System", "4")
    assert found["TargetFilename"] == "C:\\a.aspx"
    assert found["Hostname"] == plan.fqdn


def test_lying_clock_moves_created_but_not_utc_time(make_plan):
    plan = make_plan(skew_hours=-5)
    when = plan.days[0] + timedelta(hours=9)
    found = json.loads(windows.file_created(plan, when, dice("x"), "C:\\a"))
    assert found["TimeCreated"] == "2021-03-01T04:00:00.000Z"
    assert found["UtcTime"] == "2021-03-01 09:00:00.000"


def test_cmdlet_success_and_failure(make_plan):
    plan = make_plan()
    for ok, number in ((True, 1), (False, 6)):
        found = json.loads(windows.cmdlet(plan, plan.days[0], "Set-X", "-A 1", ok))
        assert found["EventID"] == number
        assert found["Channel"] == "MSExchange Management"


def test_share_access_names_the_machine_account(make_plan):
    plan = make_plan()
    found = json.loads(windows.share_access(plan, plan.days[0], dice("x"), "inetpub\\a.aspx"))
    assert found["SubjectUserName"] == "EX01$"
    assert found["RelativeTargetName"] == "inetpub\\a.aspx"


def test_file_names():
    assert windows.file_name(windows.SYSMON) == "Sysmon.jsonl"
    assert windows.file_name(windows.MANAGEMENT) == "MSExchange Management.jsonl"
