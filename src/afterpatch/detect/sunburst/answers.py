"""What an answer made SUNBURST do, and when the next query comes.

Enters: a record value as text. Leaves: :class:`Meaning`, a delay in minutes. The ranges are those
of the sample (``nList``), which press lists copied with mistakes: the code has 224.0.0.0/4, not
/3. An IPv4 address inside an IPv6 one is not an IPv4 address to it.
"""

import ipaddress
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Effect: TypeAlias = Literal["stage2", "continue", "stop", "reset", "exit", "cname"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """``family`` is the malware's own word for a range, ``effect`` what it does on it."""

    family: str
    effect: Effect


_STAGE2: Final = Meaning("NetBios+ext", "stage2")
_CONTINUE: Final = Meaning("NetBios", "continue")
_IMPLINK: Final = Meaning("ImpLink", "stop")
_ATM: Final = Meaning("Atm", "stop")
_IPX: Final = Meaning("Ipx", "reset")

_RANGES: Final = (
    (_STAGE2, "18.130.0.0/16 99.79.0.0/16 184.72.0.0/15"),
    (_CONTINUE, "8.18.144.0/23 71.152.53.0/24 87.238.80.0/21 199.201.117.0/24"),
    (_IMPLINK, "20.140.0.0/15 96.31.172.0/24 131.228.12.0/22 144.86.226.0/24"),
    (_ATM, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4 127.0.0.0/8 0.0.0.0/32"),
    (_ATM, "fc00::/7 fec0::/10 ff00::/8 ::1/128 ::/128"),
    (_IPX, "41.84.159.0/24 74.114.24.0/21 154.118.140.0/24 217.163.7.0/24"),
)
_TABLE: Final[tuple[tuple[Network, Meaning], ...]] = tuple(
    (ipaddress.ip_network(text), meaning) for meaning, texts in _RANGES for text in texts.split()
)
# Bits 0x54 of the last octet -> minutes to the next query, upper end excluded (GetAddresses).
_DELAY_BITS: Final = 0x54
_DELAYS: Final = {
    0: (30, 120),
    4: (240, 300),
    16: (480, 600),
    20: (1440, 1560),
    64: (4320, 5760),
    68: (10020, 10140),
    80: (20100, 20220),
    84: (43140, 43260),
}
# Bits 0x88 of the last octet -> the HTTP method, which decides what the requests look like.
_METHOD_BITS: Final = 0x88
_METHODS: Final = {0: "GET", 8: "HEAD", 128: "PUT", 136: "POST"}
STAGE2_DELAY: Final = (1, 3)  # Random.Next(1, 3): the query that carries the stage-2 bit

SECOND_STAGE: Final = frozenset(  # Mandiant's and Volexity's published names
    {
        "databasegalore.com",
        "deftsecurity.com",
        "digitalcollege.org",
        "freescanonline.com",
        "highdatabase.com",
        "incomeupdate.com",
        "panhardware.com",
        "thedoccloud.com",
        "virtualdataserver.com",
        "websitetheme.com",
        "zupertech.com",
    }
)


def meaning_of(value: str) -> Meaning:
    """What an A, AAAA or CNAME value meant to the malware. A name is a CNAME."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return Meaning("CNAME", "cname")
    for network, meaning in _TABLE:
        if address in network:
            return meaning
    return Meaning("InterNetwork" if address.version == 4 else "InterNetworkV6", "exit")


def delay_min(value: str) -> tuple[int, int] | None:
    """Minutes until the next query after this A answer, [from, below); None: none is due."""
    if meaning_of(value).effect not in ("stage2", "continue"):
        return None
    return _DELAYS[int(ipaddress.IPv4Address(value)) & _DELAY_BITS]


def method(value: str) -> str | None:
    """The HTTP method a stage-2 answer chose; None: the answer is another, or none it could use."""
    if meaning_of(value).effect != "stage2":
        return None
    return _METHODS[int(ipaddress.IPv4Address(value)) & _METHOD_BITS]


def is_second_stage(name: str) -> bool:
    """Whether a name is, or lies below, a published second-stage domain."""
    parts = name.lower().rstrip(".").split(".")
    return ".".join(parts[-2:]) in SECOND_STAGE
