"""SUNBURST's HTTP stage: which requests it makes, and whose ID they carry.

Enters: URI, User-Agent, server name, the ``If-None-Match`` header, the ``userId`` of a body.
Leaves: :class:`Likeness` and host IDs. Follows ``HttpHelper`` of the sample: the method that the
last A answer chose (mask 0x88) decides the family of URIs and with it the User-Agent.

family  methods     URIs                                     User-Agent
swip    GET, HEAD   /swip/upd/….xml, /swip/Events, …         none, or that of Orion's own client
fonts   PUT         /fonts/woff/<n>-<font>-<style>….woff2    none
crl     POST        /pki/crl/<n>[-name][-error].crl          Microsoft-CryptoAPI/<version>

Real Orion servers make the swip requests to solarwinds.com, with the same User-Agent.
"""

import re
import uuid
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Family: TypeAlias = Literal["swip", "fonts", "crl"]

# Words that stand in every URI of the three families: the screen over raw text.
URI_WORDS: Final = ("swip/", "fonts/woff/", "pki/crl/")
_STYLES: Final = "(?:Extra|Semi)?Bold(?:Italic)?|(?:Light)?Italic|Light|Regular"
_NUMBER: Final = "[1-9][0-9]{2,3}"  # Random.Next(100, 10000)
_PARTS: Final = (
    r"(?:SolarWinds(?:\.CortexPlugin)?)?"
    r"(?:(?:^|\.)Orion)?"
    r"(?:(?:^|\.)(?:Wireless|UI|Widgets|NPM|Apollo|CloudMonitoring))?"
    r"(?:(?:^|\.)(?:Nodes|Volumes|Interfaces|Components))?"
    r"(?:-(?:1?[0-9])\.(?:[12]?[0-9])(?:\.[0-9]{1,5})?)?"
)
_SWIP: Final = re.compile(r"swip/(?:Events|Upload\.ashx|upd/([A-Za-z.0-9-]+)\.xml)")
_SWIP_NAME: Final = re.compile(_PARTS)
_FONTS: Final = re.compile(
    rf"fonts/woff/{_NUMBER}-(?:(?:opensans|noto)-(?:{_STYLES.lower()})-webfont"
    rf"|(?:freefont|SourceCodePro|SourceSerifPro|SourceHanSans|SourceHanSerif)-(?:{_STYLES}))"
    r"[0-9]{0,5}\.woff2"
)
_CRL: Final = re.compile(
    rf"pki/crl/{_NUMBER}(?:-(?:root|cert|universal_ca|ca|primary_ca|timestamp|global|secureca))?"
    r"(?:-[0-9]{1,5})?\.crl"
)
_PATH: Final = re.compile(r"(?:https?://[^/]*)?/*([^?#]*)", re.IGNORECASE)
_ORION_AGENT: Final = re.compile(r"SolarWindsOrionImprovementClient/[0-9.]*")
_CRYPTO_AGENT: Final = re.compile(r"Microsoft-CryptoAPI/[0-9.]*")
_ETAG: Final = re.compile(r"[0-9A-Fa-f]{32}")
_ID_BYTES: Final = 8
_LEAKED_BYTES: Final = 7  # the loop takes the ID's length less one
LEAKED_DIGITS: Final = 2 * _LEAKED_BYTES
_VENDOR: Final = "solarwinds.com"


@dataclass(frozen=True, slots=True)
class Likeness:
    """A request looks like SUNBURST's. ``agent_fits`` is None when the log does not tell."""

    family: Family
    agent_fits: bool | None


def likeness(
    uri: str, agent: str | None, server: str | None = None, *, agent_logged: bool = True
) -> Likeness | None:
    """What a request looks like, or None.

    uri     path, or whole URL.
    agent   the User-Agent; None = the request had none, if ``agent_logged``.
    server  name asked; the vendor's own servers are what Orion itself talks to.
    """
    family = family_of(uri)
    name = (server or "").lower().rstrip(".")
    if family is None or name == _VENDOR or name.endswith("." + _VENDOR):
        return None
    return Likeness(family, _agent_fits(family, agent) if agent_logged else None)


def family_of(uri: str) -> Family | None:
    """Which family's URI this is, to the letter."""
    found = _PATH.match(uri)
    path = found[1] if found else ""
    swip = _SWIP.fullmatch(path)
    if swip and (swip[1] is None or _SWIP_NAME.fullmatch(swip[1])):
        return "swip"
    if _FONTS.fullmatch(path):
        return "fonts"
    return "crl" if _CRL.fullmatch(path) else None


def _agent_fits(family: Family, agent: str | None) -> bool:
    """``GetUserAgent``: none for GET and PUT."""
    if family == "crl":
        return agent is not None and _CRYPTO_AGENT.fullmatch(agent) is not None
    if agent is None:
        return True
    return family == "swip" and _ORION_AGENT.fullmatch(agent) is not None


def id_from_etag(text: str) -> str | None:
    """Host ID from an ``If-None-Match`` value (``GetCache``); None if it has another shape.

    Any 32 hex digits give some ID. It proves nothing until a DNS query shows the same one.
    """
    if not _ETAG.fullmatch(text):
        return None
    data = bytes.fromhex(text)
    mask = data[_ID_BYTES:]
    return bytes(byte ^ mask[2 + at % 4] for at, byte in enumerate(data[:_ID_BYTES])).hex()


def etag_of(host_id: bytes, mask: bytes) -> str:
    """The header that a host sends, with its eight random bytes."""
    masked = bytes(byte ^ mask[2 + at % 4] for at, byte in enumerate(host_id))
    return (masked + mask).hex().upper()


def id_from_user_id(text: str) -> str | None:
    """The first seven bytes of the host ID (14 hex digits) from a ``userId``.

    The GUID holds them twice over; None when the copies differ, as those of a true GUID do.
    """
    try:
        raw = uuid.UUID(text).bytes_le
    except ValueError:
        return None
    copies = [(~(byte - at // _ID_BYTES)) & 0xFF for at, byte in enumerate(raw)]
    leaked = copies[:_LEAKED_BYTES]
    agree = all(byte == leaked[at % _LEAKED_BYTES] for at, byte in enumerate(copies))
    return bytes(leaked).hex() if agree else None


def user_id_of(host_id: bytes) -> str:
    """The ``userId`` that a host sends (``GetOrionImprovementCustomerId``)."""
    raw = bytes(
        ((~host_id[at % _LEAKED_BYTES] & 0xFF) + at // _ID_BYTES) & 0xFF for at in range(16)
    )
    return str(uuid.UUID(bytes_le=raw))
