"""The document as JSON: UTF-8, two spaces, documented order, one newline at the end.

Same document, same bytes. Nothing is cut or replaced here; control characters travel as ``\\u``
escapes, so a JSON reader gets the original text of the evidence back.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from afterpatch.report.atomic import write_atomically


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 JSON text."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_json(document: Mapping[str, Any], target: Path | BinaryIO) -> None:
    """Write to a file (whole or not at all) or to an open binary stream."""
    content = json_bytes(document)
    if isinstance(target, Path):
        write_atomically(target, content)
    else:
        target.write(content)
        target.flush()
