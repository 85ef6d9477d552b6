"""When a Windows program says that it was signed (Authenticode).

In: a whole PE file. Out: the time and who says so, or why there is none. The time stamp of another
party (RFC 3161, or a PKCS#9 countersignature) goes before the signer's own word.
Will not: verify signatures. The time is what the file claims, as its version and its compile time
are; only a hash is proof.

Sources: Microsoft "PE Format" (attribute certificate table), RFC 5652, RFC 3161, [MS-OSHARED] 2.3.2
(Authenticode's unsigned attributes).
"""

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from asn1crypto import cms, tsp

MAX_SIGNATURE_BYTES: Final = 4 << 20
_PKCS_SIGNED_DATA: Final = 2  # WIN_CERT_TYPE_PKCS_SIGNED_DATA
_HEADER: Final = struct.Struct("<IHH")  # length with this header, revision, type
# What asn1crypto raises for content that is not what it says.
_WRONG: Final = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    *(RecursionError, struct.error),
)


class Signed(NamedTuple):
    """``time``: UTC, None = not told. ``told_by``: who says so; ``fault``: what is wrong."""

    time: datetime | None = None
    told_by: str = ""
    fault: str = ""


def signing_time(data: bytes, offset: int, size_bytes: int) -> Signed:
    """``offset``, ``size_bytes``: the attribute certificate table, as the PE header has it."""
    if not size_bytes:
        return Signed()
    if not 0 < offset <= len(data) - size_bytes or size_bytes > MAX_SIGNATURE_BYTES:
        return Signed(fault="the signature lies outside the file")
    try:
        for blob in _signatures(data[offset : offset + size_bytes]):
            found = min(_times(cms.ContentInfo.load(blob)["content"]), default=None)
            if found:
                return Signed(found[1].astimezone(UTC), _WORDS[found[0]])
    except _WRONG as error:
        return Signed(fault=f"the signature cannot be read: {type(error).__name__}")
    return Signed(fault="the signature tells no time")


_WORDS: Final = ("time stamp (RFC 3161)", "countersignature", "the signer")


def _signatures(table: bytes) -> Iterator[bytes]:
    """Every PKCS#7 blob of the table; entries start at multiples of eight."""
    at = 0
    while at + _HEADER.size <= len(table):
        length, _, kind = _HEADER.unpack_from(table, at)
        if length < _HEADER.size or at + length > len(table):
            raise ValueError("an entry reaches beyond the table")
        if kind == _PKCS_SIGNED_DATA:
            yield table[at + _HEADER.size : at + length]
        at += (length + 7) & ~7


def _times(signed: Any) -> Iterator[tuple[int, datetime]]:
    """(rank of the witness, time) of every time told."""
    for signer in signed["signer_infos"]:
        for kind, value in _attributes(signer["unsigned_attrs"]):
            if kind in ("microsoft_time_stamp_token", "signature_time_stamp_token"):
                yield 0, _stamped(value)
            elif kind == "counter_signature":
                yield from ((1, when) for when in _own(value))
        yield from ((2, when) for when in _own(signer))


def _own(signer: Any) -> Iterator[datetime]:
    for kind, value in _attributes(signer["signed_attrs"]):
        if kind == "signing_time":
            yield value.native


def _stamped(token: Any) -> datetime:
    """The time in a token: a signed TSTInfo."""
    content = token["content"]["encap_content_info"]["content"]
    when = tsp.TSTInfo.load(bytes(content))["gen_time"].native
    if not isinstance(when, datetime):
        raise TypeError("no time in the token")
    return when


def _attributes(attributes: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """(type, value) of every attribute; an absent set has no items."""
    for attribute in attributes:
        for value in attribute["values"]:
            yield attribute["type"].native, value
