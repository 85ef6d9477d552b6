from afterpatch.simulate.acts import play
from afterpatch.simulate.chain import shell_path

PAGE = "/owa/auth/x.aspx"
SYSMON = "windows:Microsoft-Windows-Sysmon/Operational"


def statuses(trace):
    rows = [row.text for row in trace.rows["iis-front"] if PAGE in row.text]
    return [text.rsplit(" ", 4)[1] for text in rows]


def test_use_is_post_200_and_a_command(played):
    trace = played("shell-use", shell=PAGE)
    assert statuses(trace) == ["200"] * 3
    assert all(" POST " in row.text for row in trace.rows["iis-front"])
    assert any("w3wp.exe" in row.text and "cmd /c whoami" in row.text for row in trace.rows[SYSMON])
    assert any('"EventID":4688' in row.text for row in trace.rows["windows:Security"])


def test_a_page_is_compiled_once(make_plan, act):
    plan = make_plan(act("shell-check", shell=PAGE), act("shell-use", 1, shell=PAGE))
    assert sum(path.endswith(".compiled") for path in play(plan).files) == 1


def test_removal_flips_200_to_302_and_takes_the_file(make_plan, act):
    plan = make_plan(
        act("full-chain", shell=PAGE),
        act("shell-check", 1, shell=PAGE),
        act("shell-removed", 2, shell=PAGE),
    )
    trace = play(plan)
    assert statuses(trace) == ["200", "302", "302", "302"]
    assert shell_path(PAGE) not in trace.files


def test_remains_are_only_the_compiled_note(played):
    trace = played("shell-remains", shell=PAGE)
    assert not trace.rows
    assert [path.rsplit(".", 1)[1] for path in trace.files] == ["compiled"]


def test_follow_up_and_ransom_reach_the_last_rung(played):
    assert played("follow-up", what="mail").happened == "follow-up"
    trace = played("dearcry")
    assert trace.happened == "follow-up"
    assert sum(".CRYPT" in row.text for row in trace.rows[SYSMON]) == 20
