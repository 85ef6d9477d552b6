"""What an infected host would ask for: the labels of :mod:`labels`, written.

Enters: host ID, domain, time, random numbers. Leaves: labels and query names. For tests and for
simulated evidence; follows ``CryptoHelper`` of the sample, with its random choices made by the
given generator.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from afterpatch.detect.sunburst.alphabets import PLAIN, SPECIAL, to_base32, to_substitution
from afterpatch.detect.sunburst.labels import CHUNK_CHARS, EPOCH, LAST, PRODUCTS, REGIONS, STATES


def query_name(label: str, host_id: bytes) -> str:
    """The full name asked for; the region follows from the ID (``GetStatus``)."""
    return f"{label}.appsync-api.{REGIONS[host_id[0] % 4]}.avsvmcloud.com"


def name_labels(host_id: bytes, domain: str, dice: Random) -> list[str]:
    """The labels that carry ``domain``, in order (``GetPreviousString``)."""
    chunks = _chunks(_encoded(domain, dice))
    labels = []
    for number, chunk in enumerate(chunks):
        head = _secure(host_id, 0x80 | dice.randrange(1, 127), dice)
        sequence = LAST if number == len(chunks) - 1 else number
        digit = _base36((sequence + ord(head[0])) % 36)
        labels.append(head + digit + chunk)
    return labels


def ping_label(
    host_id: bytes,
    time: datetime,
    dice: Random,
    *,
    stage2: bool = False,
    products: Mapping[str, str] | None = None,
) -> str:
    """A ping (``GetNextString``), with the states of products if given (``GetNextStringEx``)."""
    half_hours = (time - EPOCH) // timedelta(minutes=30) & 0x7FFFF
    kind = 1 if products is None else 2
    word = (kind << 20 | half_hours << 1 | stage2).to_bytes(3, "big")
    masked = bytes(byte ^ word[2 - place % 2] for place, byte in enumerate(host_id))
    vector = b"" if products is None else _vector(products)
    return _secure(masked + word + vector, dice.randrange(1, 127), dice)


def _encoded(domain: str, dice: Random) -> str:
    if not set(domain) <= {*PLAIN, *SPECIAL}:
        return "00" + to_base32(domain.encode())
    return "".join(to_substitution(character, dice.randrange(8)) for character in domain)


def _chunks(text: str) -> list[str]:
    """Sixteen characters each; one that would end in ``0`` is marked by another ``0``."""
    chunks, at = [], 0
    while at < len(text):
        chunk = text[at : at + CHUNK_CHARS]
        at += len(chunk)
        if chunk.endswith("0"):
            if len(chunk) == CHUNK_CHARS:  # the "0" itself goes to the next chunk
                at, chunk = at - 1, chunk[:-1]
            chunk += "0"
        chunks.append(chunk)
    return chunks


def _secure(data: bytes, key: int, dice: Random) -> str:
    masked = bytes([key, *(byte ^ key for byte in data)])
    spare_bits = -len(masked) * 8 % 5
    return to_base32(masked, dice.getrandbits(spare_bits) if spare_bits else 0)


def _vector(products: Mapping[str, str]) -> bytes:
    bits = sum(STATES.index(state) << 2 * PRODUCTS.index(name) for name, state in products.items())
    return bits.to_bytes(2, "big")


def _base36(value: int) -> str:
    return "0123456789abcdefghijklmnopqrstuvwxyz"[value]
