"""The two text codes of SUNBURST (``CryptoHelper``): little-endian base32, and a substitution.

Enters and leaves: text and bytes. Errors: ``ValueError`` for a character or an escape the malware
cannot have written.
"""

from typing import Final

BASE32: Final = "ph2eifo3n5utg1j8d94qrvbmk0sal76c"
PLAIN: Final = "rq3gsalt6u1iyfzop572d49bnx8cvmkewhj"
SPECIAL: Final = "0_-."
SHIFT: Final = 4  # a plain character is written as the one four places on
ESCAPES: Final = 32  # the malware picks one of 8 × 4; the last three letters are never escapes

_DIGITS32: Final = str.maketrans(BASE32, "0123456789abcdefghijklmnopqrstuv")
_PLAIN_VALUE: Final = {character: value for value, character in enumerate(PLAIN)}
_UNSHIFTED: Final = str.maketrans(PLAIN, PLAIN[-SHIFT:] + PLAIN[:-SHIFT])
_SHIFTED: Final = str.maketrans(PLAIN, PLAIN[SHIFT:] + PLAIN[:SHIFT])
_OF_BASE32: Final = frozenset(BASE32)
_OF_PLAIN: Final = frozenset(PLAIN)


def bits_of(text: str) -> int:
    """All bits of a base32 text as one number, first character lowest (``Base64Decode``)."""
    if not _OF_BASE32.issuperset(text):
        wrong = next(character for character in text if character not in _OF_BASE32)
        raise ValueError(f"{wrong!r} is not in the base32 alphabet")
    return int(text[::-1].translate(_DIGITS32), 32) if text else 0


def from_base32(text: str, *, strict: bool = False) -> bytes:
    """The whole bytes of a base32 text.

    Spare top bits of the last character are dropped. With ``strict`` they must be zero and fewer
    than five, as in an encoded domain; an ID has random bits there.
    """
    number, size_bytes = bits_of(text), len(text) * 5 // 8
    spare_bits = len(text) * 5 - size_bytes * 8
    if strict and (spare_bits >= 5 or number >> size_bytes * 8):
        raise ValueError("the base32 text does not end where a byte ends")
    return (number & (1 << size_bytes * 8) - 1).to_bytes(size_bytes, "little")


def to_base32(data: bytes, spare: int = 0) -> str:
    """``data`` in base32; the spare bits of the last character are taken from ``spare``."""
    length = (len(data) * 8 + 4) // 5
    number = int.from_bytes(data, "little") | spare << len(data) * 8
    return "".join(BASE32[number >> 5 * place & 31] for place in range(length))


def from_substitution(text: str) -> str:
    """Plain text of substituted text: ``0`` escapes one of ``0_-.``."""
    head, *escaped = text.split("0")  # an escape's letter is never "0", so this tears none
    return _unshifted(head) + "".join(
        SPECIAL[_escape(part) % len(SPECIAL)] + _unshifted(part[1:]) for part in escaped
    )


def to_substitution(text: str, choice: int = 0) -> str:
    """``text`` substituted; ``choice`` 0–7 picks among the eight spellings of an escape."""
    return "".join(
        "0" + PLAIN[choice * len(SPECIAL) + SPECIAL.index(character)]
        if character in SPECIAL
        else character.translate(_SHIFTED)
        for character in text
    )


def _unshifted(text: str) -> str:
    if not _OF_PLAIN.issuperset(text):
        wrong = next(character for character in text if character not in _OF_PLAIN)
        raise ValueError(f"{wrong!r} is not in the substitution alphabet")
    return text.translate(_UNSHIFTED)


def _escape(part: str) -> int:
    """Which escape a text starts with."""
    value = _PLAIN_VALUE.get(part[:1], ESCAPES)
    if value >= ESCAPES:
        raise ValueError("an escape the malware never writes")
    return value
