"""Which build carries which fix, checked against a second derivation that shares no code."""

import re

import pytest

from afterpatch.exposure.exchange_builds_table import TABLE
from afterpatch.exposure.exchange_fixes import explain_state, known_fixes, state_of
from afterpatch.exposure.exchange_fixes_table import FIXES
from afterpatch.exposure.versions import Build, parse_build

MARCH = "exchange-mar21su"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# The first month whose updates carry the fix; the CVE's own record where a product is left out.
FIRST_MONTH = {
    MARCH: (2021, 3),
    "exchange-apr21su": (2021, 4),
    "exchange-may21su": (2021, 5),
    "exchange-nov21su": (2021, 11),
    "exchange-nov22su": (2022, 11),
}
UNTOUCHED = {"exchange-nov21su": ("15.0.",)}


def by_month(fix: str) -> dict[str, str]:
    """Truth from release months alone: a build from the fix's month on carries it."""
    truth = {}
    for row in re.split(r"\n(?=15\.)", TABLE.strip()):
        branch, _, day, updates = (cell.strip() for cell in row.split("|"))
        for entry in re.sub(r"\s+", " ", updates).split(", "):
            revision, *rest = entry.split(" ")
            named = re.match(r"([A-Z][a-z]{2})(\d\d)[SH]U", rest[0]) if rest else None
            if named:
                month = (2000 + int(named[2]), MONTHS.index(named[1]) + 1)
            else:
                month = (int(day[:4]), int(day[5:7]))
            text = f"{branch}.{revision}"
            fixed = month >= FIRST_MONTH[fix] or text.startswith(UNTOUCHED.get(fix, ("none",)))
            truth[text] = "fixed" if fixed else "affected"
    return truth


@pytest.mark.parametrize("fix", FIRST_MONTH)
def test_every_known_build_agrees_with_its_month(fix):
    truth = by_month(fix)
    assert len(truth) >= 309
    wrong = {
        text: (said, state_of(build, fix).state)
        for text, said in truth.items()
        if "?" not in text
        and (build := parse_build(text)) is not None
        and state_of(build, fix).state != said
    }
    assert wrong == {}


@pytest.mark.parametrize("fix", FIRST_MONTH)
def test_every_first_fixed_build_was_published_undisputed(fix):
    # A bound in the gap between two builds would judge every known build right and others wrong.
    table = by_month(fix)
    for branch, revision in FIXES[fix].fixed_from.items():
        assert ".".join(map(str, (*branch, revision))) in table


def test_the_scan_covers_every_fix():
    assert known_fixes() == tuple(sorted(FIRST_MONTH))


@pytest.mark.parametrize("text", ["15.1.1415.8", "15.1.1466.13", "15.2.858.2"])
def test_a_disputed_build_is_never_called_fixed(text):
    assert state_of(parse_build(text), MARCH).state != "fixed"


@pytest.mark.parametrize("text", ["15.1.1415.8", "15.1.1415.9", "15.1.1466.13", "15.1.1466.15"])
def test_a_clash_of_sources_is_told_where_it_matters(text):
    truth = state_of(parse_build(text), MARCH)
    assert truth.state == "affected"
    assert any("disagree" in doubt for doubt in truth.doubts)


@pytest.mark.parametrize("text", ["15.1.1415.7", "15.1.1415.10", "15.1.1466.16"])
def test_a_clash_of_sources_is_not_told_where_it_does_not_matter(text):
    assert state_of(parse_build(text), MARCH).doubts == ()


def test_twenty_five_branches_got_the_march_update_and_five_were_in_service():
    assert len(FIXES[MARCH].fixed_from) == 25
    assert len(FIXES[MARCH].narrow) == 20


def test_no_single_threshold_could_say_this():
    fixed_low, affected_high = parse_build("15.1.1415.10"), parse_build("15.1.2176.4")
    assert fixed_low < affected_high
    assert state_of(fixed_low, MARCH).state == "fixed"
    assert state_of(affected_high, MARCH).state == "affected"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("15.1.2106", "unknown"),
        ("15.1.2176", "unknown"),
        ("15.1.2242", "fixed"),
        ("15.2.2562", "fixed"),
        ("15.1.669", "affected"),
        ("15.0.1367", "affected"),
    ],
)
def test_three_parts_decide_only_where_the_whole_branch_agrees(text, state):
    truth = state_of(parse_build(text), MARCH)
    assert truth.state == state
    assert ("three parts" in truth.because) == (state == "unknown")


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("15.1.2176.8", "affected"),
        ("15.1.2176.11", "fixed"),
        ("15.1.2176.99", "fixed"),
        ("15.1.2242.1", "unknown"),
        ("15.1.2243.4", "unknown"),
        ("15.1.2600.1", "unknown"),
        ("15.0.1500.1", "unknown"),
        ("15.20.3890.28", "unknown"),
        ("15.2.3000.1", "fixed"),
        ("8.3.517.0", "unknown"),
        ("14.3.496.0", "affected"),
        ("14.3.513.0", "fixed"),
    ],
)
def test_builds_of_no_table(text, state):
    truth = state_of(parse_build(text), MARCH)
    assert truth.state == state
    if text.startswith(("15.1.2176", "15.2.3000", "14.3.4")):
        assert truth.doubts


def test_march_updates_for_old_cumulative_updates_lack_later_and_earlier_fixes():
    old = parse_build("15.1.2044.13")
    assert "earlier fixes may be missing" in state_of(old, MARCH).because
    assert state_of(old, "exchange-apr21su").state == "affected"
    assert "earlier fixes" not in state_of(parse_build("15.1.2176.9"), MARCH).because


def test_explanations():
    title = "the March 2021 security update"
    assert explain_state("15.1.2176.2", MARCH) == (
        f"15.1.2176.2 = Exchange 2016 CU19 without {title} (fixed from 15.1.2176.9)"
    )
    assert explain_state(Build(15, 1, 2242), MARCH) == (
        f"15.1.2242 = Exchange 2016 CU20 containing {title} since its release"
    )
    assert "not an Exchange build" in explain_state("x" * 500, MARCH)


def test_an_unknown_fix_is_an_error_of_the_caller():
    with pytest.raises(KeyError):
        state_of(Build(15, 1, 2176, 2), "exchange-jan99su")
