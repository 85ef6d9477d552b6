"""JSON that can be looked at on a terminal: every character beyond plain ASCII as an escape.

A JSON reader gets the original text of the evidence back; a terminal gets nothing it could act on.
"""

import json
from collections.abc import Iterable
from typing import Any


def json_line(value: Any) -> bytes:
    """One value as one line, newline included."""
    return (_inert(json.dumps(value, separators=(",", ":"))) + "\n").encode("ascii")


def json_lines(values: Iterable[Any]) -> bytes:
    """One line per value."""
    return b"".join(map(json_line, values))


def json_text(value: Any) -> bytes:
    """One value over several lines, two spaces deep."""
    return (_inert(json.dumps(value, indent=2)) + "\n").encode("ascii")


def _inert(text: str) -> str:
    # The one acting character of ASCII that JSON does not escape; it can stand in strings only.
    return text.replace("\x7f", "\\u007f")
