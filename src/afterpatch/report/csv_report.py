"""``timeline.csv``: one row per record kept as an example in a finding, oldest first.

Rules of the file, also in ``docs/document.md``: UTF-8 with a byte order mark (Excel otherwise takes
it for the local code page), comma, CRLF, every cell quoted, times RFC 3339 UTC. Control characters
and line breaks are written out (``\\n``, ``\\x1b``). A cell that a spreadsheet could take for a
formula gets an apostrophe in front. A finding without kept examples still has its row.
The untouched text is in ``assessment.json``.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TextIO, cast

from afterpatch.report.atomic import write_atomically
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.shape import Document, FindingEntry, PlaceEntry, VerdictEntry

COLUMNS: Final = (
    "time", "host", "campaign", "stage", "band", "weak", "finding", "title", "rule", "rule_title",
    "source", "record", "sha256", "finding_count", "fields", "excerpt",
)  # fmt: skip
MAX_CELL_CHARS: Final = 8_000  # Excel cuts a cell at 32,767; escapes may lengthen it fourfold

# OWASP "CSV Injection": = + - @ tab CR, the full-width forms some locales accept, and | % of DDE.
# Blanks in front do not make it safe.
_FORMULA: Final = re.compile(r"\s*[=+\-@|%\t\r＝＋－＠]")

Row = tuple[str, ...]


def csv_text(document: Mapping[str, Any]) -> str:
    """The whole timeline as CSV text, without the byte order mark."""
    stream = io.StringIO(newline="")
    _write(document, stream)
    return stream.getvalue()


def csv_bytes(document: Mapping[str, Any]) -> bytes:
    """The file's bytes, byte order mark included."""
    return csv_text(document).encode("utf-8-sig", errors="replace")


def write_csv(document: Mapping[str, Any], target: Path | TextIO) -> None:
    """Write to a file (with byte order mark, whole or not at all) or an open text stream."""
    if isinstance(target, Path):
        write_atomically(target, csv_bytes(document))
    else:
        _write(document, target)


def safe_cell(text: str) -> str:
    """One cell: no control characters, never a formula, at most MAX_CELL_CHARS of evidence."""
    risky = _FORMULA.match(text)
    shown = visible(cut(text, MAX_CELL_CHARS))
    return f"'{shown}" if risky or _FORMULA.match(shown) else shown


def _write(document: Mapping[str, Any], stream: TextIO) -> None:
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    rows = sorted(
        _rows(cast(Document, document)),
        key=lambda row: (row[0] == "", row[0].removesuffix("Z"), row),
    )
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)


def _rows(document: Document) -> Iterator[Row]:
    titles = {rule["id"]: rule["title"] for rule in document["rules"]}
    for host in document["hosts"]:
        for verdict in host["verdicts"]:
            for finding in verdict["because"]:
                if not finding["places"]:
                    yield _row(host["host"], verdict, finding, None, titles)
                for place in finding["places"]:
                    yield _row(host["host"], verdict, finding, place, titles)


def _row(
    host: str,
    verdict: VerdictEntry,
    finding: FindingEntry,
    place: PlaceEntry | None,
    titles: dict[str, str],
) -> Row:
    rule = place["rule"] if place else " ".join(finding["rules"])
    fields = place["excerpt"] if place else finding["key"]
    return (
        (place["time"] if place else finding["first"]) or "",
        host,
        verdict["campaign"],
        finding["stage"] or "",
        finding["band"] or "",
        "yes" if finding["weak"] else "no",
        finding["finding"],
        finding["title"],
        rule,
        titles.get(rule, ""),
        place["source"] if place else "",
        str(place["record"]) if place else "",
        (place["sha256"] if place else "") or "",
        str(finding["count"]),
        "; ".join(f"{name}={value}" for name, value in fields.items()),
        place["raw"] if place else "",
    )
