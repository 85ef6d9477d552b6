"""Does this build carry this fix? The answer, its reason, and what could be wrong with it.

Enters: a :class:`Build` and a fix id. Leaves: a :class:`BuildTruth`. It will not guess: a build
that cannot decide is ``unknown``, with the reason.

Mind: a higher build is not a safer build. The March 2021 updates for old cumulative updates close
four CVEs and nothing else, and a cumulative update installed over a security update can lose it.
"""

from dataclasses import dataclass
from typing import Literal

from afterpatch.exposure.exchange_builds import build_name, cumulatives, releases
from afterpatch.exposure.exchange_builds_table import CONFLICTS, KNOWN_UNTIL
from afterpatch.exposure.exchange_fixes_table import FIXES, FixSet
from afterpatch.exposure.versions import Build, parse_build

Truth = Literal["affected", "fixed", "unknown"]


@dataclass(frozen=True, slots=True)
class BuildTruth:
    """What a build says about a fix.

    because  a phrase that reads on after the build's name.
    doubts   sentences: sources disagree, the build is in no table …
    """

    state: Truth
    because: str
    doubts: tuple[str, ...] = ()


def known_fixes() -> tuple[str, ...]:
    """Ids of every fix set, sorted."""
    return tuple(sorted(FIXES))


def state_of(build: Build, fix: str) -> BuildTruth:
    """Judge one build. Raises KeyError for an unknown fix id."""
    fix_set = FIXES[fix]
    if build.major != 15:
        return _before_2013(build, fix_set)
    if build.branch not in cumulatives():
        return _unlisted_branch(build, fix_set)
    line = (build.major, build.minor)
    if line in fix_set.not_affected:
        return BuildTruth("fixed", f"not affected: {fix_set.not_affected[line]}")
    if build.branch in fix_set.fixed_from:
        return _by_revision(build, fix_set)
    if build.build >= fix_set.contained_from.get(line, build.build + 1):
        return _contained(build, fix_set)
    doubts = (fix_set.unserviced,) if fix_set.unserviced else ()
    because = f"never given {fix_set.title}: no fixed build of this cumulative update exists"
    return BuildTruth("affected", because, doubts + _unlisted(build))


def explain_state(build: Build | str, fix: str) -> str:
    """One line: ``15.1.2176.2 = Exchange 2016 CU19 without … (fixed from 15.1.2176.9)``.

    Errors: none for bad build text; KeyError for an unknown fix id.
    """
    found = parse_build(build) if isinstance(build, str) else build
    if found is None:
        return f"{str(build)[:40]!r} is not an Exchange build number"
    return f"{found} = {build_name(found)} {state_of(found, fix).because}"


def always_fixed(build: Build, fix: str) -> bool:
    """True where every build of this branch has the fix: no step of an upgrade here lacks it."""
    return state_of(Build(*build.branch), fix).state == "fixed"


def _by_revision(build: Build, fix: FixSet) -> BuildTruth:
    first = Build(*build.branch, fix.fixed_from[build.branch])
    if build.revision is None:
        because = f"with or without {fix.title}: three parts cannot tell (fixed from {first})"
        return BuildTruth("unknown", because)
    doubts = _disputes(build) + _unlisted(build)
    if build < first:
        return BuildTruth("affected", f"without {fix.title} (fixed from {first})", doubts)
    narrow = ", which closes these CVEs only: earlier fixes may be missing"
    because = f"with {fix.title} (fixed from {first})"
    return BuildTruth("fixed", because + narrow * (build.branch in fix.narrow), doubts)


def _contained(build: Build, fix: FixSet) -> BuildTruth:
    published = [found for found in cumulatives()[build.branch].releases if not found.disputed]
    if build.revision is not None and build < published[0].build:
        because = f"from before the release of a cumulative update that contains {fix.title}"
        return BuildTruth("unknown", because, _unlisted(build))
    return BuildTruth("fixed", f"containing {fix.title} since its release", _unlisted(build))


def _before_2013(build: Build, fix: FixSet) -> BuildTruth:
    first = fix.exchange_2010
    if build.major != 14 or first is None:
        because = f"out of service, and in no public record of {fix.title}"
        return BuildTruth("unknown", because)
    if build.branch >= first.branch:
        return BuildTruth("fixed", f"with its update of March 2021 (fixed from {first})")
    only = "Exchange 2010 has CVE-2021-26857 only, not the way in without a login"
    return BuildTruth("affected", f"without its update of March 2021 (fixed from {first})", (only,))


def _unlisted_branch(build: Build, fix: FixSet) -> BuildTruth:
    """15.x numbers between or beyond the published cumulative updates."""
    newest = max(cumulatives())
    if build.minor == newest[1] and build.branch > newest:
        doubt = f"{build} is newer than the build table (known until {KNOWN_UNTIL})"
        return BuildTruth("fixed", f"later than {fix.title}, by its number", (doubt,))
    if build.minor > newest[1]:
        return BuildTruth("unknown", "run by Microsoft, not a build anyone installs")
    return BuildTruth("unknown", "of no published cumulative update: the number may be misread")


def _unlisted(build: Build) -> tuple[str, ...]:
    if build.revision is None or build in releases():
        return ()
    listed = f"{build} is in no public build list (known until {KNOWN_UNTIL})"
    return (f"{listed}: an interim or newer update, judged by its number",)


def _disputes(build: Build) -> tuple[str, ...]:
    return tuple(
        f"{build}: sources disagree ({'; '.join(f'{who}: {what}' for who, what in clash.claims)})"
        for clash in CONFLICTS
        if clash.between
        and clash.branch == build.branch
        and clash.between[0] <= (build.revision or 0) < clash.between[1]
    )
