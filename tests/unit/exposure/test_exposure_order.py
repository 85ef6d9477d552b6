"""Patched before or after the first exploitation, and what the evidence leaves open."""

from datetime import UTC, datetime

import pytest

from afterpatch.exposure.order import exposed_until, patch_order
from afterpatch.exposure.timeline import expose
from afterpatch.model.places import Fact, Place
from afterpatch.model.verdicts import Exposure

END = datetime(2021, 3, 31, tzinfo=UTC)
OLD, NEW = "15.1.2176.2", "15.1.2176.9"


def day(month, number, hour=0):
    return datetime(2021, month, number, hour, tzinfo=UTC)


def host(*seen, name="exchange.build"):
    facts = [Fact(name, build, when, Place("a", 1)) for build, when in seen]
    return expose("exchange", "exchange-mar21su", facts, END)


PATCHED = host((OLD, day(2, 1)), (OLD, day(3, 4, 10)), (NEW, day(3, 4, 12)), (NEW, END))


@pytest.mark.parametrize(
    ("exploited", "order"),
    [
        (None, "patched-before"),
        (day(2, 28), "patched-after-exploitation"),
        (day(1, 6), "patched-after-exploitation"),
        (day(3, 4, 10), "patched-after-exploitation"),
        (day(3, 4, 11), "unknown"),
        (day(3, 4, 12), "patched-before"),
        (day(3, 20), "patched-before"),
    ],
)
def test_patched_host(exploited, order):
    assert patch_order(PATCHED, exploited, END) == order


def test_never_fixed_through_the_end():
    exposure = host((OLD, day(2, 1)), (OLD, END))
    assert patch_order(exposure, day(3, 1), END) == "not-patched"
    assert patch_order(exposure, None, END) == "not-patched"


def test_last_seen_affected_long_ago_is_not_called_unpatched():
    assert patch_order(host((OLD, day(3, 1))), day(2, 28), END) == "unknown"
    exposure = expose(
        "exchange",
        "exchange-mar21su",
        [Fact("exchange.build", OLD, day(3, 1), Place("a", 1))],
        None,
    )
    assert patch_order(exposure, day(2, 28), None) == "not-patched"
    assert patch_order(exposure, day(2, 28), END) == "unknown"


def test_no_build_at_all():
    assert patch_order(Exposure("exchange"), day(3, 1), END) == "unknown"
    assert patch_order(Exposure("exchange"), None, END) == "unknown"


@pytest.mark.parametrize(
    ("exploited", "order"),
    [(day(3, 1), "unknown"), (day(3, 25), "patched-before"), (None, "patched-before")],
)
def test_first_seen_fixed(exploited, order):
    assert patch_order(host((NEW, day(3, 20)), (NEW, END)), exploited, END) == order


@pytest.mark.parametrize(
    ("exploited", "order"),
    [
        (day(2, 27), "patched-after-exploitation"),  # no fix existed yet
        (day(3, 10), "unknown"),
        (day(3, 21), "patched-before"),
    ],
)
def test_only_a_setup_log(exploited, order):
    exposure = host(("15.1.2242.4", day(3, 20)), name="exchange.installed")
    assert patch_order(exposure, exploited, END) == order


def test_exploited_while_fixed_and_the_fix_was_lost_later_is_open():
    exposure = host(
        ("15.1.2106.13", day(3, 5)),
        ("15.1.2106.13", day(3, 8)),
        (OLD, day(3, 10)),
        (NEW, day(3, 11)),
        (NEW, END),
    )
    assert patch_order(exposure, day(3, 6), END) == "unknown"
    assert patch_order(exposure, day(3, 10), END) == "patched-after-exploitation"


def test_patched_then_unclear_still_tells_that_exploitation_came_first():
    exposure = host((OLD, day(3, 1)), (NEW, day(3, 3)), ("15.1.2106", day(3, 30)))
    assert exposure.timeline[-1].state == "unknown"
    assert patch_order(exposure, day(2, 28), END) == "patched-after-exploitation"
    assert patch_order(exposure, day(3, 29), END) == "unknown"


def test_exposed_until():
    assert exposed_until(PATCHED, END) == day(3, 4, 12)
    assert exposed_until(host((OLD, day(2, 1)), (OLD, END)), END) == END
    assert exposed_until(host((NEW, day(3, 20)), (NEW, END)), END) == day(3, 20)
    assert exposed_until(Exposure("exchange"), END) == END
    lost = host(("15.1.2106.13", day(3, 5)), (NEW, day(3, 20)), (NEW, END))
    assert exposed_until(lost, END) == day(3, 20)
