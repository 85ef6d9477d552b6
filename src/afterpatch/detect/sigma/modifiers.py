"""Value modifiers where pySigma falls short of the specification.

Importing this module puts our own ``windash``, ``utf16*``, ``wide`` and ``base64*`` into pySigma's
table of modifiers. The specification has every permutation of five dashes and any character in
UTF-16; pySigma replaces two of the dashes, at the start of words, and encodes ASCII.
"""

import re
from base64 import b64encode
from typing import Final

from sigma.exceptions import SigmaValueError
from sigma.modifiers import SigmaValueModifier, modifier_mapping
from sigma.types import Placeholder, SigmaExpansion, SigmaString, SpecialChars

from afterpatch.detect.sigma.ast import DASHES
from afterpatch.detect.sigma.placeholders import ESCAPED_PERCENT

DASH: Final = "_afterpatch_dash"  # the placeholder that stands for any dash
BYTE_ORDER_MARK: Final = b"\xff\xfe".decode("utf-8", "surrogateescape")
_DASHES: Final = re.compile(f"[{DASHES}]")
_MAX_WRITTEN_OUT: Final = 3


class NeedsPlaceholderError(SigmaValueError):
    """The rule needs values for ``names``, which only the user can give."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"needs placeholder {', '.join(f'%{name}%' for name in names)}")
        self.names = names


class _Windash(SigmaValueModifier[SigmaString, SigmaString | SigmaExpansion]):
    """Each dash becomes a mark that :func:`_text` reads; written out where bytes are needed."""

    def modify(self, val: SigmaString) -> SigmaString | SigmaExpansion:
        marked = val.replace_with_placeholder(_DASHES, DASH)
        if not any(issubclass(m, _Base64 | _Utf16) for m in self.detection_item.modifiers):
            return marked
        if sum(isinstance(part, Placeholder) for part in marked.s) > _MAX_WRITTEN_OUT:
            raise SigmaValueError(f"windash with more than {_MAX_WRITTEN_OUT} dashes to encode")
        return SigmaExpansion(list(marked.replace_placeholders(lambda _: iter(DASHES))))


class _Utf16(SigmaValueModifier[SigmaString, SigmaString]):
    """Bytes as text: those that are no UTF-8 stand as lone surrogates until base64 reads them."""

    codec = "utf-16-le"
    mark = ""

    def modify(self, val: SigmaString) -> SigmaString:
        encoded = SigmaString()
        encoded.s = [self.mark] if self.mark else []
        for part in val.s:
            if isinstance(part, str):
                part = part.encode(self.codec).decode("utf-8", "surrogateescape")
            encoded.s.append(part)
        return encoded


class _Utf16be(_Utf16):
    codec = "utf-16-be"


class _Utf16WithMark(_Utf16):
    mark = BYTE_ORDER_MARK


class _Base64(SigmaValueModifier[SigmaString, SigmaString | SigmaExpansion]):
    def modify(self, val: SigmaString) -> SigmaString | SigmaExpansion:
        return SigmaString(b64encode(self.data(val)).decode())

    def data(self, val: SigmaString) -> bytes:
        """The value's bytes."""
        data = b""
        for part in val.s:
            if isinstance(part, Placeholder):
                raise NeedsPlaceholderError((part.name,))
            if isinstance(part, SpecialChars):
                raise SigmaValueError("a wildcard cannot be encoded in base64")
            data += part.replace(ESCAPED_PERCENT, "%").encode("utf-8", "surrogateescape")
        return data


class _Base64Offset(_Base64):
    """The characters that depend on the value alone, for each of its three positions."""

    def modify(self, val: SigmaString) -> SigmaString | SigmaExpansion:
        data = self.data(val)
        shapes = []
        for shift in range(3):
            text = b64encode(b" " * shift + data).decode()
            first = (0, 2, 3)[shift]
            last = len(text) + (0, -3, -2)[(shift + len(data)) % 3]
            shapes.append(SigmaString(text[first:last]))
        return SigmaExpansion(list(shapes))


modifier_mapping.update(
    {
        "windash": _Windash,
        "utf16": _Utf16WithMark,
        "utf16le": _Utf16,
        "utf16be": _Utf16be,
        "wide": _Utf16,
        "base64": _Base64,
        "base64offset": _Base64Offset,
    }
)
