r"""Evidence as text that is safe to look at.

Enters: any string or a whole document. Leaves: the same with every character that could act on a
terminal or hide in a page (C0, C1, ESC, bidi controls, zero-width and other format characters,
lone surrogates, line and paragraph separators) written out as ``\x1b`` or ``\u202e``. Renderers
pass the *whole document* through :func:`readable` first, so no field can be forgotten.

It does not escape markup; that is the job of the one who writes markup (Jinja2 autoescape, rich
``Text``). The JSON document keeps the original characters.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from afterpatch.report.shape import Document

# Unicode categories Cc, Cf, Cs, Zl, Zp, and the tag characters of plane 14. Spelled out because
# asking unicodedata about every character of every excerpt is slow.
_ACTING: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_NAMED: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str) -> str:
    r"""``text`` in one line, acting characters written out: ESC -> ``\x1b``."""
    return _ACTING.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def cut(text: str, limit_chars: int) -> str:
    """At most ``limit_chars`` of ``text``; what was cut is counted, never silent."""
    if len(text) <= limit_chars:
        return text
    return f"{text[:limit_chars]}… (+{len(text) - limit_chars:,} characters)"


def readable(document: Mapping[str, Any], limit_chars: int) -> Document:
    """Copy of a document in which every string, keys too, is :func:`visible` and cut."""
    return cast(Document, _readable(document, limit_chars))


def _readable(value: Any, limit_chars: int) -> Any:
    if isinstance(value, str):
        return visible(cut(value, limit_chars))
    if isinstance(value, Mapping):
        return {
            _readable(key, limit_chars): _readable(inner, limit_chars)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_readable(inner, limit_chars) for inner in value]
    return value
