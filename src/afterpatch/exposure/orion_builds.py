"""SolarWinds Orion: does this build, this file, carry SUNBURST?

Enters: a SHA-256, a signing or compile time, a version text. Leaves: :class:`OrionTruth`. Where
they disagree, the hash beats the signed time, which beats the version: several copies of one
version exist, and public lists print one of them two ways.

Sources: CISA AA20-352A (versions), Mandiant's hash list (hashes, compile and signing times; BSD-2),
SolarWinds' security advisory FAQ (fixed releases), CrowdStrike on SUNSPOT (implant on the build
server from 2020-02-20 to 2020-06-04).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, NamedTuple, TypeAlias

OrionState: TypeAlias = Literal["trojanised", "inert", "fixed", "never", "unknown"]


class Carrier(NamedTuple):
    """One known copy of SolarWinds.Orion.Core.BusinessLayer.dll."""

    sha256: str
    version: str
    release: str
    compiled: datetime
    signed: datetime
    state: OrionState


@dataclass(frozen=True, slots=True)
class OrionTruth:
    """``inert`` has the attacker's class without the backdoor; ``never`` had nothing of it.

    because  a phrase; doubts  sentences: sources disagree, the file does not fit its version …
    """

    state: OrionState
    because: str
    doubts: tuple[str, ...] = ()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CARRIERS: Final = (
    Carrier(
        "32519b85c0b422e4656de6e6c41878e95fd95026267daab4215ee59c107d6c77",
        "2019.4.5200.9083",
        "2019.4 HF5",
        _time("2020-03-24T08:52:34"),
        _time("2020-03-24T08:53:43"),
        "trojanised",
    ),
    Carrier(
        "abe22cf0d78836c3ea072daeaf4c5eeaf9c29b6feb597741651979fc8fbd2417",
        "2020.2.100.12219",
        "2020.2 RC1",
        _time("2020-03-25T19:03:48"),
        _time("2020-03-25T19:04:53"),
        "trojanised",
    ),
    Carrier(
        "019085a76ba7126fff22770d71bd901c325fc68ac55aa743327984e89f4b0134",
        "2020.2.5200.12394",
        "2020.2 RC2",
        _time("2020-04-21T14:53:33"),
        _time("2020-04-21T14:54:41"),
        "trojanised",
    ),
    Carrier(
        "ce77d116a074dab7a22a0fd4f2c1ab475f16eec42e1ded3c0b0aa8211fe858d6",
        "2020.2.5300.12432",
        "2020.2 or 2020.2 HF1",
        _time("2020-05-11T21:32:40"),
        _time("2020-05-11T21:33:50"),
        "trojanised",
    ),
    Carrier(
        "a25cadd48d70f6ea0c4a241d99c5241269e6faccb4054e62d16784640f8e53bc",
        "2019.4.5200.8890",
        "2019.4 test build",
        _time("2019-10-10T13:26:39"),
        _time("2019-10-10T13:28:10"),
        "inert",
    ),
    Carrier(
        "d3c6785e18fba3749fb785bc313cf8346182f532c59172b69adfb31b96a5d0af",
        "2019.4.5200.8890",
        "2019.4 test build",
        _time("2019-10-10T13:26:39"),
        _time("2019-10-11T08:45:19"),
        "inert",
    ),
)
# Mandiant prints RC1 so, CISA as in the table.
_ALIASES: Final = {"2020.2.100.12299": "2020.2.100.12219"}
IMPLANT: Final = (_time("2020-02-20"), _time("2020-06-05"))  # SUNSPOT on the build server
_SECOND: Final = timedelta(seconds=1)
_RELEASE: Final = re.compile(
    r"(20\d\d)\.(\d{1,2})(?:\.(\d{1,2}))?(?:[\s,_-]*(?:hot\s?fix|hf)\s*(\d{1,2}))?(?:[\s,_-]*rc\s*(\d))?",
    re.IGNORECASE,
)
_FILE: Final = re.compile(r"20\d\d(?:\.\d{1,5}){3}")


def judge_orion(sha256: str = "", signed: datetime | None = None, version: str = "") -> OrionTruth:
    """The best-founded answer there is; everything given may be missing."""
    by_hash = _by_hash(sha256.lower())
    by_time = _by_time(signed)
    by_version = _by_version(version.strip()) if version else None
    known = [truth for truth in (by_hash, by_time, by_version) if truth]
    if not known:
        return OrionTruth("unknown", "no hash, signing time or version that says anything")
    best, *others = known
    against = tuple(
        f"{other.because}, but {best.because}" for other in others if _differs(best, other)
    )
    doubts = (
        best.doubts if best is not by_version or by_hash else (*best.doubts, *_hint(by_version))
    )
    return OrionTruth(best.state, best.because, (*doubts, *against))


def _differs(best: OrionTruth, other: OrionTruth) -> bool:
    return other.state != "unknown" and (best.state == "trojanised") != (
        other.state == "trojanised"
    )


def _hint(truth: OrionTruth | None) -> tuple[str, ...]:
    nominated = truth is not None and truth.state == "trojanised"
    return ("a version only nominates: take the SHA-256 of the file",) if nominated else ()


def _by_hash(sha256: str) -> OrionTruth | None:
    for known in CARRIERS:
        if sha256 == known.sha256:
            what = "carries SUNBURST" if known.state == "trojanised" else "is an inert test build"
            return OrionTruth(known.state, f"its SHA-256 {what} ({known.release}, {known.version})")
    return None


def _by_time(signed: datetime | None) -> OrionTruth | None:
    """A file made while the implant stood on the build server may carry it, no other can."""
    if signed is None:
        return None
    for known in CARRIERS:
        if min(abs(signed - known.signed), abs(signed - known.compiled)) <= _SECOND:
            because = f"signed or compiled when {known.release} was, to the second"
            return OrionTruth(known.state, because)
    if IMPLANT[0] <= signed < IMPLANT[1]:
        because = f"signed {signed:%Y-%m-%d}, while the implant stood on the build server"
        return OrionTruth("unknown", because)
    return OrionTruth("never", f"signed {signed:%Y-%m-%d}, when no build was tampered with")


def _by_version(text: str) -> OrionTruth:
    if _FILE.fullmatch(text):
        return _by_file_version(text)
    found = _RELEASE.fullmatch(text)
    if not found:
        return OrionTruth("unknown", f"{text[:40]!r} is no Orion version")
    year, minor, patch, hotfix, candidate = (int(part or 0) for part in found.groups())
    return _by_release((year, minor, patch), hotfix, candidate, text)


def _by_file_version(text: str) -> OrionTruth:
    version = _ALIASES.get(text, text)
    doubts = (
        ("public lists print this version two ways, 12219 and 12299",)
        if "2020.2.100." in text
        else ()
    )
    for known in CARRIERS:
        if version == known.version:
            what = "carried SUNBURST" if known.state == "trojanised" else "was an inert test build"
            return OrionTruth(known.state, f"version {text} {what} ({known.release})", doubts)
    year, minor, *_ = map(int, text.split("."))
    if (year, minor) < (2019, 4):
        return OrionTruth("never", f"version {text} is older than any tampered build")
    if (year, minor) > (2020, 2):
        return OrionTruth("fixed", f"version {text} is newer than any tampered build")
    return OrionTruth("unknown", f"version {text} is in no public list of tampered builds")


def _by_release(
    release: tuple[int, int, int], hotfix: int, candidate: int, text: str
) -> OrionTruth:
    name = f"release {text}"
    if release < (2019, 4, 0) or (release == (2019, 4, 0) and hotfix < 5):
        return OrionTruth("never", f"{name} is older than any tampered release")
    if (release, hotfix) == ((2019, 4, 0), 5):
        return OrionTruth("trojanised", f"{name} carried SUNBURST")
    if release[:2] == (2019, 4):
        return OrionTruth("fixed", f"{name} is a fixed release")
    if release == (2020, 2, 0) and (hotfix <= 1 or candidate):
        return OrionTruth("trojanised", f"{name} carried SUNBURST")
    if release < (2020, 2, 0):
        return OrionTruth("unknown", f"{name} is in no public list")
    if release == (2020, 2, 1) and hotfix < 2:
        doubt = "it came over a tampered release if 2020.2 or 2020.2 HF1 was installed before"
        return OrionTruth("never", f"{name} does not carry SUNBURST", (doubt,))
    return OrionTruth("fixed", f"{name} is a fixed release")
