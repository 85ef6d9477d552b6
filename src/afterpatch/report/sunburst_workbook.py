"""The category report as a workbook: hosts, funnel, missing days.

Enters: rows and counts as text. Leaves: the bytes of an ``.xlsx`` file, same input, same bytes.
Every cell is written as a string, so none can be a formula, a link or a number that was not meant.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import xlsxwriter

from afterpatch.model.errors import UsageError
from afterpatch.report.csv_report import MAX_CELL_CHARS
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.sunburst import COLUMNS

_OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_CREATED: Final = datetime(1980, 1, 1)  # noqa: DTZ001  (a file's property; XlsxWriter wants it so)
MAX_ROWS: Final = 1_048_576  # of a sheet, by the format
_WIDTH_CHARS: Final = 22


def category_workbook(
    rows: Sequence[Mapping[str, str]],
    funnel: Sequence[tuple[str, int | None, str]],
    missing: Sequence[str],
) -> bytes:
    """Three sheets; ``funnel`` as for :func:`funnel_text`, ``missing`` are days.

    Raises UsageError when the rows do not fit into a sheet.
    """
    if len(rows) >= MAX_ROWS:
        raise UsageError(f"{len(rows):,} hosts do not fit into a workbook's sheet; --csv takes all")
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, _OPTIONS)
    book.set_properties({"title": "SUNBURST: ED 21-01 categories", "created": _CREATED})
    counts = ((name, "unknown" if n is None else str(n), note) for name, n, note in funnel)
    _sheet(book, "Hosts", COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))
    _sheet(book, "Funnel", ("stage", "hosts", "unknown"), counts)
    _sheet(book, "Missing days", ("day",), ((day,) for day in missing))
    book.close()
    return stream.getvalue()


def _sheet(
    book: xlsxwriter.Workbook, title: str, names: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    sheet = book.add_worksheet(title)
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, len(names) - 1, _WIDTH_CHARS)
    for column, name in enumerate(names):
        sheet.write_string(0, column, name, bold)
    last = 0
    for last, row in enumerate(rows, start=1):
        for column, text in enumerate(row):
            sheet.write_string(last, column, visible(cut(text, MAX_CELL_CHARS)))
    sheet.autofilter(0, 0, last, len(names) - 1)
