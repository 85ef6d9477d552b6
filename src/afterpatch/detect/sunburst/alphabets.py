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

_BASE32_VALUE: Final = {character: value for value, character in enumerate(BASE32)}
_PLAIN_VALUE: Final = {character: value for value, character in enumerate(PLAIN)}


def bits_of(text: str) -> int:
    """All bits of a base32 text as one number, first character lowest (``Base64Decode``)."""
    number = 0
    for place, character in enumerate(text):
        if character not in _BASE32_VALUE:
            raise ValueError(f"{character!r} is not in the base32 alphabet")
        number |= _BASE32_VALUE[character] << 5 * place
    return number


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
    characters, plain = iter(text), []
    for character in characters:
        if character != "0":
            plain.append(PLAIN[(_value(character) - SHIFT) % len(PLAIN)])
            continue
        escape = _value(next(characters, ""))
        if escape >= ESCAPES:
            raise ValueError("an escape the malware never writes")
        plain.append(SPECIAL[escape % len(SPECIAL)])
    return "".join(plain)


def to_substitution(text: str, choice: int = 0) -> str:
    """``text`` substituted; ``choice`` 0–7 picks among the eight spellings of an escape."""
    return "".join(
        "0" + PLAIN[choice * len(SPECIAL) + SPECIAL.index(character)]
        if character in SPECIAL
        else PLAIN[(_value(character) + SHIFT) % len(PLAIN)]
        for character in text
    )


def _value(character: str) -> int:
    if character not in _PLAIN_VALUE:
        raise ValueError(f"{character!r} is not in the substitution alphabet")
    return _PLAIN_VALUE[character]
