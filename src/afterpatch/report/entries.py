"""Lists that every document has: gaps, notices and sources, in their documented order."""

from collections.abc import Sequence

from afterpatch.model.places import Gap, Notice, Source
from afterpatch.report.document_time import time_or_none
from afterpatch.report.shape import GapEntry, NoticeEntry, SourceEntry


def notice_entries(notices: Sequence[Notice]) -> list[NoticeEntry]:
    """By topic, source, text."""
    return [
        {"topic": notice.topic, "source": notice.source, "text": notice.text}
        for notice in sorted(notices)
    ]


def gap_entries(gaps: Sequence[Gap]) -> list[GapEntry]:
    """By source, place, reason."""
    return [
        {"source": gap.source, "place": gap.place, "reason": gap.reason, "records": gap.records}
        for gap in sorted(gaps)
    ]


def source_entries(sources: Sequence[tuple[str, Source]]) -> list[SourceEntry]:
    """By path, member, host."""
    return sorted(
        (_source(host, source) for host, source in sources),
        key=lambda entry: (entry["path"], entry["member"] or "", entry["host"]),
    )


def _source(host: str, source: Source) -> SourceEntry:
    item = source.item
    return {
        "name": item.name,
        "sha256": source.sha256,
        "path": item.path,
        "member": item.member,
        "origin": item.origin,
        "root": item.root,
        "host": host,
        "kind": source.kind,
        "decided_by": source.decided_by,
        "size_bytes": source.size_bytes,
        "records": source.records,
        "events": source.events,
        "skipped": source.skipped,
        "first": time_or_none(source.first),
        "last": time_or_none(source.last),
    }
