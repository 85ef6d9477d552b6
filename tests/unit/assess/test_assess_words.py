"""Every combination of band, clearance, patch state and mitigation: no answer contradicts another.

``golden/words.txt`` holds all the texts for a reader to review; a change of words shows as a diff.
Rewrite it with ``python -m pytest tests/unit/assess/test_assess_words.py --rewrite-golden``.
"""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from afterpatch.assess.hosts import HostEvidence
from afterpatch.assess.judge import examine, judge
from afterpatch.exposure.order import final_state
from afterpatch.model.campaigns import Advice
from afterpatch.model.hits import RuleInfo
from afterpatch.model.places import Fact, Place
from afterpatch.model.verdicts import Verdict

GOLDEN = Path(__file__).parent / "golden" / "words.txt"
BANDS = {"none": None, "attempted": "r-scan", "compromised": "r-use", "follow-up": "r-dump"}
HIT_TIMES = {"before the patch": "2021-02-10", "after the patch": "2021-03-10"}
AFFECTED, FIXED = "15.1.2176.2", "15.1.2176.9"  # Exchange 2016 CU19 without and with the update
BUILDS = {
    "no build": (),
    "affected": ((AFFECTED, "2021-01-02"), (AFFECTED, "2021-03-12")),
    "fixed later": ((AFFECTED, "2021-01-02"), (AFFECTED, "2021-03-03"), (FIXED, "2021-03-04")),
    "fixed when seen": ((FIXED, "2021-03-04"),),
    "three parts": (("15.1.2176", "2021-01-02"), ("15.1.2176", "2021-03-12")),
}
MITIGATIONS = {
    "unseen": {},
    "absent": {"mitigation.eomt": "absent"},
    "rules": {"mitigation.eomt": "present", "mitigation.um": "absent"},
    "all": dict.fromkeys(
        ("mitigation.eomt", "mitigation.um", "mitigation.ecp-pool", "mitigation.oab-pool"),
        "present",
    ),
}
CASES = list(product(BANDS, (True, False), BUILDS, MITIGATIONS))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def verdict(campaign, rules, reading, hours, hit):
    known = rules | {"r-dump": RuleInfo("r-dump", "Dumped", "high", "sigma", "follow-up")}
    cves = ("CVE-2021-26855", "CVE-2021-26857", "CVE-2021-26858", "CVE-2021-27065")
    advice = {
        band: (
            Advice(f"always, {band}"),
            Advice("Install the update.", "not-fixed"),
            Advice("Find the build.", "fix-unknown"),
            Advice("Fetch logs.", "not-cleared"),
        )
        for band in BANDS
    }
    whole = replace(campaign, advice=advice, cves=cves)

    def make(band: str, full: bool, build: str, mitigation: str, when: str) -> Verdict:
        facts = [Fact("exchange.build", b, at(t), Place("EX01/x", 1)) for b, t in BUILDS[build]]
        facts += [
            Fact(name, value, at("2021-03-05"), Place("EX01/web.config", 1))
            for name, value in MITIGATIONS[mitigation].items()
        ]
        rule = BANDS[band]
        one = reading(
            first="2021-01-01",
            last="2021-03-13",
            observed={log: hours("2021-01-01" if full else "2021-02-01", "2021-03-13")
                      for log in ("proxy", "web")},
            hits=(hit(rule, HIT_TIMES[when], Path="/x.aspx"),) if rule else (),
            facts=tuple(facts),
        )  # fmt: skip
        host = HostEvidence("ex01", (), "folder", ("EX01",), (one,), ())
        return judge(examine(host, (), (), known, whole, None), (), whole)

    return make


@pytest.mark.parametrize("when", HIT_TIMES)
@pytest.mark.parametrize(("band", "full", "build", "mitigation"), CASES)
def test_no_answer_contradicts_another(verdict, band, full, build, mitigation, when):
    found = verdict(band, full, build, mitigation, when)
    told = {answer.question: answer for answer in found.answers}
    assert list(told) == ["exposed", "hit", "by_whom", "blocked", "done"]
    assert found.band == band
    state = final_state(found.exposure)
    serious = band in ("compromised", "follow-up")
    assert (told["hit"].answer == "yes") == serious
    assert found.answer.startswith("Compromised") == serious
    assert (told["hit"].answer == "no") == found.cleared
    assert (told["by_whom"].answer == "nobody") == found.cleared
    assert (told["done"].answer == "yes") == (found.cleared and state == "fixed")
    if serious:
        assert not found.cleared
        assert told["done"].answer == "no"
    assert ("cannot be cleared" in found.answer) == (not serious and not found.cleared)
    if not full:
        assert not found.cleared
        assert found.cannot_be_cleared
    assert ("Install the update." in found.next) == (state in ("affected", "mitigated"))
    assert ("Find the build." in found.next) == (state == "unknown")
    assert ("Fetch logs." in found.next) == bool(found.cannot_be_cleared)
    assert (told["exposed"].answer == "yes") == any(
        span.state in ("affected", "mitigated") for span in found.exposure.timeline
    )
    if state == "fixed":
        assert found.order != "not-patched"
        assert "not patched" not in told["done"].detail
    else:
        assert not told["done"].detail.startswith("patched")
    wanted = {"unseen": "unknown", "absent": "no", "rules": "partly", "all": "yes"}[mitigation]
    assert told["blocked"].answer == ("patched" if state == "fixed" else wanted)
    if build == "three parts":
        assert "15.1.2176 seen: undecidable" in told["exposed"].detail
    for answer in found.answers:
        assert answer.answer
        assert answer.detail
        assert " .. " not in answer.detail


def test_the_words_are_those_that_were_reviewed(verdict, request):
    text = "".join(
        _told(f"{band} · logs {'whole' if full else 'partly'} · {build} · {mitigation} · {when}",
              verdict(band, full, build, mitigation, when))
        for (band, full, build, mitigation), when in product(CASES, HIT_TIMES)
        if mitigation in ("unseen", "rules") and (band != "none" or when == "before the patch")
    )  # fmt: skip
    if request.config.getoption("--rewrite-golden"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def _told(title: str, found: Verdict) -> str:
    lines = [f"{a.question}: {a.answer} ({a.detail}; {a.confidence})" for a in found.answers]
    return (
        "\n  ".join([title, found.answer, *lines, *(f"next: {step}" for step in found.next)])
        + "\n\n"
    )
