"""One SUNBURST label -> what it says.

Enters: a query name, or a bare label. Leaves: :class:`Label`. Never raises: what the malware
cannot have written is ``invalid``, with the reason; what decodes but does not fit keeps its kind
and has a ``reason`` too (planted or mistyped).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from afterpatch.detect.sunburst.alphabets import BASE32, from_base32, from_substitution

REGIONS: Final = ("eu-west-1", "us-west-2", "us-east-1", "us-east-2")
PRODUCTS: Final = (  # svcList, low bits first
    "Defender",
    "Defender ATP",
    "Azure ATP",
    "Carbon Black",
    "CrowdStrike",
    "FireEye",
    "ESET",
    "F-Secure",
)
STATES: Final = ("absent", "stopped", "running", "stopped and running")
LAST: Final = 35  # sequence of the last or only chunk
ID_CHARS: Final = 15  # key and eight bytes
CHUNK_CHARS: Final = 16
# An AD domain has at most 64 characters (Microsoft's naming conventions). This allows 100 in the
# widest spelling, two characters for one, in chunks of at least 15. Public labels have 1 to 3.
MOST_CHUNKS: Final = 14
EPOCH: Final = datetime(2010, 1, 1, tzinfo=UTC)
# First signed malicious build is of March 2020 (Mandiant's hash list), an RC a month older; it
# sleeps 12 days. The zone answered with the kill switch from 2020-12-15: a host still asking
# after this year would have had to fail every answer.
EARLIEST: Final = datetime(2020, 2, 1, tzinfo=UTC)
LATEST: Final = datetime(2021, 12, 31, tzinfo=UTC)

_NAME: Final = re.compile(r"([^.]*)\.appsync-api\.([^.]*)\.avsvmcloud\.com\.?")
_TYPE_OF_LENGTH: Final = {20: 1, 23: 2}


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says. ``products`` holds (product, state); ``time`` is the victim's clock."""

    label: str
    kind: Literal["name", "ping", "invalid"]
    host_id: str | None = None
    sequence: int | None = None
    chunk: str | None = None
    time: datetime | None = None
    products: tuple[tuple[str, str], ...] | None = None
    stage2: bool | None = None
    region_ok: bool | None = None
    reason: str | None = None

    @property
    def trusted(self) -> bool:
        """Nothing speaks against this label."""
        return self.reason is None


def decode(name: str) -> Label:
    """Read a query name, or a bare label (then the region stays unchecked)."""
    folded = name.strip().lower()  # resolvers may mix the case of a query (0x20 coding)
    match = _NAME.fullmatch(folded)
    label, region = (match[1], match[2]) if match else (folded, None)
    try:
        return _decode(label, region)
    except ValueError as error:
        return Label(label, "invalid", reason=str(error))


def _decode(label: str, region: str | None) -> Label:
    if not label.isascii() or not label.isalnum():
        raise ValueError("not a label of letters and digits")
    if len(label) < ID_CHARS + 2:
        raise ValueError(f"{len(label)} characters are too few for a name or a ping")
    # Only bit 7 of the key tells the two apart (CreateSecureString); length and "0" do not.
    is_name = from_base32(label[:2])[0] & 0x80
    return _name(label, region) if is_name else _ping(label, region)


def _name(label: str, region: str | None) -> Label:
    if len(label) > ID_CHARS + 1 + CHUNK_CHARS:
        raise ValueError(f"a name label has at most 32 characters, this has {len(label)}")
    host = _unmasked(from_base32(label[:ID_CHARS]))
    chunk = label[ID_CHARS + 1 :]
    sequence = (int(label[ID_CHARS], 36) - ord(label[0])) % 36
    if sequence != LAST and len(chunk) != CHUNK_CHARS:
        raise ValueError(f"chunk {sequence} is not the last and not full")
    if MOST_CHUNKS - 1 <= sequence < LAST:
        raise ValueError(f"no AD domain is long enough for a chunk {sequence}")
    if not _readable(chunk, sequence):
        raise ValueError("the chunk is in neither of the two encodings")
    fits = _region_fits(host, region)
    reason = _region_reason(host, region)
    return Label(label, "name", host.hex(), sequence, chunk, region_ok=fits, reason=reason)


def _readable(chunk: str, sequence: int) -> bool:
    """A full chunk is cut so that no escape is torn; base32 may be cut anywhere."""
    try:
        from_substitution(chunk if sequence == LAST else chunk.removesuffix("0"))
    except ValueError:
        return set(chunk) <= set(BASE32)
    return True


def _ping(label: str, region: str | None) -> Label:
    kind = _TYPE_OF_LENGTH.get(len(label))
    if kind is None:
        raise ValueError(f"a ping has 20 or 23 characters, this has {len(label)}")
    data = _unmasked(from_base32(label))
    host = bytes(data[place] ^ data[10 - place % 2] for place in range(8))  # UpdateBuffer
    word = int.from_bytes(data[8:11], "big")  # 4 bits type, 19 bits half-hours, 1 bit stage 2
    if word >> 20 != kind:
        raise ValueError(f"a ping of {len(label)} characters is of type {kind}, not {word >> 20}")
    time = EPOCH + timedelta(minutes=30 * (word >> 1 & 0x7FFFF))
    reason = _region_reason(host, region)
    if not EARLIEST <= time <= LATEST:
        reason = f"impossible time {time:%Y-%m-%d}: no malicious build or no live zone then"
    return Label(
        label,
        "ping",
        host.hex(),
        time=time,
        products=_products(data[11:]) if kind == _TYPE_OF_LENGTH[23] else None,
        stage2=bool(word & 1),
        region_ok=_region_fits(host, region),
        reason=reason,
    )


def _unmasked(data: bytes) -> bytes:
    """Byte 0 is the key of all others."""
    return bytes(byte ^ data[0] for byte in data[1:])


def _products(vector: bytes) -> tuple[tuple[str, str], ...]:
    """Two bits per product (``GetNextStringEx``): stopped by the malware, seen running."""
    bits = int.from_bytes(vector, "big")
    states = ((product, bits >> 2 * place & 3) for place, product in enumerate(PRODUCTS))
    return tuple((product, STATES[state]) for product, state in states if state)


def _region_fits(host: bytes, region: str | None) -> bool | None:
    return None if region is None else region == REGIONS[host[0] % 4]


def _region_reason(host: bytes, region: str | None) -> str | None:
    """GetStatus picks the region from the ID, so a changed character mostly shows here."""
    if _region_fits(host, region) is not False:
        return None
    return f"region does not fit the host ID: {REGIONS[host[0] % 4]} expected"
