"""What a payload says, where it is the start of a TLS session or an HTTP request.

Enters: payload bytes. Leaves: a row of neutral columns (``model.network``), or None. Content never
raises.

Sources: RFC 8446 4.1.2 and RFC 6066 3 (server name); RFC 9112 3.
"""

import re
import struct
from collections.abc import Mapping
from typing import Final

Row = Mapping[str, str | None]

MAX_HEAD_BYTES: Final = 16_384
_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME = 22, 1, 0
_REQUEST: Final = re.compile(rb"([A-Z][A-Z_-]{1,19}) (\S{1,8192}) HTTP/1\.[01]\r?\n")
_HEADERS: Final = {
    b"host": "host",
    b"user-agent": "user_agent",
    b"referer": "referrer",
    b"cookie": "cookie",
    b"content-type": "content_type",
    b"content-length": "bytes_out",
    b"if-none-match": "if_none_match",
}
_VERSIONS: Final = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2"}


def may_be_hello(payload: bytes) -> bool:
    """Whether a stream may begin with a TLS handshake."""
    return payload[:1] == b"\x16" and payload[1:2] in (b"\x03", b"")


def hello_size(payload: bytes) -> int:
    """Bytes of the first TLS record, header included; 0 while that is unknown."""
    return 5 + int.from_bytes(payload[3:5], "big") if len(payload) >= 5 else 0


def client_hello(payload: bytes) -> Row | None:
    """The name a TLS client asked for, as far as the bytes go; None when it is no hello."""
    try:
        return _client_hello(payload)
    except (struct.error, IndexError):
        return None


def _client_hello(data: bytes) -> Row | None:
    if data[0] != _HANDSHAKE or data[1] != 3 or data[5] != _CLIENT_HELLO:
        return None
    version = struct.unpack_from(">H", data, 9)[0]
    at = 11 + 32
    at += 1 + data[at]  # session id
    at += 2 + struct.unpack_from(">H", data, at)[0]  # cipher suites
    at += 1 + data[at]  # compression
    row: dict[str, str | None] = {"sni": None, "version": _VERSIONS.get(version)}
    if at + 2 > len(data):
        return row
    end = min(at + 2 + struct.unpack_from(">H", data, at)[0], len(data))
    at += 2
    while at + 4 <= end:
        kind, size = struct.unpack_from(">HH", data, at)
        if kind == _SERVER_NAME and size >= 5:
            length = struct.unpack_from(">H", data, at + 7)[0]
            name = data[at + 9 : at + 9 + length]
            row["sni"] = name.decode("ascii", "backslashreplace")
        if kind == 43 and b"\x03\x04" in data[at + 5 : at + 4 + size]:  # supported versions
            row["version"] = "TLSv1.3"
        at += 4 + size
    return row


def http_request(payload: bytes) -> Row | None:
    """The head of an HTTP/1 request, as far as the bytes go."""
    match = _REQUEST.match(payload)
    if match is None:
        return None
    row: dict[str, str | None] = dict.fromkeys(_HEADERS.values())
    row |= {"method": _text(match[1]), "uri": _text(match[2])}
    for line in payload[match.end() : MAX_HEAD_BYTES].split(b"\n")[:200]:
        name, colon, value = line.rstrip(b"\r").partition(b":")
        if not colon:
            break
        column = _HEADERS.get(name.strip().lower())
        if column is not None and row[column] is None:
            row[column] = _text(value.strip())
    return row


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
