"""A hunt without verdicts -> its document: what ``hunt.json`` holds and every output is made of."""

from typing import Final, cast

from afterpatch.model.hunts import Hunt
from afterpatch.report.document import counts_entry, sound
from afterpatch.report.entries import gap_entries, notice_entries, source_entries
from afterpatch.report.hunt_entry import hunt_entry
from afterpatch.report.shape import HuntDocument

SCHEMA: Final = "afterpatch.hunt/1"


def hunt_document(hunt: Hunt) -> HuntDocument:
    """The whole hunt as JSON-ready values, every list in its documented order."""
    gaps = (*hunt.gaps, *hunt.own_gaps)
    made: HuntDocument = {
        "schema": SCHEMA,
        "tool": {"version": hunt.tool_version, "evidence": list(hunt.evidence)},
        "counts": counts_entry(len(hunt.hosts), [source for _, source in hunt.sources], gaps),
        "hunt": hunt_entry(hunt),
        "notices": notice_entries(hunt.notices),
        "gaps": gap_entries(gaps),
        "sources": source_entries(hunt.sources),
    }
    return cast(HuntDocument, sound(made))
