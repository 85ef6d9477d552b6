"""Exchange build numbers: every spelling in -> one comparable value out.

Enters: text from logs, setup logs, registry exports, inventories. Leaves: :class:`Build` or None.
It never guesses: text that is no build number is None, a build whose last part the text does not
carry has ``revision=None``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import Final

Branch = tuple[int, int, int]

_MAX_TEXT: Final = 64
_DOTTED: Final = re.compile(
    r"(?:version\s+)?(\d{1,2})[.,](\d{1,3})[.,](\d{1,5})(?:[.,](\d{1,5}))?", re.IGNORECASE
)
# "Version 15.1 (Build 2176.2)": AdminDisplayVersion, ServerVersion in user agents.
_DISPLAY: Final = re.compile(
    r"(?:version\s+)?(\d{1,2})\.(\d{1,3})\s*\(build\s+(\d{1,5})(?:\.(\d{1,5}))?\)", re.IGNORECASE
)
_DECIMAL: Final = re.compile(r"\d{10}")
_HEX: Final = re.compile(r"7[0-9a-f]{7}", re.IGNORECASE)

# Exchange majors this product has heard of: 6 (2000, 2003), 8 (2007), 14 (2010), 15 (2013 on).
_MAJORS: Final = frozenset({6, 8, 14, 15})
# The directory keeps builds as 30000 + build: serialNumber "Version 15.1 (Build 32507.6)" is
# 15.1.2507.6 (Microsoft's table of SerialNumber per CU).
_DIRECTORY_OFFSET: Final = 30_000
# The only 15.x build that really ends in 0 (2019 preview). Everywhere else ".0" stands for
# "revision not carried": HttpProxy writes TargetServerVersion 15.01.2375.000 for 15.1.2375.7.
_REAL_ZERO: Final[frozenset[Branch]] = frozenset({(15, 2, 196)})


@total_ordering
@dataclass(frozen=True, slots=True)
class Build:
    """An Exchange build. ``revision`` is None when only three parts are known.

    Order: by parts; an unknown revision sorts before every known one of its branch.
    """

    major: int
    minor: int
    build: int
    revision: int | None = None

    @property
    def branch(self) -> Branch:
        """The cumulative update, as Microsoft's build tables count: the first three parts."""
        return (self.major, self.minor, self.build)

    def __lt__(self, other: "Build") -> bool:
        return self._key() < other._key()

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts())

    def parts(self) -> Iterator[int]:
        """Three or four numbers."""
        yield from self.branch
        if self.revision is not None:
            yield self.revision

    def _key(self) -> tuple[int, int, int, int]:
        return (*self.branch, -1 if self.revision is None else self.revision)


@lru_cache(maxsize=4096)
def parse_build(text: str) -> Build | None:
    """Any spelling of an Exchange build -> :class:`Build`, or None.

    Shape:   ``15.1.2176.2``, ``15.01.2176.002``, ``15,1,2176,2``, ``Version 15.1 (Build 2176.2)``,
             ``15.1 (Build 32176.2)``, ``15.1.2176``, and the packed integer ``1942063431`` or its
             hexadecimal form ``738180DA`` (both without revision).
    Errors:  none; other text is None.
    Source:  Microsoft: "Exchange Server build numbers and release dates"; "Parsing ServerVersion:
             when an int is really 5 ints".
    """
    if len(text) > _MAX_TEXT or not text.isascii():
        return None
    text = text.strip()
    if _DECIMAL.fullmatch(text):
        return unpack_server_version(int(text))
    if _HEX.fullmatch(text):
        return unpack_server_version(int(text, 16))
    found = _DOTTED.fullmatch(text) or _DISPLAY.fullmatch(text)
    if found is None:
        return None
    major, minor, build = (int(part) for part in found.groups()[:3])
    revision = None if found[4] is None else int(found[4])
    if major not in _MAJORS:
        return None
    if build >= _DIRECTORY_OFFSET:
        build -= _DIRECTORY_OFFSET
    if revision == 0 and major == 15 and (major, minor, build) not in _REAL_ZERO:
        revision = None
    return Build(major, minor, build, revision)


def unpack_server_version(packed: int) -> Build | None:
    """The 32-bit ServerVersion of cookies, routing hints and Autodiscover -> three parts.

    Bits, high to low: 4 a marker (7), 6 major, 6 minor, 1 flag (set), 15 build. Checked on samples:
    1942063431 = 15.1.2375 stands beside 15.01.2375.007, 1941997017 = 15.0.1497.
    """
    if packed >> 28 != 7 or not packed & 0x8000:
        return None
    major, minor, build = packed >> 22 & 0x3F, packed >> 16 & 0x3F, packed & 0x7FFF
    return Build(major, minor, build) if major in _MAJORS else None
