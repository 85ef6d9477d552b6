"""SUNBURST's funnel and categories, as text and as CSV.

Enters: plain counts and rows. Leaves: text. Every cell is safe for a terminal and a spreadsheet.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

from afterpatch.report.csv_report import safe_cell

COLUMNS: Final = (
    "host_id", "machine", "domain", "confidence", "stage", "stopped", "ed_21_01_category",
    "because", "doubts", "first", "last", "days_missing",
)  # fmt: skip
CLOSURE_COLUMNS: Final = ("host", "ip", "node_id", "affected_build_reached_it", "trusted_it", "why")
_BAR_CELLS: Final = 40


def funnel_text(counts: Sequence[tuple[str, int | None, str]]) -> str:
    """A bar per stage; None is a number nobody can know from this evidence."""
    most = max((count for _, count, _ in counts if count), default=1)
    lines = []
    for name, count, note in counts:
        bar = "?" if count is None else "█" * max(round(_BAR_CELLS * count / most), count > 0)
        number = "unknown" if count is None else str(count)
        lines.append(f"{name:<12}{number:>8}  {bar}{'  ' * bool(bar)}{note}".rstrip())
    return "\n".join(lines) + "\n"


def category_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """The category report, one line per host, in the order given."""
    return _csv(COLUMNS, rows)


def closure_csv(rows: Sequence[Mapping[str, str]]) -> str:
    """The closure, one line per host, in the order given."""
    return _csv(CLOSURE_COLUMNS, rows)


def _csv(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([safe_cell(row.get(name, "")) for name in names] for row in rows)
    return stream.getvalue()
