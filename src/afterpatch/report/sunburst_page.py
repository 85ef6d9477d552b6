"""What the page of the SUNBURST report shows, chosen and put in words before any markup.

Enters: rows of the category report, counts, missing days, what was not read. Leaves: frozen views
for the template. Every string is safe to look at (not yet escaped). Numbers that look-ups cannot
give are None, never 0.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from afterpatch.detect.sunburst.categories import Funnel
from afterpatch.detect.sunburst.signs import STAGES
from afterpatch.model.campaigns import Triage
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.words import counted

MAX_STORIES: Final = 500  # worst first; the CSV and the workbook have all
MAX_LISTED: Final = 100  # ranges of missing days, notes
LIMIT_CHARS: Final = 1_000  # of any one string
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage. ``sure``, ``doubted``: per cent of the widest bar; ``open``: what is not known."""

    title: str
    count: str
    sure: float
    doubted: float
    known: bool
    open: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days without a record; ``left`` and ``width`` in per cent of the window."""

    text: str
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Story:
    """One host in a few sentences."""

    host_id: str
    machine: str
    stage: str
    category: str
    sentences: tuple[str, ...]
    doubts: str


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    headline: str
    bars: tuple[Bar, ...]
    categories: tuple[tuple[str, int, str], ...]
    days: int
    missing: int
    stretches: tuple[Stretch, ...]
    more_stretches: int
    stories: tuple[Story, ...]
    more_stories: int
    notes: tuple[str, ...]
    more_notes: int
    redacted: bool


def build_page(
    rows: Sequence[Row],
    counts: Funnel,
    missing: Sequence[date],
    notes: Sequence[str],
    triage: Triage,
    *,
    redacted: bool,
) -> Page:
    """Choose what to show; what is left out is counted."""
    tally = Counter(row["ed_21_01_category"] for row in rows)
    runs = stretches(missing, triage)
    told = sorted(rows, key=_worst_first)[:MAX_STORIES]
    return Page(
        headline=_headline(counts, len(missing)),
        bars=tuple(_bars(rows, counts, len(missing))),
        categories=tuple((name, tally[name], means) for name, means in triage.means.items()),
        days=_days(triage),
        missing=len(missing),
        stretches=runs[:MAX_LISTED],
        more_stretches=max(0, len(runs) - MAX_LISTED),
        stories=tuple(map(_story, told)),
        more_stories=len(rows) - len(told),
        notes=tuple(map(_safe, notes[:MAX_LISTED])),
        more_notes=max(0, len(notes) - MAX_LISTED),
        redacted=redacted,
    )


def stretches(missing: Iterable[date], triage: Triage) -> tuple[Stretch, ...]:
    """Days in a row as one stretch each."""
    runs: list[list[date]] = []
    for day in sorted(missing):
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return tuple(_stretch(first, last, triage) for first, last in runs)


def _days(triage: Triage) -> int:
    return (triage.last_day - triage.first_day).days + 1


def _stretch(first: date, last: date, triage: Triage) -> Stretch:
    whole = _days(triage)
    days = (last - first).days + 1
    text = f"{first} to {last} ({counted(days, 'day')})" if days > 1 else str(first)
    return Stretch(text, 100 * (first - triage.first_day).days / whole, 100 * days / whole)


def _headline(counts: Funnel, missing: int) -> str:
    if not counts.beaconed:
        seen = "the look-ups do not reach everywhere" if missing else "every day was logged"
        return f"No host that beaconed was found; {seen}"
    if counts.targeted == counts.beaconed:
        return f"{counted(counts.beaconed, 'host')} beaconed, and chosen for a second stage"
    reached = (
        f"{counts.targeted} of them chosen for a second stage" if counts.targeted else
        "none of them shown to be chosen for a second stage"
    )  # fmt: skip
    return f"{counted(counts.beaconed, 'host')} beaconed, {reached}"


def _bars(rows: Sequence[Row], counts: Funnel, missing: int) -> Iterable[Bar]:
    """The funnel from top to bottom."""
    undecided = sum(row["stage"] == "beaconed" for row in rows)
    silent = f"{counted(undecided, 'host')} with no decision of the operator" if undecided else ""
    gaps = f"{counted(missing, 'day')} without look-ups may hide more" if missing else ""
    quiet = counts.targeted - counts.http_c2
    most = max(counts.beaconed, 1)
    yield Bar(
        "Exposed", f"at least {counts.beaconed - counts.doubted}", 0, 0, False,
        "Look-ups do not tell; ask the inventory: afterpatch assess, afterpatch sunburst closure",
    )  # fmt: skip
    yield _bar("Beaconed", rows, most, gaps)
    stopped = [row for row in rows if row["stopped"] == "yes"]
    yield _bar("Terminated by the operator, not clean", stopped, most, silent)
    yield _bar("Targeted", _reached(rows, "targeted"), most, silent)
    unseen = "requests over TLS are seen only where a proxy opens them"
    more = f"{counted(quiet, 'targeted host')} without a sign of it; {unseen}" if quiet else unseen
    yield _bar("HTTP C2", _reached(rows, "http-c2"), most, more)
    yield Bar("Follow-up", "unknown", 0, 0, False, "Ask the hosts: afterpatch assess")


def _reached(rows: Iterable[Row], stage: str) -> list[Row]:
    names: Sequence[str] = STAGES
    return [row for row in rows if names.index(row["stage"]) >= names.index(stage)]


def _bar(title: str, rows: Sequence[Row], most: int, unknown: str) -> Bar:
    doubted = sum(bool(row["doubts"]) for row in rows)
    words = [f"{doubted} of them doubted" if doubted else "", unknown]
    text = "; ".join(word for word in words if word)
    return Bar(
        title, str(len(rows)), 100 * (len(rows) - doubted) / most, 100 * doubted / most, True,
        text[:1].upper() + text[1:],
    )  # fmt: skip


def _worst_first(row: Row) -> tuple[int, bool, str]:
    names: Sequence[str] = STAGES
    return -names.index(row["stage"]), bool(row["doubts"]), row["host_id"]


def _story(row: Row) -> Story:
    domain = f"AD domain {row['domain']}" if row["domain"] else "The AD domain cannot be read"
    ended = row["stopped"] == "yes" and row["stage"] != "terminated"
    sentences = (
        _period(row),
        f"{row['reasons']}.",
        f"{domain} ({row['confidence']}: {row['name_because']}).",
        f"Category {row['ed_21_01_category']}: {row['because']}.",
    )
    return Story(
        host_id=_safe(row["host_id"]),
        machine=_safe(row["machine"]),
        stage=row["stage"] + (", then terminated" if ended else ""),
        category=row["ed_21_01_category"],
        sentences=tuple(map(_safe, sentences)),
        doubts=_safe(row["doubts"]),
    )


def _period(row: Row) -> str:
    signs = counted(int(row["labels"]), "distinct label")
    if not row["first"]:
        return f"Known by {signs}, at a time not known."
    first, last = (row[end].replace("T", " ").removesuffix("Z") for end in ("first", "last"))
    when = f"from {first} to {last}" if first != last else f"on {first}"
    return f"Seen {when}, in {signs}."


def reasons(because: Sequence[str], most: int = 3) -> str:
    """The first reasons in one sentence, and how many more there are."""
    more = len(because) - most
    text = "; ".join([*because[:most], *([f"and {more} more"] if more > 0 else [])])
    return text[:1].upper() + text[1:]


def _safe(text: str) -> str:
    return visible(cut(text, LIMIT_CHARS))
