"""Which columns a reader may leave out: none that changes what any rule finds."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.detector import Detector
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import Indicator, RuleText

SECURITY = Logsource("", "windows", "security")
PROCESS = Logsource("process_creation", "windows", "sysmon")


def rule(name, detection, service="security", fields=()):
    lines = "".join(f"  {line}\n" for line in detection.splitlines())
    shown = "".join(f"\n  - {one}" for one in fields)
    return RuleText(
        f"{name}.yml", "sigma",
        f"title: {name}\nid: {name}\nlogsource:\n  product: windows\n  service: {service}\n"
        f"detection:\n{lines}level: high\n" + (f"fields:{shown}\n" if fields else ""),
    )  # fmt: skip


def wanted(*rules, logsource=SECURITY, event_id="4624", indicators=(), keep=()):
    return Detector.build(rules, (), indicators, keep).columns_wanted(logsource, event_id)


LOGON = rule("logon", "a:\n  EventID: 4624\n  LogonType: 3\ncondition: a", fields=("IpAddress",))
CLEAR = rule("clear", "a:\n  EventID:\n    - 1102\n    - 517\n  User: x\ncondition: a")


def test_tested_and_shown_fields_of_the_rules():
    assert wanted(LOGON, keep=("SubjectUserName",)) == {
        "EventID", "LogonType", "IpAddress", "SubjectUserName",
    }  # fmt: skip


def test_a_rule_for_other_event_ids_needs_nothing_here():
    assert "User" not in wanted(LOGON, CLEAR)
    assert "User" in wanted(LOGON, CLEAR, event_id="1102")


def test_what_the_event_id_leaves_open_is_kept():
    negated = rule("n", "a:\n  EventID: 1\nb:\n  Secret: x\ncondition: b and not a")
    either = rule("e", "a:\n  EventID: 1\nb:\n  Secret: x\ncondition: a or b")
    assert "Secret" in wanted(negated)
    assert "Secret" not in wanted(negated, event_id="1")
    assert "Secret" in wanted(either)
    assert "Secret" in wanted(rule("w", "a:\n  EventID: 46*\n  Secret: x\ncondition: a"))


def test_rules_of_other_logs_need_nothing():
    assert wanted(rule("s", "a:\n  Secret: x\ncondition: a", service="system")) == frozenset()


def test_keywords_look_at_everything():
    assert wanted(rule("k", "keywords:\n  - evil\ncondition: keywords")) is None


def test_both_sides_of_a_reference_and_what_indicators_look_at():
    refer = rule("r", "a:\n  One|fieldref: Two\ncondition: a")
    assert wanted(refer) == {"One", "Two"}
    found = wanted(refer, indicators=(Indicator("sha256", "0" * 64, "", False, "", ""),))
    assert {"Hashes", "sha256"} <= found
    assert "QueryName" not in found


values = st.sampled_from(["4624", "1102", "3", "x", "y", ""]) | st.none()
fields = st.sampled_from(["EventID", "A", "B", "C"])
tests = st.tuples(
    fields,
    st.sampled_from(["", "|contains", "|startswith"]),
    st.sampled_from(["4624", "1102", "x", "3"]),
)
selections = st.lists(tests, min_size=1, max_size=3, unique_by=lambda one: one[:2])
conditions = st.sampled_from(["a", "not a", "a and b", "a or b", "a and not b", "not a or b"])


@settings(max_examples=60, deadline=None)
@given(
    selections,
    selections,
    conditions,
    st.sampled_from(["4624", "1102"]),
    st.lists(st.tuples(values, values, values), min_size=1, max_size=5),
)
def test_leaving_out_the_rest_changes_no_hit(first, second, condition, event_id, rows):
    def text(selection):
        return "".join(f"  {name}{how}: '{value}'\n" for name, how, value in selection)

    one = rule("r", f"a:\n{text(first)}b:\n{text(second)}condition: {condition}")
    detector = Detector.build([one], (), (), ())
    frame = pl.DataFrame(
        {"@time": [0] * len(rows), "@record": list(range(1, len(rows) + 1)), "EventID": [event_id] * len(rows),
         **{name: pl.Series([row[at] for row in rows], dtype=pl.String) for at, name in enumerate("ABC")}}
    )  # fmt: skip
    found = detector.columns_wanted(SECURITY, event_id)
    few = frame.select(
        [name for name in frame.columns if name[0] == "@" or name in found | {"EventID"}]
    )

    def hits(some):
        [result] = detector.match(Batch(SECURITY, some), [("s", some.height)])
        return [hit.place for hit in result.hits], result.evaluated

    assert hits(few) == hits(frame)
