from afterpatch.simulate.scenario import utc
from afterpatch.simulate.trace import Trace


def test_happens_only_climbs():
    trace = Trace()
    trace.happens("write-fired")
    trace.happens("scanned")
    assert trace.happened == "write-fired"


def test_lost_rows_do_not_survive(make_plan):
    trace = Trace()
    trace.add("ecp-server", utc("2021-03-01T05:00:00"), "x", "write-fired")
    trace.leave("C:/a.aspx", b"", utc("2021-02-01"))
    assert [log for log, _, _ in trace.surviving(make_plan())] == ["ecp-server", "web-files"]
    lost = make_plan(missing=frozenset({"ecp-server", "web-files"}))
    assert list(trace.surviving(lost)) == []


def test_a_harmless_file_does_not_replace_what_an_act_left():
    trace = Trace()
    trace.leave("C:/a.aspx", b"first", utc("2021-02-01"))
    trace.leave("C:/a.aspx", b"second", utc("2021-02-01"))
    assert trace.files["C:/a.aspx"].content == b"first"
