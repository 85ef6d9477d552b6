"""Plain phrases that every renderer shares: outcomes, times, intervals, counts.

Enters: values of the document. Leaves: short English. It decides nothing; a phrase never says more
than the field it comes from, and never "clean".
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from afterpatch.report.shape import (
    Document,
    FindingEntry,
    GapEntry,
    LifetimeEntry,
    Span,
    Time,
    VerdictEntry,
)

QUESTION_TITLES: Final = {
    "exposed": "Exposed",
    "hit": "Hit",
    "by_whom": "By whom",
    "blocked": "Blocked",
    "done": "Done",
}
STATE_TITLES: Final = {
    "affected": "affected",
    "mitigated": "mitigated, not fixed",
    "fixed": "fixed",
    "unknown": "not known",
}
ORDER_SENTENCES: Final = {
    "patched-before": "The fix went in before any exploitation seen.",
    "patched-after-exploitation": (
        "The fix went in only after the exploitation. Patching does not evict: whoever got in "
        "may still be there."
    ),
    "not-patched": "No fix is seen up to the end of the evidence.",
    "unknown": "Whether the fix came before an exploitation cannot be said.",
}
# Worst first is the order in which a responder wants to read.
OUTCOMES: Final = ("follow-up", "compromised", "attempted", "not-cleared", "cleared")
OUTCOME_TITLES: Final = {
    "follow-up": "Compromised, with follow-up",
    "compromised": "Compromised",
    "attempted": "Attempted",
    "not-cleared": "Cannot be cleared",
    "cleared": "Cleared",
}
OUTCOME_SHORT: Final = {
    "follow-up": "compromised, follow-up",
    "compromised": "compromised",
    "attempted": "attempted",
    "not-cleared": "not cleared",
    "cleared": "cleared",
}


def outcome(verdict: VerdictEntry) -> str:
    """One of OUTCOMES: the band, with ``none`` split by whether the host is cleared."""
    if verdict["band"] != "none":
        return verdict["band"]
    return "cleared" if verdict["cleared"] else "not-cleared"


def parse(text: Time) -> datetime:
    """Document time -> aware UTC datetime."""
    return datetime.fromisoformat(text)


def moment(text: Time | None) -> str:
    """``2021-03-02 04:05:06``; the reader is told elsewhere that all times are UTC."""
    return text[:19].replace("T", " ") if text else "time not known"


def clock(text: Time | None) -> str:
    """``2021-03-02 04:05``."""
    return text[:16].replace("T", " ") if text else "not known"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 record``, ``12,345 records``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def lasting(length: timedelta) -> str:
    """``28 days``, ``5 hours``, ``40 minutes``, ``12 seconds``: one unit, rounded down."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if length >= timedelta(seconds=size):
            return counted(length // timedelta(seconds=size), unit)
    return counted(length // timedelta(seconds=1), "second")


def interval(span: Span) -> str:
    """``2021-01-06 to 2021-02-02 (28 days)``: whole days inclusive, otherwise to the minute."""
    start, end = parse(span[0]), parse(span[1])
    length = lasting(end - start)
    if _midnight(start) and _midnight(end) and end > start:
        last = (end - timedelta(days=1)).isoformat()[:10]
        first = span[0][:10]
        return f"{first} ({length})" if first == last else f"{first} to {last} ({length})"
    return f"{clock(span[0])} to {clock(span[1])} ({length})"


def intervals(spans: Sequence[Span], most: int = 4) -> str:
    """The first ``most`` intervals in words, then how many more and how long they are."""
    shown = ", ".join(interval(span) for span in spans[:most])
    rest = spans[most:]
    if not rest:
        return shown
    total = sum((parse(end) - parse(start) for start, end in rest), timedelta())
    return f"{shown}, and {len(rest)} more ({lasting(total)} together)"


def bounds(earliest: Time | None, latest: Time | None) -> str:
    """An uncertain moment: ``after …``, ``by …``, ``between … and …``."""
    if earliest and latest:
        same = earliest == latest
        return moment(latest) if same else f"between {moment(earliest)} and {moment(latest)}"
    if latest:
        return f"by {moment(latest)}"
    return f"after {moment(earliest)}" if earliest else "not seen"


def lived(life: LifetimeEntry) -> str:
    """``there …; gone …``; a thing not seen to be gone may still be there."""
    begin = bounds(*life["from"])
    end = f"gone {bounds(*life['to'])}" if any(life["to"]) else "not seen to be gone"
    return f"there {begin}; {end}"


def by_value(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """(names, value) of the fields that hold something, each value once: ``c-ip, ClientIp``."""
    names: dict[str, list[str]] = {}
    for name, value in fields.items():
        if value:
            names.setdefault(value, []).append(name)
    return [(", ".join(same), value) for value, same in names.items()]


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Every name's first label, where those are distinct and no numbers; else the whole names."""
    heads = {name: name.partition(".")[0] for name in names}
    distinct = len(set(heads.values())) == len(heads) > 1
    telling = all(head and not head.isdigit() for head in heads.values())
    return heads if distinct and telling else {name: name for name in heads}


def listed(items: Sequence[str], last: str = "and") -> str:
    """``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def inside(title: str) -> str:
    """A title inside a sentence: ``Shell used`` -> ``shell used``; ``HTTP C2`` stays."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def decides(finding: FindingEntry, verdict: VerdictEntry) -> bool:
    """Whether the verdict would be lower without findings like this one."""
    stage = verdict["stage"]
    return not finding["weak"] and stage is not None and finding["stage"] == stage


def dated(verdict: VerdictEntry) -> str:
    """``Exploited from … to …; fix went in between … and ….``: who was first."""
    strong = [one for one in verdict["because"] if not one["weak"] and one["first"]]
    taken = [one for one in strong if one["band"] in ("compromised", "follow-up")]
    phrases = []
    if times := [when for one in taken or strong for when in (one["first"], one["last"]) if when]:
        first, last = clock(min(times, key=parse)), clock(max(times, key=parse))
        verb = "Exploited" if taken else "Attacked"
        phrases.append(f"{verb} {first}" if first == last else f"{verb} from {first} to {last}")
    patched, order = verdict["exposure"]["patched_at"], verdict["exposure"]["order"]
    if patched:
        earliest, latest = map(clock, patched)
        span = latest if earliest == latest else f"between {earliest} and {latest}"
        phrases.append(f"fix went in {span}")
    elif order == "not-patched":
        phrases.append("no fix seen")
    text = "; ".join(phrases)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def headline(document: Document) -> str:
    """One sentence about the whole fleet."""
    verdicts = [verdict for host in document["hosts"] for verdict in host["verdicts"]]
    tally = Counter(outcome(verdict) for verdict in verdicts)
    total = len(document["hosts"])
    if not verdicts:
        return "No host could be named in this evidence."
    taken = tally["follow-up"] + tally["compromised"]
    if total == 1 and len(verdicts) == 1:
        return verdicts[0]["answer"]
    of_all = f"of {counted(total, 'host')}" if len(verdicts) == total else "verdicts"
    if taken:
        return f"{taken} {of_all} {'shows' if taken == 1 else 'show'} a compromise."
    if tally["attempted"]:
        were = "was" if tally["attempted"] == 1 else "were"
        return f"No compromise found; {tally['attempted']} {of_all} {were} attacked."
    if tally["not-cleared"]:
        return f"No evidence found, but {tally['not-cleared']} {of_all} cannot be cleared."
    return f"Nothing found, and the needed logs clear all {counted(total, 'host')}."


def unread(document: Document) -> list[str]:
    """What was left unread, one phrase each, with counts; empty when nothing was."""
    counts, phrases = document["counts"], []
    if counts["unrecognised"]:
        phrases.append(f"{counted(counts['unrecognised'], 'file')} not recognised")
    for reason, gaps, records in gap_reasons(document["gaps"]):
        lost = f"{counted(records, 'record')} unread" if records else "amount not known"
        phrases.append(f"{reason}: {counted(gaps, 'place')}, {lost}")
    unsupported = len(document["tool"]["rules"]["unsupported"])
    if unsupported:
        phrases.append(f"{counted(unsupported, 'rule')} could not be evaluated")
    return phrases


def gap_reasons(entries: Sequence[GapEntry]) -> list[tuple[str, int, int]]:
    """(reason, gaps, records lost), most records first."""
    gaps, records = Counter[str](), Counter[str]()
    for gap in entries:
        gaps[gap["reason"]] += 1
        records[gap["reason"]] += gap["records"]
    ranked = sorted(gaps, key=lambda reason: (-records[reason], -gaps[reason], reason))
    return [(reason, gaps[reason], records[reason]) for reason in ranked]


def _midnight(when: datetime) -> bool:
    return when.hour == when.minute == when.second == when.microsecond == 0
