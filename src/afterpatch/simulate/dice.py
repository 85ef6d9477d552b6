"""Random values that are the same on every machine: from a seed string, never from the clock.

``random.Random`` seeded with a string hashes it with SHA-512, so the stream does not depend on
PYTHONHASHSEED, platform or locale (Python reference, ``random.seed`` version 2).
"""

import base64
from random import Random


def dice(*parts: str) -> Random:
    """A generator of its own for each purpose, so that adding one draw disturbs no other."""
    return Random("/".join(parts))


def guid(rng: Random) -> str:
    """``cde28fc4-299e-4179-b3e9-de56f5c1d9ee``, version 4 in form."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-b{text[17:20]}-{text[20:]}"


def guids(rng: Random, count: int) -> list[str]:
    """Many at once: one draw of bytes, cut into pieces."""
    text = rng.randbytes(16 * count).hex()
    return [
        f"{text[i : i + 8]}-{text[i + 8 : i + 12]}-4{text[i + 13 : i + 16]}"
        f"-a{text[i + 17 : i + 20]}-{text[i + 20 : i + 32]}"
        for i in range(0, 32 * count, 32)
    ]


def canary(rng: Random) -> str:
    """An ``msExchEcpCanary``: 56 bytes of URL-safe base64 and a full stop (metasploit PR 14860)."""
    return base64.urlsafe_b64encode(rng.randbytes(56)).decode().rstrip("=") + "."


def word(rng: Random, length: int) -> str:
    """Lower-case letters, as in a random file name."""
    return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=length))
