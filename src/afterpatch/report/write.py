"""The report folder: ``report.html``, ``assessment.json``, ``timeline.csv``, and nothing else.

Enters: the assessment document and a folder. Leaves: three files, each whole or not at all. All
three are made in memory before the first is written, so a failure leaves the folder as it was.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from afterpatch.model.errors import UsageError
from afterpatch.report.atomic import refuse_link, write_atomically
from afterpatch.report.csv_report import csv_bytes
from afterpatch.report.json_report import json_bytes

NAMES: Final = ("report.html", "assessment.json", "timeline.csv")


def write_reports(document: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write the three reports into ``folder`` (made if missing); their paths in order of NAMES.

    Raises UsageError when the folder or one of the three is a symbolic link or no regular file.
    """
    # Here, because most runs write no page, and its template engine takes long to import.
    from afterpatch.report.html import render_html

    targets = [folder / name for name in NAMES]
    for path in (folder, *targets):
        refuse_link(path)
    contents = (
        render_html(document).encode("utf-8", errors="replace"),
        json_bytes(document),
        csv_bytes(document),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder} is not a folder; nothing was written") from error
    for path, content in zip(targets, contents, strict=True):
        write_atomically(path, content)
    return targets
