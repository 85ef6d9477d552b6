"""Keywords that are certainly not in a block of an event log need no columns of its events."""

import pytest

from afterpatch.detect.detector import Detector
from afterpatch.detect.needles import Needles, needles_of
from afterpatch.detect.sigma.ast import ANY_FIELD, FieldTest
from afterpatch.model.batches import Logsource
from afterpatch.model.campaigns import RuleText

SECURITY = Logsource("", "windows", "security")


def keyword(value, op="contains", option=""):
    return needles_of(FieldTest(ANY_FIELD, op, value, option))


@pytest.mark.parametrize(
    ("value", "needle"),
    [
        ("Mimikatz", "mimikatz"),
        ("\\perfc.dat", "perfc.dat"),  # the backslash may be between domain and user
        ("CONTOSO\\adm", "contoso"),
        ("süß-keyword", "-keyword"),  # upper case of what is not ASCII is not simple
    ],
)
def test_the_part_of_a_keyword_that_must_lie_in_one_piece(value, needle):
    assert keyword(value) == {needle}


@pytest.mark.parametrize(
    "value",
    ["0x3e7", "S-1-5-18", "4624", "true", "2021-03-02T04", "DEADBEEF", "ab", "", "é", "a\\b"],
)
def test_what_a_number_a_guid_or_a_time_may_be_written_with_is_no_needle(value):
    assert keyword(value) is None


def test_a_pattern_has_the_needles_of_what_it_cannot_do_without():
    assert keyword("(lsadump|sekurlsa)::", "regex") == {"lsadump", "sekurlsa"}
    assert keyword("[a-z]+", "regex") is None


@pytest.mark.parametrize("before", [b"", b"\1"])
def test_needles_are_found_in_any_case_at_any_place(before):
    needles = Needles(["mimikatz", "lsadump::"])
    block = before + "x MimiKATZ y".encode("utf-16-le")
    assert needles.absent(block) == {"lsadump::"}
    assert needles.absent(b"mimikatz lsadump::") == {"mimikatz", "lsadump::"}
    assert needles.absent(block) == {"lsadump::"}
    assert needles.absent(b"") == needles.absent(b"\1") == {"mimikatz", "lsadump::"}


def wanted(condition):
    text = f"""
title: t
id: t
logsource: {{product: windows}}
detection:
  words: [mimikatz]
  other: {{LogonType: 3}}
  condition: {condition}
"""
    return Detector.build([RuleText("t.yml", "sigma", text)], (), ()).columns_wanted


@pytest.mark.parametrize(
    ("condition", "without", "with_it"),
    [
        ("words", set(), None),
        ("words and other", set(), None),
        ("words or other", None, None),
        ("other and not words", None, None),
        ("other", {"LogonType"}, {"LogonType"}),
    ],
)
def test_a_rule_that_cannot_hold_without_its_keyword_asks_for_nothing(condition, without, with_it):
    here = wanted(condition)
    assert here.within(b"nothing of it")(SECURITY, "4624") == without
    assert here.within("MIMIKATZ".encode("utf-16-le"))(SECURITY, "4624") == with_it
    assert here(SECURITY, "4624") == with_it
