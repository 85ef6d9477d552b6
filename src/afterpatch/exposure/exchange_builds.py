"""The build table as values: what is this build called, when did it come out.

Enters: the text of ``exchange_builds_table``. Leaves: :class:`Release` by build,
:class:`Cumulative` by branch. Pure; the table is parsed once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Final

from afterpatch.exposure.exchange_builds_table import TABLE
from afterpatch.exposure.versions import Branch, Build

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


@dataclass(frozen=True, slots=True)
class Release:
    """One published build.

    update    ``Mar21SU``, ``Apr24HU``, ``Preview``; "" for the cumulative update itself.
    released  day of a cumulative update, first day of the month of an update; UTC.
    kb        ``KB5000871``, or "" where no source names it.
    disputed  only one of two disagreeing sources has it.
    """

    build: Build
    update: str
    released: datetime
    kb: str
    disputed: bool


@dataclass(frozen=True, slots=True)
class Cumulative:
    """A branch: one cumulative update and everything published on top of it, lowest first."""

    branch: Branch
    product: str
    level: str
    released: datetime
    releases: tuple[Release, ...]

    @property
    def name(self) -> str:
        """``Exchange 2016 CU19``."""
        return f"{self.product} {self.level}"


@cache
def cumulatives() -> Mapping[Branch, Cumulative]:
    """Every branch of the table."""
    return MappingProxyType({found.branch: found for found in _read(TABLE)})


@cache
def releases() -> Mapping[Build, Release]:
    """Every build of the table."""
    return MappingProxyType(
        {release.build: release for cu in cumulatives().values() for release in cu.releases}
    )


def product_name(build: Build) -> str:
    """``Exchange 2016`` and so on; ``Exchange`` when the numbers belong to none."""
    match (build.major, build.minor):
        case (15, 0):
            return "Exchange 2013"
        case (15, 1):
            return "Exchange 2016"
        case (15, 2):
            return "Exchange SE" if build.build >= 2562 else "Exchange 2019"
        case (15, 20):
            return "Exchange Online"
        case (14, _):
            return "Exchange 2010"
        case (8, _):
            return "Exchange 2007"
    return "Exchange"


def build_name(build: Build) -> str:
    """``Exchange 2016 CU19 Mar21SU``, as exactly as the table allows."""
    cumulative = cumulatives().get(build.branch)
    if cumulative is None:
        return product_name(build)
    release = releases().get(build)
    return f"{cumulative.name} {release.update}".rstrip() if release else cumulative.name


def _read(table: str) -> Iterator[Cumulative]:
    rows: list[str] = []
    for line in filter(None, map(str.strip, table.splitlines())):
        if "|" in line:
            rows.append(line)
        else:
            rows[-1] += " " + line
    return map(_cumulative, rows)


def _cumulative(row: str) -> Cumulative:
    numbers, title, day, updates = (cell.strip() for cell in row.split("|"))
    major, minor, build = map(int, numbers.split("."))
    released = datetime.fromisoformat(day).replace(tzinfo=UTC)
    year, level = title.split()
    found = (_release((major, minor, build), released, entry) for entry in updates.split(","))
    return Cumulative(
        (major, minor, build),
        f"Exchange {year}",
        level,
        released,
        tuple(sorted(found, key=lambda release: release.build)),
    )


def _release(branch: Branch, released: datetime, entry: str) -> Release:
    revision, update, kb = (*entry.split(), "", "")[:3]
    return Release(
        Build(*branch, int(revision.removesuffix("?"))),
        update,
        _month(update) if update[-2:] in {"SU", "HU"} or "SUv" in update else released,
        f"KB{kb}" if kb else "",
        revision.endswith("?"),
    )


def _month(update: str) -> datetime:
    month = _MONTHS.index(update[:3]) // 3 + 1
    return datetime(2000 + int(update[3:5]), month, 1, tzinfo=UTC)
