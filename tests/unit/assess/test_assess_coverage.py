from conftest_times import interval

from afterpatch.assess.coverage import blind_intervals, log_coverage
from afterpatch.model.places import Gap

WINDOW = interval("2021-01-06", "2021-03-10")
FULL = ("2021-01-01", "2021-03-20")


def blind(campaign, readings, gaps=()):
    coverage = log_coverage(campaign, readings, WINDOW)
    return blind_intervals(campaign, coverage, readings, gaps, WINDOW)


def test_full_logs_leave_nothing_blind(campaign, reading, hours):
    readings = [reading(observed={"proxy": hours(*FULL), "web": hours(*FULL)})]
    assert blind(campaign, readings) == {}


def test_any_log_of_a_group_is_enough(campaign, reading, hours):
    half, rest = hours("2021-01-01", "2021-02-01"), hours("2021-02-01", "2021-03-20")
    readings = [
        reading("a", observed={"proxy": hours(*FULL), "web": half}),
        reading("b", observed={"windows:Security": rest}),
    ]
    assert blind(campaign, readings) == {}


def test_rolled_logs_leave_their_days_blind(campaign, reading, hours):
    readings = [reading(observed={"proxy": hours("2021-02-10", "2021-03-20"), "web": hours(*FULL)})]
    assert blind(campaign, readings) == {("proxy",): [interval("2021-01-06", "2021-02-10")]}


def test_a_day_missing_in_the_middle_counts(campaign, reading, hours):
    holed = {**hours("2021-01-01", "2021-02-10"), **hours("2021-02-11", "2021-03-20")}
    readings = [reading(observed={"proxy": holed, "web": hours(*FULL)})]
    assert blind(campaign, readings) == {("proxy",): [interval("2021-02-10", "2021-02-11")]}


def test_a_ring_buffer_is_observed_between_its_ends(campaign, reading, hours):
    ring = {**hours("2021-01-05", "2021-01-06"), **hours("2021-03-11", "2021-03-12")}
    readings = [reading(observed={"proxy": hours(*FULL), "windows:Security": ring})]
    assert blind(campaign, readings) == {}


def test_records_lost_in_a_file_blind_that_files_hours(campaign, reading, hours):
    lossy = reading(
        observed={"proxy": hours("2021-02-01", "2021-02-02")},
        gaps=(Gap("EX01/x", "line 1", "", 3),),
    )
    others = reading(
        "y",
        observed={
            "proxy": {**hours("2021-01-01", "2021-02-01"), **hours("2021-02-02", "2021-03-20")},
            "web": hours(*FULL),
        },
    )
    found = blind(campaign, [lossy, others], lossy.gaps)
    assert found == {("proxy",): [interval("2021-02-01", "2021-02-02")]}


def test_evidence_that_was_not_read_at_all_blinds_everything(campaign, reading, hours):
    readings = [reading(observed={"proxy": hours(*FULL), "web": hours(*FULL)})]
    found = blind(campaign, readings, [Gap("EX01/logs.zip", "file", "encrypted")])
    assert found == {group: [WINDOW] for group in campaign.clearing}
